"""Reading a drawing on a page: canvas, answer, probabilities, and what the network saw."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.ui import cached
from digitlab.ui.canvas import brush_slider, drawing_canvas
from digitlab.ui.page import cell, guard
from digitlab.ui.words import probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Digit, Recognition
    from digitlab.runs.run import Run
    from digitlab.ui.canvas import Drawn

_ANSWER = (
    "<div>The network reads</div>"
    "<div role='status' style='font-size: 5rem; font-weight: 600; line-height: 1.15; "
    "white-space: pre-line'>{answer}</div>"
    "<div style='opacity: 0.75'>{sure}</div>"
)
TOO_LITTLE = "That is too little to read: write larger, or with a thinner brush."
DECLINED = "Below is what it comes nearest to."
EMPTY = "Draw a digit on the canvas, or several: the answer appears when you lift the pen."


@st.fragment
@guard()
def draw_and_read(run_id: str, *, key: str, stages: bool = True) -> None:
    """A canvas beside the answer; only this part of the page runs again on a stroke."""
    left, right = st.columns([1, 1.4], gap="large")
    sheet = st.session_state.setdefault(f"{key}:sheet", 0)  # a new number, a new sheet of paper
    with left:
        brush = brush_slider(f"{key}:brush") if stages else 18
        st.space("small")  # the canvas's toolbar floats above its corner
        drawing = drawing_canvas(f"{key}:{sheet}", brush=brush)
        st.button(
            "Clear",
            key=f"{key}:clear",
            icon=":material/delete:",
            on_click=_clear,
            args=(f"{key}:sheet",),
            disabled=drawing is None,
        )
    with right:
        answer = st.container()
    if drawing is None:
        answer.info(EMPTY, icon=":material/draw:")
        return
    try:
        run = cached.reader(run_id)
        recognition = _read(drawing, run)
    except EmptyDrawingError:
        answer.warning(TOO_LITTLE, icon=":material/draw:")
        return
    except DrawingError as e:
        answer.warning(str(e), icon=":material/draw:")
        return
    with answer:
        digit = _show_answer(recognition, run.classes, key)
    if stages:
        _show_stages(digit, key)


def _clear(sheet: str) -> None:
    st.session_state[sheet] += 1


def _read(drawing: Drawn, run: Run) -> Recognition:
    from digitlab.runs.recognize import recognize

    return recognize(drawing.pixels, run, strokes=drawing.strokes)


def _show_answer(recognition: Recognition, classes: tuple[str, ...], key: str) -> Digit:
    """What was read, large, and the probabilities of one of its digits, which is returned."""
    from digitlab.figures.drawing import probability_bars

    sure = min(digit.confidence for digit in recognition.digits)
    words = "" if recognition.declined else f"with a probability of {probability(sure)}"
    st.html(_ANSWER.format(answer=html.escape(_text(recognition, classes)), sure=words))
    if recognition.declined:
        st.info(f"{recognition.declined} {DECLINED}", icon=":material/help:")
    digit = recognition.digits[_pick_digit(recognition, classes, key)]
    st.plotly_chart(
        probability_bars(digit.probabilities, classes),
        key=f"{key}:probabilities",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {classes[digit.label]} is the most likely.",
    )
    return digit


def _text(recognition: Recognition, classes: tuple[str, ...]) -> str:
    """The names of what was read, line by line, as it stands on the canvas; '?' if declined."""
    from digitlab.drawing.recognition import UNREAD

    lines: dict[int, list[str]] = {}
    for digit in recognition.digits:
        name = UNREAD if digit.declined else classes[digit.label]
        lines.setdefault(digit.line, []).append(name)
    wide = any(len(name) > 1 for name in classes)
    return "\n".join((" " if wide else "").join(names) for names in lines.values())


def _pick_digit(recognition: Recognition, classes: tuple[str, ...], key: str) -> int:
    """The place of the digit to look at; the visitor's choice where there are several."""
    digits = recognition.digits
    if len(digits) == 1:
        return 0
    return st.segmented_control(
        "Look at",
        range(len(digits)),
        format_func=lambda place: f"{place + 1}: {classes[digits[place].label]}",
        default=0,
        required=True,
        key=f"{key}:digit:{len(digits)}",
    )


def _show_stages(digit: Digit, key: str) -> None:
    from digitlab.figures.drawing import stage_strip

    framed = digit.framed
    cell(
        "What the network sees",
        "Like MNIST's makers did: cut out the ink, scale it into 20×20 pixels keeping its shape, "
        "and move its centre of mass to the middle of 28×28.",
    )
    st.plotly_chart(
        stage_strip(
            [framed.ink, framed.crop, framed.fitted, framed.image],
            ["Drawn", "Cut out", "Scaled", "Centred"],
        ),
        key=f"{key}:stages",
        config={"displayModeBar": False},
        alt="The drawing, cut out, scaled into 20 by 20 pixels, and centred in 28 by 28.",
    )
