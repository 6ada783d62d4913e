"""Readers: a dataset's files on disk → images uint8 [N, C, H, W] and labels int64 [N]."""

from __future__ import annotations

import lzma
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from digitlab.data.dataset import Split, divide
from digitlab.data.info import DatasetInfo, find_file
from digitlab.data.pendigits import read_pendigits
from digitlab.data.published import READERS
from digitlab.data.reading.idx import read_idx_file
from digitlab.errors import DatasetDamagedError, DatasetMissingError, UploadError

Part = tuple[torch.Tensor, torch.Tensor]

SIDE = 28
BOX = 20  # MNIST's digits fill a box of 20×20 in the middle of 28×28
_TEST_SHARE = 0.2  # of optdigits, which has no official test part in scikit-learn
_TEST_SEED = 1998


def read_parts(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """The official training and test parts of `info` from the data folder `root`.

    Raises DatasetMissingError where files are absent and DatasetDamagedError where one is
    truncated or corrupt; both say which, where, and what to do.
    """
    if info.embedded:
        return _read_optdigits()
    missing = info.missing_files(root)
    if missing:
        raise _missing(info, root / missing[0])
    try:
        if info.reader:
            train, test = READERS[info.reader](info, root)
        elif not info.torchvision:
            train, test = _read_pendigits(root)
        elif info.name == "usps":
            train = _read_torchvision(info, root, info.train_args)
            test = _read_torchvision(info, root, info.test_args)
        else:
            arrays = [read_idx_file(find_file(root, name)) for name in info.files]
            train, test = (_as_part(info, *pair) for pair in (arrays[:2], arrays[2:]))
            _check_family(info, find_file(root, info.files[1]).parent == root, train[1])
    except UploadError as e:
        raise _damaged(info, root, str(e)) from e
    except (AssertionError, EOFError, OSError, RuntimeError, TypeError, ValueError, KeyError) as e:
        raise _damaged(info, root, f"{type(e).__name__}: {e}") from e
    except (lzma.LZMAError, IndexError) as e:
        raise _damaged(info, root, str(e)) from e
    for part, size in ((train, info.train_size), (test, info.test_size)):
        _check(info, root, part, size)
    return train, test


def _missing(info: DatasetInfo, path: Path) -> DatasetMissingError:
    remedy = (
        f"{info.by_hand}; put the file there"
        if info.by_hand
        else "Download it on the Data page or with `python -m digitlab datasets --download "
        f"{info.name}`"
    )
    return DatasetMissingError(
        f"{info.title} is not on this machine: {path} is missing. {remedy}, or use 'optdigits', "
        "which needs no download.",
        name=info.name,
    )


def _damaged(info: DatasetInfo, root: Path, reason: str) -> DatasetDamagedError:
    file = find_file(root, info.files[0]) or root / info.files[0]
    folder = file.parent
    reason = " ".join(reason.split())[:200] or "the file ends too early"
    return DatasetDamagedError(
        f"{info.title} cannot be read: a file in {folder} is truncated or corrupt ({reason}). "
        + (
            f"Get it again: {info.by_hand}."
            if info.by_hand
            else "Download it again on the Data page or with `python -m digitlab datasets "
            f"--download {info.name}`."
        ),
        name=info.name,
    )


def _check(info: DatasetInfo, root: Path, part: Part, size: int) -> None:
    images, labels = part
    if len(images) != len(labels) or len(images) != size:
        raise _damaged(
            info, root, f"{len(images):,} images and {len(labels):,} labels instead of {size:,}"
        )
    if tuple(images.shape[1:]) != info.shape:
        raise _damaged(info, root, f"images of the shape {list(images.shape[1:])}")
    if int(labels.min()) < 0 or int(labels.max()) >= len(info.classes):
        raise _damaged(info, root, f"a label outside 0 to {len(info.classes) - 1}")


_FIRST_LABELS = [5, 0, 4, 1, 9]  # of MNIST: the files of its kin have the same names


def _check_family(info: DatasetInfo, is_loose: bool, labels: torch.Tensor) -> None:
    """UploadError where files that lie in the data folder itself are not those of MNIST."""
    if is_loose and labels[:5].tolist() != _FIRST_LABELS:
        raise UploadError(
            "these are not MNIST's labels; put another dataset's files into its own folder, such "
            "as FashionMNIST or KMNIST"
        )


def _read_torchvision(info: DatasetInfo, root: Path, args: object) -> Part:
    from torchvision import datasets

    loaded = getattr(datasets, info.torchvision)(str(root), download=False, **args)
    return _as_part(info, np.asarray(loaded.data), np.asarray(loaded.targets))


def _as_part(info: DatasetInfo, images: np.ndarray, labels: np.ndarray) -> Part:
    """Images [N, s, s] and labels [N] or [N, fields] as tensors in digitlab's form."""
    images = torch.from_numpy(np.array(images, np.uint8))
    labels = torch.from_numpy(np.array(labels, np.int64))
    if labels.ndim == 2:  # QMNIST's labels carry the writer and more; the class comes first
        labels = labels[:, 0].contiguous()
    labels -= info.first_label
    if info.transposed:
        images = images.transpose(1, 2).contiguous()
    if images.shape[-1] != SIDE:
        images = frame(images)
    return images.unsqueeze(1), labels


def frame(images: torch.Tensor) -> torch.Tensor:
    """Small square images uint8 [N, s, s] as MNIST frames its digits: uint8 [N, 28, 28].

    Bicubic to 20×20, then four pixels of paper on each side, so that a network trained on one
    digit dataset can read the others.
    """
    big = torch.nn.functional.interpolate(
        images.unsqueeze(1).float(), size=(BOX, BOX), mode="bicubic", align_corners=False
    )
    margin = (SIDE - BOX) // 2
    whole = torch.nn.functional.pad(big, [margin] * 4)
    return whole.clamp_(0, 255).round_().to(torch.uint8).squeeze(1)


def _read_optdigits() -> tuple[Part, Part]:
    """scikit-learn's `load_digits`, from its file: importing scikit-learn takes over a second."""
    package = Path(find_spec("sklearn").origin).parent
    rows = np.loadtxt(package / "datasets/data/digits.csv.gz", delimiter=",", dtype=np.uint8)
    pixels, labels = rows[:, :-1].reshape(-1, 8, 8), torch.from_numpy(rows[:, -1].astype(np.int64))
    small = torch.from_numpy((pixels * (255.0 / 16.0)).round().astype(np.uint8))
    whole = Split("all", frame(small).unsqueeze(1), labels, torch.arange(len(labels)))
    train, test = divide(whole, _TEST_SHARE, _TEST_SEED)
    return (train.images, train.labels), (test.images, test.labels)


def _read_pendigits(root: Path) -> tuple[Part, Part]:
    train, test = (tuple(map(torch.from_numpy, part)) for part in read_pendigits(root))
    return train, test
