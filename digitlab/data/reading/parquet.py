"""Parquet, Arrow and JSON lines as Hugging Face and pandas write them → a `Part`.

Called in a process of its own: see `worker`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import feather, parquet
from pyarrow import json as json_lines

from digitlab.data.reading import limits
from digitlab.data.reading.framing import LARGE, decode_image, fit_to_square, stack_images
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import IMAGE_NAMES, Part, choose_label, words_of
from digitlab.data.reading.pixels import compact
from digitlab.data.reading.tables import find_layout, find_one_hot
from digitlab.errors import UploadError, reason
from digitlab.settings import read_settings

_AT_ONCE = 1_000  # rows
_AT_ONCE_JSON = 16_000_000  # bytes


def read_parquet(path: Path, where: str, options: Options) -> list[Part]:
    """Images (PNG or JPEG bytes, lists of pixels, or a column a pixel) and labels.

    The names of Hugging Face's ClassLabel become the part's `classes`.
    """
    pa.set_memory_pool(pa.system_memory_pool())  # the others reserve more than they use
    pa.set_cpu_count(1)
    try:
        schema, batches, rows = _open(path)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as e:
        raise UploadError(f"{where} is damaged: {reason(e)}.") from e
    if rows > limits.MAX_IMAGES:
        raise UploadError(f"{where} has {rows:,} rows; at most {limits.MAX_IMAGES:,} are read.")
    try:
        return [_read(schema, batches, where, options)]
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError) as e:
        raise UploadError(f"{where} cannot be read: {reason(e)}.") from e


def _open(path: Path) -> tuple[Any, Iterator[Any], int]:
    with path.open("rb") as opened:
        magic = opened.read(4)
    if magic == b"PAR1":
        file = parquet.ParquetFile(path)
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups))
        if size > limits.MAX_UNPACKED:
            raise ValueError(f"unpacked it has {size:,} bytes")
        batches = file.iter_batches(_AT_ONCE, use_threads=False)
        return file.schema_arrow, batches, file.metadata.num_rows
    if magic[:1] == b"{":
        table = _read_json_lines(path)
    elif magic == b"\xff\xff\xff\xff":  # as Hugging Face's `save_to_disk` writes Arrow
        with pa.OSFile(str(path)) as stream:
            table = pa.ipc.open_stream(stream).read_all()
    else:
        table = feather.read_table(path, use_threads=False, memory_map=False)
    return table.schema, iter(table.to_batches(_AT_ONCE)), table.num_rows


def _read_json_lines(path: Path):
    """A table of a JSON object a line, `{"image": [[0, …], …], "label": 7}`."""
    size = path.stat().st_size
    options = json_lines.ReadOptions(use_threads=False, block_size=min(size + 1, _AT_ONCE_JSON))
    expected = "JSON has an object for each image, each in a line of its own"
    try:
        table = json_lines.read_json(path, options)
    except pa.ArrowInvalid as e:
        raise ValueError(f"{expected} ({reason(e)})") from e
    if table.num_rows < 2:
        raise ValueError(f"{expected}: there is 1 line")
    return table


def _read(schema, batches, where: str, options: Options) -> Part:
    label_column = options.label_column
    names = list(schema.names)
    image = _image_column(schema)
    if image is None:
        return _read_pixels(names, batches, where, label_column)
    others = [name for name in names if name != names[image]]
    label = choose_label(others, label_column, where)
    if label is None and len(others) == 1:
        label = 0
    if label is None:
        raise UploadError(
            f"{where} has the columns {', '.join(names[:8])}: none is named label. Give its name "
            "as label_column."
        )
    nested = pa.types.is_struct(schema.field(image).type) or pa.types.is_binary(
        schema.field(image).type
    )
    pictures, arrays, labels = [], [], []
    most = read_settings().max_pixels
    for batch in batches:
        labels.append(batch.column(others[label]).to_numpy(zero_copy_only=False))
        if not nested:
            arrays.append(compact([_flatten(batch.column(image))]))
            continue
        for value in batch.column(image).to_pylist():
            content = value.get("bytes") if isinstance(value, dict) else value
            picture = decode_image(_require(content, where), where, most, bool(options.colour))
            if max(picture.shape[:2]) > max(LARGE, options.largest):
                picture = fit_to_square(picture, options.largest)
            pictures.append(picture)
    images, notes = (
        stack_images(pictures, options.largest) if nested else (np.concatenate(arrays), [])
    )
    labels = np.concatenate(labels)
    if labels.dtype == object:
        labels = labels.astype(str)
    classes = _class_names(schema, others[label])
    return Part(where, images, labels, classes=classes, notes=notes)


def _flatten(column) -> np.ndarray:
    """Lists of numbers, or lists of lists, as an array [N, …]; ValueError for uneven ones."""
    shape = [len(column)]
    while pa.types.is_nested(column.type):
        inner = column.flatten()
        shape.append(len(inner) // max(1, len(column)))
        lengths = pc.list_value_length(column).to_numpy(zero_copy_only=False)
        if (lengths != shape[-1]).any():
            raise ValueError("its images differ in their number of pixels")
        column = inner
    return column.to_numpy(zero_copy_only=False).reshape(shape)


def _require(content: bytes | None, where: str) -> bytes:
    if not content:
        raise UploadError(f"{where} names images without holding them: only paths are in it.")
    return content


def _image_column(schema) -> int | None:
    kinds = (pa.types.is_struct, pa.types.is_binary, pa.types.is_list, pa.types.is_large_list)
    kinds += (pa.types.is_fixed_size_list,)
    held = [i for i, field in enumerate(schema) if any(kind(field.type) for kind in kinds)]
    named = [i for i in held if "".join(words_of(schema.field(i).name)) in IMAGE_NAMES]
    return (named or held or [None])[0]


def _read_pixels(names, batches, where: str, label_column) -> Part:
    """A column for each pixel, as a CSV has them."""
    batches = iter(batches)
    first = next(batches, None)
    if first is None:
        raise UploadError(f"{where} has no rows.")
    columns = [first.column(i).slice(0, 200).to_pylist() for i in range(len(names))]
    rows = [list(map(str, row)) for row in zip(*columns, strict=True)]
    layout, notes = find_layout(tuple(names), rows, where, label_column, True)
    images, labels = [], []
    while first is not None:
        taken = [first.column(int(i)).to_numpy(zero_copy_only=False) for i in layout.pixels]
        images.append(compact([np.stack(taken, axis=1)]))
        if layout.label is not None:
            labels.append(first.column(layout.label).to_numpy(zero_copy_only=False))
        elif layout.one_hot is not None:
            columns = [first.column(int(i)).to_numpy(zero_copy_only=False) for i in layout.one_hot]
            labels.append(find_one_hot(np.stack(columns, axis=1), where))
        first = next(batches, None)
    values = np.concatenate(labels) if labels else None
    if values is not None and values.dtype == object:
        values = values.astype(str)
    return Part(where, np.concatenate(images), values, notes=notes)


def _class_names(schema, column: str) -> tuple[str, ...]:
    """The names of classes in what Hugging Face writes beside the columns; () for none."""
    try:
        described = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(map(str, described["info"]["features"][column]["names"]))
    except (KeyError, TypeError, ValueError):
        return ()
