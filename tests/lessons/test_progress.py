"""Progress stays, is each visitor's own, and damaged files cost nothing else."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.lessons import progress


def test_each_visitor_has_progress_of_their_own(monkeypatch, home):
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    lesson = dl.find_lesson("first-loss")
    question = lesson.questions[0]
    first, second = (owners.owner_of(name) for name in ("one", "two"))
    with owners.acting_for(first):
        progress.answer(lesson, question.ask, "26")
        assert "made 1 prediction" in dl.check_lesson(lesson)[1].sentence
    with owners.acting_for(second):
        assert not progress.read_progress(lesson).answers
        assert "made 0 predictions" in dl.check_lesson(lesson)[1].sentence
    assert first in visitors.last_visits(), "it goes when its learner stays away"


def test_a_run_of_nobody_is_not_the_work_of_a_visitor(monkeypatch, optdigits):
    config = dl.TrainConfig(epochs=1, batch_size=64)
    dl.train("two-hidden-16-relu", optdigits, config, progress=False)
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    with owners.acting_for(owners.owner_of("one")):
        assert "no run yet" in dl.check_lesson("first-loss")[0].sentence


@pytest.mark.parametrize("content", ["", "[]", '{"first-loss": {"reached": 3}}'])
def test_a_damaged_file_is_no_progress(home, content):
    path = home / "lessons" / "progress.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    lesson = dl.find_lesson("first-loss")
    assert not progress.read_progress(lesson).answers
    progress.answer(lesson, lesson.questions[0].ask, "26")
    assert progress.read_progress(lesson).answers


def test_a_goal_that_was_reworded_is_open_again():
    lesson = dl.find_lesson("first-loss")
    progress.answer(lesson, lesson.questions[0].ask, "26")
    dl.check_lesson(lesson)
    goal = lesson.goals[1].model_copy(update={"says": "Another"})
    assert lesson.goals[1].says in progress.read_progress(lesson).reached
    changed = dataclasses.replace(lesson, goals=(goal,))
    assert not progress.read_progress(changed).is_done(changed)


def test_lessons_that_are_answered_at_once_are_all_kept():
    asked = [(lesson, lesson.questions[0]) for lesson in dl.list_lessons() if lesson.questions]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = [pool.submit(progress.answer, a, q.ask, q.answer) for a, q in asked]
    for kept, (lesson, question) in zip(answers, asked, strict=True):
        assert kept.result().answers == progress.read_progress(lesson).answers
        assert question.ask in progress.read_progress(lesson).answers


def test_what_was_reached_leaves_as_one_file(tmp_path, optdigits):
    lesson = dl.find_lesson("first-loss")
    progress.answer(lesson, lesson.questions[0].ask, "26")
    config = dl.TrainConfig(epochs=1, batch_size=64)
    run = dl.train("two-hidden-64-relu", optdigits, config, name="<b>Mine", progress=False)
    assert "No goal is reached yet" in dl.write_progress(tmp_path / "before.html").read_text()
    dl.check_lesson(lesson)
    dl.delete_run(run.id)
    text = dl.write_progress(tmp_path / "lessons.html").read_text()
    assert "1 of 15 lessons done, 2 goals reached, 0 of 1 predictions right" in text
    assert "“&lt;b&gt;Mine” reaches it." in text
    with pytest.raises(dl.DigitlabError, match=r"ends with \.html"):
        dl.write_progress(tmp_path / "lessons.txt")
