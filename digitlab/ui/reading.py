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
    import numpy as np

    from digitlab.drawing.recognition import Recognition
    from digitlab.runs.run import Run

_ANSWER = (
    "<div>The network reads</div>"
    "<div style='font-size: 5rem; font-weight: 600; line-height: 1.15' role='status'>{answer}</div>"
    "<div style='opacity: 0.75'>with a probability of {sure}</div>"
)
EMPTY = "Draw a digit on the canvas: the answer appears when you lift the pen."


@st.fragment
@guard()
def draw_and_read(run_id: str, *, key: str, stages: bool = True) -> None:
    """A canvas beside the answer; only this part of the page runs again on a stroke."""
    left, right = st.columns([1, 1.4], gap="large")
    with left:
        brush = brush_slider(f"{key}:brush") if stages else 18
        st.space("small")  # the canvas's toolbar floats above its corner
        drawing = drawing_canvas(key, brush=brush)
    with right:
        answer = st.container()
    if drawing is None:
        answer.info(EMPTY, icon=":material/draw:")
        return
    try:
        run = cached.reader(run_id)
        recognition = _read(drawing, run)
    except EmptyDrawingError:
        answer.info(EMPTY, icon=":material/draw:")
        return
    except DrawingError as e:
        answer.warning(str(e), icon=":material/draw:")
        return
    with answer:
        _show_answer(recognition, run.classes, key)
    if stages:
        _show_stages(recognition, key)


def _read(drawing: np.ndarray, run: Run) -> Recognition:
    from digitlab.runs.recognize import recognize

    return recognize(drawing, run)


def _show_answer(recognition: Recognition, classes: tuple[str, ...], key: str) -> None:
    from digitlab.figures.drawing import probability_bars

    digit = recognition.digits[0]
    sure = max(digit.probabilities)
    st.html(_ANSWER.format(answer=html.escape(classes[digit.label]), sure=probability(sure)))
    st.plotly_chart(
        probability_bars(digit.probabilities, classes),
        key=f"{key}:probabilities",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {classes[digit.label]} has {probability(sure)}.",
    )


def _show_stages(recognition: Recognition, key: str) -> None:
    from digitlab.figures.drawing import stage_strip

    framed = recognition.digits[0].framed
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
