"""Labelled images from a ZIP: class folders (`7/a.png`), or images with a `labels.csv`."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from digitlab.data.archive import list_files, read_entry
from digitlab.data.framing import SIDE, decode_image, fit_to_square, is_light_paper
from digitlab.errors import UploadError

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
LABELS = "labels.csv"
MAX_IMAGE_BYTES = 4_000_000
MAX_LABELS_BYTES = 8_000_000
MAX_PIXELS = 200_000_000  # of all images together, decoded


def read_folders(
    archive: zipfile.ZipFile, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Images uint8 [N, 28, 28], labels int64 [N], and notes of what was changed on the way."""
    files = list_files(archive)
    tables = [entry for entry in files if PurePosixPath(entry.filename).name.lower() == LABELS]
    pictures = [entry for entry in files if entry.filename.lower().endswith(IMAGE_ENDINGS)]
    if len(tables) > 1:
        raise UploadError(f"The ZIP holds {len(tables)} files named {LABELS}; one is enough.")
    if not pictures:
        raise UploadError(
            "The ZIP holds no image (PNG, JPEG, WebP or BMP). Put each into a folder named by its "
            f"class, 7/a.png, or list them in a {LABELS}."
        )
    notes = []
    ignored = len(files) - len(pictures) - len(tables)
    if ignored:
        notes.append(f"{ignored:,} other files in the ZIP were ignored.")
    if tables:
        label_of = _read_table(read_entry(archive, tables[0], MAX_LABELS_BYTES))
        folder = PurePosixPath(tables[0].filename).parent
        labels = [_label_of(entry.filename, folder, label_of, classes) for entry in pictures]
        absent = len(label_of) - len(pictures)
        if absent > 0:
            notes.append(f"{absent:,} rows of {LABELS} name no image of the ZIP.")
    else:
        labels = [_label_of_folder(entry.filename, classes) for entry in pictures]
    images = _read_images(archive, pictures, notes)
    return images, np.array(labels, dtype=np.int64), notes


def find_label(text: str, classes: Sequence[str], where: str) -> int:
    """The class that a text names, by its name or by its number; UploadError for none."""
    text = text.strip()
    if text in classes:
        return list(classes).index(text)
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if number.is_integer() and 0 <= number < len(classes):
        return int(number)
    names = ", ".join(list(classes)[:12]) + (" …" if len(classes) > 12 else "")
    raise UploadError(f"{where[:100]} has the label {text[:40]!r}; the classes are {names}.")


def _label_of_folder(name: str, classes: Sequence[str]) -> int:
    folder = PurePosixPath(name).parent.name
    if not folder:
        raise UploadError(
            f"{name[:80]!r} lies in no class folder: put it into one, 7/{name[:40]}, or add a "
            f"{LABELS} with the columns file and label."
        )
    return find_label(folder, classes, f"The folder of {name[:80]!r}")


def _label_of(
    name: str, folder: PurePosixPath, label_of: dict[str, str], classes: Sequence[str]
) -> int:
    path = PurePosixPath(name)
    relative = str(path.relative_to(folder)) if path.is_relative_to(folder) else name
    for key in (relative, name, path.name):
        if key in label_of:
            return find_label(label_of[key], classes, f"{LABELS}: {key!r}")
    raise UploadError(f"{LABELS} has no label for {name[:80]!r}.")


def _read_table(content: bytes) -> dict[str, str]:
    """File name → label, of a table with two columns; a header row is optional."""
    try:
        text = content.decode("utf-8-sig")
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except (UnicodeDecodeError, csv.Error) as e:
        raise UploadError(f"{LABELS} cannot be read as a table in UTF-8 ({e}).") from e
    label_of: dict[str, str] = {}
    for number, row in enumerate(rows):
        if len(row) < 2:
            raise UploadError(f"Row {number + 1} of {LABELS} needs two columns: file and label.")
        name, label = row[0].strip().replace("\\", "/").removeprefix("./"), row[1].strip()
        if number == 0 and not name.lower().endswith(IMAGE_ENDINGS):
            continue
        if label_of.get(name, label) != label:
            raise UploadError(
                f"{LABELS} gives {name[:80]!r} two labels, {label_of[name]} and {label}."
            )
        label_of[name] = label
    return label_of


def _read_images(
    archive: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], notes: list[str]
) -> np.ndarray:
    decoded, pixels, resized = [], 0, 0
    for entry in entries:
        image = decode_image(read_entry(archive, entry, MAX_IMAGE_BYTES), entry.filename)
        pixels += image.size
        if pixels > MAX_PIXELS:
            raise UploadError(
                f"The images have more than {MAX_PIXELS / 1e6:,.0f} million pixels in total: "
                "upload fewer or smaller ones."
            )
        resized += image.shape != (SIDE, SIDE)
        decoded.append(fit_to_square(image))  # at once: one large image is held at a time
    if is_light_paper(decoded):
        decoded = [255 - image for image in decoded]
        notes.append("The images have dark ink on light paper: they were inverted.")
    if resized:
        notes.append(
            f"{resized:,} of {len(decoded):,} images were of another size: they were padded to a "
            "square and resampled to 28×28 pixels."
        )
    return np.stack(decoded)
