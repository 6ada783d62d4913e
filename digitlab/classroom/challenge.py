"""The challenge: whose network reads best what nobody has seen.

    home/rooms/CODE/challenges/001/challenge.json        what it is about, and whether it has ended
    home/rooms/CODE/challenges/001/hidden.safetensors    images, labels, and which half each is of
    home/rooms/CODE/challenges/damaged-002/              one that could not be read, set aside
    home/rooms/CODE/datasets/NAME/                       what the learners train on, and test on

One half of the hidden images ranks the learners while the challenge runs; who hands in often and
keeps what ranks best fits that half, and so the other half, which ranks at the end, is shown to
nobody before (see `submissions`). No function gives hidden images or labels away: they lie in no
dataset, and go only with the room.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from digitlab import files, owners, visitors
from digitlab.classroom import class_set
from digitlab.classroom.room import RoomError, filling, read_room, room_folder
from digitlab.classroom.teachers import check_teacher
from digitlab.data import own
from digitlab.data.catalog import CATALOG
from digitlab.data.dataset import choose
from digitlab.data.info import DatasetInfo
from digitlab.data.load import load_dataset
from digitlab.data.reading.images import LabelledImages
from digitlab.words import counted

MOST_HIDDEN = 4_000  # images, so that a submission takes seconds
LEAST_HIDDEN = 20
LEAST_PARTED = 4  # hidden writers, of whom two may be of each half
MOST_TRAIN = 20_000
PUBLIC_SHARE = 0.1  # of the training part: the test part that learners may look at
_FOLDER, _FACTS, _HIDDEN = "challenges", "challenge.json", "hidden.safetensors"


class DamagedError(RoomError):
    """Files of a challenge cannot be read."""

    def __init__(self, code: str) -> None:
        super().__init__(
            f"The challenge of room {code} is damaged, and counts nothing more: its teacher begins "
            "another one. What is left of its files stays in the room, and in its ZIP."
        )


class Challenge(BaseModel):
    """A challenge: the room's dataset to train on, and how many images are hidden in each half.

    `known` says who could look up the hidden images; it is empty where nobody can. The halves of
    hidden `writers` are `parted` where none wrote images of both. `ended` is when the final half
    was shown, seconds since 1970; None while learners hand in.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    dataset: str
    fingerprint: str
    source: str
    classes: tuple[str, ...]
    ranking: int
    final: int
    begun: float
    known: str = ""
    writers: tuple[int, ...] = ()
    parted: bool = False
    ended: float | None = None


def hold_challenge(
    code: str, name: str, source: str, *, train_images: int | None = None, seed: int = 0
) -> Challenge:
    """Begin a challenge on a dataset: its test part is hidden, and its training part becomes the
    dataset `name` of the room, a tenth of it as the test part that learners may look at.

    `train_images` bounds what they train on. Raises RoomError unless a teacher asks, where another
    challenge runs, and where too few images are hidden; DatasetError as `load_dataset` does.
    """
    _check_beginning(code)
    data = load_dataset(source, val_fraction=0.0)
    train = data.subset(min(train_images or MOST_TRAIN, MOST_TRAIN), seed).train.as_arrays()
    test = data.test.as_arrays()
    images, labels = test.images, test.labels
    if len(labels) > MOST_HIDDEN:
        rows = choose(labels, MOST_HIDDEN / len(labels), seed)
        images, labels = images[rows], labels[rows]
    _check_hidden(labels)
    images_to_learn = LabelledImages(
        data.info.title, train.images, train.labels, data.classes, notes=()
    )
    known = _who_knows(source)
    with class_set.adding(code, name, train.images.nbytes + images.nbytes):
        _check_none_runs(code)
        info = own.add_images(name, images_to_learn, test_fraction=PUBLIC_SHARE, seed=seed)
        final = choose(labels, 0.5, secrets.randbits(32))
        hidden = images, labels, final
        return _begin(code, info, hidden, source=data.info.title, known=known)


