"""Activations: the first weights as images, the output of each layer, the last hidden layer."""

from __future__ import annotations

import streamlit as st

from digitlab.analysis.cache import require_weights
from digitlab.analysis.layer_outputs import MOST
from digitlab.errors import DatasetError
from digitlab.jobs.compute import requests
from digitlab.runs.run import Run
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.markdown import plain
from digitlab.ui.results.embedding import show_last_layer
from digitlab.ui.results.view import View
from digitlab.words import shorten

COLUMNS = 8
VIEWS = {"weights": "First weights", "layers": "Layer by layer", "hidden": "Last hidden layer"}


def show(view: View) -> None:
    """Show the weights, the activations of an image or the last hidden layer, one at a time."""
    require_weights(view.run)
    run = view.run
    part = url.choose(
        "Part of the network",
        VIEWS,
        param="part",
        default="weights",
        widget=st.segmented_control,
        label_visibility="collapsed",
    )
    if part == "weights":
        show_weights(run)
        return
    try:
        view.images()
    except DatasetError as e:
        page.cell(VIEWS[part])
        text = f"The images are not available: {e}"
        page.show_error(text, st.info, ":material/folder_off:")
        return
    {"layers": show_layers, "hidden": show_last_layer}[part](view, run)


def show_weights(run: Run) -> None:
    """Show the first layer's weights as images, if they can be shown so."""
    from digitlab.figures.inspection import picture_grid

    page.cell(
        "Weights of the first layer",
        "Each unit multiplies its input with its weights and adds up the products. Ink on blue "
        "raises the sum, ink on orange lowers it, and grey has no effect. A network of one layer "
        "has one image of weights for each class, which often resembles the digit.",
    )
    weights = cached.of_run(requests.first_weights, run)
    if weights is None:
        st.info(
            "The first weights cannot be shown as images: the model has none (trees, nearest "
            "neighbours), or their input is not the image itself.",
            icon=":material/image_not_supported:",
        )
    else:
        count = len(weights.values)
        part = f" ({count} of {weights.total:,})" if count < weights.total else ""
        kind = "one weight for each pixel" if weights.kind == "pixels" else "kernels"
        captions = _captions(run, weights)
        show_chart(
            picture_grid(
                weights.values,
                captions,
                title=f"{weights.layer}: {kind}{part}",
                unit="weight (blue positive, orange negative)",
                columns=5 if captions else COLUMNS,
                hover="unit" if weights.kind == "pixels" else "kernel",
            ),
            key="first-weights",
            bar=False,
            alt="The weights of the first layer as images.",
        )
    page.code_fold(snippets.first_weights(run.id) if weights else _no_weights(run.id))


def _captions(run: Run, weights) -> list[str]:
    """The names of the classes, if each image belongs to one class."""
    if not weights.per_class:
        return []
    names = run.classes
    if len(weights.values) == len(names):
        return [shorten(name, 10) for name in names]
    if len(names) == 2 and len(weights.values) == 1:
        return [f"{names[1]}, not {names[0]}"]
    return []


def _no_weights(run_id: str) -> str:
    return snippets.first_weights(run_id).split("print(")[0] + "print(weights)  # None\n"


def show_layers(view: View, run: Run) -> None:
    """Show one image, and the output of one layer for it."""
    page.cell(
        "Activations of each layer",
        "Early layers still show the digit, often only its edges. Later layers keep what separates "
        "the classes and lose the position. Choose one layer after the other.",
    )
    outputs = cached.of_run(requests.list_outputs, run)
    if not outputs:
        st.info("A classical model has no layers.", icon=":material/info:")
        return
    first, second = st.columns([1, 2])
    with first:
        position = url.number(
            f"Image number (of {view.result.n:,})",
            param="image",
            default=int(view.result.errors[0].position) if len(view.result.errors) else 0,
            low=0,
            high=view.result.n - 1,
        )
    names = {output.name: _describe(i, output) for i, output in enumerate(outputs, start=1)}
    with second:
        layer = url.choose("Layer", names, param="layer", default=outputs[0].name)
    left, right = st.columns([1, 3])
    with left:
        _show_image(view, position)
    with right:
        _show_layer(view, run, position, layer, names[layer])
    page.code_fold(snippets.layer_maps(*view.snippet_args, position=position, layer=layer))


def _describe(number: int, output) -> str:
    return f"{number}. {output.kind} → {' × '.join(map(str, output.shape))}"


def _show_image(view: View, position: int) -> None:
    from digitlab.figures.data import describe_pixels

    name = view.run.classes[int(view.result.labels[position])]
    read = view.run.classes[int(view.result.predictions[position])]
    show_chart(
        describe_pixels(view.images().images[position], f"Labelled {name}", height=280),
        key="inside-image",
        bar=False,
        alt=f"Image number {position}, labelled {name}.",
    )
    st.caption(f"Number {position:,}, read as {plain(read)}.")


def _show_layer(view: View, run: Run, position: int, layer: str, title: str) -> None:
    from digitlab.figures.inspection import picture_grid

    image = view.images().images[position]
    maps = cached.of_run(requests.layer_maps, run, image, layer, key=(view.key, position, layer))
    show_chart(
        picture_grid(maps, title=title, unit="activation", columns=COLUMNS, hover="map"),
        key="layer-maps",
        bar=False,
        alt=f"The output of layer {title} for the image.",
    )
    if len(maps) == MOST:
        st.caption(f"At most {MOST} maps of a layer are shown.")
    elif len(maps) == 1 and "×" not in title:
        st.caption("The units of this layer, in rows; they have no position in the image.")
