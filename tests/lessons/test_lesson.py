"""A lesson is read from one file; what is wrong in it is named with its place."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.errors import DigitlabError
from digitlab.lessons.catalog import list_damaged
from digitlab.lessons.lesson import MOST_BYTES, Link, read_lesson

LESSON = """---
title: A first network
about: It learns.
minutes: 5
goals:
  - says: A run that reads 90 %
    check: run
    with: {dataset: optdigits, at_least: 0.9}
questions:
  - ask: What is 7 + 1?
    choices: [8, 9]
    answer: 8
    because: One more.
---
## Train

Look at the curve.

[Train it](page:train?model=two-hidden-16-relu&dataset=optdigits)

Then rest.

## Look
"""


def test_a_file_becomes_a_lesson():
    lesson = read_lesson(LESSON, "first")
    assert (lesson.id, lesson.title, lesson.minutes) == ("first", "A first network", 5)
    assert [step.title for step in lesson.steps] == ["Train", "Look"]
    params = {"model": "two-hidden-16-relu", "dataset": "optdigits"}
    link = Link("Train it", "train", params)
    assert lesson.steps[0].parts == ("Look at the curve.", link, "Then rest.")
    assert lesson.questions[0].choices == ("8", "9")
    assert lesson.goals[0].check.at_least == 0.9


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("---\ntitle", "title", "no head"),
        ("minutes: 5\n", "", "minutes: Field required"),
        ("check: run", "check: luck", "there is no check 'luck'; there are run,"),
        ("at_least: 0.9", "at_leest: 0.9", "at_leest: Extra inputs"),
        ("answer: 8", "answer: 10", "none of the choices"),
        ("page:train", "page:rain", "a page 'rain'; pages are data,"),
        ("## Train\n", "Train\n", "each begins with a line ##"),
        ("title: A first", "title: [", "not YAML"),
        ("title: A first", "title: " + "[" * 5_000, "nests deeper"),
        ("title: A first network", "title: &a x\nabout: *a", "anchor or alias"),
        ("check: run", "check: {run: 1}", "there is no check {'run': 1}"),
        ("with: {dataset: optdigits, at_least: 0.9}", "with: [1]", "names with values"),
        ("at_least: 0.9", "recipe: {epoch: 3}", "no field 'epoch', but epochs"),
    ],
)
def test_what_is_wrong_is_named(before, after, says):
    with pytest.raises(DigitlabError, match=r"lesson first") as error:
        read_lesson(LESSON.replace(before, after, 1), "first")
    assert says in str(error.value)


def test_what_cannot_be_a_lesson_is_said_and_loses_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_LESSONS", str(tmp_path))
    (tmp_path / "first.md").write_text(LESSON)
    (tmp_path / "huge.md").write_text(LESSON + "x" * MOST_BYTES)
    (tmp_path / "binary.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "My Lesson.md").write_text(LESSON)
    (tmp_path / "folder.md").mkdir()
    assert len(dl.list_lessons()) == 16
    said = "\n".join(list_damaged())
    assert "My Lesson.md is left out: its name may have lower-case letters" in said
    assert "huge.md is larger than" in said
    assert "binary.md is no text in UTF-8" in said
    assert said.count("\n") == 2
    with pytest.raises(DigitlabError, match=r"huge\.md is larger"):
        dl.check_lesson("huge")
