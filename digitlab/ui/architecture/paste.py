"""Pasted PyTorch or Keras code, beside the layers that it became."""

from __future__ import annotations

import difflib
import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import ComputeError, ConfigError, SpecError
from digitlab.jobs.compute import requests
from digitlab.models.naming import is_known
from digitlab.training.config import TrainConfig
from digitlab.ui.architecture import state
from digitlab.ui.architecture.check import show_error_at_line
from digitlab.ui.architecture.layers import LIST, MAX_ROWS
from digitlab.ui.architecture.text import MONOSPACE, code_lines
from digitlab.ui.compute import compute
from digitlab.ui.markdown import plain
from digitlab.ui.train.recipe import keep_recipe
from digitlab.ui.train.recipe_fields import describe
from digitlab.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from digitlab.models.paste.reading import CodeReading
    from digitlab.models.spec import ModelSpec
    from digitlab.ui.architecture.outline import Line

_PASTED = "pasted-code"
_MODEL = "pasted-model"  # which of the models in the text
_READ = "architecture:pasted"  # what was read, or refused
_USED = "architecture:used-recipe"  # the last recipe of a text that the Train page was given
_PANE = "architecture-code"
SIDES = "architecture-sides"  # holds the code and the list of layers
_LONGEST = 20_000  # characters of code that are shown with numbers


@dataclass(frozen=True)
class _Pasted:
    """A text that was read, with what came of it."""

    text: str
    code: str  # that was read in it: of a notebook's file, its code cells
    reading: CodeReading | None = None
    error: SpecError | None = None


def edit_code() -> None:
    """A field for code, which is parsed into layers and never executed, and what was read in it."""
    pasted, text = _pasted(), st.session_state.get(_PASTED) or ""
    is_read = pasted is not None and pasted.reading is not None and pasted.text == text
    with st.expander("The pasted text", icon=":material/code:") if is_read else st.container():
        st.html(MONOSPACE.format(key=_PASTED))
        st.text_area(
            "A model of PyTorch or Keras, a whole file, or the output of print(model)",
            key=_PASTED,
            height=320,
            placeholder="class Net(nn.Module):\n    def __init__(self):\n        …",
            persist_state="session",
            help="The text is parsed and translated; nothing in it is executed.",
        )
        st.button("Turn into layers", on_click=_read, icon=":material/data_object:")
    if pasted is None or pasted.text != text:
        return
    if pasted.error is not None:
        show_error_at_line(pasted.error, pasted.code, language="python")
    elif is_current():
        _show_reading(pasted.reading)


def is_current() -> bool:
    """Whether the page's architecture is the one in the pasted text, perhaps edited since; true
    where no text is pasted."""
    pasted, text = _pasted(), (st.session_state.get(_PASTED) or "")
    if not text.strip():
        return True
    is_read = pasted is not None and pasted.text == text and pasted.reading is not None
    return is_read and state.began_as() == text


def say_what_is_open(spec: ModelSpec) -> None:
    """That the page's architecture is not the one in the pasted text."""
    pasted = _pasted()
    refused = pasted is not None and pasted.error is not None
    refused = refused and pasted.text == st.session_state.get(_PASTED)
    reason = "could not be read" if refused else "has not been turned into layers yet"
    st.caption(
        f"The text {reason}. The page still has another network, **{plain(spec.name)}**: the views "
        "Layers and YAML show it."
    )


def has_code() -> bool:
    """Whether there is a text to show beside the layers that it became."""
    return is_current() and bool((st.session_state.get(_PASTED) or "").strip())


def show_code(spec: ModelSpec, lines: Sequence[Line], selected: Line | None) -> None:
    """The pasted text with numbered lines: that of the selected layer is marked, and that of the
    layer under the mouse."""
    pasted = _pasted()
    of_layers = _lines_of_layers(pasted.reading, spec)
    marked = [_within(line, of_layers) for line in lines]
    here = _within(selected, of_layers) if selected else []
    st.html(_hover_rules(marked) + _code(pasted.code, here, sorted({n for m in marked for n in m})))
    if here:
        first = code_lines(pasted.code)[here[0] - 1].strip()
        st.caption(f"Line {here[0]}: `{first[:80].replace('`', ' ')}`")


# ---- reading -----------------------------------------------------------------------------------


def _pasted() -> _Pasted | None:
    return st.session_state.get(_READ)


def _read(model: str | None = None) -> None:
    pasted, text = _pasted(), st.session_state.get(_PASTED) or ""
    if model is None and pasted is not None and pasted.reading is not None and pasted.text == text:
        model = pasted.reading.model  # the text as before: the same choice
    try:
        reading, code = compute(requests.read_code, text, model)
    except ComputeError as e:
        reading, code = SpecError(str(e)), text
    if isinstance(reading, SpecError):
        st.session_state[_READ] = _Pasted(text, code, error=reading)
        return
    st.session_state[_READ] = _Pasted(text, code, reading)
    spec = reading.spec
    if is_known(spec.name):  # a class of a preset's name is not that preset, changed
        spec = spec.renamed(f"Pasted {spec.name}")
    state.commit(spec, select=(0,), text=text)


