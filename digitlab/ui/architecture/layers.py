"""The list of layers: one row each, one of them chosen, and the buttons that change the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.layer import Path
from digitlab.ui.architecture import state
from digitlab.ui.architecture.text import in_short, shape_text
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Layer
    from digitlab.models.placement import Row, Shape
    from digitlab.models.spec import ModelSpec

_LIST = "architecture-list"
MANY = 150  # rows above which the list is a searchable menu
_BUTTONS = "architecture-buttons"
# Rows are as wide as the list, with shape and parameters at its right edge, and as dense as a
# table's; Streamlit's radio has no layout of its own for that. Shortcuts are in the tooltips.
_STYLE = f"""<style>
.st-key-{_LIST} [role=radiogroup] {{gap: 0}}
.st-key-{_LIST} [role=radiogroup], .st-key-{_LIST} [role=radiogroup] > div,
.st-key-{_LIST} [role=radiogroup] label, .st-key-{_LIST} [role=radiogroup] label > div
{{width: 100%}}
.st-key-{_LIST} [role=radiogroup] label {{padding: 0.1rem 0.3rem; border-radius: 0.3rem}}
.st-key-{_LIST} [role=radiogroup] label[data-selected]
{{background: color-mix(in srgb, currentColor 9%, transparent)}}
.st-key-{_LIST} [data-testid=stRadioOption] [data-testid=stMarkdownContainer] {{flex: 1}}
.st-key-{_LIST} [data-testid=stRadioOption] p
{{display: flex; flex-wrap: wrap; gap: 0 0.4rem; align-items: baseline; white-space: pre-wrap}}
.st-key-{_LIST} [data-testid=stRadioOption] p > span:last-child
{{margin-left: auto; text-align: right; font-variant-numeric: tabular-nums}}
.st-key-{_BUTTONS} kbd {{display: none}}
</style>"""


@dataclass(frozen=True)
class Line:
    """One row of the list: a layer, or a branch of a Parallel (without a layer)."""

    path: Path
    layer: Layer | None

    @property
    def depth(self) -> int:
        """How many blocks and branches it stands in."""
        blocks = sum(isinstance(step, str) for step in self.path)
        return blocks + self.path.count("branches") - (self.layer is None)


def lines(spec: ModelSpec) -> Iterator[Line]:
    """The rows of the list: every layer, and before those of a branch the branch itself."""
    yield from _lines(spec.layers, ())


def _lines(layers: Sequence[Layer], path: Path) -> Iterator[Line]:
    for index, layer in enumerate(layers):
        yield Line((*path, index), layer)
        for steps, inner in layer.lists:
            inside = (*path, index, *steps)
            if edit.is_branch(inside):
                yield Line(inside, None)
            yield from _lines(inner, inside)


def pick_layer(spec: ModelSpec, rows: Mapping[Path, Row], wrong: Path | None) -> Path | None:
    """The list; returns the place of the chosen layer or branch. `wrong` is marked as a fault.

    `rows` tell of the layers that can be built, by their place.
    """
    shown = {_key(line.path): line for line in lines(spec)}
    if not shown:
        st.info("There are no layers yet: add the first one below.", icon=":material/info:")
        return None
    labels = {key: _label(line, rows.get(line.path), wrong) for key, line in shown.items()}
    st.session_state[_LIST] = _key(state.selected())
    st.html(_STYLE)
    widget = st.selectbox if len(shown) > MANY else st.radio
    widget(
        "Layers",
        list(shown),
        key=_LIST,
        format_func=lambda key: labels.get(key, key),
        on_change=lambda: state.select(shown[st.session_state[_LIST]].path),
        label_visibility="collapsed",
        width="stretch",
    )
    return state.selected()


def _key(path: Path | None) -> str:
    return ".".join(map(str, path or ()))


def _label(line: Line, row: Row | None, wrong: Path | None) -> str:
    """A row in Markdown: number, name, arguments; at its end what leaves the layer."""
    indent = "\u2003" * line.depth
    number = line.path[-1] + 1
    if line.layer is None:
        return f"{indent}:gray[branch {number}] :gray[]"
    name = f"{indent}{number} **{plain(line.layer.type)}** {plain(in_short(line.layer))}"
    if wrong is not None and line.path == wrong[: len(line.path)] and _is_end(line, wrong):
        return f":red[{name}] :red[:material/error:]"
    if row is None:
        return f"{name} :gray[–]"
    cost = f" · {row.parameters:,}" if row.parameters else ""
    return f"{name} :gray[{shape_text(row.output_shape)}{cost}]"


def _is_end(line: Line, wrong: Path) -> bool:
    """Whether a fault's path leads to this layer itself, not to one inside it."""
    rest = wrong[len(line.path) :]
    return not any(isinstance(step, int) for step in rest)


# ---- the buttons -------------------------------------------------------------------------------


