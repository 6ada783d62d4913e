"""Overview of an autoencoder: its reconstruction error, and images beside what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.analysis.mean_image import LITTLE, share_learnt
from digitlab.data.registry import dataset_title
from digitlab.errors import DatasetError
from digitlab.snippets import reconstruction as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.labels import model_title
from digitlab.ui.results.view import View
from digitlab.words import duration

if TYPE_CHECKING:
    import torch

WHICH = {"random": "Random", "worst": "Worst", "best": "Best"}
SHOWN = 24


def show(view: View) -> None:
    """Show the error, that of each class, and originals above their reconstructions."""
    from digitlab.figures.reconstruction import class_errors_figure

    run, result = view.run, view.reconstruction
    unit = error_unit(view)
    page.cell(
        run.record.name,
        f"{model_title(run.record.model)}, an autoencoder, trained to give the images of "
        f"{dataset_title(run.record.dataset)} back (seed {run.record.seed}), measured on "
        f"{view.description}. Its error is a mean over pixels: 0 would be the same image"
        f"{_least(view)}.",
    )
    first, second, third, fourth = st.columns(4)
    low, high = result.interval
    _metric(first, "Error", f"{result.error:.4f}", f"95 %: {low:.4f} to {high:.4f}")
    _metric(second, "Median", f"{result.median:.4f}", unit)
    _metric(third, "Images", f"{result.n:,}", view.split)
    trained = f"trained in {duration(run.record.train_seconds)}"
    _metric(fourth, "Parameters", f"{run.record.parameters:,}", trained)
    warn_of_little(view)
    st.plotly_chart(
        class_errors_figure(result.per_class, result.error, unit=unit),
        key="class-errors",
        config={"displayModeBar": False},
        alt="Mean reconstruction error of each class.",
    )
    page.code_fold(snippets.errors(run.id, view.split, view.dataset))
    _show_pairs(view)


def has_learnt(view: View) -> bool:
    """Whether the error is clearly smaller than that of the mean of the training images.

    True where that is not known: for images of another dataset, or without the training images.
    """
    try:
        key = ("learnt", view.key)
        return not view.is_own or cached.of_evaluation(_share_learnt, key, view) >= LITTLE
    except DatasetError:
        return True


def _share_learnt(view: View) -> float:
    train = cached.own_dataset(view.run).train
    return share_learnt(view.reconstruction, view.images().images, train.images, view.run.config)


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
    st.plotly_chart(
        before_and_after(
            originals.numpy(),
            give_back(view, originals),
            hovers,
            columns=8,
            words=("as it is", "as the network gives it back"),
        ),
        key=f"pairs:{view.key}:{which}",
        config={"displayModeBar": False},
        alt=f"{len(positions)} images, and below each its reconstruction.",
    )
    page.code_fold(snippets.pairs(view.run.id, view.split, view.dataset))


def _positions(view: View, which: str) -> np.ndarray:
    result = view.reconstruction
    if which != "random":
        return result.best(SHOWN) if which == "best" else result.worst(SHOWN)
    return np.random.default_rng(0).permutation(result.n)[:SHOWN]


def give_back(view: View, images: torch.Tensor) -> np.ndarray:
    """What the network makes of images uint8, as pictures uint8 of the same shape."""
    return as_picture(cached.reader(view.run).reconstruct(images))


def as_picture(pixels: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 1 as uint8."""
    return (255 * pixels).round().clip(0, 255).astype(np.uint8)
