"""Why a drawing was read so: attribution, runner-up, nearest images and activations."""

from __future__ import annotations

import numpy as np
import streamlit as st

from digitlab.errors import DatasetError, RunError
from digitlab.evaluation.occlusion import find_flip, hide, occlusion_map
from digitlab.jobs.compute import requests
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.compute import compute
from digitlab.ui.datasets import explain_absence
from digitlab.ui.drawing.reading import Reading
from digitlab.ui.markdown import plain
from digitlab.ui.results.attribution import MEANING, UNIT, UNITS
from digitlab.ui.results.neighbours import METRICS, show_neighbours
from digitlab.ui.results.view import View
from digitlab.words import probability, with_article

WINDOW = "window"  # occlusion, which needs nothing of a model but its predictions
DROP = "drop of the probability where a pixel is hidden"
PARTS = {
    "pixels": "Pixels",
    "runner-up": "Runner-up",
    "neighbours": "Nearest",
    "layers": "Layers",
}


def show_explanation(reading: Reading | None) -> None:
    """The part that the visitor chose."""
    page.cell(
        "Why this answer",
        "Four explanations: which pixels support the answer, what would change it to the "
        "runner-up, which training images are nearest, and the activations of each layer.",
    )
    if reading is None:
        st.caption("Draw a digit above, and its answer is explained here.")
        return
    part = url.choose(
        "Explanation",
        PARTS,
        param="ask",
        default="pixels",
        widget=st.segmented_control,
        label_visibility="collapsed",
    )
    {
        "pixels": _show_pixels,
        "runner-up": _show_runner_up,
        "neighbours": _show_neighbours,
        "layers": _show_layers,
    }[part](reading)


def _show_pixels(reading: Reading) -> None:
    from digitlab.figures.inspection import describe_attribution

    methods = {WINDOW: "Occlusion", **_fitting_methods(reading)}
    method = url.choose(
        "Method", methods, param="method", default=WINDOW, widget=st.segmented_control
    )
    second = reading.run.classes[reading.runner_up]
    with st.spinner("Computing the attribution …"):
        maps = [
            (f"For {reading.answer}", _attribute(reading, reading.digit.label, method)),
            (f"For the runner-up, {second}", _attribute(reading, reading.runner_up, method)),
        ]
    unit = DROP if method == WINDOW else UNITS.get(method, UNIT)
    show_chart(
        describe_attribution(reading.image, maps, unit=unit),
        key="why:pixels",
        bar=False,
        alt=f"Which pixels support {reading.answer} and which support {second}.",
    )
    meaning = MEANING.get(method) or "A square of paper is moved over the digit."
    st.caption(f"{meaning} Blue pixels support the class, orange ones count against it.")
    page.code_fold(snippets.why(reading.run.id))


def _fitting_methods(reading: Reading) -> dict[str, str]:
    try:
        methods = cached.of_run(requests.usable_methods, reading.run)
    except RunError:
        return {}
    return {name: title for name, title in methods.items() if name != "occlusion"}


def _attribute(reading: Reading, label: int, method: str) -> np.ndarray:
    if method == WINDOW:
        return occlusion_map(reading.predict, reading.image, label)
    return compute(requests.attribute, reading.run.id, reading.image[None], label, method)


def _show_runner_up(reading: Reading) -> None:
    from digitlab.figures.images import describe_grid

    first, second = plain(reading.answer), plain(reading.run.classes[reading.runner_up])
    share = probability(float(reading.digit.probabilities[reading.runner_up]))
    flip = find_flip(reading.predict, reading.image, reading.runner_up)
    hidden = hide(reading.image, flip.left, flip.top, flip.side)
    probabilities = reading.predict(hidden[None, None])[0]
    where = f"{flip.side}×{flip.side} pixels at the {flip.place()}"
    if flip.wins:
        st.markdown(
            f"The runner-up is **{second}** with {share}. Hide {where}, and the {first} "
            f"becomes **{with_article(second)}** ({probability(flip.probability)}): these pixels "
            f"make the difference."
        )
    else:
        st.markdown(
            f"The runner-up is **{second}** with {share}. No hidden square of up to 10×10 pixels "
            f"makes the digit {with_article(second)}. Hiding {where} comes closest: "
            f"{probability(flip.probability)}."
        )
    show_chart(
        describe_grid(
            np.stack([reading.image, hidden]),
            captions=[
                f"As drawn<br>{reading.describe(reading.digit.probabilities)}",
                f"With these pixels hidden<br>{reading.describe(probabilities)}",
            ],
            columns=2,
            tile=180,
        ),
        key="why:flip",
        bar=False,
        alt=f"The digit, and the digit with {where} hidden.",
    )
    page.code_fold(snippets.runner_up(reading.run.id))


def _show_neighbours(reading: Reading) -> None:
    st.markdown("The nearest training images, by the activations of the last hidden layer.")
    metric = url.choose(
        "Distance", METRICS, param="metric", default="cosine", widget=st.segmented_control
    )
    try:
        show_neighbours(View(reading.run, "test"), reading.image[None], -1, metric)
    except (DatasetError, RunError) as e:
        explain_absence("The nearest images", e)
        return
    page.code_fold(snippets.neighbours(reading.run.id, metric))


def _show_layers(reading: Reading) -> None:
    from digitlab.figures.inspection import picture_grid

    run = reading.run
    outputs = cached.of_run(requests.list_outputs, run)
    if not outputs:
        st.info("A classical model has no layers.", icon=":material/info:")
        return
    names = {
        output.name: f"{i}. {output.kind} → {' × '.join(map(str, output.shape))}"
        for i, output in enumerate(outputs, start=1)
    }
    layer = url.choose("Layer", names, param="layer", default=outputs[0].name)
    maps = compute(requests.layer_maps, run.id, reading.image[None], layer)
    show_chart(
        picture_grid(maps, title=names[layer], unit="activation", hover="map"),
        key="why:layers",
        bar=False,
        alt=f"{len(maps)} activation maps of layer {names[layer]}.",
    )
    page.code_fold(snippets.layers(run.id, layer))
