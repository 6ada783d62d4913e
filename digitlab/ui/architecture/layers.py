"""The list of layers, one of them selected, and the buttons that change the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.layer import Path
from digitlab.ui.architecture import state
from digitlab.ui.architecture.text import describe_arguments, shape_text
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Layer
    from digitlab.models.placement import Row, Shape
    from digitlab.models.spec import ModelSpec

_LIST = "architecture-list"
MAX_ROWS = 150  # of the list; with more, it is a searchable menu
_BUTTONS = "architecture-buttons"
# Rows are as wide as the list and as dense as a table's, with shape and parameters at the right
# edge; Streamlit's radio cannot do that. Shortcuts are shown in the tooltips only.
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
        """The number of blocks and branches around it."""
        blocks = sum(isinstance(step, str) for step in self.path)
        return blocks + self.path.count("branches") - (self.layer is None)


def lines(spec: ModelSpec) -> Iterator[Line]:
    """The rows of the list: every layer, and a row for each branch before its layers."""
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
    """The list; returns the path of the selected layer or branch.

    `rows` are the rows of the summary by path; the layer at `wrong` is marked as an error.
    """
    lines_by_key = {_key(line.path): line for line in lines(spec)}
    if not lines_by_key:
        st.info("There are no layers yet: add the first one below.", icon=":material/info:")
        return None
    labels = {key: _label(line, rows.get(line.path), wrong) for key, line in lines_by_key.items()}
    st.session_state[_LIST] = _key(state.selected())
    st.html(_STYLE)
    widget = st.selectbox if len(lines_by_key) > MAX_ROWS else st.radio
    widget(
        "Layers",
        list(lines_by_key),
        key=_LIST,
        format_func=lambda key: labels.get(key, key),
        on_change=lambda: state.select(lines_by_key[st.session_state[_LIST]].path),
        label_visibility="collapsed",
        width="stretch",
    )
    return state.selected()


def _key(path: Path | None) -> str:
    return ".".join(map(str, path or ()))


def _label(line: Line, row: Row | None, wrong: Path | None) -> str:
    """A row in Markdown: number, name, arguments; then output shape and parameters."""
    indent = "\u2003" * line.depth
    number = line.path[-1] + 1
    if line.layer is None:
        return f"{indent}:gray[branch {number}] :gray[]"
    name = f"{indent}{number} **{plain(line.layer.type)}** {plain(describe_arguments(line.layer))}"
    if wrong is not None and line.path == wrong[: len(line.path)] and _is_end(line, wrong):
        return f":red[{name}] :red[:material/error:]"
    if row is None:
        return f"{name} :gray[–]"
    cost = f" · {row.parameters:,}" if row.parameters else ""
    return f"{name} :gray[{shape_text(row.output_shape)}{cost}]"


def _is_end(line: Line, wrong: Path) -> bool:
    """Whether an error's path ends at this layer, not at a layer inside it."""
    rest = wrong[len(line.path) :]
    return not any(isinstance(step, int) for step in rest)


# ---- the buttons -------------------------------------------------------------------------------


def show_buttons(spec: ModelSpec, path: Path | None) -> None:
    """Undo and redo; move, duplicate, wrap and delete the selected layer."""
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
    label: str,
    icon: str,
    act: Callable[[], None],
    shortcut: str | None = None,
    disabled: bool = False,
) -> None:
    st.button(
        label,
        key=f"architecture-{label.lower()}",
        icon=f":material/{icon}:",
        on_click=act,
        shortcut=shortcut,
        help=shortcut and "Shortcut: " + shortcut.replace("Mod", "Ctrl or ⌘").replace("+", " + "),
        disabled=disabled,
    )


def _block_menu(spec: ModelSpec, path: Path) -> None:
    """A menu to put a block around the layer, unwrap it, or add a branch."""
    layer = edit.layer_at(spec, path)
    with st.popover("Block", icon=":material/data_object:"):
        st.caption(f"Put a block around {plain(layer.type)}:")
        with st.container(horizontal=True, gap="xsmall"):
            for block in edit.WRAPPERS:
                _button(block, "add_box", lambda b=block: _change(edit.wrap, spec, path, b))
        if layer.children:
            _button("Unwrap the block", "output", lambda: _change(edit.unwrap, spec, path))
        if "branches" in layer.args:
            _button("Add a branch", "account_tree", lambda: _change(edit.add_branch, spec, path))


def show_adding(spec: ModelSpec, path: Path | None, rows: Mapping[Path, Row]) -> None:
    """A searchable menu of all layers, blocks and whole models, and buttons that add one."""
    kinds = dict(_kinds())
    columns = st.columns([3, 2], vertical_alignment="bottom")
    name = columns[0].selectbox(
        "Add a layer",
        list(kinds),
        key="architecture-add",
        format_func=lambda name: f"{name} ({kinds[name]})",
        help="All layers of torch.nn, blocks, and models of torchvision and timm. Type to search.",
    )
    with columns[1].container(horizontal=True, gap="xsmall"):
        if not edit.is_branch(path):
            after = (0,) if path is None else (*path[:-1], path[-1] + 1)
            if path is not None:
                _button("Add before", "add_row_above", lambda: _add(spec, path, name, rows))
            _button("Add after", "add_row_below", lambda: _add(spec, after, name, rows))
        inside = _inside(spec, path)
        if inside is not None:
            _button(
                "Add inside",
                "subdirectory_arrow_right",
                lambda: _add(spec, inside, name, rows),
            )


def _inside(spec: ModelSpec, path: Path | None) -> Path | None:
    """The path after the last layer in the selected block or branch; None for other layers."""
    if path is None:
        return None
    if edit.is_branch(path):
        inner = edit.layer_at(spec, path[:-2]).args["branches"][path[-1]]
        return (*path, len(inner))
    layer = edit.layer_at(spec, path)
    if layer.type not in edit.WRAPPERS or layer.type == "Parallel":
        return None
    return (*path, "layers", len(layer.args.get("layers", ())))


def _add(spec: ModelSpec, target: Path, name: str, rows: Mapping[Path, Row]) -> None:
    from digitlab.models.signatures import fresh_layer

    layer = fresh_layer(name, _input_shape(spec, target, rows))
    _change(edit.insert, spec, target, layer, select=target)


def _input_shape(spec: ModelSpec, target: Path, rows: Mapping[Path, Row]) -> Shape | None:
    """The shape that reaches a path: the output of the layer before, or the block's input."""
    before = (*target[:-1], target[-1] - 1)
    if target == (0,):
        return spec.input
    if target[-1] > 0 and before in rows:
        return rows[before].output_shape
    block = rows.get(target[:-2]) or rows.get(target[:-3])
    return block.input_shape if target[-1] == 0 and block else None


def _move(spec: ModelSpec, path: Path, by: int) -> None:
    moved, target = edit.move(spec, path, by)
    state.commit(moved, select=target)


def _change(
    act: Callable[..., ModelSpec], spec: ModelSpec, *arguments: object, select: Path | None = None
) -> None:
    """Make an edit; if it cannot be made, report why and change nothing."""
    try:
        state.commit(act(spec, *arguments), select=select)
    except SpecError as e:
        state.report(str(e))


@st.cache_data(show_spinner=False)
def _kinds() -> tuple[tuple[str, str], ...]:
    from digitlab.models.signatures import list_kinds

    return list_kinds()
