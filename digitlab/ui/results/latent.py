"""The latent space of an autoencoder: a map of it, a way between images, and a plane to walk on."""

from __future__ import annotations

import numpy as np
import streamlit as st

from digitlab.analysis.latent import Plane, interpolate
from digitlab.evaluation.embedding import project
from digitlab.figures.palette import digit_color
from digitlab.jobs.compute import requests
from digitlab.jobs.message import Latent
from digitlab.snippets import reconstruction as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.results.reconstruction import as_picture, has_learnt, warn_of_little
from digitlab.ui.results.view import View

MOST = 1_500  # images on the map
STEPS = 11  # images from one to another, both included
GRID = 12  # images in a row of the plane
DRAWN = 24  # images from random latent values
METHODS = {"plane": "PCA", "tsne": "t-SNE"}


def show(view: View) -> None:
    """Show the latent map and, where images can be made from latent values, ways through it."""
    space: Latent = cached.of_run(requests.describe_latent, view.run)
    warn_of_little(view)
    positions = np.random.default_rng(0).permutation(len(view.images()))[:MOST]
    positions.sort()
    values = _encode(view, positions)
    plane = Plane(values)
    _show_map(view, space, positions, values, plane)
    if not space.decodes:
        st.info(
            f"This network has connections around its narrowest layer ({space.layer}), so no image "
            "can be made from latent values alone.",
            icon=":material/alt_route:",
        )
        return
    _show_way(view)
    _show_plane(view, plane)
    if space.is_normal:
        _show_drawn(view, space)


def _encode(view: View, positions: np.ndarray) -> np.ndarray:
    """The latent values of the images in these positions."""
    images, key = view.images().images[positions], (view.key, tuple(positions.tolist()))
    return cached.of_run(requests.encode, view.run, images, key=key)


def _decode(view: View, values: np.ndarray) -> np.ndarray:
    """The images of latent values, uint8."""
    key = hash(values.tobytes())
    return as_picture(cached.of_run(requests.decode, view.run, values, key=key))


def _show_map(
    view: View, space: Latent, positions: np.ndarray, values: np.ndarray, plane: Plane
) -> None:
    from digitlab.figures.images import as_grey
    from digitlab.figures.inspection import embedding_figure

    page.cell("Latent map", _describe_map(view, space))
    method, with_images = "plane", False
    left, right = st.columns([2, 3], vertical_alignment="bottom")
    if space.size > 2:
        with left:
            method = url.choose(
                "Projection", METHODS, param="plane", default="plane", widget=st.segmented_control
            )
    with right:
        with_images = url.switch("Images instead of points", param="pictures")
    points = plane.points(values)
    if method == "tsne":
        with st.spinner("Projecting the images; t-SNE takes some seconds the first time …"):
            points = cached.computed(project, view.key, values, "tsne")
    labels, names = view.reconstruction.labels[positions], view.reconstruction.classes
    errors = view.reconstruction.errors
    show_chart(
        embedding_figure(
            points,
            [
                (names[label], digit_color(label), np.flatnonzero(labels == label))
                for label in np.unique(labels).tolist()
            ],
            positions,
            [f"image {n:,}, a {names[k]}, error {errors[n]:.4f}" for n, k in zip(
                positions.tolist(), labels.tolist(), strict=True)],
            title=f"{len(positions):,} images of {view.description}",
            images=as_grey(view.images().images[positions]) if with_images else None,
        ),
        key=f"latent:{view.key}:{method}:{with_images}",
        on_select=lambda: page.store_click(f"latent:{view.key}:{method}:{with_images}", "from"),
        bar=False,
        alt="Images as points, by their latent values.",
    )  # fmt: skip
    if method == "plane" and space.size > 2:
        st.caption("The two directions in which the latent values vary most.")
    page.code_fold(snippets.latent_map(view.run.id, view.split, view.dataset))


