"""A drawing and its answer: what was read, where, how sure the network is, or why it declines."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.recognize import recognize, tells_no_digit
from digitlab.data.info import DIGITS
from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.runs.run import Run, open_run
from digitlab.ui import cached, notebook, page, url, visit
from digitlab.ui.chart import show_chart
from digitlab.ui.drawing import collect
from digitlab.ui.drawing.canvas import WIDE
from digitlab.ui.drawing.form import offer_form, show_form
from digitlab.ui.drawing.reader import IMAGE, show_doubts
from digitlab.ui.drawing.reading import KEEP_RULING, NO_DIGIT, Reading
from digitlab.ui.drawing.source import (
    CANVAS,
    Drawing,
    canvas_size,
    pick_drawing,
    show_example_button,
)
from digitlab.ui.markdown import plain
from digitlab.words import probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Recognition

_ANSWER = (
    "<div class='answer'><div role='status' aria-live='polite'>{answer}</div>"
    "<div>{certainty}</div></div>"
)
# Seconds in which the server sends the answer and the browser shows it. Without them the answer
# would arrive together with the charts, which keep the interpreter busy.
HEAD_START = 0.02
TOO_LITTLE = "There is too little ink to read: write larger, or use a thinner brush."
EMPTY = "Draw a digit on the canvas, or several. The answer appears when you lift the pen."
NO_INK = (
    "No ink was found in this photo: it needs dark writing on light paper, or light on dark. "
    "A camera takes a moment to start: wait until you see its picture."
)
BY_KEYBOARD = (
    "By keyboard: move to the canvas with Tab. The arrow keys move the pen, the space bar puts it "
    "down and lifts it, Enter reads."
)
NO_PHOTO = "Choose an image: digits on plain paper, dark on light or light on dark."


def show_drawing_and_answer(
    run_id: str, key: str, *, small: bool = False, then: Callable[[], None] | None = None
) -> Reading | None:
    """The drawing and, next to it, how the run reads it; None while there is nothing to read.

    `small` is a canvas alone, without photographs and without a way to correct the answer. `then`
    shows what comes after the answer, above its probabilities.
    """
    row = st.container(key="drawing-and-answer", horizontal=True, gap="medium")
    wide = canvas_size(small=small) == WIDE
    with row.container(key="wide-canvas-side" if wide else "canvas-side"):
        drawing = _pick_drawing(key, small)
    notebook.note_drawing(None if drawing is None else drawing.pixels)
    with row.container(key="answer"):
        if drawing is None:
            _show_what_to_do(key, small)
        grid = None if drawing is None else offer_form(drawing, run_id)
        reading = None if drawing is None or grid else _read(drawing, run_id, key)
        if reading is not None:
            reading = _show_answer(reading, key, then)
        if not small:
            show_doubts(open_run(run_id))
            if reading is not None and reading.run.classes == DIGITS:
                _offer_correction(reading)
    if drawing is not None and grid is not None:
        show_form(grid, drawing, run_id)
    return reading


def _show_what_to_do(key: str, small: bool) -> None:
    if not small and url.get("source") not in (None, CANVAS):
        st.info(NO_PHOTO, icon=":material/image:")
        return
    st.info(EMPTY, icon=":material/draw:")
    show_example_button(key, canvas_size(small=small))
    with st.container(key="by-keyboard"):
        st.caption(BY_KEYBOARD)


def _pick_drawing(key: str, small: bool) -> Drawing | None:
    try:
        return pick_drawing(key, small=small)
    except DrawingError as e:
        page.show_error(e, st.warning, ":material/broken_image:")
        return None


def _offer_correction(reading: Reading) -> None:
    with st.popover("Wrong? Correct it", icon=":material/edit:"):
        collect.offer_saving(reading, collect.current_collection(), "correct")


def _read(drawing: Drawing, run_id: str, key: str) -> Reading | None:
    """The drawing as the run reads it; where it cannot, shows why and returns None.

    The last recognition is kept for the visit, so that only a new stroke is read again.
    """
    try:
        run = cached.reader(open_run(run_id))
        if run.spec.input != IMAGE:  # `show_doubts` tells why it reads no drawing
            return None
        keep = url.get(KEEP_RULING) == "1"
        signature = (run.id, run.record.ended, drawing.digest, keep)
        last = st.session_state.get(f"{key}:read")
        if last is None or last[0] != signature:
            recognition = recognize(drawing.pixels, run, strokes=drawing.strokes, keep_ruling=keep)
            last = st.session_state[f"{key}:read"] = (signature, recognition)
        return Reading(run, drawing, last[1])
    except EmptyDrawingError:
        st.warning(NO_INK if drawing.strokes is None else TOO_LITTLE, icon=":material/draw:")
    except DrawingError as e:
        page.show_error(e, st.warning, ":material/draw:")
    return None


def _show_answer(reading: Reading, key: str, then: Callable[[], None] | None) -> Reading:
    """The answer in large type, a box around each digit, and the selected digit's probabilities.

    Returns the reading with the digit that the visitor selected.
    """
    from digitlab.figures.drawing import describe_bars

    run = reading.run
    _show_text(reading.recognition, run)
    if turned := reading.recognition.turned:
        st.caption(f":material/rotate_right: The photo was {turned} to be read.")
    visit.note_drawing()
    if then:
        then()
    time.sleep(HEAD_START)
    if reading.several:
        reading = replace(reading, selected=_pick_digit(reading, key))
        _show_boxes(reading, key)
    digit = reading.digit
    values, names = digit.probabilities, run.classes
    if tells_no_digit(run):
        values, names = (*values, digit.no_digit), (*names, NO_DIGIT)
    show_chart(
        describe_bars(values, names, title=_title(reading)),
        key=f"{key}:probabilities",
        bar=False,
        alt=f"Probability of each class; {run.classes[digit.label]} is the most likely.",
    )
    return reading


def _show_text(recognition: Recognition, run: Run) -> None:
    count, declined = len(recognition.digits), sum(bool(d.declined) for d in recognition.digits)
    certainty = f"read with a probability of {probability(recognition.confidence)}"
    certainty += " that all are right" if count > 1 else ""
    if declined:
        certainty = "not read as a digit" if count == 1 else f"{declined} of {count} not read"
    elif recognition.declined:
        certainty = "a sign not read"
    answer = html.escape(recognition.spell(run.classes))
    st.html(_ANSWER.format(answer=answer, certainty=certainty))
    for number, digit in enumerate(recognition.digits, start=1):
        if digit.declined:
            prefix = f"Digit {number}: " if len(recognition.digits) > 1 else ""
            name, share = plain(run.classes[digit.label]), probability(digit.confidence)
            text = f"{prefix}{digit.declined} The most likely class is {name} ({share})."
            st.warning(text, icon=":material/help:")
    if recognition.declined and not declined:
        st.warning(recognition.declined, icon=":material/help:")


def _pick_digit(reading: Reading, key: str) -> int:
    """The index of the digit that the visitor selects."""
    digits, classes = reading.recognition.digits, reading.run.classes
    return st.segmented_control(
        "Selected digit",
        range(len(digits)),
        format_func=lambda index: f"{index + 1}: {plain(classes[digits[index].label])}",
        default=0,
        required=True,
        key=f"{key}:digit:{len(digits)}",
    )


def _show_boxes(reading: Reading, key: str) -> None:
    from digitlab.figures.recognition import boxed_drawing

    digits, signs = reading.recognition.digits, reading.recognition.signs
    classes = reading.run.classes
    names = [f"{classes[digit.label]}{' ?' if digit.declined else ''}" for digit in digits]
    confidences = [probability(digit.confidence, short=True) for digit in digits]
    captions = ["<br>".join(pair) for pair in zip(names, confidences, strict=True)]
    alt = f"The drawing with a box around each of {len(digits)} digits: {', '.join(names)}"
    alt += f"; and the signs {' '.join(sign.text for sign in signs)}" if signs else ""
    show_chart(
        boxed_drawing(
            digits[0].framed.ink,
            [mark.box for mark in (*digits, *signs)],
            captions + [sign.text for sign in signs],
            [digit.declined is not None for digit in digits] + [False] * len(signs),
            reading.selected,
        ),
        key=f"{key}:boxes",
        bar=False,
        alt=f"{alt}.",
    )


def _title(reading: Reading) -> str:
    return "Probabilities" + (f" of digit {reading.selected + 1}" if reading.several else "")
