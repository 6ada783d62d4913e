"""A drawing and its answer: what was read, where, how sure the network is, or why it declines."""

from __future__ import annotations

import html
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.recognize import recognize
from digitlab.data.info import DIGITS
from digitlab.drawing.recognition import UNREAD
from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.runs.run import Run, open_run
from digitlab.ui import cached, page, url
from digitlab.ui.drawing.reading import Reading
from digitlab.ui.drawing.source import CANVAS, Drawing, is_wide, pick_drawing
from digitlab.words import percent, probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Recognition

_ANSWER = (
    "<div>{head}</div>"
    "<div role='status' aria-live='polite' style='font-size: 5rem; font-weight: 600; "
    "line-height: 1.15; white-space: pre-line; overflow-wrap: anywhere'>{answer}</div>"
    "<div style='opacity: 0.75'>{foot}</div>"
)
# Seconds in which the server sends the answer and the browser shows it. Without them the answer
# would arrive together with the charts, which keep the interpreter busy.
HEAD_START = 0.02
TOO_LITTLE = "There is too little ink to read: write larger, or use a thinner brush."
EMPTY = "Draw a digit on the canvas, or several. The answer appears when you lift the pen."
NO_PHOTO = "Choose an image: digits on plain paper, dark on light or light on dark."


@st.fragment
@page.guard()
def draw_and_read(run_id: str, *, key: str) -> None:
    """A canvas and the answer and nothing else, as on Home."""
    show_drawing_and_answer(run_id, key, small=True)


def show_drawing_and_answer(run_id: str, key: str, *, small: bool = False) -> Reading | None:
    """The drawing and, next to it, how the run reads it; None while there is nothing to read.

    `small` is a canvas alone, without photographs and without a way to correct the answer.
    """
    shares = [2.2, 1] if not small and is_wide() else [1, 1.4]
    left, right = st.columns(shares, gap="medium")
    with left:
        drawing = _pick_drawing(key, small)
    with right:
        if drawing is None:
            photo = not small and url.get("source") not in (None, CANVAS)
            st.info(NO_PHOTO if photo else EMPTY, icon=":material/draw:")
            return None
        reading = _read(drawing, run_id, key)
        if reading is None:
            return None
        reading = _show_answer(reading, key)
        if not small and reading.run.classes == DIGITS:
            _offer_correction(reading)
        return reading


def _pick_drawing(key: str, small: bool) -> Drawing | None:
    try:
        return pick_drawing(key, small=small)
    except DrawingError as e:
        st.warning(str(e), icon=":material/broken_image:")
        return None


def _offer_correction(reading: Reading) -> None:
    from digitlab.ui.drawing import collect

    with st.popover("Wrong? Correct it", icon=":material/edit:"):
        collect.offer_saving(reading, collect.current_collection(), "correct")


def _read(drawing: Drawing, run_id: str, key: str) -> Reading | None:
    """The drawing as the run reads it; where it cannot, shows why and returns None.

    The last recognition is kept for the visit, so that only a new stroke is read again.
    """
    try:
        run = cached.reader(open_run(run_id))
        signature = (run.id, run.record.ended, drawing.digest)
        last = st.session_state.get(f"{key}:read")
        if last is None or last[0] != signature:
            recognition = recognize(drawing.pixels, run, strokes=drawing.strokes)
            last = st.session_state[f"{key}:read"] = (signature, recognition)
        return Reading(run, drawing, last[1])
    except EmptyDrawingError:
        st.warning(TOO_LITTLE, icon=":material/draw:")
    except DrawingError as e:
        st.warning(str(e), icon=":material/draw:")
    return None


def _show_answer(reading: Reading, key: str) -> Reading:
    """The answer in large type, a box around each digit, and the selected digit's probabilities.

    Returns the reading with the digit that the visitor selected.
    """
    from digitlab.figures.drawing import probability_bars

    run = reading.run
    _show_text(reading.recognition, run)
    time.sleep(HEAD_START)
    if reading.several:
        reading = replace(reading, selected=_pick_digit(reading, key))
        _show_boxes(reading, key)
    digit = reading.digit
    st.plotly_chart(
        probability_bars(digit.probabilities, run.classes, title=_title(reading)),
        key=f"{key}:probabilities",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {run.classes[digit.label]} is the most likely.",
    )
    return reading


def _show_text(recognition: Recognition, run: Run) -> None:
    confidences = [digit.confidence for digit in recognition.digits if not digit.declined]
    foot = ""
    if confidences:
        least = "each with a probability of at least " if len(confidences) > 1 else ""
        foot = f"{least or 'with a probability of '}{probability(min(confidences))}"
    st.html(
        _ANSWER.format(
            head="The network reads"
            if confidences
            else "The network does not read this as a digit",
            answer=html.escape(_text(recognition, run.classes)),
            foot=foot,
        )
    )
    for number, digit in enumerate(recognition.digits, start=1):
        if digit.declined:
            prefix = f"Digit {number}: " if len(recognition.digits) > 1 else ""
            st.warning(
                f"{prefix}{digit.declined} The most likely class is {run.classes[digit.label]}.",
                icon=":material/help:",
            )


def _text(recognition: Recognition, classes: tuple[str, ...]) -> str:
    """The names of what was read, a line for each line of the drawing; '?' where it declined."""
    lines: dict[int, list[str]] = {}
    for digit in recognition.digits:
        name = UNREAD if digit.declined else classes[digit.label]
        lines.setdefault(digit.line, []).append(name)
    wide = any(len(name) > 1 for name in classes)
    return "\n".join((" " if wide else "").join(names) for names in lines.values())


def _pick_digit(reading: Reading, key: str) -> int:
    """The index of the digit that the visitor selects."""
    digits, classes = reading.recognition.digits, reading.run.classes
    return st.segmented_control(
        "Selected digit",
        range(len(digits)),
        format_func=lambda index: f"{index + 1}: {classes[digits[index].label]}",
        default=0,
        required=True,
        key=f"{key}:digit:{len(digits)}",
    )


def _show_boxes(reading: Reading, key: str) -> None:
    from digitlab.figures.recognition import boxed_drawing

    digits, classes = reading.recognition.digits, reading.run.classes
    names = [f"{classes[digit.label]}{' ?' if digit.declined else ''}" for digit in digits]
    confidences = [percent(digit.confidence, 0) for digit in digits]
    st.plotly_chart(
        boxed_drawing(
            digits[0].framed.ink,
            [digit.box for digit in digits],
            [" · ".join(pair) for pair in zip(names, confidences, strict=True)],
            [digit.declined is not None for digit in digits],
            reading.selected,
        ),
        key=f"{key}:boxes",
        config={"displayModeBar": False},
        alt=f"The drawing with a box around each of {len(digits)} digits: {', '.join(names)}.",
    )


def _title(reading: Reading) -> str:
    of = f" of digit {reading.selected + 1}" if reading.several else ""
    return f"Probabilities{of}" + (", if it is a digit" if reading.digit.declined else "")
