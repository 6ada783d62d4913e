"""`read_labelled_images`: an uploaded file → images and labels, checked before memory is spent.

Three kinds are read: a ZIP of images (see `folders`), an .npz with images and labels, and a CSV in
Kaggle's form. Nothing is unpickled, nothing is written to disk.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from digitlab.data.archive import list_files, open_archive
from digitlab.data.folders import read_folders
from digitlab.data.framing import SIDE, check_size, fit_to_square
from digitlab.data.info import DIGITS, DatasetInfo
from digitlab.data.tables import read_table
from digitlab.errors import UploadError
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

MAX_BYTES = 128_000_000  # of the file as it comes; Kaggle's training CSV has 77 MB
MAX_IMAGES = 70_000
MAX_ARRAY_BYTES = 128_000_000  # of one array of an .npz
KINDS = ("zip", "npz", "csv")
IMAGE_NAMES = ("images", "x", "x_test", "test_images", "data")
LABEL_NAMES = ("labels", "y", "y_test", "test_labels", "targets")


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """What was read: `images` uint8 [N, 1, 28, 28], `labels` int64 [N], and `notes`, sentences
    on what was changed on the way. `digest` is the SHA-256 (hex) of both and of the classes.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def digest(self) -> str:
        """Equal images, labels and classes, equal digest."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        digest.update(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    def as_dataset(self) -> Dataset:
        """A Dataset whose test split they are; its training and validation splits are empty."""
        import torch

        from digitlab.data.dataset import Dataset, Split

        info = DatasetInfo(
            name="upload",
            title=self.name,
            about=f"{len(self):,} labelled images from {self.name}.",
            source="",
            train_size=0,
            test_size=len(self),
            classes=self.classes,
        )
        images, labels = torch.from_numpy(self.images), torch.from_numpy(self.labels)
        test = Split("test", images, labels, torch.arange(len(self)))
        none = torch.arange(0)
        train, val = (Split(name, images[:0], labels[:0], none) for name in ("train", "val"))
        return Dataset(info, train, val, test, 0.0, 0)


def read_labelled_images(
    source: bytes | str | Path | BinaryIO, name: str = "", classes: Sequence[str] = DIGITS
) -> LabelledImages:
    """Read labelled images from a ZIP, an .npz or a CSV: its bytes, its path or an open file.

    ZIP: images in folders named by class, or with a `labels.csv` (file, label). NPZ: `images`
    uint8 [N, 28, 28] or [N, 1, 28, 28] and `labels` [N]; also `x`, `y` and Keras' `x_test`,
    `y_test`. CSV: Kaggle's, the label and 784 pixels of 0…255 a row. Images of other sizes are
    padded and resampled. A label is a class's name or number.

    Raises UploadError for anything else, for more than 128 MB, 70,000 images or 256 MB unpacked,
    and for whatever is not safe to open; each says why.
    """
    content, name = _content(source, name)
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        archive = open_archive(content)
        arrays = [entry for entry in archive.infolist() if entry.filename.endswith(".npy")]
        read = _read_npz if arrays or name.lower().endswith(".npz") else read_folders
        images, labels, notes = read(archive, classes)
    elif name.lower().endswith((".zip", ".npz")):
        raise UploadError(f"{name} is not a ZIP archive: create it again.")
    else:
        images, labels, notes = read_table(content, classes)
    _check_counts(len(images), len(labels))
    return LabelledImages(
        name=name or "the upload",
        images=np.ascontiguousarray(images[:, None]),
        labels=np.ascontiguousarray(labels, dtype=np.int64),
        classes=tuple(classes),
        notes=tuple(notes),
    )


def _content(source: bytes | str | Path | BinaryIO, name: str) -> tuple[bytes, str]:
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            with path.open("rb") as file:
                return _content(file, name or path.name)
        except OSError as e:
            raise UploadError(f"{path} cannot be read: {e.strerror or e}.") from e
    if isinstance(source, bytes | bytearray | memoryview):
        content = bytes(source)
    else:
        content = source.read(MAX_BYTES + 1)
        name = name or Path(str(getattr(source, "name", ""))).name
    if len(content) > MAX_BYTES:
        raise UploadError(
            f"{name or 'The file'} is larger than {size(MAX_BYTES, 0)}, which is the limit."
        )
    if not content:
        raise UploadError(f"{name or 'The file'} is empty.")
    return content, name


def _check_counts(images: int, labels: int) -> None:
    if images != labels:
        raise UploadError(f"There are {images:,} images and {labels:,} labels: they must match.")
    if not images:
        raise UploadError("There are no images in the file.")
    if images > MAX_IMAGES:
        raise UploadError(f"There are {images:,} images; at most {MAX_IMAGES:,} are read.")


def _read_npz(
    archive: zipfile.ZipFile, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    entries = {entry.filename.removesuffix(".npy"): entry for entry in list_files(archive)}
    image_name = next((name for name in IMAGE_NAMES if name in entries), None)
    label_name = next((name for name in LABEL_NAMES if name in entries), None)
    for name, expected in ((image_name, "images"), (label_name, "labels")):
        if name is None:
            raise UploadError(
                f"The .npz has no array named {expected!r}; it has "
                f"{', '.join(list(entries)[:8]) or 'none'}."
            )
    images = _read_array(archive, entries[image_name], (3, 4))
    labels = _read_array(archive, entries[label_name], (1,))
    _check_counts(len(images), len(labels))
    images, notes = _as_images(images)
    wrong = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if wrong.size:
        raise UploadError(
            f"Labels lie within 0…{len(classes) - 1}; label {wrong[0]} is {labels[wrong[0]]}."
        )
    return images, labels, notes


def _read_array(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, dimensions: tuple[int, ...]
) -> np.ndarray:
    """An array of whole numbers; its head is read and checked before its content is."""
    name = entry.filename.removesuffix(".npy")
    try:
        with archive.open(entry) as file:
            version = np.lib.format.read_magic(file)
            reader = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }.get(version)
            if reader is None:
                raise UploadError(f"{name!r} is of .npy version {version}; 1.0 and 2.0 are read.")
            shape, _, dtype = reader(file)
        _check_head(name, shape, dtype, dimensions)
        with archive.open(entry) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile, RuntimeError) as e:
        raise UploadError(f"{name!r} of the .npz is damaged or no array ({str(e)[:80]}).") from e


def _check_head(
    name: str, shape: tuple[int, ...], dtype: np.dtype, dimensions: tuple[int, ...]
) -> None:
    if dtype.hasobject or dtype.kind not in "iu":
        raise UploadError(
            f"{name!r} of the .npz must hold whole numbers (images uint8 of 0…255); not {dtype}."
        )
    if len(shape) not in dimensions:
        raise UploadError(
            f"{name!r} of the .npz has the shape {list(shape)}; images are [N, 28, 28] or "
            "[N, 1, 28, 28] and labels [N]."
        )
    count = 1
    for length in shape:  # plain numbers, which do not overflow
        count *= int(length)
    if count * dtype.itemsize > MAX_ARRAY_BYTES or shape[0] > MAX_IMAGES:
        raise UploadError(
            f"{name!r} of the .npz has the shape {list(shape)}; at most {MAX_IMAGES:,} images and "
            f"{size(MAX_ARRAY_BYTES, 0)} are read."
        )


def _as_images(images: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if images.ndim == 4:
        if 1 not in (images.shape[1], images.shape[3]):
            raise UploadError(
                f"Images of the shape {list(images.shape[1:])} have colours; give grey ones, "
                "[N, 28, 28] or [N, 1, 28, 28]."
            )
        images = images[:, 0] if images.shape[1] == 1 else images[..., 0]
    check_size(images.shape[2], images.shape[1], "images")
    if images.size and (int(images.min()) < 0 or int(images.max()) > 255):
        raise UploadError("Pixels lie within 0…255; these go beyond: give uint8.")
    images = images.astype(np.uint8)
    if images.shape[1:] == (SIDE, SIDE):
        return images, []
    size = f"{images.shape[2]}×{images.shape[1]}"
    note = f"The images were {size}: padded to a square and resampled to 28×28 pixels."
    return np.stack([fit_to_square(image) for image in images]), [note]
