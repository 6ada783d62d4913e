"""The answer to a drawing: what was read, where, how sure it is, and why not where it is none."""

from __future__ import annotations

import html
import time
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.runs.run import Run, open_run
from digitlab.ui import cached
from digitlab.ui.drawing.context import Look
from digitlab.ui.drawing.sheet import Drawing
from digitlab.words import percent, probability

if TYPE_CHECKING:
    from digitlab.drawing.recognition import Recognition

_ANSWER = (
    "<div>{head}</div>"
    "<div role='status' aria-live='polite' style='font-size: 5rem; font-weight: 600; "
    "line-height: 1.15; white-space: pre-line; overflow-wrap: anywhere'>{answer}</div>"
    "<div style='opacity: 0.75'>{foot}</div>"
)
# Seconds in which the server sends the answer and the browser shows it, before this thread keeps
# the interpreter busy with charts: they would come in one go, after the charts' time.
HEAD_START = 0.02
TOO_LITTLE = "That is too little to read: write larger, or with a thinner brush."
EMPTY = "Draw a digit on the canvas, or several: the answer appears when you lift the pen."
NO_PHOTO = "Choose an image: digits on plain paper, dark on light or light on dark."


def read(drawing: Drawing, run_id: str, key: str) -> Look | None:
    """The drawing as the run reads it; where it cannot, says why and gives None.

    What was read last is remembered, so that only a new stroke is read anew.
    """
    from digitlab.analysis.recognize import recognize

    try:
        run = cached.reader(open_run(run_id))
        signature = (run.id, run.record.ended, drawing.digest)
        known = st.session_state.get(f"{key}:read")
        if known is None or known[0] != signature:
            found = recognize(drawing.pixels, run, strokes=drawing.strokes)
            known = st.session_state[f"{key}:read"] = (signature, found)
        return Look(run, drawing, known[1])
    except EmptyDrawingError:
        st.warning(TOO_LITTLE, icon=":material/draw:")
    except DrawingError as e:
        st.warning(str(e), icon=":material/draw:")
    return None


def show_answer(look: Look, key: str) -> Look:
    """What was read, large, where each digit is, and the probabilities of one: the look at it."""
    from digitlab.figures.drawing import probability_bars

    recognition, run = look.recognition, look.run
    _say(recognition, run)
    time.sleep(HEAD_START)
    if len(recognition.digits) > 1:
        look = Look(run, look.drawing, recognition, _pick(look, key))
        _show_boxes(look, key)
    digit = look.digit
    st.plotly_chart(
        probability_bars(digit.probabilities, run.classes, title=_title(look)),
        key=f"{key}:probabilities",
        config={"displayModeBar": False},
        alt=f"Probability of each class; {run.classes[digit.label]} is the most likely.",
    )
    return look


def _say(recognition: Recognition, run: Run) -> None:
    standing = [digit for digit in recognition.digits if not digit.declined]
    foot = ""
    if standing:
        sure = probability(min(digit.confidence for digit in standing))
        least = "the least sure of them " if len(standing) > 1 else ""
        foot = f"{least}with a probability of {sure}"
    st.html(
        _ANSWER.format(
            head="The network reads" if standing else "The network does not read this as a digit",
            answer=html.escape(_text(recognition, run.classes)),
            foot=foot,
        )
    )
    for place, digit in enumerate(recognition.digits, start=1):
        if digit.declined:
            which = f"Number {place} from the left: " if len(recognition.digits) > 1 else ""
            near = run.classes[digit.label]
            st.warning(
                f"{which}{digit.declined} It comes nearest to {near}.", icon=":material/help:"
            )


def _text(recognition: Recognition, classes: tuple[str, ...]) -> str:
    """The names of what was read, line by line, as it stands on the canvas; '?' if declined."""
    from digitlab.drawing.recognition import UNREAD

    lines: dict[int, list[str]] = {}
    for digit in recognition.digits:
        name = UNREAD if digit.declined else classes[digit.label]
        lines.setdefault(digit.line, []).append(name)
    wide = any(len(name) > 1 for name in classes)
    return "\n".join((" " if wide else "").join(names) for names in lines.values())


def _pick(look: Look, key: str) -> int:
    """The place of the digit to look at, the visitor's choice."""
    digits, classes = look.recognition.digits, look.run.classes
    return st.segmented_control(
        "Look at",
        range(len(digits)),
        format_func=lambda place: f"{place + 1}: {classes[digits[place].label]}",
        default=0,
        required=True,
        key=f"{key}:digit:{len(digits)}",
    )


def _show_boxes(look: Look, key: str) -> None:
    from digitlab.figures.recognition import boxed_drawing

    digits, classes = look.recognition.digits, look.run.classes
    names = [f"{classes[one.label]}{' ?' if one.declined else ''}" for one in digits]
    st.plotly_chart(
        boxed_drawing(
            digits[0].framed.ink,
            [one.box for one in digits],
            [f"{n} · {percent(one.confidence, 0)}" for n, one in zip(names, digits, strict=True)],
            [one.declined is not None for one in digits],
            look.place,
        ),
        key=f"{key}:boxes",
        config={"displayModeBar": False},
        alt=f"The drawing with a box around each of {len(digits)} digits: {', '.join(names)}.",
    )


def _title(look: Look) -> str:
    which = "" if len(look.recognition.digits) == 1 else f" of number {look.place + 1}"
    return f"Probabilities{which}" + (", if it is a digit" if look.digit.declined else "")
