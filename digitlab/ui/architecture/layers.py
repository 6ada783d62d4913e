"""The list of layers, one of them selected, and the buttons that change the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.ui.architecture import outline, state
from digitlab.ui.architecture.text import describe_arguments, shape_text
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Path
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec
    from digitlab.ui.architecture.outline import Line

LIST = "architecture-list"
MAX_ROWS = 150  # of the list; with more, it is a searchable menu
_TALL = 20  # rows; with more, the list scrolls
_HEIGHT = 620  # pixels of a list that scrolls
_BUTTONS = "architecture-buttons"
# Rows are as wide as the list and as dense as a table's, with shape and parameters at the right
# edge; Streamlit's radio cannot do that. Shortcuts are shown in the tooltips only.
_STYLE = f"""<style>
.st-key-{LIST} [role=radiogroup] {{gap: 0}}
.st-key-{LIST} [role=radiogroup], .st-key-{LIST} [role=radiogroup] > div,
.st-key-{LIST} [role=radiogroup] label, .st-key-{LIST} [role=radiogroup] label > div
{{width: 100%}}
.st-key-{LIST} [role=radiogroup] label {{padding: 0.1rem 0.3rem; border-radius: 0.3rem}}
.st-key-{LIST} [role=radiogroup] label[data-selected]
{{background: color-mix(in srgb, currentColor 9%, transparent)}}
.st-key-{LIST} [data-testid=stRadioOption] [data-testid=stMarkdownContainer] {{flex: 1}}
.st-key-{LIST} [data-testid=stRadioOption] p
{{display: flex; flex-wrap: wrap; gap: 0 0.4rem; align-items: baseline; white-space: pre-wrap}}
.st-key-{LIST} [data-testid=stRadioOption] p > span:last-child
{{margin-left: auto; text-align: right; font-variant-numeric: tabular-nums}}
.st-key-{_BUTTONS} kbd {{display: none}}
</style>"""


def show_list(
    lines: Sequence[Line], selected: Line | None, rows: Mapping[Path, Row], wrong: Path | None
) -> None:
    """The list, in which a row may be selected.

    `rows` are the rows of the summary by path; the layer at `wrong` is marked as an error.
    """
    if selected is None:
        st.info("There are no layers yet: add the first one below.", icon=":material/info:")
        return
    by_key = {line.key: line for line in lines}
    at_fault = outline.nearest(lines, wrong)
    labels = {key: _label(line, rows, line == at_fault) for key, line in by_key.items()}
    st.session_state[LIST] = selected.key
    st.html(_STYLE)
    widget = st.selectbox if len(lines) > MAX_ROWS else st.radio
    is_tall = _TALL < len(lines) <= MAX_ROWS
    with st.container(height=_HEIGHT, border=False) if is_tall else st.container():
        widget(
            "Layers",
            list(by_key),
            key=LIST,
            format_func=lambda key: labels.get(key, key),
            on_change=_select,
            args=(by_key,),
            label_visibility="collapsed",
            width="stretch",
        )


def _select(by_key: Mapping[str, Line]) -> None:
    """Select the chosen row; a browser may still show a list that has changed meanwhile."""
    line = by_key.get(st.session_state[LIST])
    if line is not None:
        state.select(line.path)


def _label(line: Line, rows: Mapping[Path, Row], is_wrong: bool) -> str:
    """A row in Markdown: number, name, arguments; then output shape and parameters."""
    indent = "\u2003" * line.depth
    if line.is_open is not None:
        indent += f":material/{'expand_more' if line.is_open else 'chevron_right'}: "
    if line.group is None and line.layer is None:
        return f"{indent}:gray[branch {line.path[-1] + 1}] :gray[]"
    text = indent + (_group_title(line) if line.layer is None else _layer_title(line))
    if is_wrong:
        return f":red[{text}] :red[:material/error:]"
    return f"{text} :gray[{_result(line, rows)}]"


def _layer_title(line: Line) -> str:
    layer = line.layer
    name = layer.name.removeprefix(f"{line.around}.")
    parts = [
        str(line.path[-1] + 1),
        f"`{name}`" if name else "",
        f"**{plain(layer.type)}**",
        plain(describe_arguments(layer)),
        f":gray[← {plain(', '.join(layer.sources))}]" if layer.sources else "",
    ]
    return " ".join(filter(None, parts))


def _group_title(line: Line) -> str:
    group = line.group
    name = group.name.removeprefix(f"{line.around}.")
    return f"**{plain(name)}** {group.stop - group.start} layers"


def _result(line: Line, rows: Mapping[Path, Row]) -> str:
    """The output shape and the parameters of a row."""
    within = _rows_within(line, rows)
    if not within:
        return "–"
    parameters = sum(row.parameters for row in within)
    return shape_text(within[-1].output_shape) + (f" · {parameters:,}" if parameters else "")


def _rows_within(line: Line, rows: Mapping[Path, Row]) -> list[Row]:
    """The summary's rows of a layer or of all the layers in a group; none if one is missing."""
    group, place = line.group, line.path[:-2]
    paths = [line.path]
    if group is not None:
        paths = [(*place, index) for index in range(group.start, group.stop)]
    return [rows[path] for path in paths] if all(path in rows for path in paths) else []


