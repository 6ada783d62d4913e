"""Every form in which people keep digits is written from real images and read back the same.

`FORMS` is also the table of forms in the README, which a test compares.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather, parquet
from scipy.io import savemat

import digitlab as dl

README = Path(__file__).parents[2] / "README.md"
COUNT = 40
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def digits():
    """Real digits uint8 [40, 28, 28] and their labels [40]."""
    test = dl.load_dataset("optdigits").test
    return test.images[:COUNT, 0].numpy(), test.labels[:COUNT].numpy()


def png(image, kind="PNG") -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def folders(x, y, name="{label}/{i:02}.png", kind="PNG") -> dict[str, bytes]:
    """Files by a pattern of names."""
    return {
        name.format(label=label, word=WORDS[label], sample=label + 1, i=i): png(image, kind)
        for i, (image, label) in enumerate(zip(x, y, strict=True))
    }


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy(array) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def table(x, y, sign=",", head="label first", index=False) -> bytes:
    """A CSV: where the label stands, and whether rows are numbered."""
    pixels = x.reshape(len(x), -1)
    columns = [y[:, None], pixels] if "last" not in head else [pixels, y[:, None]]
    names = [f"pixel{i}" for i in range(pixels.shape[1])]
    name = head.split()[0]
    names = [name, *names] if "last" not in head else [*names, name]
    if index:
        columns, names = [np.arange(len(x))[:, None], *columns], ["", *names]
    rows = [sign.join(map(str, row)) for row in np.concatenate(columns, axis=1)]
    if name == "numbers":
        names = list(map(str, range(len(names))))
    return "\n".join(([] if name == "none" else [sign.join(names)]) + rows).encode()


def idx(array) -> bytes:
    sizes = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.astype(np.uint8).tobytes()


def idx_pair(x, y, images="t10k-images-idx3-ubyte", labels="t10k-labels-idx1-ubyte"):
    return {images: idx(x), labels: idx(y)}


def hugging_face(x, y) -> bytes:
    images = pa.array([{"bytes": png(image), "path": None} for image in x])
    info = b'{"info": {"features": {"label": {"names": %s, "_type": "ClassLabel"}}}}'
    names = str([str(i) for i in range(10)]).replace("'", '"').encode()
    whole = pa.table({"image": images, "label": pa.array(y)})
    buffer = io.BytesIO()
    parquet.write_table(
        whole.replace_schema_metadata({b"huggingface": info.replace(b"%s", names)}), buffer
    )
    return buffer.getvalue()


def frame_of_pixels(x, y, write) -> bytes:
    columns = {f"pixel{i}": column for i, column in enumerate(x.reshape(len(x), -1).T)}
    buffer = io.BytesIO()
    write(pa.table({**columns, "class": y}), buffer)
    return buffer.getvalue()


def mat(**variables) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=True)
    return buffer.getvalue()


def hdf5(**arrays) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name.replace("__", "/"), data=array, compression="gzip")
    return buffer.getvalue()


def arff(x, y, sparse=False) -> bytes:
    lines = ["% digits", "@relation digits"]
    lines += [f"@attribute pixel{i} numeric" for i in range(784)]
    lines += ["@attribute class {0,1,2,3,4,5,6,7,8,9}", "@data"]
    for row, label in zip(x.reshape(len(x), -1), y, strict=True):
        if sparse:
            lines.append("{" + ",".join(f"{i} {row[i]}" for i in row.nonzero()[0]))
            lines[-1] += f",784 {label}}}"
        else:
            lines.append(",".join(map(str, [*row, label])))
    return "\n".join(lines).encode()


def libsvm(x, y) -> bytes:
    rows = x.reshape(len(x), -1)
    return "\n".join(
        f"{label} " + " ".join(f"{i + 1}:{row[i]}" for i in row.nonzero()[0])
        for row, label in zip(rows, y, strict=True)
    ).encode()


def emnist(x, y) -> bytes:
    part = {"images": x.swapaxes(1, 2).reshape(len(x), -1), "labels": y[:, None]}
    return mat(dataset={"test": part, "mapping": np.arange(10)})


def svhn(x, y) -> bytes:
    colours = np.repeat(x[..., None], 3, axis=3)
    return mat(X=np.moveaxis(colours, 0, 3), y=np.where(y == 0, 10, y)[:, None])


def labelled(names, sign=",", head="file,label\n"):
    """Images in one folder and a table of their labels."""

    def write(x, y):
        rows = [sign.join([names(i), str(label)]) for i, label in enumerate(y)]
        files = folders(x, y, "img/{i:02}.png")
        ending = "csv" if sign == "," else "txt"
        return zipped({**files, f"labels.{ending}": (head + "\n".join(rows)).encode()})

    return write


def drawn_in_white(x, y) -> bytes:
    """White strokes on nothing: PNGs whose pixels are as opaque as there is ink."""
    layers = np.stack([np.full_like(x, 255), x], axis=-1)
    images = [Image.fromarray(layer, "LA") for layer in layers]
    return zipped(folders(images, y))


def labels_in(name, write):
    """Images in one folder and a file in JSON that names their labels."""
    return lambda x, y: zipped(
        {
            **folders(x, y, "img/{i}.png"),
            name: write([(f"{i}.png", int(label)) for i, label in enumerate(y)]).encode(),
        }
    )


def json_lines(rows, *names) -> str:
    return "\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows)


def with_decimal_commas(x, y) -> bytes:
    """As a European Excel saves: no head, semicolons, pixels of 0…1 in quotes."""
    cells = [[f'"{pixel / 255:.5f}"'.replace(".", ",") for pixel in image.ravel()] for image in x]
    return "\n".join(f"{y[i]};{';'.join(row)}" for i, row in enumerate(cells)).encode()


def with_one_hot(x, y) -> bytes:
    """Ten columns after the pixels, as in UCI's Semeion."""
    rows = np.concatenate([x.reshape(len(x), -1), np.eye(10, dtype=int)[y]], axis=1)
    return "\n".join(" ".join(map(str, row)) for row in rows).encode()


