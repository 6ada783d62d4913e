"""A challenge begins once and whole, and gives no hidden image or label away."""

from __future__ import annotations

import io
import zipfile

import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.classroom import challenge as challenges
from digitlab.classroom import class_set, members, room, submissions
from digitlab.classroom.archive import pack_room
from digitlab.classroom.room import RoomError
from digitlab.classroom.wall import look_at_class
from digitlab.data import own
from digitlab.data.load import load_dataset
from tests.classroom.conftest import TEACHER, hand_in, learner, train


def test_nothing_that_a_learner_can_have_holds_a_hidden_image_or_label(code, home, tmp_path):
    """Of a teacher's own dataset, which nobody else can look up."""
    data = dl.load_dataset("optdigits")
    with owners.acting_for(TEACHER):
        own.add_version("mine", data, [own.Change(split="test", index=0, label=None)])
        held = challenges.hold_challenge(code, "challenge", "mine")
    assert not held.known
    hidden = {image.tobytes() for image in challenges.read_hidden(code)[0]}
    run = train(1)
    answer = hand_in(code, 1, run)
    with owners.acting_for(learner(1)):
        for info in dl.list_datasets():
            if info.made_here:
                shown = load_dataset(info.name)
                images = [*shown.train.images, *shown.val.images, *shown.test.images]
                assert not hidden & {image.numpy().tobytes() for image in images}, info.name
        with pytest.raises(dl.DigitlabError):
            load_dataset("mine")
        exported = zipfile.ZipFile(io.BytesIO(dl.export(run, "zip", tmp_path).read_bytes()))
        files = b"".join(exported.read(name) for name in exported.namelist())
        told = [
            answer,
            held,
            *submissions.rank_members(code),
            *submissions.list_submissions(code, 1),
        ]
    labels = challenges.read_hidden(code)[1]
    assert labels.tobytes() not in files
    assert "right=" not in repr(answer)
    assert all(len(repr(each)) < 1_500 for each in told), "no bits of hidden answers"
    beyond = [path for path in home.rglob("*") if path.name == challenges._HIDDEN]
    assert len(beyond) == 1
    assert beyond[0].is_relative_to(room.room_folder(code)), "it goes with the room"


def test_drawings_datasets_and_the_challenge_leave_in_the_rooms_zip(code, fill):
    fill(1, 2)
    with owners.acting_for(TEACHER):
        class_set.make_class_set(code, "our-digits", [2])
        challenges.hold_challenge(code, "challenge", "optdigits", train_images=200)
        names = zipfile.ZipFile(io.BytesIO(pack_room(code))).namelist()
        challenges.end_challenge(code)
        drawn = visitors.bytes_in(room.room_folder(code) / "collections")
        few = zipfile.ZipFile(io.BytesIO(pack_room(code, most=drawn + 10_000)))
        hidden = "challenges/001/hidden.safetensors"
        assert hidden in zipfile.ZipFile(io.BytesIO(pack_room(code))).namelist()
    assert hidden not in names, "as long as the challenge runs"
    assert hidden.encode() in few.read("left-out.csv")
    assert sum(name.startswith("collections/") for name in few.namelist()) == 42
    assert sum(name.startswith("collections/writer-1/") for name in names) == 21
    assert "datasets/our-digits/images.safetensors" in names
    assert "challenges/001/challenge.json" in names
    with owners.acting_for(learner(1)), pytest.raises(RoomError, match="Only a teacher"):
        pack_room(code)


