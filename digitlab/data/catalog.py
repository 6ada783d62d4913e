"""The catalog: every dataset digitlab knows, one entry each, readable without importing torch.

To add a dataset, add an entry. One that torchvision knows needs nothing but the class's name and
arguments; another needs a reader in `published.py`, which turns its files into tensors.
"""

from __future__ import annotations

import difflib
import string
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from digitlab.data.info import DIGITS, DatasetInfo
from digitlab.errors import DatasetError


def _idx(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/raw/{name}" for name in names)


_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_EMNIST = "https://www.nist.gov/itl/products-and-services/emnist-dataset"
_EMNIST_BYTES = 561_753_746  # all of its splits come in one file
_UPPER, _LOWER = string.ascii_uppercase, string.ascii_lowercase


def _emnist_files(split: str) -> tuple[str, ...]:
    parts = ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1")
    return _idx("EMNIST", *(f"emnist-{split}-{part}-ubyte" for part in parts))


def _emnist(split: str, **about: Any) -> DatasetInfo:
    return DatasetInfo(
        name=f"emnist-{split}",
        source=_EMNIST,
        download_bytes=_EMNIST_BYTES,
        files=_emnist_files(split),
        torchvision="EMNIST",
        train_args={"split": split, "train": True},
        test_args={"split": split, "train": False},
        transposed=True,
        **about,
    )


def _medmnist(name: str, what: str, sizes: tuple[int, int], *classes: str, **more: Any):
    file = f"{name}mnist.npz"
    return DatasetInfo(
        name=f"{name}mnist",
        title=f"{name.upper() if name == 'oct' else name.capitalize()}MNIST",
        about=f"{what}, at 28×28 pixels, of the MedMNIST collection. Its validation images count "
        "among the training images here.",
        source="https://medmnist.com",
        licence=more.pop("licence", "CC BY 4.0"),
        train_size=sizes[0],
        test_size=sizes[1],
        classes=classes,
        files=(f"MedMNIST/{file}",),
        reader="medmnist",
        by_hand=f"The file {file} is at https://medmnist.com",
        **more,
    )


_COLOURS = (3, 28, 28)
_CORRUPTIONS = (
    *("shot_noise", "impulse_noise", "glass_blur", "motion_blur", "shear", "scale", "rotate"),
    *("brightness", "translate", "stripe", "fog", "spatter", "dotted_line", "zigzag"),
    "canny_edges",
)
_HIRAGANA = (
    *"あいうえおかきくけこさしすせそたちつてとなにぬねの",
    *"はひふへほまみむめもやゆよらりるれろわゐゑをんゝ",
)
_OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship")


def _svhn(name: str, title: str, about: str, channels: int) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        title=title,
        about="99,289 digits of house numbers in photographs, cut out at 32×32 pixels, with parts "
        f"of their neighbours{about}.",
        source="http://ufldl.stanford.edu/housenumbers/",
        train_size=73_257,
        test_size=26_032,
        files=("SVHN/train_32x32.mat", "SVHN/test_32x32.mat"),
        reader="svhn",
        shape=(channels, 32, 32),
        by_hand="The files train_32x32.mat and test_32x32.mat are at "
        "http://ufldl.stanford.edu/housenumbers/",
    )


