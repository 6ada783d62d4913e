"""What the network sees: each step from the drawing to 28×28, and the answer without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from digitlab.errors import EmptyDrawingError
from digitlab.snippets import drawing as snippets
from digitlab.ui import page, url
from digitlab.ui.drawing.context import Look
from digitlab.words import percent, probability, with_article

if TYPE_CHECKING:
    from digitlab.drawing.stages import Framed, Framing

# field of Framing → the switch, what it does, and how a sentence calls its being the other way
SWITCHES = {
    "aspect": ("Keep the shape", "Width to height stays; else the ink fills 20×20."),
    "centring": ("Centre the mass", "The centre of mass comes to the middle; else the box does."),
    "thickness": ("Even the strokes", "Thin and thick pens are brought to MNIST's width."),
    "deslant": ("Stand it upright", "A leaning digit is sheared back. Off in MNIST."),
}
OTHERWISE = {
    "aspect": "without keeping the shape",
    "centring": "without centring the mass",
    "thickness": "with the strokes as drawn",
    "deslant": "stood upright",
}
HEADS = {
    "aspect": "Shape lost",
    "centring": "Box centred",
    "thickness": "As drawn",
    "deslant": "Upright",
}
NAIVE = "with the whole canvas squeezed"


class Variant(NamedTuple):
    """One way to frame the digit: a head, a phrase, its image, and the probabilities."""

    head: str
    phrase: str
    image: np.ndarray
    answer: np.ndarray

    @property
    def label(self) -> int:
        return int(self.answer.argmax())


def show(look: Look | None) -> None:
    """The strip of steps under the visitor's switches, and each step's worth."""
    page.cell(
        "What the network sees",
        "MNIST's makers cut out the ink, scaled it into 20×20 pixels and moved its centre of mass "
        "to the middle of 28×28. A network that learnt from such images reads best what looks so. "
        "Switch a step off and see what becomes of the answer.",
    )
    if look is None:
        st.caption("Draw something first.")
        return
    framing = _switches()
    try:
        framed = _frame(look, framing)
    except EmptyDrawingError:
        st.info("Framed like this nothing is left of it.", icon=":material/info:")
        return
    _show_strip(look, framed, framing)
    _say_switched(look, framed, framing)
    _show_variants(look)
    page.code_fold(snippets.steps(look.run.id))


def _switches() -> Framing:
    from digitlab.drawing.stages import DEFAULT

    with st.container(horizontal=True):
        chosen = {
            field: url.switch(label, param=field, default=getattr(DEFAULT, field), help=help_)
            for field, (label, help_) in SWITCHES.items()
        }
    return replace(DEFAULT, **chosen)


def _frame(look: Look, framing: Framing) -> Framed:
    """The digit alone, framed another way."""
    from digitlab.drawing.stages import frame_digit

    return frame_digit(look.digit.framed.crop, framing)


def _show_strip(look: Look, framed: Framed, framing: Framing) -> None:
    from digitlab.figures.drawing import stage_strip

    strip = [
        (look.drawing.pixels, "Drawn"),
        (look.digit.framed.ink, "Ink found"),
        (look.digit.framed.crop, "Cut out"),
    ]
    strip += [(framed.upright, "Upright")] if framing.deslant else []
    strip += [(framed.evened, "Strokes evened")] if framing.thickness else []
    strip += [(framed.fitted, "Scaled"), (framed.image, "Placed")]
    for row, part in enumerate((strip[:3], strip[3:])):
        st.plotly_chart(
            stage_strip([image for image, _ in part], [title for _, title in part]),
            key=f"steps:{row}",
            config={"displayModeBar": False},
            alt=", ".join(title for _, title in part),
        )


def _say_switched(look: Look, framed: Framed, framing: Framing) -> None:
    from digitlab.drawing.stages import DEFAULT

    answer = look.ask(framed.image[None, None])[0]
    others = [
        phrase
        for field, phrase in OTHERWISE.items()
        if getattr(framing, field) != getattr(DEFAULT, field)
    ]
    if not others:
        reads = "comes nearest to" if look.digit.declined else "reads"
        st.markdown(f"With all of MNIST's steps it {reads} **{look.words(answer)}**.")
        return
    how = " and ".join(others)
    st.markdown(f"{how.capitalize()} it reads **{look.words(answer)}**{_than(look, answer)}.")


def _than(look: Look, answer: np.ndarray) -> str:
    if int(answer.argmax()) == look.digit.label:
        return ", still the same"
    return f": the {look.answer} becomes {with_article(look.run.classes[int(answer.argmax())])}"


def _variants(look: Look) -> list[Variant]:
    """Each step turned the other way alone, and the whole canvas squeezed."""
    from digitlab.drawing.stages import DEFAULT, frame_naively

    found = [("MNIST's way", "as MNIST frames", look.image)]
    for field, phrase in OTHERWISE.items():
        turned = replace(DEFAULT, **{field: not getattr(DEFAULT, field)})
        try:
            found.append((HEADS[field], phrase, _frame(look, turned).image))
        except EmptyDrawingError:
            continue
    found.append(("Squeezed", NAIVE, frame_naively(look.digit.framed.ink)))
    answers = look.ask(np.stack([image for _, _, image in found])[:, None])
    return [Variant(*one, answer) for one, answer in zip(found, answers, strict=True)]


def _show_variants(look: Look) -> None:
    from digitlab.figures.images import image_grid

    st.markdown(
        "**Each step on its own.** Most demos squeeze the whole canvas to 28×28 (the last one): "
        "it is why they read so badly."
    )
    variants = _variants(look)
    said = [f"{one.phrase}: {look.words(one.answer)}" for one in variants]
    st.plotly_chart(
        image_grid(
            np.stack([one.image for one in variants]),
            captions=[
                f"{one.head}<br>{look.run.classes[one.label][:8]} · {_short(one.answer.max())}"
                for one in variants
            ],
            hovers=said,
            columns=3,
            tile=92,
        ),
        key="steps:variants",
        config={"displayModeBar": False},
        alt="; ".join(said),
    )
    for sentence in _sentences(look, variants[1:]):
        st.markdown(f"- {sentence}")


def _short(share: float) -> str:
    return "> 99 %" if 0.99 < share < 1 else percent(share, 0)


def _sentences(look: Look, variants: list[Variant]) -> list[str]:
    """What each step is worth, in words: those that change the answer, or the weakest."""
    label = look.digit.label
    changed = [
        f"{one.phrase.capitalize()} the {look.answer} becomes "
        f"**{with_article(look.run.classes[one.label])}** ({probability(float(one.answer.max()))})."
        for one in variants
        if one.label != label
    ]
    if changed:
        return changed
    weakest = min(variants, key=lambda one: one.answer[label])
    return [
        f"No single step changes this answer; {weakest.phrase} it is least sure: "
        f"{probability(float(weakest.answer[label]))}."
    ]
