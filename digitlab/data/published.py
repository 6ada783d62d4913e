"""Readers of datasets in their publishers' own files: MAT, NPZ, NPY and CIFAR's binary form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from digitlab.data.affine import transform
from digitlab.data.info import DatasetInfo, find_file
from digitlab.data.reading import arrays
from digitlab.data.reading.files import File, list_zip
from digitlab.data.reading.idx import read_idx_file
from digitlab.data.reading.options import Options
from digitlab.data.reading.pixels import to_grey
from digitlab.data.reading.worker import read_in_worker
from digitlab.errors import UploadError

Part = tuple[torch.Tensor, torch.Tensor]  # images uint8 [N, C, H, W] and labels int64 [N]

_AFFINE_SEED = 0
_CIFAR_ROW = 1 + 3 * 32 * 32  # bytes: the label, then red, green and blue


def read_svhn(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """`train_32x32.mat` and `test_32x32.mat`: X [32, 32, 3, N], and y, where 10 is 0."""
    return tuple(_svhn_part(info, root / name) for name in info.files)


def _svhn_part(info: DatasetInfo, path: Path) -> Part:
    (part,) = read_in_worker("matlab", path.read_bytes(), path.name, Options())
    return _as_part(info, np.moveaxis(part.images, 3, 1), part.labels % 10)


def read_cifar(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """The binary version's batches: rows of a label and 3·32·32 values."""
    batches = [_cifar_batch(root / name) for name in info.files]
    train = np.concatenate(batches[:-1])
    return tuple(
        _as_part(info, rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0])
        for rows in (train, batches[-1])
    )


def _cifar_batch(path: Path) -> np.ndarray:
    content = np.fromfile(path, np.uint8)
    if len(content) % _CIFAR_ROW:
        raise UploadError(f"{path.name} has {len(content):,} bytes: no batch of CIFAR-10's")
    return content.reshape(-1, _CIFAR_ROW)


def read_kuzushiji(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """`k49-train-imgs.npz` and so on: one array, arr_0, in each."""
    values = [_npz(root / name)["arr_0"] for name in info.files]
    return _as_part(info, *values[:2]), _as_part(info, *values[2:])


def read_medmnist(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """One NPZ: its validation images count among the training images here."""
    values = _npz(root / info.files[0])
    joined = (
        np.concatenate([values[f"train_{what}"], values[f"val_{what}"]])
        for what in ("images", "labels")
    )
    return _as_part(info, *joined), _as_part(info, values["test_images"], values["test_labels"])


def read_corrupted(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """MNIST-C: the clean training images, and the test images of every corruption in turn."""
    values = [_npy(root / name) for name in info.files]
    test = (np.concatenate(values[start::2]) for start in (2, 3))
    return _as_part(info, *values[:2]), _as_part(info, *test)


def read_affine(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """MNIST's images, each once in a random affine transformation, in 40×40 pixels."""
    values = [read_idx_file(find_file(root, name)) for name in info.files]
    parts = (_as_part(info, *values[:2]), _as_part(info, *values[2:]))
    return tuple(
        (transform(images, _AFFINE_SEED + number), labels)
        for number, (images, labels) in enumerate(parts)
    )


READERS: dict[str, Callable[[DatasetInfo, Path], tuple[Part, Part]]] = {
    "svhn": read_svhn,
    "cifar": read_cifar,
    "kuzushiji": read_kuzushiji,
    "medmnist": read_medmnist,
    "mnist-c": read_corrupted,
    "affine": read_affine,
}


def _as_part(info: DatasetInfo, images: np.ndarray, labels: np.ndarray) -> Part:
    """Images [N, H, W], [N, H, W, C] or [N, C, H, W] with the channels that the entry has."""
    if images.ndim == 3:
        images = images[:, None]
    elif images.shape[3] in (1, 3):
        images = np.moveaxis(images, 3, 1)
    if images.shape[1] == 3 and info.shape[0] == 1:
        images = to_grey(np.moveaxis(images, 1, 3))[:, None]
    whole = np.require(images, np.uint8, ["C", "W"])
    return torch.from_numpy(whole), torch.from_numpy(labels.reshape(-1).astype(np.int64))


def _npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an NPZ; their heads are checked before their content is read."""
    entries = list_zip(File(path.name, path.stat().st_size, lambda: path.open("rb")))
    named = (arrays.open_npy(entry, entry.name.removesuffix(".npy")) for entry in entries)
    return {array.name: _values(array, path.name) for array in named}


def _npy(path: Path) -> np.ndarray:
    file = File(path.name, path.stat().st_size, lambda: path.open("rb"))
    return _values(arrays.open_npy(file, path.name), path.name)


def _values(array: arrays.NamedArray, where: str) -> np.ndarray:
    array.check(where)
    return np.concatenate(list(array.read()))
