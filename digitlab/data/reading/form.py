"""What form a file is of, by its first bytes; each form's reader gives its `Part`s."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import numpy as np

from digitlab.data.reading import arrays, folders, limits
from digitlab.data.reading.files import File, list_tar, list_zip, unpack
from digitlab.data.reading.idx import is_idx, read_idx
from digitlab.data.reading.label_table import TABLE_ENDINGS, is_label_table, read_label_list
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import Part, find_split
from digitlab.data.reading.sparse import is_libsvm, read_libsvm
from digitlab.data.reading.tables import read_arff, read_csv
from digitlab.data.reading.worker import read_in_worker
from digitlab.errors import UnclearFileError, UploadError

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"BM", b"RIFF")
_PICKLES = (".pkl", ".pickle", ".p", ".pt", ".pth", ".joblib", ".dill")
_DATA = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".npz", ".npy", ".mat", ".arff", ".h5")
_DATA += (".hdf5", ".libsvm", ".svm", ".scale", ".jsonl", ".json")
_OTHERS = {
    b"Rar!": "a RAR archive: pack it as a ZIP",
    b"7z\xbc\xaf": "a 7z archive: pack it as a ZIP",
    b"SQLite format 3": "an SQLite database: export its table as CSV",
    b"%PDF": "a PDF: save its pages as images",
    b"[": "a list in JSON: write an object a line, pandas.DataFrame(json.load(open(…))).to_json("
    "'digits.jsonl', orient='records', lines=True)",
}
_SAVE = "np.savez('digits.npz', images=x, labels=y)"
CONVERT = f"""python -c "import gzip, pickle, numpy as np; x, y = pickle.load(OPEN); {_SAVE}\""""
# As in Theano's and Nielsen's: training, validation and test, written by Python 2.
CONVERT_PARTS = (
    """python -c "import gzip, pickle, numpy as np; """
    """(x, y), _, (u, v) = pickle.load(OPEN, encoding='latin1'); """
    """np.savez('digits.npz', x_train=x, y_train=y, x_test=u, y_test=v)\""""
)
CONVERT_TORCH = (
    """python -c "import torch, numpy as np; x, y = torch.load('FILE'); """
    """np.savez('digits.npz', images=x, labels=y)\""""
)

Progress = Callable[[int, int], None] | None


def read_parts(
    source: File | list[File],
    classes: Sequence[str] | None,
    options: Options,
    on_progress: Progress = None,
) -> list[Part]:
    """The parts of a file, or of a folder's files; UploadError for what is none of the forms."""
    if isinstance(source, list):
        return _read_many(source, "The folder", classes, options, on_progress)
    file = unpack(source)
    head = file.head()
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        files = list_zip(file)
        kind = "The ZIP"
        if files and all(each.name.endswith(".npy") for each in files):
            return arrays.read_npz(files, file.name or "The .npz", options.label_column)
        if any(each.path.name == "data.pkl" for each in files):
            convert = CONVERT_TORCH.replace("FILE", file.name or "data.pt")
            raise UploadError(
                f"{kind} is a network or a pickle of PyTorch. {arrays.PICKLED}{convert}"
            )
        return _read_many(files, kind, classes, options, on_progress)
    if head[257:262] == b"ustar":
        files = list_tar(file)
        return _read_many(files, "The TAR", classes, options, on_progress)
    if head.startswith(_PICTURES):
        return folders.read_folders([file], classes, options)
    return _read_data(file, source.name, options, on_progress)


