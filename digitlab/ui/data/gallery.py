"""A gallery of a dataset's images, which can be chosen, relabelled and dropped, also by keys."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from digitlab.analysis.image_table import Place
from digitlab.data.info import SPLITS
from digitlab.ui import url
from digitlab.ui.data import changes
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.ui.markdown import plain
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.analysis.image_table import ImageTable
    from digitlab.data.dataset import Dataset

PER_PAGE = 48
CHOSEN = "look"  # the parameter of the image that is looked at closely
_HERE = Path(__file__).parent
_DONE = "gallery-done"  # in the session: the number of the last edit that was carried out
_KEYS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Tile(NamedTuple):
    """An image in the gallery: where it is, a short caption, and what is told of it."""

    place: Place
    caption: str
    hover: str


def class_keys(classes: Sequence[str]) -> dict[str, int]:
    """The key of each class: its name where all have one character, else 0 to 9, a to z, A to Z."""
    if all(len(name) == 1 for name in classes):
        return {name: label for label, name in enumerate(classes)}
    return {key: label for label, key in zip(range(len(classes)), _KEYS, strict=False)}


def show_pages(data: Dataset, tiles: Sequence[Tile], *, key: str, alt: str, group: int = 1) -> None:
    """Show the tiles in pages, of which the URL keeps the number, with their keys."""
    size = PER_PAGE // group * group
    pages = max(1, -(-len(tiles) // size))
    number = 1
    if pages > 1:
        number = url.number(
            f"Page (of {pages:,})", param=f"{key}-page", default=1, low=1, high=pages, width=200
        )
    show_gallery(data, tiles[(number - 1) * size : number * size], key=key, alt=alt, group=group)
    show_keys(data)


def show_keys(data: Dataset) -> None:
    """Say which keys correct an image, of many classes in a fold."""
    keys = class_keys(data.classes)
    named = all(key == data.classes[label] for key, label in keys.items())
    which = "the class's own character" if named else "its key"
    st.caption(
        f"Click an image to look at it closely. With the keys: arrows move, {which} gives an image "
        "that class, Delete drops it, Ctrl+Z takes the last change back."
    )
    if not named:
        listed = " · ".join(f"{key} {data.classes[label]}" for key, label in keys.items())
        st.caption(f"Keys: {plain(listed)}")


def show_gallery(
    data: Dataset, tiles: Sequence[Tile], *, key: str, alt: str, group: int = 1
) -> None:
    """Show the tiles, `group` of them in a frame; what a visitor changes goes into `changes`."""
    labels = [changes.label_of(data, tile.place) for tile in tiles]
    changed = changes.changed_labels(data)
    _component()(
        key=key,
        data={
            "alt": alt,
            "ids": [_id(tile.place) for tile in tiles],
            "captions": [tile.caption for tile in tiles],
            "hovers": [tile.hover for tile in tiles],
            "labels": labels,
            "classes": [shorten(name, 12) for name in data.classes],
            "keys": class_keys(data.classes),
            "changes": {_id(place): label for place, label in changed.items()},
            "chosen": url.get(CHOSEN),
            "done": st.session_state.get(_DONE, 0),
            "group": group,
            "sheet": _sheet(data, tiles),
        },
        on_edits_change=lambda: _carry_out(data, st.session_state[key].get("edits") or []),
        on_chosen_change=lambda: _choose(data, st.session_state[key].get("chosen")),
    )


def chosen_place(data: Dataset, tiles: Sequence[Tile]) -> Place | None:
    """The image that the URL names, or else the first of the gallery."""
    return _place(data, url.get(CHOSEN)) or (tiles[0].place if tiles else None)


def describe(data: Dataset, place: Place) -> str:
    """An image in words: "training image 12, labelled 4"."""
    name = data.classes[changes.label_of(data, place)]
    return f"{SPLIT_NAMES[place.split].lower()} image {place.position:,}, labelled {name}"


def sampled(table: ImageTable) -> str:
    """That the images are a sample of the dataset's, after a comma; nothing where they are all."""
    few = len(table) < table.total
    return f", of a sample of {len(table):,} of {table.total:,} in all splits" if few else ""


def picture(data: Dataset, place: Place) -> np.ndarray:
    """An image as a screen shows it: uint8 [H, W] or [H, W, 3]."""
    from digitlab.figures.images import as_pixels

    return as_pixels(data.split(place.split).images[place.position][None])[0]


def _sheet(data: Dataset, tiles: Sequence[Tile]) -> dict[str, Any]:
    """One picture of all images, and how it is divided: 48 pictures would cost as many requests."""
    import io

    import numpy as np
    from PIL import Image

    columns = max(1, math.ceil(math.sqrt(len(tiles))))
    rows = max(1, -(-len(tiles) // columns))
    pixels = [picture(data, tile.place) for tile in tiles]
    height, width = data.input_shape[1:]
    sheet = np.zeros((rows * height, columns * width, *np.shape(pixels[0])[2:]), dtype=np.uint8)
    for i, image in enumerate(pixels):
        top, left = i // columns * height, i % columns * width
        sheet[top : top + height, left : left + width] = image
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG")
    source = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"source": source, "columns": columns, "rows": rows, "ratio": f"{width} / {height}"}


def _carry_out(data: Dataset, edits: Sequence[Mapping[str, Any]]) -> None:
    """Carry out the edits that came since the last one; what a browser sends is checked."""
    done = st.session_state.get(_DONE, 0)
    for edit in sorted(edits, key=lambda edit: edit.get("number", 0)):
        if edit.get("number", 0) <= done:
            continue
        done = edit["number"]
        place, label = _place(data, edit.get("id")), edit.get("label")
        if edit.get("undo"):
            changes.undo(data)
        elif place and (label is None or label in range(len(data.classes))):
            changes.change_image(data, place, label)
    st.session_state[_DONE] = done


def _choose(data: Dataset, text: str | None) -> None:
    if place := _place(data, text):
        url.put(CHOSEN, _id(place))


def _id(place: Place) -> str:
    return f"{place.split}.{place.position}"


def _place(data: Dataset, text: object) -> Place | None:
    """The image that a text names; None where there is none."""
    split, _, position = str(text).partition(".")
    if split not in SPLITS or not position.isascii() or not position.isdigit():
        return None
    inside = len(position) < 10 and int(position) < len(data.split(split))
    return Place(split, int(position)) if inside else None


@cache
def _component() -> Any:
    script, style = ((_HERE / f"gallery.{kind}").read_text("utf-8") for kind in ("js", "css"))
    return st.components.v2.component(
        "digitlab-gallery", js=script, css=style, isolate_styles=False
    )
