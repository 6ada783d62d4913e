"""A Keras file as plain data: its config, and its arrays by their place in the file.

Read in `worker`'s process by h5py. Only groups and plain arrays of numbers are read: no link that
leads to another file, no virtual dataset, no reference, no pickle, no Lambda's code.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from digitlab.errors import NetworkFileError

MAX_BYTES = 1_000_000_000  # of all arrays together
MAX_OBJECTS = 20_000
MAX_DEPTH = 24
_MAX_CONFIG = 10_000_000  # bytes of a config
_WEIGHTS = "model.weights.h5"


def read_keras(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays by their place in the file, and `config` where the file has one.

    `names` are the names that Keras 2 gave to the arrays of a layer. Raises NetworkFileError.
    """
    if not zipfile.is_zipfile(path):
        return _read_hdf5(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo("config.json").file_size > _MAX_CONFIG:
            raise NetworkFileError("The config in the Keras file is too long to be a network's.")
        config = json.loads(archive.read("config.json"))
        arrays, data = _read_hdf5(archive.read(_WEIGHTS))
    return arrays, {**data, "config": config}


def _read_hdf5(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            data: dict[str, Any] = {"names": _layer_names(file)}
            if config := _attribute(file, "model_config"):
                data["config"] = json.loads(config)
            return dict(_arrays(file)), data
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as e:
        reason = str(e).splitlines()[0][:120] if str(e) else type(e).__name__
        raise NetworkFileError(f"The HDF5 file is damaged ({reason}): save it again.") from e


def _arrays(file: h5py.File) -> Iterator[tuple[str, np.ndarray]]:
    """Every array with its place, after checking links, kind and size."""
    waiting, count, total = [(file["/"], "", 0)], 0, 0
    while waiting:
        group, place, depth = waiting.pop()
        for name in group:
            if not place and name.startswith("optimizer"):
                continue  # what a training would go on with
            count += 1
            if count > MAX_OBJECTS or depth > MAX_DEPTH:
                raise NetworkFileError("The HDF5 file has more groups than a network's can.")
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise NetworkFileError(
                    f"{name[:80]!r} in the HDF5 file is a link to somewhere else, which is not "
                    "followed. Save the model again."
                )
            item, where = group[name], f"{place}/{name}".strip("/")
            if isinstance(item, h5py.Group):
                waiting.append((item, where, depth + 1))
            elif isinstance(item, h5py.Dataset):
                total += _size(item, where)
                if total > MAX_BYTES:
                    raise NetworkFileError("The arrays in the HDF5 file are over the 1 GB allowed.")
                if item.dtype.kind in "fiub":
                    yield where, np.array(item[()], np.float32, order="C")


def _size(item: h5py.Dataset, where: str) -> int:
    """Bytes of an array as float32, after checking that it holds numbers in this file."""
    if item.is_virtual or item.external:
        raise NetworkFileError(
            f"{where[:80]} in the HDF5 file takes its numbers from another file, which is not "
            "opened. Save the model again."
        )
    if item.shape is None:
        raise NetworkFileError(f"{where[:80]} in the HDF5 file is empty.")
    count = 1
    for side in item.shape:
        count *= int(side)
    if item.dtype.kind in "fiub" and count > 100_000 + 400 * max(item.id.get_storage_size(), 1):
        raise NetworkFileError(
            f"{where[:80]} in the HDF5 file says it has {count:,} numbers but holds far fewer."
        )
    return 4 * count


def _layer_names(file: h5py.File) -> dict[str, list[str]]:
    """By layer the names that Keras 2 gave to its arrays, in their order."""
    root = file["model_weights"] if isinstance(_group(file, "model_weights"), h5py.Group) else file
    front = "model_weights/" if root is not file else ""
    names = {}
    for layer in _texts(root, "layer_names"):
        group = _group(root, layer)
        if isinstance(group, h5py.Group):
            names[layer] = [f"{front}{layer}/{name}" for name in _texts(group, "weight_names")]
    return names


def _group(group: h5py.Group, name: str) -> Any:
    link = group.get(name, getlink=True) if name in group else None
    return group[name] if isinstance(link, h5py.HardLink) else None


def _texts(item: h5py.Group, name: str) -> list[str]:
    values = item.attrs.get(name, [])
    return [v.decode() if isinstance(v, bytes) else str(v) for v in list(values)[:MAX_OBJECTS]]


def _attribute(item: h5py.Group, name: str) -> str:
    value = item.attrs.get(name, "")
    text = value.decode() if isinstance(value, bytes) else str(value)
    if len(text) > _MAX_CONFIG:
        raise NetworkFileError("The config in the Keras file is too long to be a network's.")
    return text
