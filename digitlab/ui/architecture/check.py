"""What is wrong with an architecture, beside the line it is about, and buttons that mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.info import INPUT_SHAPE
from digitlab.errors import SpecError
from digitlab.models.load import known_recipe
from digitlab.models.text import line_of
from digitlab.ui import cached, url
from digitlab.ui.architecture import state
from digitlab.ui.architecture.text import shape_text
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Path
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary

CLASSES = 10  # of every dataset that a new architecture is checked against
_AROUND = 2  # lines shown before and after the one with an error
_DRAWN = "architecture:drawn"  # the last summary that could be made
_REPAIRED = "architecture:repaired"  # whether the button that mends was pressed just now


def summarize(spec: ModelSpec) -> tuple[ModelSummary | None, SpecError | None]:
    """The summary of an architecture, or what is wrong with it."""
    try:
        summary = cached.summarize(spec)
    except SpecError as e:
        return None, e
    st.session_state[_DRAWN] = summary
    return summary, None


def to_draw(
    spec: ModelSpec, summary: ModelSummary | None, error: SpecError | None
) -> tuple[ModelSummary | None, str]:
    """What the diagram shows, with a remark where that is not the architecture itself.

    Of a broken one: the last on this visit that fitted together or, without any, its own layers
    before the fault.
    """
    if summary is not None:
        return summary, ""
    last = st.session_state.get(_DRAWN)
    if last is not None:
        return last, "The last architecture that fitted together is shown."
    return _before(spec, error), "The layers before the fault are shown."


def rows_so_far(
    spec: ModelSpec, summary: ModelSummary | None, error: SpecError | None
) -> dict[Path, Row]:
    """What is known of each layer by its place: of a broken architecture, of those that fit."""
    summary = summary or _before(spec, error)
    rows: dict[Path, Row] = {}
    for row in summary.rows if summary else ():
        rows.setdefault(row.path, row)  # of a Repeat's layers, the first turn
    return rows


def _before(spec: ModelSpec, error: SpecError | None) -> ModelSummary | None:
    """The summary of the layers before the one with the fault; None where there are none."""
    if error is None or not error.path or not isinstance(error.path[0], int):
        return None
    before = spec.layers[: error.path[0]]
    return cached.summarize(spec.with_layers(before)) if before else None


def show_broken(spec: ModelSpec, error: SpecError) -> None:
    """Which layer does not fit, the shape that arrived, and the repair where one is known."""
    said = plain(str(error))
    arrived = plain(shape_text(error.shape or ()))
    if arrived not in said:
        said += f" The shape that arrived: **{arrived}**."
    st.error(said, icon=":material/error:")
    _offer_repair(spec, error)


def check_output(spec: ModelSpec) -> bool:
    """Whether the network can be trained here; where it cannot, a warning and a repair."""
    from digitlab.models.build import check_fits

    batch = batch_size()
    repaired = st.session_state.pop(_REPAIRED, False)
    try:
        check_fits(spec, INPUT_SHAPE, CLASSES, batch_size=batch)
    except SpecError as e:
        st.warning(plain(str(e)), icon=":material/warning:")
        _offer_repair(spec, e)
        return False
    if repaired:
        takes = plain(shape_text(INPUT_SHAPE))
        st.success(
            f"All shapes fit: it takes {takes} images and gives {CLASSES} values.",
            icon=":material/check_circle:",
        )
    return True


def batch_size() -> int:
    """Images a step, by the recipe of what the architecture was started from."""
    from digitlab.training.config import TrainConfig

    return TrainConfig.from_dict(known_recipe(url.get("preset"))).batch_size


def _offer_repair(spec: ModelSpec, error: SpecError) -> None:
    """A button with the repair that gets the architecture further, where one is known."""
    from digitlab.models.repair import suggest_fix

    found = suggest_fix(spec, error, classes=CLASSES)
    if found:
        label, repaired = found
        st.button(
            plain(label),
            key="architecture-repair",
            on_click=_take_repair,
            args=(repaired,),
            icon=":material/build:",
        )


def _take_repair(repaired: ModelSpec) -> None:
    state.commit(repaired)
    st.session_state[_REPAIRED] = True


def show_error(error: SpecError, text: str, *, language: str = "yaml") -> None:
    """The sentence, right above the line of `text` that it is about."""
    line = error.line or (line_of(text, error.path) if error.path else None)
    lines = text.splitlines()
    said = plain(str(error))
    if line is None or not 0 < line <= len(lines):
        st.error(said, icon=":material/error:")
        return
    first = max(0, line - 1 - _AROUND)
    numbered = [f"{i + 1:>4}  {content[:200]}" for i, content in enumerate(lines)]
    st.error(
        said if said.startswith("Line ") else f"**Line {line}:** {said}", icon=":material/error:"
    )
    shown = numbered[first:line]
    shown[-1] = "→" + shown[-1][1:]
    st.code("\n".join([*shown, *numbered[line : line + _AROUND]]), language=language)
