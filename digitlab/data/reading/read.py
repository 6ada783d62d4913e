"""`read_file`: a file from outside → `LabelledImages`, checked before memory is spent.

First the form is recognised and read into parts, then labels, pixels, paper and orientation are
brought to what networks read, each change with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from digitlab.data.reading import form, limits, orientation, paper, pixels
from digitlab.data.reading.files import from_source
from digitlab.data.reading.framing import check_values, fit_to_square
from digitlab.data.reading.images import LabelledImages
from digitlab.data.reading.labels import Labels, read_exported, read_labels, unclear_first
from digitlab.data.reading.options import AS_IT_IS, DEFAULT, SIDE, Options
from digitlab.data.reading.orientation import TURNS, Predictor
from digitlab.data.reading.part import Part
from digitlab.errors import UnlabelledFileError, UploadError
from digitlab.words import percent


def read_file(
    source: bytes | str | Path | BinaryIO,
    name: str = "",
    classes: Sequence[str] | None = None,
    predict: Predictor | None = None,
    options: Options = DEFAULT,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelledImages:
    """Read labelled images; see `digitlab.read_images`, which adds the bundled reader's look.

    `predict` is what looks at a few images: without it neither orientation nor labels of 1 to 10
    are judged. UploadError where the file cannot be read, UnclearFileError where it asks.
    """
    if options.orientation not in (None, *TURNS):
        ways = ", ".join(map(repr, TURNS))
        raise UploadError(f"orientation is one of {ways}; not {options.orientation!r}.")
    options.check_size()
    file = from_source(source, name)
    title = name or (Path(source).name if isinstance(source, str | Path) else "")
    title = title or getattr(file, "name", "") or "the upload"
    parts = form.read_parts(file, classes, options, on_progress)
    notes = [note for part in parts for note in part.notes]
    how = _as_exported(options, parts)
    parts, more = _labelled(parts)
    raw = [part.labels for part in parts]
    if len({labels.dtype.kind for labels in raw}) > 1:
        raw = [labels.astype(str) for labels in raw]
    raw, named = np.concatenate(raw), parts[0].classes
    if all(part.exported for part in parts):
        labels = read_exported(raw, classes, named)
    else:
        labels = read_labels(raw, classes, named, options.first_label)
    images, changes = _to_images(parts, how)
    notes += more + labels.notes + changes
    predict = _for_shape(predict, images.shape[1:])
    values = _resolve(labels, images, predict, notes)
    images, turned = _upright(images, values, labels.classes, predict, how.orientation)
    return LabelledImages(
        name=title,
        images=np.require(images, requirements=["C", "W"]),
        labels=np.ascontiguousarray(values, dtype=np.int64),
        classes=tuple(labels.classes),
        notes=tuple(dict.fromkeys([*notes, *turned])),
        parts=tuple((part.split, len(part.labels)) for part in parts if part.split),
        source=", ".join([repr(title), *options.as_code()]),
    )


def read_unlabelled(
    source: bytes | str | Path | BinaryIO, name: str = "", options: Options = DEFAULT
) -> tuple[np.ndarray, list[str]]:
    """The images uint8 [N, C, H, W] of a file without labels, in its order, and notes.

    UploadError where it cannot be read, and where it has labels.
    """
    parts = form.read_parts(from_source(source, name), None, options)
    labelled = [part.where for part in parts if part.labels is not None]
    if labelled:
        raise UploadError(f"{labelled[0]} has labels: evaluate the network on it instead.")
    notes = [note for part in parts for note in part.notes]
    images, changes = _to_images(parts, options)
    turn = TURNS[options.orientation or "as it is"]
    return np.require(turn(images), requirements=["C", "W"]), notes + changes


def _as_exported(options: Options, parts: Sequence[Part]) -> Options:
    """The options, by which what digitlab exported is not judged but read as it is."""
    if not all(part.exported for part in parts):
        return options
    paper, orientation = options.paper or "as it is", options.orientation or "as it is"
    options = replace(options, paper=paper, orientation=orientation)
    shape = parts[0].images.shape  # of an NPZ with the channels first, of image files last
    return options.as_exported(len(shape) == 4 and 3 in (shape[1], shape[3]))


def _labelled(parts: Sequence[Part]) -> tuple[list[Part], list[str]]:
    """The parts that have labels and images, and what is told of the others and of the splits."""
    with_labels = [part for part in parts if part.labels is not None]
    if not with_labels:
        raise UnlabelledFileError(
            f"{parts[0].where} has no labels: {len(parts[0].images):,} images. To measure or train "
            "on them each needs one: a column named label, an array named labels, a folder."
        )
    notes = [
        f"{part.where} has no labels: its {len(part.images):,} images were left out."
        for part in parts
        if part.labels is None
    ]
    for part in with_labels:
        if len(part.images) != len(part.labels):
            raise UploadError(
                f"There are {len(part.images):,} images and {len(part.labels):,} labels: they must "
                "match."
            )
    usable = [part for part in with_labels if len(part.labels)]
    total = sum(len(part.labels) for part in usable)
    if not total:
        raise UploadError("There are no images in the file.")
    if total > limits.MAX_IMAGES:
        raise UploadError(f"There are {total:,} images; at most {limits.MAX_IMAGES:,} are read.")
    usable = _one_a_split(usable)
    if len(usable) > 1:
        summary = ", ".join(f"{part.split} {len(part.labels):,} ({part.where})" for part in usable)
        rest = ", ".join(f"{len(p.labels):,} of {p.where}" for p in usable if p.split != "test")
        notes.append(f"The file has parts: {summary}.")
        if "test" in [part.split for part in usable]:
            notes.append(f"A network is measured on the test part alone, without {rest}.")
    return usable, notes


def _one_a_split(parts: Sequence[Part]) -> list[Part]:
    """Parts in the order train, val, test; those of one split joined.

    Where one of several parts is of no split, they are all one.
    """
    names = [part.split for part in parts]
    if "" in names or len(set(names)) == 1:
        names = [""] * len(parts)
    joined = []
    for name in ("train", "val", "test", ""):
        same = [part for part, own in zip(parts, names, strict=True) if own == name]
        if len(same) == 1:
            same[0].split = name
        if same:
            joined.append(same[0] if len(same) == 1 else _join(same, name))
    return joined


def _join(parts: Sequence[Part], split: str) -> Part:
    if len({part.images.shape[1:] for part in parts}) > 1:
        raise UploadError(
            "The file's parts have images of different sizes: "
            + ", ".join(f"{part.where} {list(part.images.shape)}" for part in parts[:4])
        )
    where = ", ".join(part.where for part in parts[:3]) + (" …" if len(parts) > 3 else "")
    labels = [part.labels.astype(str) for part in parts]
    if all(part.labels.dtype.kind in "iu" for part in parts):
        labels = [part.labels for part in parts]
    images = np.concatenate([part.images for part in parts])
    notes = [] if split else [f"{where} were put together."]
    first = parts[0]
    first.where, first.images, first.labels, first.split = (
        where,
        images,
        np.concatenate(labels),
        split,
    )
    first.notes = notes
    return first


def _to_images(parts: Sequence[Part], options: Options) -> tuple[np.ndarray, list[str]]:
    """All images uint8 [N, C, H, W], 0 paper and 255 ink, and notes of what was changed.

    The paper of colours is not judged: they are inverted only where a person asked for it.
    """
    squares, notes = [], []
    for part in parts:
        square, more = pixels.to_square(part.images, part.where, bool(options.colour))
        part.images = np.zeros(0)  # not held twice
        squares.append(square)
        notes += more
    arrays, more = pixels.to_bytes(squares, parts[0].where)
    del squares
    notes += more
    shapes = {array.shape[1:3] for array in arrays}
    side = min(options.largest, max(map(max, shapes))) if options.size == AS_IT_IS else None
    side = side or options.largest
    check_values(sum(map(len, arrays)) * side**2 * (3 if options.colour else 1))
    if shapes - {(side, side)}:
        sizes = ", ".join(f"{width}×{height}" for height, width in sorted(shapes))
        notes.append(
            f"The images were of another size ({sizes}): they were padded to a square and "
            f"resampled to {side}×{side} pixels."
        )
        arrays = [_resize(array, side) for array in arrays]
    images = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    if not options.colour:
        images, more = paper.to_ink(images, options.paper)
        return images[:, None], notes + more
    if options.paper == "light":
        images = 255 - images
        notes.append("The images were inverted.")
    return np.moveaxis(images, 3, 1), notes


def _resize(images: np.ndarray, side: int) -> np.ndarray:
    if images.shape[1:3] == (side, side):
        return images
    resized = np.empty((len(images), side, side, *images.shape[3:]), np.uint8)
    for i, image in enumerate(images):
        resized[i] = fit_to_square(np.ascontiguousarray(image), side)
    return resized


def _for_shape(predict: Predictor | None, shape: Sequence[int]) -> Predictor | None:
    """The predictor of 28×28 grey images for grey ones of another size; None for colours."""
    if predict is None or shape[0] != 1 or tuple(shape[1:]) == (SIDE, SIDE):
        return predict if shape[0] == 1 else None
    return lambda images: predict(_resize(images[:, 0], SIDE)[:, None])


def _resolve(labels: Labels, images, predict: Predictor | None, notes: list[str]) -> np.ndarray:
    """The labels; those of 1 to 10 as the predictor reads most of the images."""
    if not labels.readings:
        return labels.values
    if predict is None:
        raise unclear_first(labels)
    rows = orientation.sample(labels.values)
    counts = {
        argument: max(
            orientation.agreement(turn(images[rows]), values[rows], predict)
            for turn in (TURNS["as it is"], TURNS["transposed"])
        )
        for argument, (values, _) in labels.readings.items()
    }
    best, other = sorted(counts, key=counts.get, reverse=True)
    if not orientation.choose([counts[other], counts[best]], len(rows)):
        raise unclear_first(labels)
    values, note = labels.readings[best]
    shares = [percent(counts[way] / len(rows), 0) for way in (best, other)]
    notes.append(
        f"In the labels {note}: the bundled reader then agrees with {shares[0]}, else with "
        f"{shares[1]}."
    )
    return values


def _upright(images, labels, classes, predict: Predictor | None, chosen: str | None):
    if chosen is not None:
        notes = [] if chosen == "as it is" else [f"The images were put upright, from {chosen}."]
        images = TURNS[chosen](images)
        return images, notes + orientation.look(images, labels, classes, predict)
    return orientation.turn_upright(images, labels, classes, predict)
