"""Why it was read so: the pixels, the runner-up, the likes of it, and the layers it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.errors import DatasetError, RunError
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.drawing.context import Look
from digitlab.ui.results.attribution import MEANING, UNIT, UNITS
from digitlab.ui.results.neighbours import METRICS, show_neighbours
from digitlab.ui.results.view import View
from digitlab.words import probability, with_article

if TYPE_CHECKING:
    import torch

WINDOW = "window"  # the attribution that asks nothing of a model but its answers
FALL = "fall of the probability where it is hidden"
PARTS = {
    "pixels": "Pixels",
    "runner-up": "Runner-up",
    "neighbours": "Nearest",
    "layers": "Layers",
}


def show(look: Look | None) -> None:
    """One of the parts, by the visitor's choice."""
    page.cell(
        "Why this answer",
        "Four ways to ask: which pixels spoke for it, what would have made it another digit, what "
        "it resembles of all that the network learnt from, and what each layer makes of it.",
    )
    if look is None:
        st.caption("Draw something first.")
        return
    part = url.choose(
        "Ask",
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
    }[part](look)


def _as_tensor(look: Look) -> torch.Tensor:
    import torch

    return torch.from_numpy(look.image.copy())[None]


def _show_pixels(look: Look) -> None:
    from digitlab.figures.inspection import attribution_figure

    methods = {WINDOW: "Hide and see", **_fitting(look)}
    method = url.choose(
        "Method", methods, param="method", default=WINDOW, widget=st.segmented_control
    )
    second = look.run.classes[look.runner_up]
    with st.spinner("Asking the network about each pixel …"):
        maps = [
            (f"For {look.answer}", _attribute(look, look.digit.label, method)),
            (f"For the runner-up, {second}", _attribute(look, look.runner_up, method)),
        ]
    unit = FALL if method == WINDOW else UNITS.get(method, UNIT)
    st.plotly_chart(
        attribution_figure(look.image, maps, unit=unit),
        key="why:pixels",
        config={"displayModeBar": False},
        alt=f"Which pixels speak for {look.answer} and for {second}.",
    )
    meaning = MEANING.get(method) or "A square of paper is moved over the digit."
    st.caption(f"{meaning} Blue speaks for the class, orange against it.")
    page.code_fold(snippets.why(look.run.id))


def _fitting(look: Look) -> dict[str, str]:
    from digitlab.analysis.attribution import METHODS, fitting_methods

    try:
        found = fitting_methods(look.run.model, tuple(look.run.spec.input))
    except RunError:
        return {}
    return {name: METHODS[name] for name in found if name != "occlusion"}


def _attribute(look: Look, label: int, method: str) -> np.ndarray:
    from digitlab.evaluation.occlusion import occlusion_map

    if method == WINDOW:
        return occlusion_map(look.ask, look.image, label)
    from digitlab.analysis.attribution import attribute

    run = look.run
    return attribute(run.model, _as_tensor(look), label, method, run.normalization).numpy()


def _show_runner_up(look: Look) -> None:
    from digitlab.evaluation.occlusion import find_flip, hide
    from digitlab.figures.images import image_grid

    second = look.run.classes[look.runner_up]
    share = probability(float(look.digit.probabilities[look.runner_up]))
    flip = find_flip(look.ask, look.image, look.runner_up)
    hidden = hide(look.image, flip.left, flip.top, flip.side)
    answer = look.ask(hidden[None, None])[0]
    where = f"{flip.side}×{flip.side} pixels at the {flip.place()}"
    if flip.wins:
        st.markdown(
            f"The runner-up is **{second}** with {share}. Hide {where}, and the {look.answer} "
            f"becomes **{with_article(second)}** ({probability(flip.probability)}): that ink is "
            f"what makes it {with_article(look.answer)}."
        )
    else:
        st.markdown(
            f"The runner-up is **{second}** with {share}, and it stays so: no square of up to "
            f"10×10 pixels that is hidden makes it {with_article(second)}. Hiding {where} brings "
            f"it nearest, to {probability(flip.probability)}."
        )
    st.plotly_chart(
        image_grid(
            np.stack([look.image, hidden]),
            captions=[
                f"As it is<br>{look.words(look.digit.probabilities)}",
                f"Without it<br>{look.words(answer)}",
            ],
            columns=2,
            tile=180,
        ),
        key="why:flip",
        config={"displayModeBar": False},
        alt=f"The digit, and the digit with {where} hidden.",
    )
    page.code_fold(snippets.runner_up(look.run.id))


def _show_neighbours(look: Look) -> None:
    st.markdown("What it is nearest to, of what the network learnt from, by its last hidden layer.")
    metric = url.choose(
        "Distance", METRICS, param="metric", default="cosine", widget=st.segmented_control
    )
    try:
        show_neighbours(View(look.run, "test"), _as_tensor(look), -1, metric)
    except (DatasetError, RunError) as e:
        st.info(f"There is nothing to compare with: {e}", icon=":material/image_not_supported:")
        return
    page.code_fold(snippets.neighbours(look.run.id, metric))


def _show_layers(look: Look) -> None:
    from digitlab.analysis.activations import layer_maps, list_outputs
    from digitlab.figures.inspection import picture_grid

    run = look.run
    key = (run.id, run.record.ended)
    outputs = cached.of_evaluation(list_outputs, key, run.model, tuple(run.spec.input))
    if not outputs:
        st.info("A classical model has no layers to look into.", icon=":material/info:")
        return
    names = {
        one.name: f"{i}. {one.kind} → {' × '.join(map(str, one.shape))}"
        for i, one in enumerate(outputs, start=1)
    }
    layer = url.choose("Layer", names, param="layer", default=outputs[0].name)
    maps = layer_maps(run.model, _as_tensor(look), run.normalization, layer).numpy()
    st.plotly_chart(
        picture_grid(maps, title=names[layer], unit="activation", hover="map"),
        key="why:layers",
        config={"displayModeBar": False},
        alt=f"What layer {names[layer]} makes of the digit: {len(maps)} maps.",
    )
    page.code_fold(snippets.layers(run.id, layer))
