"""A class's drawings: asked for in a fair order, kept by number, and parted by their writers."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent import futures
from itertools import pairwise

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.analysis.writers import WriterResult, evaluate_writers, summarize_known, summarize_new
from digitlab.classroom import class_set, members, room, teachers
from digitlab.classroom.room import RoomError
from digitlab.data import own
from digitlab.drawing.source import read_drawing
from digitlab.errors import DatasetError
from digitlab.evaluation.intervals import wilson_interval
from tests.classroom.conftest import TEACHER, draw_all, learner


def test_each_digit_is_asked_for_twice_and_never_twice_in_a_row(code):
    orders = [class_set.order_of(code, writer) for writer in range(1, 6)]
    assert len(set(orders)) == 5
    for order in orders:
        assert Counter(order) == dict.fromkeys(range(10), 2)
        assert all(a != b for a, b in pairwise(order))


def test_an_undone_drawing_is_asked_for_again_and_comes_back_with_its_strokes(code, fill):
    fill(1)
    assert class_set.next_digit(code, 1) is None
    with pytest.raises(RoomError, match="undo"):
        class_set.keep_drawing(code, 1, np.zeros((280, 280), np.uint8))
    undone = class_set.undo_drawing(code, 1)
    assert class_set.next_digit(code, 1) == undone.label == class_set.order_of(code, 1)[-1]
    assert undone.strokes
    first = class_set.list_drawings(code)[-1]
    with owners.acting_for(learner(2)), pytest.raises(RoomError, match="Only a teacher"):
        class_set.remove_drawing(code, 1, first.entry.id)
    with owners.acting_for(TEACHER):
        class_set.remove_drawing(code, 1, first.entry.id)
    asked = [class_set.next_digit(code, 1)]
    fill(1)
    assert asked == [first.entry.label], "a digit that the teacher deleted is asked for again"
    assert class_set.count_drawn(code, 1) == class_set.EACH


def test_a_teacher_deletes_all_that_a_stranger_drew(code, fill):
    fill(1, 2)
    with owners.acting_for(learner(2)), pytest.raises(RoomError, match="Only a teacher"):
        class_set.remove_drawings(code, 1)
    with owners.acting_for(TEACHER):
        class_set.remove_drawings(code, 1)
    assert {drawing.writer for drawing in class_set.list_drawings(code)} == {2}
    assert not (room.room_folder(code) / "collections" / "writer-1").exists()


def test_a_drawing_does_not_outlive_its_room(code, monkeypatch):
    reading, go_on = threading.Event(), threading.Event()

    def read(source):
        reading.set()
        assert go_on.wait(60)
        return read_drawing(source)

    monkeypatch.setattr(class_set, "read_drawing", read)
    pixels = np.zeros((280, 280), np.uint8)
    pixels[60:220, 120:160] = 255
    with futures.ThreadPoolExecutor(2) as pool:
        drawing = pool.submit(class_set.keep_drawing, code, 1, pixels)
        assert reading.wait(60)
        ending = pool.submit(teachers.end_room, code)
        futures.wait([ending], timeout=0.5)  # as long as it does not wait for the drawing
        go_on.set()
        ending.result()
        drawing.exception()
    assert not room.room_folder(code).exists()
    with pytest.raises(RoomError, match="has ended"):
        class_set.keep_drawing(code, 1, pixels)


def test_who_drew_what_is_kept_as_a_number_only(code, fill):
    fill(2)
    with pytest.raises(RoomError, match="number 9"):
        class_set.keep_drawing(code, 9, np.zeros((280, 280), np.uint8))
    folder = room.room_folder(code) / "collections"
    assert [path.name for path in folder.iterdir()] == ["writer-2"]
    text = "".join(path.read_text() for path in folder.rglob("*.json"))
    assert "Nick" not in text
    assert learner(2) not in text
    with owners.acting_for(learner(1)):
        assert not [info for info in dl.list_datasets() if "writer" in info.name]


def test_a_class_set_is_parted_by_writers_and_seen_by_the_room_alone(code, fill):
    fill(1, 2, 3)
    with owners.acting_for(learner(1)), pytest.raises(RoomError, match="Only a teacher"):
        class_set.make_class_set(code, "our-digits")
    with owners.acting_for(TEACHER):
        with pytest.raises(RoomError, match="learn from"):
            class_set.make_class_set(code, "our-digits", [1, 2, 3])
        info = class_set.make_class_set(code, "our-digits", [2])
        class_set.make_class_set(code, "kept", [3], own_copy=True)
    assert (info.train_size, info.test_size) == (40, 20)
    with owners.acting_for(learner(1)):
        assert own.read_facts("our-digits").writers == (1,) * 20 + (3,) * 20 + (2,) * 20
        assert dl.load_dataset("our-digits").test.labels.bincount().tolist() == [2] * 10
        assert not own.is_changeable("our-digits")
        with pytest.raises(dl.DigitlabError, match="not yours"):
            dl.delete_dataset("our-digits")
        assert not own.is_own("kept")
    with owners.acting_for(owners.owner_of("a stranger")):
        assert not own.is_own("our-digits")
    with owners.acting_for(TEACHER):
        teachers.end_room(code)
        assert own.is_own("kept")
        assert not own.is_own("our-digits")


def test_no_two_rooms_of_a_teacher_have_datasets_of_one_name(code, fill):
    fill(1, 2)
    with owners.acting_for(TEACHER):
        class_set.make_class_set(code, "our-digits", [2])
        other = teachers.open_room("Class 6a")[0].code
    for number in (1, 2):
        with owners.acting_for(learner(number)):
            members.join_room(other, f"Nick {number}")
        draw_all(other, number)
    with owners.acting_for(TEACHER):
        with pytest.raises(dl.DigitlabError, match="named our-digits already"):
            class_set.make_class_set(other, "our-digits", [2])
        assert not class_set.list_datasets(other)


def test_on_the_server_a_name_that_the_room_has_is_not_said_to_be_another_rooms(code, fill):
    fill(1, 2)
    class_set.make_class_set(code, "digits")
    with pytest.raises(DatasetError, match="There is a dataset named digits already"):
        class_set.make_class_set(code, "digits")


def test_no_two_rooms_have_datasets_of_one_name_as_a_learner_may_be_in_both(code, fill):
    fill(1, 2)
    with owners.acting_for(TEACHER):
        class_set.make_class_set(code, "our-digits", [2])
    with owners.acting_for(owners.owner_of("another teacher")):
        other = teachers.open_room("Class 6a")[0].code
        for number in (1, 2):
            with owners.acting_for(learner(number)):
                members.join_room(other, f"Nick {number}")
            draw_all(other, number)
        with pytest.raises(RoomError, match=f"begins with {other.lower()}-"):
            class_set.make_class_set(other, "Our-Digits", [2])
        class_set.make_class_set(other, f"{other.lower()}-our-digits", [2])
    with owners.acting_for(learner(1)):
        names = {info.name for info in dl.list_datasets()}
    assert {"our-digits", f"{other.lower()}-our-digits"} <= names


def test_what_a_room_keeps_counts_as_its_teachers(code, fill, monkeypatch):
    fill(1, 2)
    monkeypatch.setenv("DIGITLAB_HOSTED", "class")
    kept = visitors.bytes_of(TEACHER)
    assert kept > visitors.bytes_in(room.room_folder(code) / "collections")
    assert visitors.bytes_of(learner(1)) == 0
    monkeypatch.setenv("DIGITLAB_VISITOR_DISK", str(kept + 1_000))
    with owners.acting_for(TEACHER), pytest.raises(RoomError, match="DIGITLAB_VISITOR_DISK"):
        class_set.make_class_set(code, "our-digits")
    with owners.acting_for(learner(1)), pytest.raises(dl.DigitlabError, match="no collection"):
        dl.load_dataset("collection:writer-2")


def test_a_run_is_tested_on_writers_from_whom_it_did_not_learn(code, fill):
    fill(1, 2, 3)
    with owners.acting_for(TEACHER):
        class_set.make_class_set(code, "our-digits", [2])
    with owners.acting_for(learner(1)):
        data = dl.load_dataset("our-digits", val_fraction=0.25)
        config = dl.TrainConfig(epochs=1, batch_size=16, device="cpu")
        run = dl.train("logistic-regression", data, config, progress=False)
        results = evaluate_writers(run)
        known = [result for result in results if result.known]
        (new,) = (result for result in results if not result.known)
        assert {result.writer for result in known} == {1, 3}
        assert sum(result.count for result in known) == 10
        assert (new.writer, new.count) == (2, 20)
        assert new.right == round(20 * run.evaluate("test").accuracy)
        assert new.interval.low <= new.right / 20 <= new.interval.high
        assert summarize_known(results).writers == 2
        assert summarize_new(results).interval is None, "one writer says nothing of others"


def test_writers_who_are_read_alike_still_have_an_interval():
    def results(*right):
        counts = enumerate(right, start=1)
        return [WriterResult(n, False, r, 20, wilson_interval(r, 20)) for n, r in counts]

    all_right, uneven = summarize_new(results(20, 20, 20)), summarize_new(results(20, 10, 19))
    assert all_right.interval == wilson_interval(60, 60)
    assert uneven.accuracy == pytest.approx(49 / 60)
    assert uneven.interval.low < wilson_interval(49, 60).low, "writers differ more than images"
    assert summarize_known(results(20)) is None


def test_a_run_on_another_dataset_has_no_writers(tiny):
    with pytest.raises(dl.DigitlabError, match="who wrote"):
        evaluate_writers(tiny)


def test_drawings_are_bounded_by_the_disk(code, fill, monkeypatch):
    fill(1)
    monkeypatch.setenv("DIGITLAB_MAX_DISK", "1")
    with (
        owners.acting_for(learner(2)),
        pytest.raises(room.RoomError, match="DIGITLAB_MAX_DISK"),
    ):
        fill(2)
    assert class_set.count_drawn(code, 2) == 0
