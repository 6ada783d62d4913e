"""Inside the network: its first weights as pictures, what each layer makes of an image, and the
last hidden layer.
"""

from __future__ import annotations

import streamlit as st

from digitlab.analysis.cache import require_weights
from digitlab.errors import DatasetError
from digitlab.runs.run import Run
from digitlab.snippets import inspection as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.results.embedding import show_last_layer
from digitlab.ui.results.view import View

COLUMNS = 8
VIEWS = {"weights": "First weights", "layers": "Layer by layer", "hidden": "Last hidden layer"}


def show(view: View) -> None:
    """Weights, maps of an image, or the last hidden layer: one of them at a time."""
    require_weights(view.run)
    run = cached.reader(view.run)
    part = url.choose(
        "Part of the network",
        VIEWS,
        param="inside",
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
        st.info(f"There are no images to send through it: {e}", icon=":material/folder_off:")
        return
    {"layers": show_maps, "hidden": show_last_layer}[part](view, run)


def show_weights(run: Run) -> None:
    """The first layer's weights, where they can be seen."""
    from digitlab.analysis.activations import first_weights
    from digitlab.figures.inspection import picture_grid

    page.cell(
        "What the first layer looks for",
        "Each unit multiplies what it sees with its weights and adds up: blue draws ink towards "
        "it, orange pushes ink away, grey does not care. With one layer only, there is one "
        "picture for each class, and digits emerge.",
    )
    key = (run.id, run.record.ended)
    found = cached.of_evaluation(first_weights, key, run.model, tuple(run.spec.input))
    if found is None:
        st.info(
            "This model's first weights are no pictures: it has none (as trees and neighbours), "
            "or what they are multiplied with is not the image itself.",
            icon=":material/image_not_supported:",
        )
    else:
        count = len(found.values)
        of = f" ({count} of {found.total:,})" if count < found.total else ""
        what = "a weight for each pixel" if found.kind == "pixels" else "kernels"
        captions = _captions(run, found)
        st.plotly_chart(
            picture_grid(
                found.values.numpy(),
                captions,
                title=f"{found.layer}: {what}{of}",
                unit="weight (blue for ink, orange against it)",
                columns=5 if captions else COLUMNS,
                hover="unit" if found.kind == "pixels" else "kernel",
            ),
            key="first-weights",
            config={"displayModeBar": False},
            alt="The weights of the first layer as pictures.",
        )
    page.code_fold(snippets.first_weights(run.id) if found else _no_weights(run.id))


def _captions(run: Run, found) -> list[str]:
    """The classes' names, where each picture is a class's own."""
    if not found.per_class:
        return []
    names = run.classes
    if len(found.values) == len(names):
        return [name[:10] for name in names]
    if len(names) == 2 and len(found.values) == 1:
        return [f"{names[1]}, not {names[0]}"]
    return []


def _no_weights(run_id: str) -> str:
    return snippets.first_weights(run_id).split("print(")[0] + "print(weights)  # None\n"


def show_maps(view: View, run: Run) -> None:
    """One image, and what a layer of choice makes of it."""
    from digitlab.analysis.activations import list_outputs

    page.cell(
        "What each layer makes of an image",
        "Early layers still show the digit, with its edges brought out; later ones keep what "
        "tells classes apart and forget where it was. Walk through the layers.",
    )
    key = (run.id, run.record.ended)
    outputs = cached.of_evaluation(list_outputs, key, run.model, tuple(run.spec.input))
    if not outputs:
        st.info("A classical model has no layers to look into.", icon=":material/info:")
        return
    first, second = st.columns([1, 2])
    with first:
        position = url.number(
            f"Number of the image (of {view.result.n:,})",
            param="image",
            default=int(view.result.errors[0].position) if len(view.result.errors) else 0,
            low=0,
            high=view.result.n - 1,
        )
    names = {one.name: _describe(i, one) for i, one in enumerate(outputs, start=1)}
    with second:
        layer = url.choose("Layer", names, param="layer", default=outputs[0].name)
    left, right = st.columns([1, 3])
    with left:
        _show_image(view, position)
    with right:
        _show_layer(view, run, position, layer, names[layer])
    page.code_fold(snippets.layer_maps(*view.named, position=position, layer=layer))


def _describe(number: int, output) -> str:
    return f"{number}. {output.kind} → {' × '.join(map(str, output.shape))}"


def _show_image(view: View, position: int) -> None:
    from digitlab.figures.data import pixel_values

    name = view.run.classes[int(view.result.labels[position])]
    read = view.run.classes[int(view.result.predictions[position])]
    figure = pixel_values(view.images().images[position, 0].numpy(), title=f"Labelled {name}")
    st.plotly_chart(
        figure.update_layout(height=280),
        key="inside-image",
        config={"displayModeBar": False},
        alt=f"Image number {position}, labelled {name}.",
    )
    st.caption(f"Number {position:,}, read as {read}.")


def _show_layer(view: View, run: Run, position: int, layer: str, title: str) -> None:
    from digitlab.analysis.activations import MOST, layer_maps
    from digitlab.figures.inspection import picture_grid

    maps = cached.of_evaluation(
        layer_maps,
        (view.key, position, layer),
        run.model,
        view.images().images[position],
        run.normalization,
        layer,
    ).numpy()
    st.plotly_chart(
        picture_grid(maps, title=title, unit="activation", columns=COLUMNS, hover="map"),
        key="layer-maps",
        config={"displayModeBar": False},
        alt=f"The output of layer {title} for the image.",
    )
    if len(maps) == MOST:
        st.caption(f"The first {MOST} maps of this layer at most.")
    elif len(maps) == 1 and "×" not in title:
        st.caption("A row of units, wrapped into lines: they no longer have a place in the image.")