def hold_class_challenge(
    code: str, name: str, hidden_writers: Collection[int] | None = None
) -> Challenge:
    """Begin a challenge on the class's drawings: those of `hidden_writers`, a quarter of the class
    if none are named, are hidden, and the others' become the dataset `name` of the room.

    Raises RoomError as `hold_challenge` does, and where nobody is left to learn from.
    """
    _check_beginning(code)
    drawings = class_set.list_drawings(code)[::-1]
    writers = {drawing.writer for drawing in drawings}
    hidden = class_set.choose_writers(writers) if hidden_writers is None else list(hidden_writers)
    hidden_drawings = [drawing for drawing in drawings if drawing.writer in hidden]
    if not hidden_drawings:
        raise RoomError("None of the hidden writers drew anything: choose others.")
    images = np.stack([drawing.image for drawing in hidden_drawings])[:, None]
    labels = np.array([drawing.entry.label for drawing in hidden_drawings], np.int64)
    _check_hidden(labels)
    final, parted = _choose_final(labels, [drawing.writer for drawing in hidden_drawings])
    seen = _writers_seen(code) & set(hidden)
    content, test = class_set.part_by_writers(code, hidden)
    with class_set.adding(code, name, content[0].nbytes):
        _check_none_runs(code)
        info = own.add_written(name, *content, test)
        return _begin(
            code,
            info,
            (images, labels, final),
            source="the class's drawings",
            known=f"Drawings of {counted(len(seen), 'hidden writer')} are in a dataset of the room."
            * bool(seen),
            writers=tuple(sorted(hidden)),
            parted=parted,
        )


def find_challenge(code: str) -> Challenge | None:
    """The room's challenge, running or ended; None where there was none.

    DamagedError where its files cannot be read: it is set aside when another one begins.
    """
    if not _folders(code):
        return None
    try:
        challenge = Challenge.model_validate_json((current_folder(code) / _FACTS).read_bytes())
    except ValidationError as e:
        raise DamagedError(code) from e
    except OSError as e:
        raise _not_now(code) from e
    rows_of(code, final=False)
    return challenge


def _not_now(code: str) -> RoomError:
    return RoomError(f"The challenge of room {code} cannot be read now: try again.")


def require_challenge(code: str) -> Challenge:
    """`find_challenge`; RoomError where there was none."""
    current_folder(code)
    return find_challenge(code)


def end_challenge(code: str) -> Challenge:
    """End the challenge and show the figures of its final half; RoomError unless a teacher asks."""
    check_teacher(code)
    with filling(code):
        challenge = require_challenge(code)
        if challenge.ended:
            return challenge
        ended = challenge.model_copy(update={"ended": time.time()})
        files.write_atomically(current_folder(code) / _FACTS, ended.model_dump_json(indent=1))
    return ended


# Checking


def _check_beginning(code: str) -> None:
    check_teacher(code)
    _check_none_runs(code)


def _check_none_runs(code: str) -> None:
    with suppress(DamagedError):
        challenge = find_challenge(code)
        if challenge and not challenge.ended:
            raise RoomError(
                "A challenge is running in this room: end it before you begin another one."
            )


def _check_hidden(labels: np.ndarray) -> None:
    if len(labels) < LEAST_HIDDEN:
        raise RoomError(f"A challenge hides at least {LEAST_HIDDEN} images; not {len(labels)}.")


def _choose_final(labels: np.ndarray, writers: Sequence[int]) -> tuple[np.ndarray, bool]:
    """Which images are of the final half, bool [N], and whether its writers are of no other.

    Whose network happens to read the writers of one half has no luck with the other's.
    """
    seed = secrets.randbits(32)
    if len(set(writers)) < LEAST_PARTED:
        return choose(labels, 0.5, seed), False
    return np.isin(writers, class_set.choose_writers(set(writers), 0.5, seed)), True