def test_a_challenge_on_the_classs_drawings_hides_writers_until_it_ends(code, fill):
    fill(1, 2, 3)
    with owners.acting_for(TEACHER):
        with pytest.raises(RoomError, match="learn from"):
            challenges.hold_class_challenge(code, "challenge", [1, 2])
        last = class_set.list_drawings(code)[0]
        class_set.remove_drawing(code, last.writer, last.entry.id)
        with pytest.raises(RoomError, match="at least 20 images"):
            challenges.hold_class_challenge(code, "challenge", [last.writer])
        assert not class_set.list_datasets(code), "nothing is left of what could not begin"
        fill(last.writer)
        held = challenges.hold_class_challenge(code, "challenge", [3])
        assert (held.ranking, held.final, held.known) == (10, 10, "")
        assert set(own.read_facts("challenge").writers) == {1, 2}
        assert {drawing.writer for drawing in look_at_class(code).newest} == {1, 2}
        class_set.make_class_set(code, "more")
        assert set(own.read_facts("more").writers) == {1, 2}, "no dataset gives them away"
        challenges.end_challenge(code)
        class_set.make_class_set(code, "all")
        assert set(own.read_facts("all").writers) == {1, 2, 3}
        again = challenges.hold_class_challenge(code, "again", [3])
    assert "are in a dataset of the room" in again.known


def test_the_final_half_is_of_other_writers_where_enough_are_hidden(code, fill):
    for number in (4, 5, 6):
        with owners.acting_for(learner(number)):
            members.join_room(code, f"Nick {number}")
    fill(1, 2, 3, 4, 5, 6)
    with owners.acting_for(TEACHER):
        held = challenges.hold_class_challenge(code, "challenge", [1, 2, 3, 4])
    images, _, final = challenges.read_hidden(code)
    assert (held.ranking, held.final, held.parted) == (40, 40, True)
    writers = {drawing.image.tobytes(): drawing.writer for drawing in class_set.list_drawings(code)}
    of_final, of_ranking = (
        {writers[image.tobytes()] for image in images[rows]} for rows in (final, ~final)
    )
    assert not of_final & of_ranking


def test_a_challenge_begins_once_and_whole(code, fill, monkeypatch):
    fill(1, 2, 3)

    def stop(*_arguments, **_values):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, owners.acting_for(TEACHER):
        patch.setattr(challenges, "_begin", stop)
        with pytest.raises(KeyboardInterrupt):
            challenges.hold_class_challenge(code, "stopped", [2])
    with owners.acting_for(TEACHER):
        assert not class_set.hidden_writers(code), "nobody is hidden without a challenge"
        challenges.hold_class_challenge(code, "challenge", [2])
        assert class_set.hidden_writers(code) == {2}
        # two teachers at once: what the second looked at before was not yet begun
        monkeypatch.setattr(challenges, "_check_beginning", lambda code: None)
        with pytest.raises(RoomError, match="running in this room"):
            challenges.hold_challenge(code, "second", "optdigits", train_images=200)
        with pytest.raises(RoomError, match="running in this room"):
            challenges.hold_class_challenge(code, "third", [2])
        assert "second" not in [info.name for info in class_set.list_datasets(code)]


@pytest.mark.parametrize(("file", "shown"), [("challenge.json", 48), ("hidden.safetensors", 40)])
def test_a_damaged_challenge_is_set_aside_when_another_begins(code, fill, file, shown):
    fill(1, 2, 3)
    with owners.acting_for(TEACHER):
        challenges.hold_class_challenge(code, "challenge", [3])
    damaged = room.room_folder(code) / "challenges" / "001" / file
    damaged.write_text("{")
    with owners.acting_for(learner(1)):
        with pytest.raises(RoomError, match="damaged"):
            submissions.rank_members(code)
        wall = look_at_class(code)
        assert (wall.challenge, len(wall.newest)) == (None, shown)
    with owners.acting_for(TEACHER):
        assert damaged.read_text() == "{", "nothing is moved by those who only look"
        another = challenges.hold_challenge(code, "another", "optdigits", train_images=200)
        names = zipfile.ZipFile(io.BytesIO(pack_room(code))).namelist()
    assert challenges.find_challenge(code) == another
    assert another.number == 2
    assert "challenges/damaged-001/hidden.safetensors" in names
    assert "challenges/002/hidden.safetensors" not in names
