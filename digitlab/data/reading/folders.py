"""Image files and where their labels are: a table, the folders' names, or the files' own names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import numpy as np

from digitlab.data.reading import exported, limits
from digitlab.data.reading.files import File
from digitlab.data.reading.framing import (
    ENDINGS,
    LARGE,
    check_values,
    fit_to_square,
    frame_photo,
    open_image,
    reduce,
    stack_images,
    to_pixels,
)
from digitlab.data.reading.label_table import (
    find_label_of,
    is_label_table,
    names_image,
    read_label_table,
)
from digitlab.data.reading.labels import find_digit
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import SPLIT_WORDS, Part, find_split
from digitlab.errors import UnclearFileError, UploadError
from digitlab.settings import read_settings
from digitlab.words import counted

FRAMINGS = ("digit", "whole")
_UNREAD = (".heic", ".heif", ".hif", ".avif")
PHOTOS = "in HEIC or AVIF, which are not read: save or send such photos as JPEG"
_LEVELS = ("outer", "inner")
_SINGLE = re.compile(r"[A-Za-z]|sample\d{3}", re.I)  # classes that are one character


def is_image(file: File) -> bool:
    """Whether its name is that of an image."""
    return file.name.lower().endswith(ENDINGS)


def read_folders(
    files: Sequence[File],
    classes: Sequence[str] | None,
    options: Options,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Part]:
    """A part for each of train, val and test where folders are named so, else one."""
    framing, label_column = options.framing, options.label_column
    if any(file.path.name == "digitStruct.mat" for file in files):
        raise UploadError(
            "These are SVHN's whole house numbers (format 1); its cropped digits (format 2) are "
            "read: train_32x32.mat."
        )
    if framing not in (None, *FRAMINGS):
        raise UploadError(f"framing is one of {', '.join(map(repr, FRAMINGS))}; not {framing!r}.")
    pictures = [file for file in files if is_image(file)]
    tables = [file for file in files if not is_image(file) and _is_table(file, pictures)]
    labels, notes, pictures = _find_labels(pictures, tables, classes, label_column)
    marks = [file for file in files if file.name == exported.FILE]
    ignored = len(files) - sum(map(is_image, files)) - len(tables) - len(marks)
    if ignored:
        notes.append(f"{ignored:,} other files were ignored.{tell_photos(files)}")
    if len(pictures) > limits.MAX_IMAGES:
        raise UploadError(f"There are {len(pictures):,} images; {limits.MAX_IMAGES:,} are read.")
    photos = framing == "digit" or (
        framing is None and not marks and _are_characters(labels, classes)
    )
    if marks and pictures:
        options = options.as_exported(_is_coloured(pictures[0]))
    images, rows, more = _read_images(pictures, photos and options.plain, options, on_progress)
    labels = [labels[row] for row in rows]
    splits = [_split_of(pictures[row].path) for row in rows]
    parts = _part(images, labels, splits, notes + more)
    for mark in marks[:1]:
        content = mark.read(exported.MAX_BYTES)
        for part in parts:
            part.classes, part.exported = exported.read_mark(content, mark.name), True
    return parts


def tell_photos(files: Sequence[File]) -> str:
    """A sentence on photos that are not read; "" without any."""
    count = sum(file.name.lower().endswith(_UNREAD) for file in files)
    return f" {count:,} of them are {PHOTOS}." if count else ""


def _part(images, labels: Sequence[str], splits: Sequence[str], notes: list[str]) -> list[Part]:
    texts, whole = np.array(labels), np.array(splits)
    names = [name for name in ("train", "val", "test", "") if (whole == name).any()]
    parts = []
    for name in names:
        rows = np.flatnonzero(whole == name)
        split = name if len(names) > 1 else ""
        where = f"the folder {name}" if name else "the images"
        parts.append(Part(where, images[rows], texts[rows], split))
    parts[0].notes = notes
    return parts


def _split_of(path: PurePosixPath) -> str:
    """train, val or test, by the innermost folder that is named so."""
    named = [SPLIT_WORDS[p.lower()] for p in path.parts[:-1] if p.lower() in SPLIT_WORDS]
    return named[-1] if named else ""


def _are_characters(labels: Sequence[str], classes: Sequence[str] | None) -> bool:
    """Whether the classes are digits or letters, which are framed as drawings are."""
    names = set(classes or labels)
    return all(find_digit(name) is not None or _SINGLE.fullmatch(name) for name in names)


# Labels


def _is_table(file: File, pictures: Sequence[File]) -> bool:
    """Whether a file holds labels; one in JSON may as well describe the data or its classes."""
    if not is_label_table(file.name) or file.path.suffix.lower() not in (".json", ".jsonl"):
        return is_label_table(file.name)
    try:
        content = file.read(limits.MAX_TABLE_BYTES)
        return names_image(content, file.name, [picture.path for picture in pictures])
    except UploadError:
        return False


def _find_labels(
    pictures: Sequence[File], tables: Sequence[File], classes, label_column
) -> tuple[list[str], list[str], list[File]]:
    """The labels of the images as texts, notes, and the images that have one."""
    if tables:
        return _by_tables(pictures, tables, label_column)
    folders = _class_folders(pictures, classes, label_column)
    known = [_is_class(name, classes) for name in folders]
    by_names = label_column is not None and label_column not in _LEVELS
    if not by_names and all(folders) and (any(known) or len(set(folders)) > 1):
        return folders, [], list(pictures)
    labels, note = _by_names([file.path.stem for file in pictures], classes, label_column)
    if labels:
        return labels, [note], list(pictures)
    if folders[0] and (classes is not None or _SINGLE.fullmatch(folders[0])):  # of one class
        return folders, [], list(pictures)
    name = pictures[0].path.name
    raise UploadError(
        f"{pictures[0].name[:80]!r} lies in no class folder: put it into one, 7/{name[:40]}, name "
        f"it 7_{name[:40]}, or add a labels.csv with the columns file and label."
    )


def _class_folders(pictures: Sequence[File], classes, label_column) -> list[str]:
    """The folder of each image that names its class; "" for one that lies in none.

    That is the innermost one that is not only train or test. Where one further out may be it, too
    (7/anna/a.png, or 3/7/a.png of writer 3), a person says which.
    """
    paths = [
        [part for part in file.path.parts[:-1] if part.lower() not in SPLIT_WORDS]
        for file in pictures
    ]
    level = 2 if label_column == "outer" else 1
    names = [path[-level:][0] if path else "" for path in paths]
    outer = [path[-2] if len(path) > 1 else "" for path in paths]
    named = all(_is_class(name, classes) or _SINGLE.fullmatch(name) for name in set(outer))
    one_level = not named or len(set(outer)) == 1 or len(set(names)) == 1
    if one_level or label_column is not None:
        return names
    example = "/".join(paths[0])
    raise UnclearFileError(
        f"Which folder of {example[:80]!r} is the class of its images: the outer or the inner "
        "one? label_column='outer' or 'inner' answers it.",
        argument="label_column",
        choices=_LEVELS,
    )


def _is_class(name: str, classes: Sequence[str] | None) -> bool:
    return bool(name) and (find_digit(name) is not None or name in (classes or ()))


def _by_tables(pictures, tables: Sequence[File], label_column):
    """Labels from tables: one for all images, one for each part, or one beside each folder."""
    read, notes = {}, []
    for table in tables:
        key, name = (table.path.parent, find_split(table.path.stem)), table.path.name
        if key in read:
            raise UploadError(f"There are 2 files named like {name}; one is enough.")
        try:
            content = table.read(limits.MAX_TABLE_BYTES)
            read[key] = read_label_table(content, name, label_column)
        except UploadError as e:
            if len(tables) == 1 or isinstance(e, UnclearFileError):
                raise
            notes.append(f"{name} was left out: {e}")
    folders = {folder for folder, _ in read}
    empty = [f for f in folders if not any(file.path.is_relative_to(f) for file in pictures)]
    if empty and len(folders) > 1:
        raise UploadError(
            f"There are {len(tables)} files named {tables[0].path.name} or alike, and beside the "
            f"one in {empty[0]} is no image."
        )
    labels, named = [], tables[0].path.name
    for file in pictures:
        label = _nearest(file.path, read)
        if label is None:
            raise UploadError(f"{named} has no label for {file.name[:80]!r}.")
        labels.append(label)
    absent = sum(map(len, read.values())) - len(pictures)
    if absent > 0:
        notes.append(f"{absent:,} rows of {named} name no image of the file.")
    return labels, notes, list(pictures)


def _nearest(path: PurePosixPath, tables) -> str | None:
    """The label in the table that is nearest: of the image's own part, in the innermost folder."""
    split = _split_of(path)
    order = sorted(tables, key=lambda k: (not path.is_relative_to(k[0]), -len(k[0].parts), k[1]))
    for folder, part in order:
        if part in ("", split) or not split:
            label = find_label_of(str(path), folder, tables[folder, part])
            if label is not None:
                return label
    return None


