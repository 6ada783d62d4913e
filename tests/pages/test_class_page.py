"""The Class page: a teacher opens a room, learners join it, and each sees what is theirs to see."""

from __future__ import annotations

import re

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom import room as rooms
from digitlab.jobs import queue
from tests.pages.visit import find, healthy, words

TEACHER, ANN = "a" * 32, "b" * 32


@pytest.fixture
def code():
    """The code of a room in which Ann is."""
    with owners.acting_for(owners.owner_of(TEACHER)):
        code = teachers.open_room("Class *5b*")[0].code
    with owners.acting_for(owners.owner_of(ANN)):
        members.join_room(code, "<b>Ann</b> _x_")
    return code


def test_an_app_that_is_not_hosted_says_how_to_start_one_for_a_class(open_page):
    app = open_page("8_Class")
    assert "DIGITLAB_HOSTED=class" in app.code[0].value
    assert not app.button


def test_a_room_is_opened_joined_and_ended_on_the_page(visit_class, train_tiny):
    teacher = visit_class(TEACHER)
    find(teacher.text_input, "Title").set_value("Class 5b")
    find(teacher.button, "Open the room").click().run()
    (room,) = rooms.list_rooms()
    key = healthy(teacher).code[0].value
    assert teachers.teach(room.code, key) == room
    find(teacher.button, "I have noted it").click().run()
    assert key not in [code.value for code in healthy(teacher).code]

    learner = visit_class(ANN)
    find(learner.text_input, "Code").set_value("qqqq")
    find(learner.button, "Next").click().run()
    assert "no code of a room" in words(learner)
    find(learner.text_input, "Code").set_value(room.code.lower())
    find(learner.button, "Next").click().run()
    find(learner.text_input, "Nickname").set_value("Ann")
    find(learner.button, "Join").click().run()
    assert "You are Ann, learner 1" in words(healthy(learner))
    with owners.acting_for(owners.owner_of(ANN)):
        run = train_tiny(name="Run of Ann")

    find(teacher.button, "Pause all training").click().run()
    assert rooms.read_room(room.code).paused
    assert f"has paused training in room {room.code}" in words(visit_class(ANN, "3_Train"))
    assert "in room" in " ".join(item.proto.label for item in learner.get("page_link"))
    teacher = visit_class(TEACHER, room=room.code, learner="1")
    assert "Run of Ann" in " ".join(item.proto.label for item in teacher.get("page_link"))
    results = visit_class(TEACHER, "4_Results", run=run.id)
    assert "Run of Ann" in words(results).replace("\\", "")
    back = [link.proto for link in results.get("page_link") if "Ann in room" in link.proto.label]
    assert [link.query_string for link in back] == [f"room={room.code}&learner=1"]
    own = visit_class(ANN, "4_Results", run=run.id)
    assert "You look at a learner's run" not in words(own)
    assert teacher.dataframe[0].value["Now"][0].startswith("Train")
    find(teacher.button, "End it for good").click().run()
    assert "has ended" in words(visit_class(ANN, room=room.code))
    assert "is not yours" in words(visit_class(TEACHER, "4_Results", run=run.id))
    with owners.acting_for(owners.owner_of(ANN)):
        assert dl.open_run(run.id)


def test_strangers_text_is_shown_as_it_was_written_and_not_to_who_guessed_the_code(
    visit_class, code
):
    teacher = visit_class(TEACHER, room=code, learner="1")
    assert teacher.dataframe[0].value["Learner"][0] == "<b>Ann</b> _x_"
    assert "Class \\*5b\\*" in words(teacher)
    assert "\\<b\\>Ann\\</b\\> \\_x\\_" in words(visit_class(ANN, room=code))
    stranger = visit_class("c" * 32, room=code, learner="1")
    assert "Ann" not in words(stranger)
    assert not stranger.dataframe
    find(stranger.text_input, "Key").set_value("guess")
    find(stranger.button, "Teach this room").click().run()
    assert "not the key of room" in words(stranger)


def test_what_a_teacher_sets_is_kept_and_shown_to_learners(visit_class, code):
    teacher = visit_class(TEACHER, room=code)
    find(teacher.multiselect, "Lessons that count").set_value(["first-loss"])
    find(teacher.number_input, "Seconds").set_value(10)
    find(teacher.button, "Save").click().run()
    find(teacher.toggle, "Hide names").set_value(True).run()
    assert list(healthy(teacher).dataframe[0].value["Learner"]) == ["Learner 1"]
    assert rooms.read_room(code).limits.seconds == 10
    told = words(visit_class(ANN, room=code))
    assert "You are" in words(visit_class(ANN, "7_Learn", room=code)), "any page leads there"
    assert "a run trains for at most 10 seconds" in told
    headings = [item.value for item in visit_class(ANN, "7_Learn").header]
    assert headings[:2] == ["Lessons of Class \\*5b\\*", "More lessons"]
    find(teacher.button, "Make another key").click().run()
    assert "shown only now" in words(healthy(teacher))
    find(teacher.button, "Clear all names").click().run()
    assert rooms.read_room(code).members[0].nickname == ""
    find(teacher.multiselect, "Whose").set_value([1]).run()
    find(teacher.button, "Send them out").click().run()
    assert not rooms.read_room(code).members


def test_a_learner_whose_run_waits_sees_what_is_done_and_how_long_it_waits(
    visit_class, code, add_record, monkeypatch
):
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)
    for proof, created in ((TEACHER, 1.0), (ANN, 2.0)):
        owner = owners.owner_of(proof)
        run = add_record(owner=owner, created=created, epochs=1, step=40, total_steps=100)
    (bar,) = visit_class(ANN, "3_Train", run=run.id).get("progress")
    assert re.fullmatch(
        r"40 % done\. Waiting about .+ s for its next turn: 1 run is ahead", bar.proto.text
    )
