"""What a class does together on the Class page: drawings, the challenge and the wall."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import challenge as challenges
from digitlab.classroom import class_set, members, submissions, teachers
from digitlab.classroom import room as rooms
from digitlab.data.load import load_dataset
from tests.classroom.conftest import draw_all
from tests.pages.visit import code_of, figures, find, healthy, words

TEACHER, ANN, BOB, EVE = ("a" * 32, "b" * 32, "d" * 32, "e" * 32)


@pytest.fixture
def code():
    """The code of a room with Ann and Bob, who have drawn their digits."""
    with owners.acting_for(owners.owner_of(TEACHER)):
        code = teachers.open_room("Class 5b")[0].code
    for proof, name in ((ANN, "Ann"), (BOB, "Bob")):
        with owners.acting_for(owners.owner_of(proof)):
            draw_all(code, members.join_room(code, name).number)
    return code


def train(proof, dataset):
    with owners.acting_for(owners.owner_of(proof)):
        config = dl.TrainConfig(epochs=1, batch_size=16, device="cpu")
        data = load_dataset(dataset, val_fraction=0.2)
        return dl.train("logistic-regression", data, config, progress=False)


def test_a_learner_is_asked_for_digits_and_takes_the_last_one_back(visit_class, code):
    learner = visit_class(ANN, room=code, section="drawings")
    assert "All your 20 digits are drawn" in learner.success[0].value
    find(learner.button, "Draw the last one again").click().run()
    digit = class_set.next_digit(code, 1)
    assert any(item.value in (f"Draw a {digit}", f"Draw an {digit}") for item in learner.subheader)
    assert class_set.count_drawn(code, 1) == 19
    assert find(learner.button, "Keep it").disabled, "nothing is kept before the learner agrees"


def test_a_class_set_is_made_trained_on_and_tested_across_writers(visit_class, code):
    teacher = visit_class(TEACHER, room=code, section="drawings")
    find(teacher.multiselect, "Writers to test on").set_value([2]).run()
    find(teacher.button, "For the room").click().run()
    assert "is a dataset now" in healthy(teacher).success[0].value
    name = f"{code.lower()}-class-set"
    train(ANN, name)
    learner = visit_class(ANN, room=code, section="drawings")
    names = {trace["name"] for figure in figures(learner) for trace in figure["data"]}
    assert {"Known writers", "New writers"} <= names
    assert "one writer, who says nothing of others" in words(learner)
    assert any("dl.evaluate_writers" in text for text in code_of(learner))
    find(teacher.button, "A copy of my own")
    find(teacher.text_input, "Name").set_value("mine").run()
    find(teacher.button, "A copy of my own").click().run()
    with owners.acting_for(owners.owner_of(TEACHER)):
        assert "mine" in [info.name for info in dl.list_datasets()]
    index = 1_000_000 + class_set.list_drawings(code)[-1].entry.number
    teacher = visit_class(TEACHER, room=code, section="drawings", drawing=str(index))
    find(teacher.button, "Delete 20 drawings")
    find(teacher.button, "Delete this drawing").click().run()
    assert class_set.count_drawn(code, 1) == 19
    assert "Not done yet: Ann \\(19\\)" in words(healthy(teacher))
    find(teacher.button, f"Delete {name}").click().run()
    assert not class_set.list_datasets(code)


def test_a_challenge_is_begun_entered_and_ended_on_the_page(visit_class, code, monkeypatch):
    monkeypatch.setattr(submissions, "PAUSE_SECONDS", 600.0)  # for a slow machine
    teacher = visit_class(TEACHER, room=code, section="challenge")
    find(teacher.selectbox, "About").set_value("optdigits").run()
    find(teacher.number_input, "Images to train on").set_value(200)
    find(teacher.button, "Begin").click().run()
    assert "hidden images of Optdigits" in words(healthy(teacher))
    assert "look them up" in words(teacher)
    name = f"{code.lower()}-challenge"
    run = train(ANN, name)
    learner = visit_class(ANN, room=code, section="challenge")
    find(learner.button, "Hand it in").click().run()
    assert [rank.member for rank in submissions.rank_members(code)] == [1]
    train(ANN, name)
    again = visit_class(ANN, room=code, section="challenge")
    assert find(again.button, "Hand in again in").disabled
    assert find(again.selectbox, "Run to hand in").options != [run.id]
    find(teacher.button, "End it now").click().run()
    assert "Final leaderboard" in [item.value for item in healthy(teacher).header]
    assert "Half that ranked" in teacher.dataframe[0].value


def test_a_damaged_challenge_is_told_and_another_one_begun(visit_class, code):
    with owners.acting_for(owners.owner_of(TEACHER)):
        challenges.hold_challenge(code, f"{code.lower()}-challenge", "optdigits", train_images=200)
    facts = rooms.room_folder(code) / "challenges" / "001" / "challenge.json"
    facts.write_text("")
    assert "is damaged" in visit_class(ANN, room=code, section="challenge").error[0].value
    teacher = visit_class(TEACHER, room=code, section="challenge")
    assert "is damaged" in teacher.error[0].value
    find(teacher.selectbox, "About").set_value("optdigits").run()
    find(teacher.button, "Begin").click().run()
    assert not healthy(teacher).error
    assert challenges.find_challenge(code).dataset == f"{code.lower()}-challenge-2"


def test_the_wall_shows_drawings_without_labels_and_no_name_where_none_is_shown(
    visit_class,
    code,
):
    with owners.acting_for(owners.owner_of(TEACHER)):
        challenges.hold_challenge(code, "challenge", "optdigits", train_images=200)
        teachers.change_room(code, anonymous=True)
    run = train(BOB, "challenge")
    with owners.acting_for(owners.owner_of(BOB)):
        submissions.hand_in(code, 2, run)
    wall = visit_class(TEACHER, room=code, view="wall", present="1")
    shown = {metric.label: metric.value for metric in wall.metric}
    assert (shown["Drawings"], shown["Runs"], shown["Learners here"]) == ("40", "1", "2 of 2")
    drawings, ranks = figures(wall)
    assert not any(trace.get("text") for trace in drawings["data"])
    assert not any(any(trace.get("hovertext") or ()) for trace in drawings["data"])
    assert "Learner 2" in str(ranks)
    assert "Bob" not in str(ranks) + words(wall)
    assert not wall.sidebar.children or "Display" not in words(wall)
    assert "join it first" in words(visit_class(EVE, room=code, view="wall"))
