"""Which pixels spoke for what was read, and which for the true class: an attribution map each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.cache import require_weights
from digitlab.errors import RunError
from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    import torch

NONE = "none"
AT_ONCE = 5_000_000  # parameters: a larger network takes seconds and is asked only on demand
MEANING = {
    "integrated-gradients": "Gradients summed on the way from blank paper to this image: all "
    "pixels together give how much higher the class's logit is here than on blank paper.",
    "occlusion": "How far the class's logit falls where a small square of paper covers the pixel.",
    "grad-cam": "The last convolution's maps, weighted by how much the class's logit depends on "
    "them, enlarged: where it looked, coarsely.",
}
UNITS = {"grad-cam": "for the class (+) or against it (−), no unit"}
UNIT = "for the class (+) or against it (−), in its logit"


def show_attribution(view: View, image: torch.Tensor | None, position: int) -> None:
    """The choice of a method that fits the model, and the maps of two classes."""
    st.markdown("**Which pixels spoke for it**")
    if image is None:
        st.caption("Without the image there are no pixels to ask about.")
        return
    try:
        require_weights(view.run)
        run = cached.reader(view.run)
        methods = cached.of_evaluation(_fitting, (view.run.id, view.run.record.ended), run)
    except RunError as e:
        st.info(f"There is no network to ask: {e}", icon=":material/image_not_supported:")
        return
    small = run.record.parameters <= AT_ONCE
    method = url.choose(
        "Method",
        {**methods, NONE: "None"},
        param="why",
        default=next(iter(methods)) if small else NONE,
        widget=st.segmented_control,
    )
    _explain_choice(run.spec, methods)
    if method == NONE:
        return
    result, names = view.result, view.run.classes
    targets = _targets(result, position)
    with st.spinner("Asking the network about each pixel …"):
        maps = [
            (f"{title}: {names[target]}", _attribute(view, run, image, position, target, method))
            for title, target in targets
        ]
    _draw(image, maps, method, names[targets[0][1]])
    page.code_fold(
        snippets.attribution(*view.named, position=position, method=method, target=targets[0][1])
    )


def _fitting(run) -> dict[str, str]:
    from digitlab.analysis.attribution import METHODS, fitting_methods

    return {name: METHODS[name] for name in fitting_methods(run.model, run.spec.input)}


def _explain_choice(spec, methods: dict[str, str]) -> None:
    if classical_kind(spec):
        st.caption(
            "A classical model has no gradient to follow: only covering parts of the image tells "
            "what it went by."
        )
    elif "grad-cam" not in methods:
        st.caption("Grad-CAM needs a convolution, which this network does not have.")


def _targets(result, position: int) -> list[tuple[str, int]]:
    """What was read and what is labelled; where both are one, what came second instead."""
    read, true = int(result.predictions[position]), int(result.labels[position])
    if read != true:
        return [("Read as", read), ("Labelled", true)]
    second = int(result.probabilities[position].argsort()[-2])
    return [("Read as", read), ("Runner-up", second)]


def _attribute(view: View, run, image: torch.Tensor, position: int, target: int, method: str):
    from digitlab.analysis.attribution import attribute

    key = (view.key, position, target, method)
    found = cached.of_evaluation(
        attribute, key, run.model, image, target, method, run.normalization
    )
    return found.numpy()


def _draw(image: torch.Tensor, maps: list, method: str, name: str) -> None:
    from digitlab.figures.inspection import attribution_figure

    st.plotly_chart(
        attribution_figure(image[0].numpy(), maps, unit=UNITS.get(method, UNIT)),
        key="attribution",
        config={"displayModeBar": False},
        alt=f"Which pixels speak for and against {name} and the other class.",
    )
    st.caption(f"{MEANING[method]} Blue speaks for the class, orange against it.")