def _by_names(stems: Sequence[str], classes, label_column) -> tuple[list[str], str]:
    """Labels at the beginning or the end of file names, `7_0001` or `img_0001_7`; [] for none."""
    pieces = [re.split(r"[^A-Za-z0-9]+", stem.strip("_- ")) for stem in stems]
    ways = {}
    for position, place in ((0, "beginning"), (-1, "end")):
        texts = [_label_piece(row[position], classes) for row in pieces]
        if all(texts):
            ways[position] = texts, place
    if label_column is not None and label_column not in ("", None):
        position = int(label_column) if str(label_column).lstrip("-").isdigit() else 0
        texts = [row[position] if -len(row) <= position < len(row) else "" for row in pieces]
        if all(texts):
            return texts, f"Labels were read from part {position} of the files' names."
    if len(ways) == 2 and ways[0][0] != ways[-1][0]:
        raise UnclearFileError(
            f"{stems[0]!r} may be a {ways[0][0][0]} by the beginning of its name or a "
            f"{ways[-1][0][0]} by its end: label_column=0 reads the first, label_column=-1 the "
            "last.",
            argument="label_column",
            choices=("0", "-1"),
        )
    for texts, place in ways.values():
        return texts, f"Labels were read from the {place} of the files' names."
    return [], ""


