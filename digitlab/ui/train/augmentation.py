"""The recipe's augmentation: its fields, and a preview of what they do to real images."""

from __future__ import annotations

import streamlit as st

from digitlab.data.catalog import EMBEDDED
from digitlab.data.registry import default_dataset
from digitlab.errors import DatasetError
from digitlab.snippets import basics
from digitlab.training.config import Augmentation
from digitlab.ui import cached, url

_FIELDS = (  # label, highest value, step
    ("rotation", "Rotation (± degrees)", 180.0, 5.0),
    ("shift", "Shift (± share)", 0.5, 0.05),
    ("scale", "Scale (± share)", 0.9, 0.05),
    ("shear", "Shear (± degrees)", 60.0, 5.0),
    ("elastic", "Elastic (pixels)", 5.0, 0.2),
    ("thickness", "Stroke thickness (share)", 1.0, 0.1),
    ("noise", "Noise (deviation)", 1.0, 0.05),
    ("erasing", "Erasing (share)", 1.0, 0.1),
)
PARAMS = tuple(field for field, *_ in _FIELDS)
_HELP = {
    "rotation": "Turns each image by up to so many degrees either way: try 10; beyond 30 a 6 "
    "comes near a 9.",
    "shift": "Moves each image by up to this share of its side: try 0.1, more for digits that are "
    "not centred.",
    "scale": "Makes each image larger or smaller by up to this share: try 0.1, as people write "
    "in all sizes.",
    "shear": "Slants each image by up to so many degrees either way: try 10, as hands lean.",
    "elastic": "Neighbouring points move together, each by about so many pixels: try 0.7, what "
    "a hand does from one day to the next (Simard 2003).",
    "thickness": "This share of the images gets a stroke thinner or bolder by up to a pixel: "
    "try 0.4 for other pens.",
    "noise": "Gaussian, on every pixel: try 0.1, a tenth of the way from paper to ink.",
    "erasing": "This share of the images loses a rectangle (Zhong 2017): try 0.3, so that no "
    "single part of a digit decides.",
}
_SHOWN = 16


def augmentation_fields(start: Augmentation) -> dict[str, float]:
    """The fields, beginning with `start`, and under them what they do."""
    st.markdown("**Augmentation**: each image changed anew in every epoch; 0 changes nothing.")
    values = {}
    for row in (_FIELDS[:4], _FIELDS[4:]):
        for column, (field, label, high, step) in zip(st.columns(4), row, strict=True):
            with column:
                values[field] = url.real(
                    label,
                    param=field,
                    default=getattr(start, field),
                    low=0,
                    high=high,
                    step=step,
                    help=_HELP[field],
                )
    _preview(Augmentation(**values))
    return values


def _preview(recipe: Augmentation) -> None:
    """Some training images before and after, by the very function that training uses."""
    if not recipe.active:
        return
    from digitlab.figures.images import before_and_after
    from digitlab.training.preview import preview

    dataset = url.get("dataset") or default_dataset()
    try:
        data = cached.dataset(dataset)
    except DatasetError:  # the page says so, and goes on with this one
        dataset, data = EMBEDDED, cached.dataset(EMBEDDED)
    seed = _seed(url.get("preview"))
    before, after, labels = preview(data.train, recipe, seed, _SHOWN)
    st.plotly_chart(
        before_and_after(before, after, [data.classes[label] for label in labels]),
        key="augmentation-preview",
        config={"displayModeBar": False},
        alt=f"{len(labels)} training images, and the same as augmentation changes them.",
    )
    st.caption("Above as in the dataset, below as training sees it.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Reshuffle",
            on_click=url.put,
            args=("preview", seed + 1),
            icon=":material/shuffle:",
            help="Other images, and other chance for each.",
        )
        with st.popover("The same in Python", icon=":material/code:"):
            active = {name: value for name, value in recipe.model_dump().items() if value}
            st.code(basics.augmentation(dataset, active, seed, _SHOWN), language="python")


def _seed(text: str | None) -> int:
    return int(text) % 10**6 if text and text.isdecimal() else 0