def show_buttons(spec: ModelSpec, path: Path | None) -> None:
    """Undo and redo; move, duplicate, wrap and delete what is chosen."""
    layer = path is not None and not edit.is_branch(path)
    with st.container(horizontal=True, gap="xsmall", key=_BUTTONS):
        _button("Undo", "undo", state.undo, "Mod+Z", not state.can_undo())
        _button("Redo", "redo", state.redo, "Mod+Shift+Z", not state.can_redo())
        for label, icon, by in (("Up", "arrow_upward", -1), ("Down", "arrow_downward", 1)):
            _button(label, icon, lambda by=by: _move(spec, path, by), f"Alt+{label}", not layer)
        _button(
            "Duplicate",
            "content_copy",
            lambda: _change(edit.duplicate, spec, path, select=(*path[:-1], path[-1] + 1)),
            "Alt+Shift+Down",
            not layer,
        )
        _button(
            "Delete", "delete", lambda: _change(edit.remove, spec, path), "Alt+Delete", path is None
        )
        if layer:
            _block_menu(spec, path)


def _button(
    label: str, icon: str, act: Callable[[], None], shortcut: str | None = None, off: bool = False
) -> None:
    st.button(
        label,
        key=f"architecture-{label.lower()}",
        icon=f":material/{icon}:",
        on_click=act,
        shortcut=shortcut,
        help=shortcut and "Shortcut: " + shortcut.replace("Mod", "Ctrl or ⌘").replace("+", " + "),
        disabled=off,
    )


def _block_menu(spec: ModelSpec, path: Path) -> None:
    """What concerns blocks: putting one around the layer, taking its layers out, more branches."""
    chosen = edit.layer_at(spec, path)
    with st.popover("Block", icon=":material/data_object:"):
        st.caption(f"Put a block around {plain(chosen.type)}:")
        with st.container(horizontal=True, gap="xsmall"):
            for block in edit.WRAPPERS:
                _button(block, "add_box", lambda b=block: _change(edit.wrap, spec, path, b))
        if chosen.children:
            _button("Take its layers out", "output", lambda: _change(edit.unwrap, spec, path))
        if "branches" in chosen.args:
            _button("Add a branch", "account_tree", lambda: _change(edit.add_branch, spec, path))


def show_adding(spec: ModelSpec, path: Path | None, rows: Mapping[Path, Row]) -> None:
    """A searchable menu of all layers, blocks and whole models, and where to put the chosen one."""
    kinds = dict(_kinds())
    columns = st.columns([3, 2], vertical_alignment="bottom")
    name = columns[0].selectbox(
        "Add a layer",
        list(kinds),
        key="architecture-add",
        format_func=lambda name: f"{name} ({kinds[name]})",
        help="Every layer of torch.nn, blocks, and the networks of torchvision. Type to search.",
    )
    with columns[1].container(horizontal=True, gap="xsmall"):
        if not edit.is_branch(path):
            after = (0,) if path is None else (*path[:-1], path[-1] + 1)
            _button("Add after", "add", lambda: _add(spec, after, name, rows, path))
        inside = _inside(spec, path)
        if inside is not None:
            _button(
                "Add inside",
                "subdirectory_arrow_right",
                lambda: _add(spec, inside, name, rows, path),
            )


def _inside(spec: ModelSpec, path: Path | None) -> Path | None:
    """The end of the list that the chosen block or branch holds; None for what holds none."""
    if path is None:
        return None
    if edit.is_branch(path):
        inner = edit.layer_at(spec, path[:-2]).args["branches"][path[-1]]
        return (*path, len(inner))
    layer = edit.layer_at(spec, path)
    if layer.type not in edit.WRAPPERS or layer.type == "Parallel":
        return None
    return (*path, "layers", len(layer.args.get("layers", ())))


def _add(
    spec: ModelSpec, place: Path, name: str, rows: Mapping[Path, Row], chosen: Path | None
) -> None:
    from digitlab.models.signatures import fresh_layer

    layer = fresh_layer(name, _arriving(spec, place, rows, chosen))
    _change(edit.insert, spec, place, layer, select=place)


def _arriving(
    spec: ModelSpec, place: Path, rows: Mapping[Path, Row], chosen: Path | None
) -> Shape | None:
    """The shape that reaches a place: what leaves the layer before, or enters the block around."""
    before = (*place[:-1], place[-1] - 1)
    if place == (0,):
        return spec.input
    if place[-1] > 0 and before in rows:
        return rows[before].output_shape
    around = rows.get(place[:-2]) or rows.get(place[:-3])
    return around.input_shape if place[-1] == 0 and around else None


def _move(spec: ModelSpec, path: Path, by: int) -> None:
    moved, place = edit.move(spec, path, by)
    state.commit(moved, select=place)


def _change(
    act: Callable[..., ModelSpec], spec: ModelSpec, *given: object, select: Path | None = None
) -> None:
    """Make an edit; where it cannot be made, say why and change nothing."""
    try:
        state.commit(act(spec, *given), select=select)
    except SpecError as e:
        state.say(str(e))


@st.cache_data(show_spinner=False)
def _kinds() -> tuple[tuple[str, str], ...]:
    from digitlab.models.signatures import list_kinds

    return list_kinds()
