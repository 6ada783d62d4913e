"""Attribution maps: which pixels count for the class that was read, and which for the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.cache import require_weights
from digitlab.errors import RunError
from digitlab.jobs.compute import requests
from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    import numpy as np

NONE = "none"
AT_ONCE = 5_000_000  # parameters: for a larger network, maps take seconds and wait for a choice
MEANING = {
    "integrated-gradients": "Gradients summed along the line from a blank image to this one. All "
    "pixels add up to the difference of the class's logit between this image and the blank one.",
    "occlusion": "How much the class's logit falls if a small blank square covers the pixel.",
    "grad-cam": "The feature maps of the last convolution, weighted by how much the class's logit "
    "depends on them, and enlarged: a coarse map of the regions that count.",
}
UNITS = {"grad-cam": "for the class (+) or against it (−), no unit"}
UNIT = "for the class (+) or against it (−), in its logit"


def show_attribution(view: View, image: np.ndarray | None, position: int) -> None:
    """Show the methods that work for the model, and the maps of two classes."""
    st.markdown("**Which pixels count for the answer**")
    if image is None:
        st.caption("The image is not on this machine, so no map can be computed.")
        return
    try:
        require_weights(view.run)
        run = view.run
        methods = cached.of_run(requests.usable_methods, run)
    except RunError as e:
        text = f"No map can be computed: {e}"
        page.show_error(text, st.info, ":material/image_not_supported:")
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
    with st.spinner("Computing the attribution of each pixel …"):
        maps = [
            (
                f"{title}: {names[target]}",
                cached.of_run(requests.attribute, run, image, target, method),
            )
            for title, target in targets
        ]
    _draw(image, maps, method, names[targets[0][1]])
    page.code_fold(
        snippets.attribution(
            *view.snippet_args, position=position, method=method, target=targets[0][1]
        )
    )


def _explain_choice(spec, methods: dict[str, str]) -> None:
    if classical_kind(spec):
        st.caption(
            "A classical model has no gradient: only covering parts of the image shows what its "
            "answer depends on."
        )
    elif "grad-cam" not in methods:
        st.caption("Grad-CAM needs a convolution, which this network does not have.")


def _targets(result, position: int) -> list[tuple[str, int]]:
    """The class read and the label's class, or the runner-up if the label was read."""
    read, true = int(result.predictions[position]), int(result.labels[position])
    if read != true:
        return [("Read as", read), ("Labelled", true)]
    second = int(result.probabilities[position].argsort()[-2])
    return [("Read as", read), ("Runner-up", second)]


def _draw(image: np.ndarray, maps: list, method: str, name: str) -> None:
    from digitlab.figures.inspection import describe_attribution

    show_chart(
        describe_attribution(image[0], maps, unit=UNITS.get(method, UNIT)),
        key="attribution",
        bar=False,
        alt=f"Which pixels count for and against {name} and the other class.",
    )
    st.caption(f"{MEANING[method]} Blue counts for the class, orange against it.")