def _who_knows(source: str) -> str:
    """A sentence on who could look up the labels of a dataset; empty where only the teacher can."""
    if source in CATALOG:
        return "The hidden images are published: whoever has the dataset can look them up."
    owner = owners.new_owner()
    mine = (
        owner
        and own.is_own(source)
        and visitors.find(own.FOLDER, source).is_relative_to(visitors.root() / owner)
    )
    return "" if mine else "The hidden images are in a dataset that others here may look at."


def _writers_seen(code: str) -> set[int]:
    """Writers whose drawings are in a dataset of the room."""
    with class_set.keeping(code):
        names = [info.name for info in own.list_own()]
        return {writer for name in names for writer in own.read_facts(name).writers}


# Files


def _begin(
    code: str,
    info: DatasetInfo,
    hidden: tuple[np.ndarray, np.ndarray, np.ndarray],
    *,
    source: str,
    known: str,
    writers: tuple[int, ...] = (),
    parted: bool = False,
) -> Challenge:
    images, labels, final = hidden
    _set_damaged_aside(code)
    with class_set.keeping(code):
        fingerprint = own.read_facts(info.name).fingerprint
    challenge = Challenge(
        number=next_number(code),
        dataset=info.name,
        fingerprint=fingerprint,
        source=source,
        classes=info.classes,
        ranking=int((~final).sum()),
        final=int(final.sum()),
        begun=time.time(),
        known=known,
        writers=writers,
        parted=parted,
    )
    folder = room_folder(code) / _FOLDER / f"{challenge.number:03d}"
    tensors = {"images": np.ascontiguousarray(images), "labels": labels, "final": final}
    files.write_atomically(folder / _HIDDEN, save(tensors))
    files.write_atomically(folder / _FACTS, challenge.model_dump_json(indent=1))
    return challenge


def next_number(code: str) -> int:
    """The number of the room's next challenge: one more than there are, damaged ones included."""
    return sum(1 for _ in (room_folder(code) / _FOLDER).glob("*")) + 1


def _set_damaged_aside(code: str) -> None:
    try:
        find_challenge(code)
    except DamagedError:
        folder = current_folder(code)
        folder.rename(folder.with_name(f"damaged-{folder.name}"))


def hidden_file(code: str) -> Path | None:
    """The file of the hidden images, while the challenge runs."""
    with suppress(DamagedError):
        challenge = find_challenge(code)
        return current_folder(code) / _HIDDEN if challenge and not challenge.ended else None
    return None


def _folders(code: str) -> list[Path]:
    """The folders of the room's challenges, the last one last."""
    return sorted(path.parent for path in (room_folder(code) / _FOLDER).glob(f"[0-9]*/{_FACTS}"))


def current_folder(code: str) -> Path:
    """Where the room's challenge lies; RoomError where there was none."""
    folders = _folders(code)
    if not folders:
        read_room(code)  # which says where it has ended
        raise RoomError(f"There is no challenge in room {code} yet: its teacher begins one.")
    return folders[-1]


def read_hidden(code: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images uint8 [N, C, H, W], labels int64 [N], and which are of the final half, bool [N]."""
    try:
        tensors = load_file(current_folder(code) / _HIDDEN)
        return tensors["images"], tensors["labels"], tensors["final"]
    except (OSError, SafetensorError, KeyError) as e:
        raise DamagedError(code) from e


def rows_of(code: str, *, final: bool) -> np.ndarray:
    """Which hidden images are of the half that ranks, or of the final one."""
    path = current_folder(code) / _HIDDEN
    try:
        return np.flatnonzero(_read_halves(path, path.stat().st_mtime_ns) == final)
    except (FileNotFoundError, SafetensorError) as e:
        raise DamagedError(code) from e
    except OSError as e:
        raise _not_now(code) from e


@lru_cache(maxsize=8)
def _read_halves(path: Path, _changed: int) -> np.ndarray:
    with safe_open(path, framework="numpy") as file:
        return file.get_tensor("final")