def _cifar(name: str, title: str, about: str, channels: int) -> DatasetInfo:
    batches = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
    return DatasetInfo(
        name=name,
        title=title,
        about="60,000 small photographs of ten kinds of animals and vehicles, 32×32 pixels"
        f"{about}.",
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        train_size=50_000,
        test_size=10_000,
        classes=(*_OBJECTS, "truck"),
        files=tuple(f"cifar-10-batches-bin/{batch}.bin" for batch in batches),
        reader="cifar",
        shape=(channels, 32, 32),
        by_hand="The folder cifar-10-batches-bin is in the binary version, cifar-10-binary.tar.gz, "
        "at https://www.cs.toronto.edu/~kriz/cifar.html",
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
    _emnist(
        "digits",
        title="EMNIST Digits",
        about="280,000 digits from the same NIST collection as MNIST, four times as many.",
        train_size=240_000,
        test_size=40_000,
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
        train_args={},
        test_args={},
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
        train_args={},
        test_args={},
        by_hand="Its original pen coordinates are at https://archive.ics.uci.edu/dataset/81 (the "
        "file pendigits-orig.tra, as UNIPEN text, plain or packed with gzip)",
    ),
    _emnist(
        "balanced",
        title="EMNIST Balanced",
        about="131,600 digits and letters from the NIST collection, 2,800 of each class. Letters "
        "whose two cases look alike share a class.",
        train_size=112_800,
        test_size=18_800,
        classes=(*DIGITS, *_UPPER, *"abdefghnqrt"),
    ),
    _emnist(
        "letters",
        title="EMNIST Letters",
        about="145,600 letters from the NIST collection, capital and small in one class.",
        train_size=124_800,
        test_size=20_800,
        classes=tuple(_UPPER),
        first_label=1,
    ),
    _emnist(
        "byclass",
        title="EMNIST By Class",
        about="814,255 digits, capitals and small letters, all that the NIST collection has, with "
        "the frequencies of the language.",
        train_size=697_932,
        test_size=116_323,
        classes=(*DIGITS, *_UPPER, *_LOWER),
    ),
    DatasetInfo(
        name="kuzushiji-49",
        title="Kuzushiji-49",
        about="270,912 cursive Japanese characters from classical books: 48 hiragana and an "
        "iteration mark, some of them rare.",
        source="http://codh.rois.ac.jp/kmnist/",
        licence="CC BY-SA 4.0",
        train_size=232_365,
        test_size=38_547,
        classes=_HIRAGANA,
        files=tuple(
            f"Kuzushiji-49/k49-{part}-{what}.npz"
            for part in ("train", "test")
            for what in ("imgs", "labels")
        ),
        reader="kuzushiji",
        by_hand="The files k49-train-imgs.npz and so on are at https://github.com/rois-codh/kmnist",
    ),
    DatasetInfo(
        name="mnist-c",
        title="MNIST-C",
        about="MNIST's test images in 15 corruptions, 150,000 in all, to measure networks on that "
        "were trained on clean images. The training part is MNIST's.",
        source="https://zenodo.org/record/3239543",
        train_size=60_000,
        test_size=150_000,
        files=(
            "mnist_c/identity/train_images.npy",
            "mnist_c/identity/train_labels.npy",
            *(
                f"mnist_c/{corruption}/test_{what}.npy"
                for corruption in _CORRUPTIONS
                for what in ("images", "labels")
            ),
        ),
        reader="mnist-c",
        by_hand="The folder mnist_c is in mnist_c.zip at https://zenodo.org/record/3239543",
    ),
    DatasetInfo(
        name="affine-mnist",
        title="Affine MNIST",
        about="MNIST's images, each rotated, sheared, scaled and moved at random in 40×40 pixels, "
        "in the manner of affNIST; made on this machine, once for each image.",
        source="https://www.cs.toronto.edu/~tijmen/affNIST/",
        train_size=60_000,
        test_size=10_000,
        files=_idx("MNIST", *_MNIST_FILES),
        reader="affine",
        shape=(1, 40, 40),
        by_hand="It is made of MNIST's files, which the Data page downloads with MNIST",
    ),
    _svhn("svhn", "SVHN", "", 3),
    _svhn("svhn-grey", "SVHN, grey", "; here in grey", 1),
    _cifar("cifar-10", "CIFAR-10", " in colour", 3),
    _cifar("cifar-10-grey", "CIFAR-10, grey", ", here in grey", 1),
    _medmnist(
        "path",
        "107,180 patches of tissue of the colon",
        (100_000, 7_180),
        "adipose",
        "background",
        "debris",
        "lymphocytes",
        "mucus",
        "smooth muscle",
        "normal colon mucosa",
        "cancer-associated stroma",
        "colorectal adenocarcinoma epithelium",
        shape=_COLOURS,
    ),
    _medmnist(
        "derma",
        "10,015 images of pigmented skin lesions",
        (8_010, 2_005),
        "actinic keratoses and intraepithelial carcinoma",
        "basal cell carcinoma",
        "benign keratosis-like lesions",
        "dermatofibroma",
        "melanoma",
        "melanocytic nevi",
        "vascular lesions",
        shape=_COLOURS,
        licence="CC BY-NC 4.0",
    ),
    _medmnist(
        "oct",
        "109,309 optical coherence tomographies of retinas",
        (108_309, 1_000),
        "choroidal neovascularization",
        "diabetic macular edema",
        "drusen",
        "normal",
    ),
    _medmnist(
        "pneumonia",
        "5,856 X-rays of children's chests",
        (5_232, 624),
        "normal",
        "pneumonia",
    ),
    _medmnist(
        "retina",
        "1,600 photographs of retinas, graded by the severity of diabetic retinopathy",
        (1_200, 400),
        *"01234",
        shape=_COLOURS,
    ),
    _medmnist(
        "breast",
        "780 ultrasound images of breasts",
        (624, 156),
        "malignant",
        "normal, benign",
    ),
    _medmnist(
        "blood",
        "17,092 images of single blood cells",
        (13_671, 3_421),
        "basophil",
        "eosinophil",
        "erythroblast",
        "immature granulocytes",
        "lymphocyte",
        "monocyte",
        "neutrophil",
        "platelet",
        shape=_COLOURS,
    ),
    _medmnist(
        "tissue",
        "236,386 cells of the kidney's cortex",
        (189_106, 47_280),
        "collecting duct, connecting tubule",
        "distal convoluted tubule",
        "glomerular endothelial cells",
        "interstitial endothelial cells",
        "leukocytes",
        "podocytes",
        "proximal tubule segments",
        "thick ascending limb",
    ),
)

CATALOG: Mapping[str, DatasetInfo] = MappingProxyType({entry.name: entry for entry in _ENTRIES})

EMBEDDED = "optdigits"


def find_entry(name: str, others: Sequence[str] = ()) -> DatasetInfo:
    """The catalog's entry `name`; DatasetError with the nearest names where there is none.

    `others` are names of datasets that are not the catalog's, which the message names, too.
    """
    entry = CATALOG.get(name.lower().strip()) if isinstance(name, str) else None
    if entry is None:
        names = [*CATALOG, *others]
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.4)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise DatasetError(
            f"There is no dataset {name!r}.{hint} Known are {', '.join(names)}.", name=str(name)
        )
    return entry
