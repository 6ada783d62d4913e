"""The catalog: every dataset digitlab knows, one entry each, readable without importing torch.

To add a dataset, add an entry. One that torchvision knows needs nothing but the class's name and
arguments; another needs a function in `readers.py` that turns its files into tensors.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from digitlab.data.info import DatasetInfo
from digitlab.errors import DatasetError

_NONE: Mapping[str, object] = MappingProxyType({})


def _idx(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/raw/{name}" for name in names)


_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_ENTRIES = (
    DatasetInfo(
        name="mnist",
        title="MNIST",
        about="70,000 digits written by US census employees and high-school students, "
        "fitted into 20×20 pixels and centred by mass. The field's first exercise since 1998.",
        source="http://yann.lecun.com/exdb/mnist/",
        train_size=60_000,
        test_size=10_000,
        download_bytes=11_594_722,
        files=_idx("MNIST", *_MNIST_FILES),
        torchvision="MNIST",
    ),
    DatasetInfo(
        name="fashion-mnist",
        title="Fashion-MNIST",
        about="70,000 photographs of clothes in MNIST's form: as quick to train on, "
        "harder to tell apart.",
        source="https://github.com/zalandoresearch/fashion-mnist",
        train_size=60_000,
        test_size=10_000,
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        download_bytes=30_878_645,
        files=_idx("FashionMNIST", *_MNIST_FILES),
        torchvision="FashionMNIST",
    ),
    DatasetInfo(
        name="kmnist",
        title="Kuzushiji-MNIST",
        about="70,000 cursive Japanese characters from classical books, ten classes, "
        "each written in several quite different ways.",
        source="http://codh.rois.ac.jp/kmnist/",
        train_size=60_000,
        test_size=10_000,
        classes=(
            "お o",
            "き ki",
            "す su",
            "つ tsu",
            "な na",
            "は ha",
            "ま ma",
            "や ya",
            "れ re",
            "を wo",
        ),
        download_bytes=21_249_424,
        files=_idx("KMNIST", *_MNIST_FILES),
        torchvision="KMNIST",
    ),
    DatasetInfo(
        name="qmnist",
        title="QMNIST",
        about="MNIST rebuilt from the original NIST scans: the same training digits, "
        "and all 60,000 test digits where MNIST kept 10,000.",
        source="https://github.com/facebookresearch/qmnist",
        train_size=60_000,
        test_size=60_000,
        download_bytes=20_300_000,
        files=_idx(
            "QMNIST",
            "qmnist-train-images-idx3-ubyte",
            "qmnist-train-labels-idx2-int",
            "qmnist-test-images-idx3-ubyte",
            "qmnist-test-labels-idx2-int",
        ),
        torchvision="QMNIST",
        train_args={"what": "train"},
        test_args={"what": "test"},
    ),
    DatasetInfo(
        name="emnist-digits",
        title="EMNIST Digits",
        about="280,000 digits from the same NIST collection as MNIST, four times as many.",
        source="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        train_size=240_000,
        test_size=40_000,
        download_bytes=561_753_746,
        files=_idx(
            "EMNIST",
            "emnist-digits-train-images-idx3-ubyte",
            "emnist-digits-train-labels-idx1-ubyte",
            "emnist-digits-test-images-idx3-ubyte",
            "emnist-digits-test-labels-idx1-ubyte",
        ),
        torchvision="EMNIST",
        train_args={"split": "digits", "train": True},
        test_args={"split": "digits", "train": False},
        transposed=True,
    ),
    DatasetInfo(
        name="usps",
        title="USPS",
        about="9,298 digits from envelopes of the US Postal Service, 16×16 pixels, here enlarged "
        "into MNIST's 20×20 box and placed in the middle of 28×28. Its test digits are hard.",
        source="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        train_size=7_291,
        test_size=2_007,
        download_bytes=8_400_000,
        files=("usps.bz2", "usps.t.bz2"),
        torchvision="USPS",
    ),
    DatasetInfo(
        name="optdigits",
        title="Optdigits",
        about="1,797 real digits by 43 people at 8×8 pixels, resampled to MNIST's form. It comes "
        "with scikit-learn, so it is always there; a fixed fifth of it serves as the test set.",
        source="https://archive.ics.uci.edu/dataset/80",
        train_size=1_438,
        test_size=359,
        train_args=_NONE,
        test_args=_NONE,
    ),
    DatasetInfo(
        name="pendigits",
        title="Pendigits",
        about="7,494 digits that 30 people wrote with a pen on a tablet: their strokes, drawn with "
        "the canvas's brush and framed as a drawing is. Six writers are the test set.",
        source="https://doi.org/10.24432/C5MG6K",
        train_size=5_995,
        test_size=1_499,
        files=("pendigits/pendigits-orig-train.gz",),
        train_args=_NONE,
        test_args=_NONE,
        by_hand="Its original pen coordinates are at https://archive.ics.uci.edu/dataset/81 (the "
        "file pendigits-orig.tra, as UNIPEN text, plain or packed with gzip)",
    ),
)

CATALOG: Mapping[str, DatasetInfo] = MappingProxyType({entry.name: entry for entry in _ENTRIES})

EMBEDDED = "optdigits"


def find_entry(name: str) -> DatasetInfo:
    """The catalog's entry `name`; DatasetError with the nearest names where there is none."""
    entry = CATALOG.get(name.lower().strip()) if isinstance(name, str) else None
    if entry is None:
        near = difflib.get_close_matches(str(name), CATALOG, n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise DatasetError(
            f"There is no dataset {name!r}.{hint} Known are {', '.join(CATALOG)}.", name=str(name)
        )
    return entry
