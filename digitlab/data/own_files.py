"""Exporting a dataset as a file, NPZ or ZIP, that `read_images` reads back the same."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from digitlab.data.load import load_dataset
from digitlab.data.own import official_parts
from digitlab.data.reading import limits
from digitlab.data.reading.archive import MAX_ENTRIES
from digitlab.data.reading.exported import ARRAY, FILE, MAX_BYTES, write_mark
from digitlab.data.reading.files import from_bytes, list_zip
from digitlab.errors import ExportError, UploadError
from digitlab.files import write_atomically
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.data.own import Parts

KINDS = ("npz", "zip")
_BESIDE = MAX_BYTES + 1_000  # bytes of an NPZ beside images and labels


def export_dataset(name: str, path: str | Path) -> Path:
    """Write any dataset as a `.npz` or `.zip`, by the ending of `path`, which is returned.

    NPZ: `train_images` and `test_images` uint8 [N, C, H, W], `train_labels` and `test_labels` int64
    [N], as the scripts read that digitlab writes of a run. ZIP: `train/000001.png` and so on, with
    a `labels.csv`. Both hold the names of the classes.
    Raises ExportError for another ending and for more than is read back, DatasetError as
    `load_dataset` does.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise ExportError(f"A dataset is exported as .npz or .zip; not as {path.name!r}.")
    write_atomically(path, dataset_file(name, kind))
    return path


def dataset_file(name: str, kind: Literal["npz", "zip"]) -> bytes:
    """The bytes of the file that `export_dataset` writes."""
    data = load_dataset(name)
    if reason := tell_too_large(data, kind):
        raise ExportError(reason)
    write = _npz if kind == "npz" else _zip
    content = write(official_parts(data), data.classes)
    try:
        list_zip(from_bytes(f"{name}.{kind}", content))
    except UploadError as e:
        raise ExportError(f"{name} would not be read back as {kind.upper()}: {e}") from e
    return content


def tell_too_large(data: Dataset, kind: Literal["npz", "zip"]) -> str:
    """Why a dataset has more images than are read back from such a file; "" where it has not."""
    count = len(data.train) + len(data.val) + len(data.test)
    if count > (most := MAX_ENTRIES - 2 if kind == "zip" else limits.MAX_IMAGES):
        return (
            f"As {kind.upper()}, at most {most:,} images are read back; {data.name} has {count:,}."
        )
    values = count * math.prod(data.input_shape)
    most = limits.MAX_VALUES if kind == "zip" else limits.MAX_UNPACKED - _BESIDE - 8 * count
    if values > most:
        return (
            f"As {kind.upper()}, at most {size(most)} of {count:,} images are read back; "
            f"{data.name} has {size(values)}."
        )
    return ""


def _npz(parts: Parts, classes: tuple[str, ...]) -> bytes:
    buffer = io.BytesIO()
    arrays = {name: tensor.numpy() for name, tensor in vars(parts).items()}
    arrays[ARRAY] = np.frombuffer(write_mark(classes), np.uint8)
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            if array.ndim > 1:  # sorted labels would shrink as harmful files do
                entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def _zip(parts: Parts, classes: tuple[str, ...]) -> bytes:
    import csv

    buffer, table = io.BytesIO(), io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["file", "label"])
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for split, images, labels in (
            ("train", parts.train_images, parts.train_labels),
            ("test", parts.test_images, parts.test_labels),
        ):
            pictures = _pictures(images)
            for number, label in enumerate(labels.tolist()):
                file = f"{split}/{number + 1:06d}.png"
                archive.writestr(file, _png(pictures[number]))
                rows.writerow([file, classes[label]])
        archive.writestr("labels.csv", table.getvalue())
        archive.writestr(FILE, write_mark(classes))
    return buffer.getvalue()


def _pictures(images) -> np.ndarray:
    """Images [N, C, H, W] as files have them: uint8 [N, H, W] or [N, H, W, 3]."""
    array = images.numpy()
    return array[:, 0] if array.shape[1] == 1 else np.ascontiguousarray(np.moveaxis(array, 1, 3))


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