def _describe_map(view: View, space: Latent) -> str:
    count = f"{space.size} numbers" if space.size > 1 else "one number"
    sentence = f"The narrowest layer, {space.layer}, says an image in {count}. Each point is an "
    if not has_learnt(view):
        return sentence + "image. Once the network has learnt, like images lie near each other."
    return sentence + (
        "image; the network was never told the classes, and yet images that look alike, mostly of "
        "one class, tend to lie near each other."
    )


def _show_way(view: View) -> None:
    from digitlab.figures.images import describe_grid

    page.cell(
        "From one image to another",
        "The latent values of two images, and of what lies between them in equal steps, drawn by "
        "the decoder. Click a point of the map to begin with that image.",
    )
    labels = view.reconstruction.labels
    names, last = view.reconstruction.classes, len(labels) - 1
    columns = st.columns([1, 1, 2], vertical_alignment="bottom")
    with columns[0]:
        first = url.number("From image", param="from", default=0, low=0, high=last)
    other = int(np.argmax(labels != labels[first]))
    with columns[1]:
        second = url.number("To image", param="to", default=other, low=0, high=last)
    with columns[2]:
        options = {str(step): f"{100 * step // (STEPS - 1)} %" for step in range(STEPS)}
        step = url.choose(
            "Way", options, param="way", default=str(STEPS // 2), widget=st.select_slider
        )
    ends = _encode(view, np.array([first, second]))
    way = _decode(view, interpolate(*ends, STEPS))
    left, right = st.columns([1, 3], vertical_alignment="center")
    with left:
        show_chart(
            describe_grid(way[int(step)][None], columns=1, tile=150),
            key="way-step",
            bar=False,
            alt=f"The image at {options[step]} of the way.",
        )
    with right:
        captions = [names[labels[first]], *[""] * (STEPS - 2), names[labels[second]]]
        show_chart(
            describe_grid(way, captions, columns=STEPS, tile=56, hovers=list(options.values())),
            key="way",
            bar=False,
            alt=f"{STEPS} images from image {first} to image {second}.",
        )
    page.code_fold(
        snippets.interpolation(view.run.id, view.split, view.dataset, first=first, second=second)
    )


def _show_plane(view: View, plane: Plane) -> None:
    from digitlab.figures.images import describe_grid

    page.cell(
        "A plane of images",
        "What the decoder draws at points of the map (PCA)"
        + (": moving over it, one shape becomes another." if has_learnt(view) else ".")
        + " The two sliders choose a point.",
    )
    grid = _decode(view, plane.values(plane.grid(GRID)))
    options = {str(step): f"{step}" for step in range(GRID)}
    middle = str(GRID // 2)
    left, right = st.columns([1, 2], vertical_alignment="center")
    with left:
        across = url.choose("Across", options, param="across", default=middle,
                            widget=st.select_slider)  # fmt: skip
        down = url.choose("Down", options, param="down", default=middle, widget=st.select_slider)
        show_chart(
            describe_grid(grid[GRID * int(down) + int(across)][None], columns=1, tile=150),
            key="plane-point",
            bar=False,
            alt="The image at the chosen point.",
        )
    with right:
        show_chart(
            describe_grid(grid, columns=GRID, tile=34),
            key="plane",
            bar=False,
            alt=f"{GRID} times {GRID} images over the plane of the map.",
        )


def _show_drawn(view: View, space: Latent) -> None:
    from digitlab.figures.images import describe_grid

    page.cell(
        "New images",
        "A variational autoencoder holds its latent values to a normal distribution, so that "
        "numbers drawn from it become "
        + ("images that nobody wrote." if has_learnt(view) else "images, once it is trained."),
    )
    with st.columns([1, 3])[0]:
        seed = url.number("Draw number", param="draw", default=0, low=0, high=9_999)
    values = np.random.default_rng(seed).standard_normal((DRAWN, space.size)).astype(np.float32)
    show_chart(
        describe_grid(_decode(view, values), columns=12, tile=64),
        key="drawn",
        bar=False,
        alt=f"{DRAWN} images from random latent values.",
    )
