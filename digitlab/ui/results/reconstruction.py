"""Overview of an autoencoder: its reconstruction error, and images beside what became of them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from digitlab.analysis.mean_image import LITTLE
from digitlab.errors import DatasetError
from digitlab.jobs.compute import requests
from digitlab.snippets import reconstruction as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.labels import SPLIT_NAMES, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.results.overview import describe_training
from digitlab.ui.results.view import View

WHICH = {"random": "Random", "worst": "Worst", "best": "Best"}
SHOWN = 24


def show(view: View) -> None:
    """Show the error, and originals above their reconstructions."""
    record, result = view.run.record, view.reconstruction
    page.cell(
        plain(run_title(record)),
        f"An autoencoder, {describe_training(record)}, to give its input back. An error of 0 would "
        f"be the same image{_least(view)}.",
    )
    with st.container(horizontal=True, gap="large"):
        for label, value, note in (
            ("Error", f"{result.error:.4f}", error_unit(view)),
            ("Images", f"{result.n:,}", f"{SPLIT_NAMES[view.split].lower()} split"),
        ):
            st.metric(label, value, note, delta_arrow="off", delta_color="off", width="content")
    warn_of_little(view)
    _show_pairs(view)


def show_metrics(view: View) -> None:
    """Show the error with its interval, and that of each class."""
    from digitlab.figures.reconstruction import class_errors_figure

    result, unit = view.reconstruction, error_unit(view)
    page.cell(
        "All metrics",
        f"The error is the mean {unit} over {plain(view.description)}. The interval shows how much "
        "it varies with the choice of images.",
    )
    low, high = result.interval
    first, second, third, _ = st.columns(4)
    _metric(first, "Error", f"{result.error:.4f}", f"95 %: {low:.4f} to {high:.4f}")
    _metric(second, "Median", f"{result.median:.4f}", unit)
    _metric(third, "Images", f"{result.n:,}", view.split)
    show_chart(
        class_errors_figure(result.per_class, result.error, unit=unit),
        key="class-errors",
        bar=False,
        alt="Mean reconstruction error of each class.",
    )
    page.code_fold(snippets.errors(view.run.id, view.split, view.dataset))


def has_learnt(view: View) -> bool:
    """Whether the error is clearly smaller than that of the mean of the training images.

    True where that is not known: for images of another dataset, or without the training images.
    """
    if not view.is_own:
        return True
    request, result = requests.share_learnt, view.reconstruction
    try:
        return cached.of_run(request, view.run, view.split, result, key=view.key) >= LITTLE
    except DatasetError:
        return True


def warn_of_little(view: View) -> None:
    """Say so where the network answers hardly better than with the same image always."""
    if not has_learnt(view):
        st.warning(
            "This network has learnt next to nothing yet: its error is hardly smaller than if it "
            "answered every image with the mean of the training images. Train it longer: with more "
            "epochs, or smaller batches.",
            icon=":material/hourglass_empty:",
        )


def error_unit(view: View) -> str:
    """What an error is, in words."""
    binary = view.run.config.pixel_loss == "binary"
    return "cross-entropy per pixel" if binary else "squared error per pixel"


def _least(view: View) -> str:
    if view.run.config.pixel_loss == "mse":
        return ""
    return " (with binary cross-entropy grey pixels cost a little even then)"


def _metric(column: object, label: str, value: str, note: str) -> None:
    column.metric(label, value, note, delta_arrow="off", delta_color="off")


def _show_pairs(view: View) -> None:
    from digitlab.figures.images import before_and_after

    page.cell(
        "Originals and reconstructions",
        "Each image above what the network makes of it. What does not pass through the narrowest "
        "layer is lost"
        + (": thin strokes blur first, rare forms become usual ones." if has_learnt(view) else "."),
    )
    which = url.choose(
        "Images", WHICH, param="pairs", default="random", widget=st.segmented_control
    )
    images = view.images()
    positions = _positions(view, which)
    originals = images.images[positions]
    result, names = view.reconstruction, view.reconstruction.classes
    hovers = [
        f"image {position:,}, a {names[result.labels[position]]}, error "
        f"{result.errors[position]:.4f}"
        for position in positions.tolist()
    ]
    show_chart(
        before_and_after(
            originals,
            give_back(view, originals),
            hovers,
            columns=8,
            words=("as it is", "as the network gives it back"),
        ),
        key=f"pairs:{view.key}:{which}",
        bar=False,
        alt=f"{len(positions)} images, and below each its reconstruction.",
    )
    page.code_fold(snippets.pairs(view.run.id, view.split, view.dataset))


def _positions(view: View, which: str) -> np.ndarray:
    result = view.reconstruction
    if which != "random":
        return result.best(SHOWN) if which == "best" else result.worst(SHOWN)
    return np.random.default_rng(0).permutation(result.n)[:SHOWN]


def give_back(view: View, images: np.ndarray) -> np.ndarray:
    """What the network makes of images uint8, as pictures uint8 of the same shape."""
    return as_picture(cached.reader(view.run).reconstruct(images))


def as_picture(pixels: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 1 as uint8."""
    return (255 * pixels).round().clip(0, 255).astype(np.uint8)
