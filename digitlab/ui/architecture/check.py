"""The errors of an architecture, shown at their line, and buttons that repair them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.info import INPUT_SHAPE
from digitlab.errors import SpecError
from digitlab.models.load import known_recipe
from digitlab.models.text import line_of
from digitlab.training.config import TrainConfig
from digitlab.ui import cached, url
from digitlab.ui.architecture import state
from digitlab.ui.architecture.text import code_lines, shape_text
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.layer import Path
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary

CLASSES = 10  # of every dataset that a new architecture is checked against
_AROUND = 2  # lines shown before and after the one with an error
_LAST = "architecture:last-summary"  # of the last architecture whose shapes fit
_REPAIRED = "architecture:repaired"  # whether the repair button was pressed just now


def summarize(spec: ModelSpec) -> tuple[ModelSummary | None, SpecError | None]:
    """The summary of an architecture, or its error."""
    try:
        summary = cached.summarize(spec)
    except SpecError as e:
        return None, e
    st.session_state[_LAST] = summary
    return summary, None


def choose_diagram(
    spec: ModelSpec, summary: ModelSummary | None, error: SpecError | None
) -> tuple[ModelSummary | None, str]:
    """The summary that the diagram shows, with a remark where it is not the architecture's.

    For an architecture with an error: the last of this visit whose shapes fit or, without any, the
    layers before the error.
    """
    if summary is not None:
        return summary, ""
    last = st.session_state.get(_LAST)
    if last is not None:
        return last, "This is the last architecture whose shapes fit."
    return _summarize_before(spec, error), "These are the layers before the error."


def rows_by_path(
    spec: ModelSpec, summary: ModelSummary | None, error: SpecError | None
) -> dict[Path, Row]:
    """The summary's row of each layer; with an error, only of the layers before it."""
    summary = summary or _summarize_before(spec, error)
    rows: dict[Path, Row] = {}
    for row in summary.rows if summary else ():
        rows.setdefault(row.path, row)  # of the layers in a Repeat, the first repetition
    return rows


def _summarize_before(spec: ModelSpec, error: SpecError | None) -> ModelSummary | None:
    """The summary of the layers before the one with the error; None where there are none."""
    if error is None or not error.path or not isinstance(error.path[0], int):
        return None
    before = spec.layers[: error.path[0]]
    return cached.summarize(spec.with_layers(before)) if before else None


def show_spec_error(spec: ModelSpec, error: SpecError) -> None:
    """The error, the shape that reached the layer, and a repair where one is known."""
    text = plain(str(error))
    shape = plain(shape_text(error.shape or ()))
    if shape not in text:
        text += f" The shape that reached the layer: **{shape}**."
    st.error(text, icon=":material/error:")
    _offer_repair(spec, error)


def check_output(spec: ModelSpec, summary: ModelSummary) -> bool:
    """Whether the network can be trained here; if not, shows a warning and a repair."""
    repaired = st.session_state.pop(_REPAIRED, False)
    problem = _misfit(spec, CLASSES)
    if problem is not None and summary.gives_image and _misfit(spec, None) is None:
        _offer_repair(spec, problem)  # the summary's note says that it is an autoencoder
        return True
    if problem is not None:
        st.warning(plain(_in_words(spec, problem)), icon=":material/warning:")
        _offer_repair(spec, problem)
        return False
    if repaired:
        shape = plain(shape_text(INPUT_SHAPE))
        st.success(
            f"All shapes fit: the network takes {shape} images and returns {CLASSES} values.",
            icon=":material/check_circle:",
        )
    return True


def _misfit(spec: ModelSpec, classes: int | None) -> SpecError | None:
    """Why the network does not give as many `classes`, or an image for None; None if it does."""
    return cached.find_misfit(spec, INPUT_SHAPE, classes, batch_size())


def _in_words(spec: ModelSpec, problem: SpecError) -> str:
    """The problem; of images of another shape, with the button below instead of what to write."""
    repair = cached.suggest_fix(spec, problem, CLASSES)
    if problem.path != ("input",) or not repair:
        return str(problem)
    return (
        f"{spec.name} takes {shape_text(spec.input)} images, but the data has "
        f"{shape_text(INPUT_SHAPE)}. Press “{repair[0]}”."
    )


def batch_size() -> int:
    """The batch size in the recipe of the preset that the architecture started from."""
    return TrainConfig.from_dict(known_recipe(url.get("preset"))).batch_size


def _offer_repair(spec: ModelSpec, error: SpecError) -> None:
    """A button that makes a repair, where one is known."""
    repair = cached.suggest_fix(spec, error, CLASSES)
    if repair:
        label, repaired = repair
        st.button(
            plain(label),
            key="architecture-repair",
            on_click=_repair,
            args=(repaired,),
            icon=":material/build:",
        )


def _repair(repaired: ModelSpec) -> None:
    state.commit(repaired)
    st.session_state[_REPAIRED] = True


def show_error_at_line(error: SpecError, text: str, *, language: str = "yaml") -> None:
    """The error, above the line of `text` that it is about."""
    line = error.line or (line_of(text, error.path) if error.path else None)
    lines = code_lines(text) if language == "python" else text.splitlines()
    message = plain(str(error))
    if line is None or not 0 < line <= len(lines):
        st.error(message, icon=":material/error:")
        return
    first = max(0, line - 1 - _AROUND)
    numbered = [f"{i + 1:>4}  {content[:200]}" for i, content in enumerate(lines)]
    if not message.startswith("Line "):
        message = f"**Line {line}:** {message}"
    st.error(message, icon=":material/error:")
    before = numbered[first:line]
    before[-1] = "→" + before[-1][1:]
    st.code("\n".join([*before, *numbered[line : line + _AROUND]]), language=language)