def _label_piece(text: str, classes: Sequence[str] | None) -> str:
    """The label that a piece of a name is: one digit, `digit7`, `seven`, a class; "" for none."""
    if text in (classes or ()):
        return text
    digit = find_digit(text)
    plain = text.isdigit() and len(text) > 1  # 0001 counts images
    return str(digit) if digit is not None and not plain else ""


# Images


def _read_images(
    pictures: Sequence[File], photos: bool, options: Options, on_progress
) -> tuple[np.ndarray, list[int], list[str]]:
    """The images, the position of each among the files, and notes."""
    bound = max(LARGE, options.largest)
    decoded, rows, framed, empty, shrunk, stacks, values = [], [], 0, 0, 0, 0, 0
    largest, most, damaged = read_settings().max_pixels, limits.FREE_PIXELS, []
    for number, file in enumerate(pictures):
        content = file.read(limits.MAX_IMAGE_BYTES)
        try:
            picture = open_image(content, file.name, largest)
            most += limits.PIXELS_A_BYTE * len(content) - picture.width * picture.height
            _check_pixels(most, file.name)
            stacks += getattr(picture, "is_animated", False)
            picture = reduce(picture, file.name)
            image = to_pixels(picture, file.name, bool(options.colour))
        except UploadError as e:
            damaged.append(str(e))
            if len(damaged) > limits.MOST_DAMAGED * len(pictures) or most < 0:
                raise
            continue
        rows.append(number)
        large = max(picture.size) > LARGE
        if large and photos:
            digit = frame_photo(picture)
            framed += digit is not None
            empty += digit is None
            image = image if digit is None else digit
        if max(image.shape) > bound:
            image = fit_to_square(image, options.largest)
            shrunk += 1
        decoded.append(image)
        values += image.size
        check_values(values)
        if on_progress is not None and number % (5 if framed else 100) == 0:
            on_progress(number, len(pictures))
    images, notes = stack_images(decoded, options.largest)
    if shrunk:
        side = options.largest
        notes.append(
            f"{shrunk:,} of {len(pictures):,} images are larger than {bound} pixels: they were "
            f"padded to a square and resampled to {side}×{side} pixels."
        )
    if damaged:
        notes.append(f"{counted(len(damaged), 'image')} left out, the first because {damaged[0]}")
    return images, rows, _photo_notes(len(pictures), framed, empty, stacks) + notes


def _check_pixels(left: int, name: str) -> None:
    if left < 0:
        raise UploadError(
            f"{name[:80]!r} and the images before it have far more pixels than files of their "
            "sizes can show: use smaller images."
        )


def _is_coloured(file: File) -> bool:
    content = file.read(limits.MAX_IMAGE_BYTES)
    return open_image(content, file.name, read_settings().max_pixels).mode == "RGB"


def _photo_notes(total: int, framed: int, empty: int, stacks: int) -> list[str]:
    notes = []
    if framed:
        notes.append(
            f"{framed:,} of {total:,} images are larger than {LARGE} pixels: in each the digit was "
            "found and framed as a drawing's is."
        )
    if empty:
        notes.append(f"{empty:,} of {total:,} large images show no stroke: they were read whole.")
    if stacks:
        notes.append(f"{stacks:,} files hold several images; the first of each was read.")
    return notes