def _read_data(file: File, packed: str, options: Options, on_progress: Progress) -> list[Part]:
    """The parts of one file that is neither an archive nor an image; `packed` named it before."""
    label_column = options.label_column
    where, head = file.name or "The file", file.head()
    _refuse(where, head, packed)
    if head.startswith(b"\x93NUMPY"):
        return arrays.read_npy(file, where, label_column)
    content = file.read(max(limits.MAX_BYTES, limits.MAX_UNPACKED))
    if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):  # JSON lines
        content = content.removeprefix(codecs.BOM_UTF8).lstrip()
    if content.startswith((b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff", b"{")):
        return read_in_worker("parquet", content, where, options)
    if head.startswith((b"\x89HDF\r\n\x1a\n", b"MATLAB 7.3")):
        return read_in_worker("hdf5", content, where, options)
    if head.startswith(b"MATLAB 5.0"):
        return read_in_worker("matlab", content, where, options)
    if is_idx(head):
        shape = list(read_idx(content, where).shape)
        raise UploadError(
            f"{where} is one of a pair: an IDX file of the shape {shape}. Give images and labels "
            "together, in a ZIP or a folder."
        )
    if re.match(rb"(\s*%[^\n]*\n|\s)*@relation", head, re.I):
        return [read_arff(content, where, label_column, on_progress)]
    if is_libsvm(head):
        return [read_libsvm(content, where)]
    return [read_csv(content, where, label_column, on_progress)]


def _refuse(where: str, head: bytes, packed: str) -> None:
    """UploadError for pickles, with the line that converts them, and for what is another form."""
    name = where.lower()
    if name.endswith(_PICKLES) or re.match(rb"\x80[\x02-\x05]", head):
        convert = CONVERT_PARTS if name.startswith("mnist") else CONVERT
        convert = CONVERT_TORCH if name.endswith((".pt", ".pth")) else convert
        opened = f"open('{packed}', 'rb')"
        opened = f"gzip.{opened}" if packed.lower().endswith(".gz") else opened
        convert = convert.replace("OPEN", opened).replace("FILE", where)
        raise UploadError(f"{where}: {arrays.PICKLED}{convert}")
    if head[4:8] == b"ftyp":
        raise UploadError(f"{where} is {folders.PHOTOS}.")
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise UploadError(f"{where} is {what}.")
    for ending, what in ((".zip", "ZIP archive"), (".npz", "ZIP archive"), (".tar", "TAR")):
        if name.endswith(ending):
            raise UploadError(f"{where} is not a {what}: create it again.")


def _read_many(
    files: Sequence[File], kind: str, classes, options: Options, on_progress: Progress
) -> list[Part]:
    """The parts of several files: images, or pairs of arrays, or files of data."""
    if any(folders.is_image(file) for file in files):
        return folders.read_folders(files, classes, options, on_progress)
    if any(file.path.name == "[Content_Types].xml" for file in files):
        raise UploadError(f"{kind} is a document of Office: save the table as CSV.")
    candidates = [file for file in files if _may_be_data(file)]
    if len(candidates) > limits.MAX_DATA_FILES:
        raise UploadError(
            f"{kind} holds {len(candidates):,} files of data and no image; at most "
            f"{limits.MAX_DATA_FILES:,} are read."
        )
    opened = [unpack(file) for file in candidates]
    paired = [file for file in opened if is_idx(file.head()) or file.name.lower().endswith(".npy")]
    if paired:
        named = [_named(file) for file in paired]
        return arrays.find_parts(named, kind, options.label_column)
    data = [file for file in opened if not _is_prose(file)]
    if not data:
        raise UploadError(
            f"{kind} holds no image (PNG, JPEG, WebP, BMP, GIF or TIFF) and no file of data. Put "
            "each image into a folder named by its class, 7/a.png, or list them in a labels.csv."
            + folders.tell_photos(files)
        )
    return _read_each(data, kind, options, on_progress)


def _may_be_data(file: File) -> bool:
    stem = file.name.lower()
    for packed in (".gz", ".bz2", ".xz"):
        stem = stem.removesuffix(packed)
    return (
        stem.endswith((*_DATA, *_PICKLES, ".txt", ".data", ".tra", ".tes", ".t"))
        or "ubyte" in stem
        or "idx" in stem
        or not PurePosixPath(stem).suffix
    )


def _is_prose(file: File) -> bool:
    """Whether a file is text about the data: readme.txt, LICENSE, sample_submission.csv."""
    name = file.path.name.lower()
    known = ("readme", "license", "licence", "submission", "sample_sub", "about", "description")
    if any(word in name for word in known):
        return True
    small = name.endswith(TABLE_ENDINGS) and is_label_table(name) and file.size < 5_000
    return small and not read_label_list(file.read(limits.MAX_TABLE_BYTES), name)


def _named(file: File) -> arrays.NamedArray:
    if file.name.lower().endswith(".npy"):
        return arrays.open_npy(file, file.name[:-4])
    values = read_idx(file.read(limits.MAX_UNPACKED), file.name)
    array = arrays.in_memory(
        re.sub(r"[-_.]?idx\d[-_.](ubyte|int)|[-_.]?idx\d", "", file.name), values
    )
    return array


def _read_each(
    files: Sequence[File], kind: str, options: Options, on_progress: Progress
) -> list[Part]:
    """The parts of all files that can be read; where several fail, the first reason is told."""
    parts, errors, lists = [], [], []
    for file in files:
        split = find_split(file.path.name) or find_split(str(file.path.parent))
        try:
            read = read_parts(file, None, options, on_progress)
        except UnclearFileError:
            raise
        except UploadError as e:
            named = is_label_table(file.name) and file.size <= limits.MAX_TABLE_BYTES
            if named and (labels := read_label_list(file.read(file.size), file.name)):
                lists.append((file.name, split, labels))
            else:
                errors.append((file.name, e))
            continue
        for part in read:
            part.split = part.split or split
            if part.labels is not None:
                part.where = file.name if len(read) == 1 else f"{file.name}: {part.where}"
        parts += read
    if not parts:
        raise errors[0][1] if errors else UploadError(f"{kind} holds no file of data.")
    _pair([part for part in parts if part.labels is None], lists)
    for name, error in errors:
        parts[0].notes.append(f"{name} was left out: {error}")
    return parts


def _pair(parts: Sequence[Part], lists: Sequence[tuple[str, str, list[str]]]) -> None:
    """Give images the labels of the one list that has as many rows and is of no other split."""
    pairs = [
        (part, name, labels)
        for part in parts
        for name, split, labels in lists
        if split in ("", part.split) and len(labels) == len(part.images)
    ]
    names = [name for _, name, _ in pairs]
    if len(set(names)) < len(names) or len({id(part) for part, *_ in pairs}) < len(pairs):
        raise UnclearFileError(
            f"Which images have the labels of {' or '.join(dict.fromkeys(names))}? Several have as "
            "many rows: put images and their labels alone into a file.",
            argument="label_column",
            choices=(),
        )
    for part, name, labels in pairs:
        part.labels = np.array(labels)
        part.notes.append(f"The labels of {part.where} were read from {name}, row by row.")
