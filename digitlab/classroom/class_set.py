"""The class set: each learner of a room draws twenty digits, which become a dataset.

    home/rooms/CODE/collections/writer-3/    what learner 3 drew, as collections keep drawings
    home/rooms/CODE/datasets/NAME/           datasets made of it, which all who are in the room see

Who drew what is kept as the learner's number only. The digits are asked for in a random order, each
as often as the others. A dataset is made of what is drawn by then and stays as it is, so that runs
on it can be compared; its test part is of other writers than its training part.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from filelock import FileLock

from digitlab import owners, visitors
from digitlab.classroom.room import RoomError, check_inside, filling, read_room, room_folder
from digitlab.classroom.teachers import check_teacher
from digitlab.data import collections, own
from digitlab.data.info import DIGITS, DatasetInfo
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import frame_digit
from digitlab.quotas import check_disk
from digitlab.settings import read_settings

EACH = 20  # drawings of a learner
MOST_DATASETS = 20  # of a room
TEST_SHARE = 0.25  # of the writers, if nobody chooses
_PREFIX = "writer-"
_CHALLENGES = "challenges/[0-9]*/challenge.json"  # which `challenge` keeps


class ClassDrawing(NamedTuple):
    """A drawing of the class set: who drew it, by number, and the file that holds it."""

    writer: int
    entry: collections.Entry
    when: float

    @property
    def image(self) -> np.ndarray:
        """The image uint8 [28, 28] as networks read it."""
        return _read_image(self.writer, self.entry)


@lru_cache(maxsize=4_000)
def _read_image(writer: int, entry: collections.Entry) -> np.ndarray:
    return collections.read_entry(_collection(writer), entry).image


def order_of(code: str, writer: int) -> tuple[int, ...]:
    """The digits that a learner is asked for: each twice, no two alike in a row."""
    rng = np.random.default_rng([*room_folder(code).name.encode(), writer])
    digits = np.repeat(np.arange(len(DIGITS)), EACH // len(DIGITS))
    while (digits[1:] == digits[:-1]).any():
        digits = rng.permutation(digits)
    return tuple(digits.tolist())


def next_digit(code: str, writer: int) -> int | None:
    """The digit that a learner is to draw now; None where they have drawn all of theirs."""
    with keeping(code):
        left = [entry.label for entry in collections.list_entries(_collection(writer))]
    for digit in order_of(code, writer):
        if digit not in left:
            return digit
        left.remove(digit)
    return None


def count_drawn(code: str, writer: int) -> int:
    """How many drawings of a learner are kept."""
    with keeping(code):
        return len(collections.list_entries(_collection(writer)))


def keep_drawing(code: str, writer: int, source: object, strokes: Sequence[np.ndarray] = ()) -> int:
    """Keep a drawing of the digit that the learner was asked for; that digit.

    `source` is anything that `dl.recognize` reads: it is framed like MNIST's digits. Raises
    RoomError where the learner has drawn all of theirs, is not in the room or may keep no more,
    DrawingError where nothing is drawn.
    """
    with filling(code):
        read_room(code).find_number(writer)
        digit = next_digit(code, writer)
        if digit is None:
            raise RoomError(
                f"You have drawn all {EACH} digits. To draw one again, undo the last one."
            )
        image = frame_digit(read_drawing(source)).image
        check_disk(0, image.nbytes, RoomError)
        drawing = collections.NewDrawing(image, digit, strokes)
        with keeping(code):
            collections.keep_drawing(_collection(writer), drawing)
    return digit


def undo_drawing(code: str, writer: int) -> collections.KeptDrawing:
    """Take back a learner's last drawing, whose digit is asked for again; what it was.

    Raises RoomError where there is none.
    """
    name = _collection(writer)
    with filling(code), keeping(code):
        entries = collections.list_entries(name)
        if not entries:
            raise RoomError("There is no drawing to undo.")
        drawing = collections.read_entry(name, entries[-1])
        collections.remove_drawing(name, drawing.id)
    return drawing


def remove_drawing(code: str, writer: int, drawing: str) -> None:
    """Delete a drawing, such as one that is no digit; RoomError unless a teacher asks."""
    check_teacher(code)
    with filling(code), keeping(code):
        collections.remove_drawing(_collection(writer), drawing)


def remove_drawings(code: str, writer: int) -> None:
    """Delete all drawings of a writer, such as a stranger; RoomError unless a teacher asks."""
    check_teacher(code)
    with filling(code), keeping(code):
        collections.remove_collection(_collection(writer))


def list_drawings(code: str) -> list[ClassDrawing]:
    """What the class has drawn so far, the newest first; RoomError unless who asks is in it."""
    check_inside(code)
    drawings = []
    with keeping(code):
        for writer in _writers(code):
            entries = collections.list_entries(_collection(writer))
            drawings += [ClassDrawing(writer, entry, _time_of(entry.path)) for entry in entries]
    return sorted(drawings, key=lambda drawing: -drawing.when)


def choose_writers(writers: Collection[int], share: float = TEST_SHARE, seed: int = 0) -> list[int]:
    """A share of the writers, drawn by the seed: one at least, but never all."""
    count = min(max(1, round(share * len(writers))), len(writers) - 1)
    shuffled = np.random.default_rng(seed).permutation(sorted(writers))
    return sorted(shuffled[: max(count, 0)].tolist())


def make_class_set(
    code: str,
    name: str,
    test_writers: Collection[int] | None = None,
    *,
    own_copy: bool = False,
) -> DatasetInfo:
    """Make a dataset of what is drawn by now: its test part are the drawings of `test_writers`.

    Without them, a quarter of the writers are drawn. Writers whom a running challenge hides are in
    neither part. It is the room's, whose learners may train on it; with `own_copy` it is an own
    dataset of whoever asks, which stays when the room ends. Raises RoomError unless a teacher asks,
    where fewer than two writers are left and for a writer who is not there, and DatasetError as
    `add_dataset` does.
    """
    check_teacher(code)
    content, test = part_by_writers(code, hidden_writers(code), test_writers)
    if own_copy:
        return own.add_written(name, *content, test)
    with adding(code, name, content[0].nbytes):
        return own.add_written(name, *content, test)


def part_by_writers(
    code: str, hidden: Collection[int], test_writers: Collection[int] | None = None
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], list[int]]:
    """What others than the `hidden` writers drew, the oldest first, and the writers to test on.

    Images uint8 [N, 1, 28, 28], labels and writers, int64 [N]. RoomError as `make_class_set`.
    """
    drawings = [drawing for drawing in list_drawings(code) if drawing.writer not in hidden]
    writers = sorted({drawing.writer for drawing in drawings})
    test = choose_writers(writers) if test_writers is None else sorted(test_writers)
    if not 0 < len(test) < len(writers) or not set(test) <= set(writers):
        raise RoomError(
            "A class set needs writers to learn from and others to test on: "
            f"{_listed(writers) or 'nobody'} drew something, and {_listed(test) or 'nobody'} "
            "would be tested on."
        )
    drawings.reverse()
    content = (
        np.stack([drawing.image for drawing in drawings])[:, None],
        np.array([drawing.entry.label for drawing in drawings], np.int64),
        np.array([drawing.writer for drawing in drawings], np.int64),
    )
    return content, test


@contextmanager
def adding(code: str, name: str, new: int) -> Iterator[None]:
    """While this lasts, the dataset `name` of `new` bytes, that is added, is the room's.

    RoomError where the room has too many, where so many bytes more are too much for its teacher,
    who asks, and where another room has a dataset of that name; DatasetError where the teacher
    finds another dataset by it, or the room has one.
    """
    check_disk(0, new, RoomError)
    with FileLock(read_settings().home / "room-datasets.lock"):
        name = own.check_free(name)
        with keeping(code):  # who acts for no teacher does not find the room's own
            own.check_free(name)
        if any(owners.rooms().glob(f"*/{own.FOLDER}/{name}")):
            raise RoomError(
                f"Another room has a dataset named {name}, and a learner of both would train on "
                f"the wrong one: choose another name, such as one that begins with {code.lower()}-."
            )
        with filling(code), keeping(code):
            if len(own.list_own()) >= MOST_DATASETS:
                raise RoomError(f"Room {code} has {MOST_DATASETS} datasets: delete one first.")
            yield


def hidden_writers(code: str) -> set[int]:
    """The writers whose drawings a running challenge hides; a damaged one hides nobody."""
    challenge = max(room_folder(code).glob(_CHALLENGES), default=None)
    try:
        facts = json.loads(challenge.read_text(encoding="utf-8")) if challenge else {}
        return set() if facts.get("ended") else set(facts.get("writers", ()))
    except (OSError, ValueError, AttributeError):
        return set()


def list_datasets(code: str) -> list[DatasetInfo]:
    """The room's datasets, in alphabetical order."""
    with keeping(code):
        return own.list_own()


def delete_dataset(code: str, name: str) -> None:
    """Delete a dataset of the room; RoomError unless a teacher asks."""
    check_teacher(code)
    with filling(code), keeping(code):
        own.delete_dataset(name)


@contextmanager
def keeping(code: str) -> Iterator[None]:
    """While this lasts, collections and datasets are the room's, and nobody's share counts."""
    with owners.acting_for(None), visitors.keeping_in(room_folder(code)):
        yield


def _writers(code: str) -> list[int]:
    names = (path.name for path in (room_folder(code) / collections.FOLDER).glob(f"{_PREFIX}*"))
    return sorted(int(name.removeprefix(_PREFIX)) for name in names)


def _collection(writer: int) -> str:
    return f"{_PREFIX}{int(writer)}"


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # taken back just now
        return 0.0


def _listed(writers: Collection[int]) -> str:
    return ", ".join(map(str, writers))
