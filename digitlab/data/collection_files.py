"""Exporting a collection as a file, and importing one."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from digitlab.data import collections
from digitlab.data.info import DIGITS
from digitlab.data.reading.archive import list_files, open_archive
from digitlab.data.reading.files import from_entry
from digitlab.data.reading.read import read_file
from digitlab.errors import UploadError, reason

if TYPE_CHECKING:
    from digitlab.data.reading.images import LabelledImages
    from digitlab.data.reading.orientation import Predictor

STROKES = "strokes.npy"  # of an .npz: the bytes of a JSON text, so that nothing is pickled …
DRAWINGS = "strokes.json"  # … which a ZIP holds as it is
MAX_STROKES_BYTES = 40_000_000


def export_collection(name: str, kind: Literal["npz", "zip"]) -> bytes:
    """A collection as a file that `dl.read_images` and `import_collection` read.

    NPZ: `images` uint8 [N, 28, 28], `labels` int64 [N], `strokes` uint8 [B], a JSON text. ZIP:
    `LABEL/ID.png` and `strokes.json`. Raises DatasetMissingError, DatasetDamagedError.
    """
    drawings = collections.read_drawings(name)
    strokes = json.dumps([[stroke.tolist() for stroke in drawing.strokes] for drawing in drawings])
    buffer = io.BytesIO()
    if kind == "npz":
        np.savez_compressed(
            buffer,
            images=np.stack([drawing.image for drawing in drawings]),
            labels=np.array([drawing.label for drawing in drawings], np.int64),
            strokes=np.frombuffer(strokes.encode(), np.uint8),
        )
        return buffer.getvalue()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for drawing in drawings:
            archive.writestr(f"{drawing.label}/{drawing.id}.png", _png(drawing.image))
        archive.writestr(DRAWINGS, strokes)
    return buffer.getvalue()


def import_collection(
    name: str, content: bytes, file_name: str = "", predict: Predictor | None = None
) -> LabelledImages:
    """Add the labelled digits of a file of any form to the collection `name`; return them.

    `predict` looks whether they lie upright; see `read_file`. Strokes come along where
    `export_collection` wrote the file. Raises UploadError for what cannot be read or is not safe
    to open, DatasetError where they do not fit in; then none is added.
    """
    read = read_file(content, file_name, DIGITS, predict)
    strokes = _read_strokes(content, len(read))
    collections.keep_drawings(
        name,
        [
            collections.NewDrawing(image[0], int(label), paths)
            for image, label, paths in zip(read.images, read.labels, strokes, strict=True)
        ],
    )
    return read


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def _read_strokes(content: bytes, count: int) -> Sequence[Any]:
    """The strokes of each image; empty where the file has none, or not one entry an image."""
    none: list[list[Any]] = [[] for _ in range(count)]
    if content[:4] != b"PK\x03\x04":
        return none
    archive = open_archive(content)
    entries = {entry.filename: entry for entry in list_files(archive)}
    entry = entries.get(STROKES) or entries.get(DRAWINGS)
    if entry is None:
        return none
    text = from_entry(archive, entry).read(MAX_STROKES_BYTES)
    if entry.filename == STROKES:  # a .npy of bytes: its text begins after the head
        text = text[text.find(b"\n") + 1 :]
    try:
        lists = json.loads(text)
        arrays = [
            [np.array(stroke, np.float32).reshape(-1, 2) for stroke in paths] for paths in lists
        ]
    except (ValueError, TypeError, RecursionError) as e:
        raise UploadError(f"The strokes in the file are damaged ({reason(e)}).") from e
    finite = all(np.isfinite(stroke).all() for paths in arrays for stroke in paths)
    return arrays if len(arrays) == count and finite else none
