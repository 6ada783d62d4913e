"""What the network sees: each step from the drawing to 28×28 pixels, and what it is worth."""

from __future__ import annotations

import contextlib
import html
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import streamlit as st
from PIL import Image

from digitlab.drawing.stages import DEFAULT, frame_naively, reframe
from digitlab.errors import EmptyDrawingError
from digitlab.snippets import drawing as snippets
from digitlab.ui import page, url
from digitlab.ui.chart import show_charts
from digitlab.ui.drawing.reading import KEEP_RULING, NO_DIGIT, Reading
from digitlab.ui.markdown import plain
from digitlab.words import probability, with_article

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


def show_steps(reading: Reading | None) -> None:
    """The images of all steps as the visitor switched them, and what each step is worth."""
    page.cell(
        "What the network sees",
        "MNIST's images were made by cutting out the ink, scaling it to 20×20 pixels and moving "
        "its centre of mass to the middle of 28×28. A network trained on them reads drawings best "
        "that are prepared in the same way. Switch a step off to see what it is worth.",
    )
    if reading is None:
        st.caption("Draw a digit above, and you see each step of its way into 28×28 pixels.")
        return
    framing = _pick_framing()
    _offer_ruling(reading)
    try:
        framed = reframe(reading.digit.framed, framing)
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


def _offer_ruling(reading: Reading) -> None:
    """Of a photo: a switch that keeps what was taken as printed or ruled."""
    if reading.drawing.strokes is None:
        url.switch(
            "Keep the ruling",
            param=KEEP_RULING,
            help="Reads lines, frames, circles and underlines as ink, too.",
        )


def _show_strip(reading: Reading, framed: Framed, framing: Framing) -> None:
    from digitlab.figures.drawing import describe_stages

    ruling = reading.recognition.ruling
    strip = [
        (reading.drawing.pixels, "Drawn"),
        *([] if ruling is None else [(ruling, "Taken as ruling")]),
        (reading.digit.framed.ink, "Ink"),
        (reading.digit.framed.crop, "Cut out"),
    ]
    strip += [(framed.upright, "Upright")] if framing.deslant else []
    strip += [(framed.evened, "Strokes normalised")] if framing.thickness else []
    strip += [(framed.fitted, "Scaled"), (framed.image, "Placed")]
    parts = 2 + framing.deslant + framing.thickness
    rows = []
    for part in (strip[:-parts], strip[-parts:]):
        images, titles = zip(*part, strict=True)
        rows.append((describe_stages(images, titles), ", ".join(titles)))
    show_charts(rows, key="steps")


def _show_switched(reading: Reading, framed: Framed, framing: Framing) -> None:
    phrases = [
        phrase
        for field, phrase in OTHERWISE.items()
        if getattr(framing, field) != getattr(DEFAULT, field)
    ]
    if not phrases:
        answer = f"**{plain(reading.describe(reading.digit.probabilities))}**"
        verb = "the most likely answer is" if reading.digit.declined else "it reads"
        st.markdown(f"With all of MNIST's steps, {verb} {answer}.")
        return
    probabilities = reading.predict(framed.image[None, None])[0]
    change = _change(reading, probabilities)
    answer = plain(reading.describe(probabilities))
    st.markdown(f"{' and '.join(phrases).capitalize()}, it reads **{answer}** {change}.")


def _change(reading: Reading, probabilities: np.ndarray) -> str:
    before = reading.likeliest(reading.digit.probabilities)[0]
    if reading.likeliest(probabilities)[0] == before:
        return "as before"
    return plain(f"instead of {before if before == NO_DIGIT else with_article(before)}")


def _variants(reading: Reading) -> list[Variant]:
    """Each step on its own switched the other way, and the whole canvas resized."""
    images = [("MNIST's way", "with MNIST's steps", reading.image)]
    for field, phrase in OTHERWISE.items():
        framing = replace(DEFAULT, **{field: not getattr(DEFAULT, field)})
        with contextlib.suppress(EmptyDrawingError):
            images.append((HEADINGS[field], phrase, reframe(reading.digit.framed, framing).image))
    images.append(("Resized", NAIVE, frame_naively(reading.digit.framed.ink)))
    others = reading.predict(np.stack([image for _, _, image in images[1:]])[:, None])
    # The first as it was read: of a digit cut out of a mark, that depends on its whole line.
    probabilities = [np.array(reading.digit.probabilities), *others]
    return [Variant(*image, row) for image, row in zip(images, probabilities, strict=True)]


def _show_variants(reading: Reading) -> None:
    st.markdown(
        "**Each step on its own.** Most demos only resize the whole canvas to 28×28 pixels, as the "
        "last image shows: that is why they read badly."
    )
    variants = _variants(reading)
    pictures = (_picture(variant, reading) for variant in variants)
    st.html(f'<div class="pictures">{"".join(pictures)}</div>')
    st.markdown("  \n".join(_sentences(reading, variants[1:])))


def _picture(variant: Variant, reading: Reading) -> str:
    """The image and its caption; all are one element of the page, as `st.image` takes long."""
    from digitlab.figures.images import data_url

    answer = html.escape(reading.describe(variant.probabilities, short=True))
    return (
        f'<figure><img src="{data_url(Image.fromarray(variant.image))}" '
        f'alt="The digit {variant.phrase}: read as {answer}">'
        f"<figcaption>{variant.heading}<br>{answer}</figcaption></figure>"
    )


def _sentences(reading: Reading, variants: list[Variant]) -> list[str]:
    """The steps that change the answer or, without any, the one that matters most."""
    label, before = reading.digit.label, reading.likeliest(reading.digit.probabilities)[0]
    changed = [
        f"{variant.phrase.capitalize()}, the {plain(reading.answer)} is read as "
        f"**{plain(reading.describe(variant.probabilities))}**."
        for variant in variants
        if reading.likeliest(variant.probabilities)[0] != before
    ]
    if changed:
        return changed
    weakest = min(variants, key=lambda variant: variant.probabilities[label])
    return [
        f"No single step changes this answer. It is least certain {weakest.phrase}: "
        f"{probability(float(weakest.probabilities[label]))}."
    ]