def describe_group(line: Line, rows: Mapping[Path, Row]) -> None:
    """The shapes and the cost of a group of layers."""
    group, within = line.group, _rows_within(line, rows)
    st.markdown(f"**{plain(group.name)}**: {group.stop - group.start} layers.")
    if within:
        parameters, operations = (
            sum(getattr(row, measure) for row in within) for measure in ("parameters", "operations")
        )
        st.caption(
            f"{shape_text(within[0].input_shape)} → {shape_text(within[-1].output_shape)} · "
            f"{parameters:,} parameters · {operations:,} multiply\\-adds"
        )
    st.caption("Open it to change its layers.")


# ---- the buttons -------------------------------------------------------------------------------


def show_buttons(spec: ModelSpec, lines: Sequence[Line], selected: Line | None) -> None:
    """Undo and redo; open or close; move, duplicate, wrap and delete the selected layer."""
    path = selected.path if selected else None
    is_layer = selected is not None and selected.layer is not None
    with st.container(horizontal=True, gap="xsmall", key=_BUTTONS):
        button("Undo", "undo", state.undo, "Mod+Z", not state.can_undo())
        button("Redo", "redo", state.redo, "Mod+Shift+Z", not state.can_redo())
        _opening_buttons(lines, selected)
        for label, icon, by in (("Up", "arrow_upward", -1), ("Down", "arrow_downward", 1)):
            button(label, icon, lambda by=by: _move(spec, path, by), f"Alt+{label}", not is_layer)
        button(
            "Duplicate",
            "content_copy",
            lambda: change(edit.duplicate, spec, path, select=(*path[:-1], path[-1] + 1)),
            "Alt+Shift+Down",
            not is_layer,
        )
        button(
            "Delete",
            "delete",
            lambda: _delete(spec, path),
            "Alt+Delete",
            selected is None or selected.group is not None,
        )
        if is_layer:
            _block_menu(spec, path)


def _opening_buttons(lines: Sequence[Line], selected: Line | None) -> None:
    """Buttons that open or close the selected row, and all rows."""
    holding = [line for line in lines if line.is_open is not None]
    if not holding:
        return
    is_open = bool(selected and selected.is_open)
    button(
        "Close" if is_open else "Open",
        "unfold_less" if is_open else "unfold_more",
        lambda: outline.set_open([selected.key], not is_open),
        "Alt+O",
        selected is None or selected.is_open is None,
    )
    some_closed = not all(line.is_open for line in holding)
    button(
        "Open all" if some_closed else "Close all",
        "expand_all" if some_closed else "collapse_all",
        lambda: outline.set_open_all(state.current(), some_closed),
    )


def button(
    label: str,
    icon: str,
    act: Callable[[], None],
    shortcut: str | None = None,
    disabled: bool = False,
) -> None:
    """A button that changes the architecture or how it is shown."""
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
                button(block, "add_box", lambda b=block: change(edit.wrap, spec, path, b))
        if layer.children:
            button("Unwrap the block", "output", lambda: change(edit.unwrap, spec, path))
        if "branches" in layer.args:
            button("Add a branch", "account_tree", lambda: change(edit.add_branch, spec, path))


def _move(spec: ModelSpec, path: Path, by: int) -> None:
    try:
        moved, target = edit.move(spec, path, by)
    except SpecError as e:
        state.report(str(e))
        return
    state.commit(moved, select=target)
    outline.reveal(moved, target)


def _delete(spec: ModelSpec, path: Path) -> None:
    """Delete a layer or branch; say so if others that only it read go with it."""
    change(edit.remove, spec, path)
    gone = _count(spec) - _count(state.current())
    if not edit.is_branch(path) and gone > edit.layer_at(spec, path).count:
        more = gone - edit.layer_at(spec, path).count
        st.toast(
            f"{more:,} layer{'s' * (more != 1)} whose output nothing else read "
            f"{'were' if more != 1 else 'was'} deleted, too. Undo restores them.",
            icon=":material/info:",
        )


def _count(spec: ModelSpec) -> int:
    return sum(layer.count for layer in spec.layers)


def change(
    act: Callable[..., ModelSpec], spec: ModelSpec, *arguments: object, select: Path | None = None
) -> None:
    """Make an edit; if it cannot be made, report why and change nothing."""
    try:
        state.commit(act(spec, *arguments), select=select)
    except SpecError as e:
        state.report(str(e))
        return
    if select is not None:
        outline.reveal(state.current(), select)