def apart(x, y) -> bytes:
    """Two tables of equally many rows, as Arabic digits (MADBase) are published."""
    rows = "\n".join(",".join(map(str, image.ravel())) for image in x)
    return zipped({"x_train.csv": rows.encode(), "y_train.csv": "\n".join(map(str, y)).encode()})


def arrow_stream(x, y) -> bytes:
    whole = parquet.read_table(io.BytesIO(hugging_face(x, y)))
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, whole.schema) as stream:
        stream.write_table(whole)
    return buffer.getvalue()


def low_byte_first(x, y) -> bytes:
    def turned(content):
        ends = 4 + 4 * content[3]
        return b"".join(content[i : i + 4][::-1] for i in range(0, ends, 4)) + content[ends:]

    return zipped({name: turned(content) for name, content in idx_pair(x, y).items()})


# Family, form, file name, how it is written.
FORMS = [
    ("Images", "folders `7`", "a.zip", lambda x, y: zipped(folders(x, y))),
    ("Images", "`07`", "a.zip", lambda x, y: zipped(folders(x, y, "0{label}/{i}.png"))),
    ("Images", "`digit_7`", "a.zip", lambda x, y: zipped(folders(x, y, "digit_{label}/{i}.png"))),
    ("Images", "`seven`", "a.zip", lambda x, y: zipped(folders(x, y, "set/{word}/{i}.png"))),
    (
        "Images",
        "`Sample008`",
        "a.tgz",
        lambda x, y: tarred(folders(x, y, "Img/Sample{sample:03}/{i}.png"), "w:gz"),
    ),
    (
        "Images",
        "names `7_0001.png`",
        "a.zip",
        lambda x, y: zipped(folders(x, y, "{label}_{i:04}.png")),
    ),
    (
        "Images",
        "`img_0001_7.png`",
        "a.zip",
        lambda x, y: zipped(folders(x, y, "img_{i:04}_{label}.png")),
    ),
    ("Images", "`labels.csv` by name", "a.zip", labelled(lambda i: f"img/{i:02}.png")),
    ("Images", "by id", "a.zip", labelled(lambda i: str(i), head="id,label\n")),
    ("Images", "`labels.txt`", "a.zip", labelled(lambda i: f"{i:02}.png", " ", "")),
    ("Images", "TAR", "a.tar", lambda x, y: tarred(folders(x, y))),
    ("Images", "TIFF", "a.zip", lambda x, y: zipped(folders(x, y, "{label}/{i}.tif", "TIFF"))),
    ("Images", "GIF", "a.zip", lambda x, y: zipped(folders(x, y, "{label}/{i}.gif", "GIF"))),
    ("Images", "BMP", "a.zip", lambda x, y: zipped(folders(x, y, "{label}/{i}.bmp", "BMP"))),
    (
        "Images",
        "PNG of 12 in 16 bits",
        "a.zip",
        lambda x, y: zipped(folders(x.astype(np.uint16) * 16 + (x >> 4), y)),
    ),
    ("Images", "white on nothing", "a.zip", drawn_in_white),
    (
        "Images",
        "paths of Windows",
        "a.zip",
        lambda x, y: zipped(folders(x, y, "set\\{label}\\{i}.png")),
    ),
    ("Images", "`labels.json`", "a.zip", labels_in("labels.json", lambda r: json.dumps(dict(r)))),
    (
        "Images",
        "`metadata.jsonl`",
        "a.zip",
        labels_in("img/metadata.jsonl", lambda r: json_lines(r, "file_name", "label")),
    ),
    ("CSV", "`label` first", "a.csv", table),
    ("CSV", "`class` last", "a.csv", lambda x, y: table(x, y, head="class last")),
    ("CSV", "`y` last", "a.csv", lambda x, y: table(x, y, head="y last")),
    ("CSV", "index column", "a.csv", lambda x, y: table(x, y, index=True)),
    ("CSV", "no head", "a.csv", lambda x, y: table(x, y, head="none first")),
    ("CSV", "no head, label last", "a.csv", lambda x, y: table(x, y, head="none last")),
    ("CSV", "numbered head", "a.csv", lambda x, y: table(x, y, head="numbers first")),
    ("CSV", "semicolons", "a.csv", lambda x, y: table(x, y, ";")),
    ("CSV", "tabs", "a.tsv", lambda x, y: table(x, y, "\t")),
    ("CSV", "spaces", "a.txt", lambda x, y: table(x, y, " ", "none first")),
    ("CSV", "UTF-16", "a.csv", lambda x, y: table(x, y, "\t").decode().encode("utf-16")),
    (
        "CSV",
        "EMNIST's, transposed",
        "a.csv",
        lambda x, y: table(x.swapaxes(1, 2), y, head="none first"),
    ),
    ("CSV", "decimal commas", "a.csv", with_decimal_commas),
    ("CSV", "`sep=;`", "a.csv", lambda x, y: b"sep=;\r\n" + table(x, y, ";")),
    ("CSV", "`# label,…`", "a.csv", lambda x, y: b"# made by us\n# " + table(x, y)),
    ("CSV", "one-hot", "a.data", with_one_hot),
    ("CSV", "images and labels apart", "a.zip", apart),
    ("CSV", "gzip", "a.csv.gz", lambda x, y: gzip.compress(table(x, y))),
    ("CSV", "bzip2", "a.csv.bz2", lambda x, y: bz2.compress(table(x, y))),
    ("CSV", "xz", "a.csv.xz", lambda x, y: lzma.compress(table(x, y))),
    (
        "CSV",
        "Kaggle's download",
        "a.zip",
        lambda x, y: zipped(
            {
                "train.csv": table(x, y),
                "test.csv": table(x, y).split(b"\n", 1)[0].split(b",", 1)[1]
                + b"\n"
                + b",".join([b"0"] * 784),
                "sample_submission.csv": b"ImageId,Label\n1,0\n",
            }
        ),
    ),
    ("NPZ", "`images`, `labels`", "a.npz", lambda x, y: npz(images=x, labels=y)),
    ("NPZ", "`X`, `y`", "a.npz", lambda x, y: npz(X=x, y=y)),
    ("NPZ", "`x_train`, `y_train`", "a.npz", lambda x, y: npz(x_train=x, y_train=y)),
    ("NPZ", "[N, 784]", "a.npz", lambda x, y: npz(x=x.reshape(len(x), -1), y=y)),
    ("NPZ", "[N, 1, 28, 28]", "a.npz", lambda x, y: npz(data=x[:, None], targets=y)),
    ("NPZ", "[N, 28, 28, 3]", "a.npz", lambda x, y: npz(x=np.repeat(x[..., None], 3, 3), y=y)),
    ("NPZ", "[28, 28, N]", "a.npz", lambda x, y: npz(x=np.moveaxis(x, 0, 2), y=y)),
    ("NPZ", "floats 0…1", "a.npz", lambda x, y: npz(x=x / np.float32(255), y=y)),
    ("NPZ", "floats -1…1", "a.npz", lambda x, y: npz(x=x / 127.5 - 1, y=y)),
    ("NPZ", "16 bits", "a.npz", lambda x, y: npz(x=x.astype(np.uint16) * 257, y=y)),
    ("NPZ", "one-hot labels", "a.npz", lambda x, y: npz(x=x, y=np.eye(10)[y])),
    ("NPZ", "other names, by shape", "a.npz", lambda x, y: npz(arr_0=x, arr_1=y)),
    ("NPZ", "`x`, `y` swapped", "a.npz", lambda x, y: npz(x=y, y=x)),
    ("NPZ", "white paper", "a.npz", lambda x, y: npz(images=255 - x, labels=y)),
    (
        "NPY",
        "two in a ZIP",
        "a.zip",
        lambda x, y: zipped({"images.npy": npy(x), "labels.npy": npy(y)}),
    ),
    (
        "NPY",
        "rows of label and pixels",
        "a.npy",
        lambda x, y: npy(np.concatenate([y[:, None], x.reshape(len(x), -1)], axis=1)),
    ),
    ("IDX", "two in a ZIP", "a.zip", lambda x, y: zipped(idx_pair(x, y))),
    (
        "IDX",
        "gzip",
        "a.zip",
        lambda x, y: zipped({f"{k}.gz": gzip.compress(v) for k, v in idx_pair(x, y).items()}),
    ),
    (
        "IDX",
        "Kaggle's names",
        "a.zip",
        lambda x, y: zipped(idx_pair(x, y, "train-images.idx3-ubyte", "train-labels.idx1-ubyte")),
    ),
    ("IDX", "low byte first", "a.zip", low_byte_first),
    ("Parquet", "Hugging Face's", "a.parquet", hugging_face),
    (
        "Parquet",
        "a column a pixel",
        "a.parquet",
        lambda x, y: frame_of_pixels(x, y, parquet.write_table),
    ),
    ("Parquet", "Feather", "a.feather", lambda x, y: frame_of_pixels(x, y, feather.write_feather)),
    ("Parquet", "Arrow, streamed", "a.arrow", arrow_stream),
    (
        "MAT",
        "mnist-original",
        "a.mat",
        lambda x, y: mat(data=x.reshape(len(x), -1).T, label=y[None].astype(float)),
    ),
    ("MAT", "SVHN", "a.mat", svhn),
    ("MAT", "EMNIST", "a.mat", emnist),
    ("HDF5", "`images`, `labels`", "a.h5", lambda x, y: hdf5(images=x, labels=y)),
    ("HDF5", "groups", "a.h5", lambda x, y: hdf5(test__data=x.reshape(len(x), -1), test__target=y)),
    ("ARFF", "dense", "a.arff", arff),
    ("ARFF", "sparse", "a.arff", lambda x, y: arff(x, y, sparse=True)),
    ("libsvm", "plain", "a.libsvm", libsvm),
    ("libsvm", "bzip2", "a.scale.bz2", lambda x, y: bz2.compress(libsvm(x, y))),
    (
        "JSON",
        "an object a line",
        "a.jsonl",
        lambda x, y: json_lines(
            zip(x.tolist(), y.tolist(), strict=True), "image", "label"
        ).encode(),
    ),
]


@pytest.mark.parametrize(
    ("family", "form", "name", "write"), FORMS, ids=[f"{f[0]} {f[1]}" for f in FORMS]
)
def test_a_form_is_read_back_as_it_was(digits, family, form, name, write):
    images, labels = digits
    read = dl.read_images(write(images, labels), name)
    order, expected = by_content(read.images[:, 0]), by_content(images)
    np.testing.assert_array_equal(read.labels[order], labels[expected])
    np.testing.assert_array_equal(read.images[order, 0], images[expected])
    assert read.classes == tuple("0123456789")


def by_content(images):
    """An order that depends on the images alone: archives are sorted by their own names."""
    return sorted(range(len(images)), key=lambda i: images[i].tobytes())


def test_the_readme_lists_the_forms():
    families = dict.fromkeys(family for family, *_ in FORMS)
    rows = [
        f"| {family} | {', '.join(form for each, form, *_ in FORMS if each == family)} |"
        for family in families
    ]
    assert "\n".join(rows) in README.read_text(encoding="utf-8"), "\n".join(rows)