def _show_reading(reading: CodeReading) -> None:
    """What was read: how much, with which notes, and the choices that are left."""
    count = sum(layer.count for layer in reading.spec.layers)
    notes = "".join(f"\n- {plain(note)}" for note in reading.notes)
    st.success(f"Read {counted(count, 'layer')}.{notes}", icon=":material/check:")
    if len(reading.models) > 1:
        st.session_state[_MODEL] = reading.model
        st.selectbox(
            "Model in the text",
            list(dict.fromkeys(reading.models)),
            key=_MODEL,
            on_change=lambda: _read(st.session_state[_MODEL]),
            help="The text has several; the last that can be read is, unless you choose another.",
        )
    if reading.recipe:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Use the recipe in the text",
                icon=":material/tune:",
                on_click=_use_recipe,
                args=(reading.recipe,),
                help="Fills in the form on the Train page.",
            )
            used = st.session_state.get(_USED) == reading.recipe
            mark = ". :material/check: The Train page uses it." if used else ""
            st.caption(plain(", ".join(describe(reading.recipe))) + mark)


def _use_recipe(recipe: Mapping[str, Any]) -> None:
    try:
        keep_recipe(TrainConfig.from_dict(recipe))
    except ConfigError as e:
        state.report(str(e))
        return
    st.session_state[_USED] = recipe


# ---- lines and layers --------------------------------------------------------------------------


def _lines_of_layers(reading: CodeReading, spec: ModelSpec) -> list[int | None]:
    """The line in the text of each layer of `spec`, which may have been edited since it was read;
    None for a layer that was added."""
    before, after = reading.spec.layers, spec.layers
    lines: list[int | None] = [None] * len(after)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for step, start, end, first, last in matcher.get_opcodes():
        if step == "equal" or (step == "replace" and end - start == last - first):
            lines[first:last] = reading.lines[start:end]
    return lines


def _within(line: Line, of_layers: Sequence[int | None]) -> list[int]:
    """The lines of the text that made a row of the list."""
    if line.group is not None and len(line.path) == 2:
        inside = range(line.group.start, line.group.stop)
    else:
        inside = (
            range(line.path[0], line.path[0] + 1) if isinstance(line.path[0], int) else range(0)
        )
    return sorted({of_layers[index] for index in inside if of_layers[index] is not None})


def _hover_rules(marked: Sequence[Sequence[int]]) -> str:
    """Style rules: the mouse on a row marks its lines, on a line its rows."""
    if len(marked) > MAX_ROWS:  # the list is a menu
        return ""
    rows = f".st-key-{LIST} [role=radiogroup] > :nth-child"
    sides = f".st-key-{SIDES}"
    to_lines, to_rows, peeks = [], [], []
    for number, lines in enumerate(marked, 1):
        for line in lines:
            to_lines.append(f"{sides}:has({rows}({number}):hover) .line-{line}")
            to_rows.append(f"{sides}:has(.line-{line}:hover) {rows}({number})")
        if lines:
            peeks.append(f"{sides}:has({rows}({number}):hover) .peek-{lines[0]}")
    mark = "{background: color-mix(in srgb, var(--st-primary-color, #4361ee) 22%, transparent)}"
    parts = [f"{', '.join(rules)} {mark}" for rules in (to_lines, to_rows) if rules]
    if peeks:
        parts.append(f"{', '.join(peeks)} {{display: block}}")
    return f"<style>{' '.join(parts)}</style>"


_PANE_STYLE = """<style>
.digitlab-code {font-family: monospace; font-size: 0.75rem; line-height: 1.45; max-height: 620px;
  overflow: auto; border: 1px solid color-mix(in srgb, currentColor 20%, transparent);
  border-radius: 0.5rem; padding-bottom: 0.3rem}
.digitlab-code div {white-space: pre; min-width: max-content; padding: 0 0.4rem}
.digitlab-code i {display: inline-block; width: 2rem; opacity: 0.6; font-style: normal;
  user-select: none}
.digitlab-code .here {background: color-mix(in srgb, currentColor 9%, transparent);
  font-weight: 600}
.digitlab-peek {position: sticky; top: 0; left: 0; background: var(--st-background-color, Canvas);
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent)}
.digitlab-code .digitlab-peek > div {display: none}
@media (max-width: 1099px) {.digitlab-code {max-height: 300px}
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] .digitlab-code)
  {flex-direction: column}
  [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] .digitlab-code)
  > [data-testid=stColumn] {width: 100%; flex: none}}
</style>"""


def _code(text: str, here: Sequence[int], mapped: Sequence[int]) -> str:
    """The text as HTML: a box with a line each, and above it the one under the mouse."""
    rows = [
        f"<i>{number}</i>{html.escape(content[:200]) or ' '}"
        for number, content in enumerate(code_lines(text[:_LONGEST].expandtabs(4)), 1)
    ]
    body = "".join(
        f'<div class="line-{number}{" here" * (number in here)}">{row}</div>'
        for number, row in enumerate(rows, 1)
    )
    peeks = "".join(
        f'<div class="peek-{number}">{rows[number - 1]}</div>'
        for number in mapped
        if number <= len(rows)
    )
    return (
        f'{_PANE_STYLE}<div class="digitlab-code" role="region" aria-label="The pasted text" '
        f'tabindex="0"><div class="digitlab-peek">{peeks}</div>{body}</div>'
    )
