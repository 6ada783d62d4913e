"""What the network sees: each step from the drawing to 28×28 pixels, and what it is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st

from digitlab.drawing.stages import DEFAULT, frame_digit, frame_naively
from digitlab.errors import EmptyDrawingError
from digitlab.snippets import drawing as snippets
from digitlab.ui import page, url
from digitlab.ui.drawing.reading import Reading
from digitlab.words import percent, probability, shorten, with_article

if TYPE_CHECKING:
    from digitlab.drawing.stages import Framed, Framing

# field of Framing → the label of its switch, and what it does
SWITCHES = {
    "aspect": (
        "Keep the shape",
        "Keeps width to height; else the ink is stretched to 20×20.",
    ),
    "centring": (
        "Centre the mass",
        "Moves the centre of mass to the middle; else the box's.",
    ),
    "thickness": (
        "Normalise the strokes",
        "Brings thin and thick strokes to MNIST's width.",
    ),
    "deslant": ("Correct the slant", "Shears a slanted digit upright. MNIST does not do this."),
}
# how a sentence says that a step is the other way
OTHERWISE = {
    "aspect": "without keeping the shape",
    "centring": "without centring the mass",
    "thickness": "with the strokes as drawn",
    "deslant": "with the slant corrected",
}
HEADINGS = {
    "aspect": "Shape lost",
    "centring": "Box centred",
    "thickness": "As drawn",
    "deslant": "Upright",
}
NAIVE = "with the whole canvas resized"


class Variant(NamedTuple):
    """One way to frame the digit: a heading, a phrase, the image, and its probabilities [C]."""

    heading: str
    phrase: str
    image: np.ndarray
    probabilities: np.ndarray

    @property
    def label(self) -> int:
        return int(self.probabilities.argmax())


def show_steps(reading: Reading | None) -> None:
    """The images of all steps as the visitor switched them, and what each step is worth."""
    page.cell(
        "What the network sees",
        "MNIST's images were made by cutting out the ink, scaling it to 20×20 pixels and moving "
        "its centre of mass to the middle of 28×28 pixels. A network trained on them reads "
        "drawings best that are prepared in the same way. Switch a step off to see how the answer "
        "changes.",
    )
    if reading is None:
        st.caption("Draw something first.")
        return
    framing = _pick_framing()
    try:
        framed = _frame(reading, framing)
    except EmptyDrawingError:
        st.info("With these steps nothing is left of the digit.", icon=":material/info:")
        return
    _show_strip(reading, framed, framing)
    _show_switched(reading, framed, framing)
    _show_variants(reading)
    page.code_fold(snippets.steps(reading.run.id))


def _pick_framing() -> Framing:
    with st.container(horizontal=True):
        steps = {
            field: url.switch(label, param=field, default=getattr(DEFAULT, field), help=text)
            for field, (label, text) in SWITCHES.items()
        }
    return replace(DEFAULT, **steps)


def _frame(reading: Reading, framing: Framing) -> Framed:
    """The selected digit with other steps."""
    return frame_digit(reading.digit.framed.crop, framing)


def _show_strip(reading: Reading, framed: Framed, framing: Framing) -> None:
    from digitlab.figures.drawing import stage_strip

    strip = [
        (reading.drawing.pixels, "Drawn"),
        (reading.digit.framed.ink, "Ink"),
        (reading.digit.framed.crop, "Cut out"),
    ]
    strip += [(framed.upright, "Upright")] if framing.deslant else []
    strip += [(framed.evened, "Strokes normalised")] if framing.thickness else []
    strip += [(framed.fitted, "Scaled"), (framed.image, "Placed")]
    for row, part in enumerate((strip[:3], strip[3:])):
        st.plotly_chart(
            stage_strip([image for image, _ in part], [title for _, title in part]),
            key=f"steps:{row}",
            config={"displayModeBar": False},
            alt=", ".join(title for _, title in part),
        )


def _show_switched(reading: Reading, framed: Framed, framing: Framing) -> None:
    probabilities = reading.predict(framed.image[None, None])[0]
    phrases = [
        phrase
        for field, phrase in OTHERWISE.items()
        if getattr(framing, field) != getattr(DEFAULT, field)
    ]
    answer = f"**{reading.describe(probabilities)}**"
    if not phrases:
        verb = "the most likely class is" if reading.digit.declined else "it reads"
        st.markdown(f"With all of MNIST's steps, {verb} {answer}.")
        return
    change = _change(reading, probabilities)
    st.markdown(f"{' and '.join(phrases).capitalize()}, it reads {answer} {change}.")


def _change(reading: Reading, probabilities: np.ndarray) -> str:
    if int(probabilities.argmax()) == reading.digit.label:
        return "as before"
    return f"instead of {with_article(reading.answer)}"


def _variants(reading: Reading) -> list[Variant]:
    """Each step on its own switched the other way, and the whole canvas resized."""
    images = [("MNIST's way", "with MNIST's steps", reading.image)]
    for field, phrase in OTHERWISE.items():
        framing = replace(DEFAULT, **{field: not getattr(DEFAULT, field)})
        try:
            images.append((HEADINGS[field], phrase, _frame(reading, framing).image))
        except EmptyDrawingError:
            continue
    images.append(("Resized", NAIVE, frame_naively(reading.digit.framed.ink)))
    probabilities = reading.predict(np.stack([image for _, _, image in images])[:, None])
    return [Variant(*image, row) for image, row in zip(images, probabilities, strict=True)]


def _show_variants(reading: Reading) -> None:
    from digitlab.figures.images import image_grid

    st.markdown(
        "**Each step on its own.** Most demos only resize the whole canvas to 28×28 pixels, as the "
        "last image shows: that is why they read badly."
    )
    variants = _variants(reading)
    texts = [f"{variant.phrase}: {reading.describe(variant.probabilities)}" for variant in variants]
    st.plotly_chart(
        image_grid(
            np.stack([variant.image for variant in variants]),
            captions=[_caption(reading, variant) for variant in variants],
            hovers=texts,
            columns=3,
            tile=92,
        ),
        key="steps:variants",
        config={"displayModeBar": False},
        alt="; ".join(texts),
    )
    for sentence in _sentences(reading, variants[1:]):
        st.markdown(f"- {sentence}")


def _caption(reading: Reading, variant: Variant) -> str:
    share = variant.probabilities.max()
    certainty = "> 99 %" if 0.99 < share < 1 else percent(share, 0)
    return f"{variant.heading}<br>{shorten(reading.run.classes[variant.label], 8)} · {certainty}"


def _sentences(reading: Reading, variants: list[Variant]) -> list[str]:
    """The steps that change the answer or, without any, the one that matters most."""
    label = reading.digit.label
    changed = [
        f"{variant.phrase.capitalize()}, the {reading.answer} is read as "
        f"**{with_article(reading.run.classes[variant.label])}** "
        f"({probability(float(variant.probabilities.max()))})."
        for variant in variants
        if variant.label != label
    ]
    if changed:
        return changed
    weakest = min(variants, key=lambda variant: variant.probabilities[label])
    return [
        f"No single step changes this answer. It is least certain {weakest.phrase}: "
        f"{probability(float(weakest.probabilities[label]))}."
    ]
