"""A learner's progress: the goals that were reached and the questions that were answered.

    lessons/progress.json, in the home or among a visitor's things    lesson → goals and answers

A goal that was reached stays reached, though the run that reached it may be deleted since.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from digitlab import files, quotas, visitors
from digitlab.lessons.catalog import find_lesson
from digitlab.lessons.criteria import Outcome
from digitlab.lessons.lesson import Lesson, LessonError
from digitlab.lessons.work import Work
from digitlab.settings import read_settings


class Progress(BaseModel):
    """In one lesson: goals, by their sentences, with what reached them and when (seconds since
    1970); and the choice that was made for each question, by the question.
    """

    model_config = ConfigDict(frozen=True)

    reached: dict[str, tuple[str, float]] = {}
    answers: dict[str, str] = {}

    def is_done(self, lesson: Lesson) -> bool:
        """Whether every goal of the lesson was reached."""
        return all(goal.says in self.reached for goal in lesson.goals)


def read_progress(lesson: Lesson) -> Progress:
    """How far the learner is; nothing where the file is damaged."""
    return read_all([lesson])[lesson.id]


def read_all(lessons: Iterable[Lesson]) -> dict[str, Progress]:
    """How far the learner is in each of the lessons, by their ids."""
    entries = _read()
    return {lesson.id: _progress(entries.get(lesson.id, {})) for lesson in lessons}


def _progress(values: Any) -> Progress:
    try:
        return Progress.model_validate(values)
    except ValidationError:
        return Progress()


def check_lesson(lesson: Lesson | str) -> list[Outcome]:
    """Check each goal of a lesson on what the learner has made; what is reached is kept.

    Gives an outcome for each of `lesson.goals`. Raises LessonError for an unknown name.
    """
    lesson = find_lesson(lesson) if isinstance(lesson, str) else lesson
    progress = read_progress(lesson)
    work = Work(sum(question.ask in progress.answers for question in lesson.questions))
    outcomes = [goal.check.judge(work) for goal in lesson.goals]
    reached = {
        goal.says: (outcome.sentence, time.time())
        for goal, outcome in zip(lesson.goals, outcomes, strict=True)
        if outcome.reached
    }
    if reached:
        _keep(lesson, Progress(reached=reached))
    return outcomes


def answer(lesson: Lesson, question: str, choice: str) -> Progress:
    """Keep the learner's choice for a question; the first one stays."""
    return _keep(lesson, Progress(answers={question: choice}))


def _keep(lesson: Lesson, new: Progress) -> Progress:
    """Add to the learner's progress, to which another tab or process may add just now."""
    home = read_settings().home
    with files.writing(home):
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / "lessons.lock")
    with lock:
        before = read_progress(lesson)
        progress = Progress(
            reached={**before.reached, **new.reached}, answers={**new.answers, **before.answers}
        )
        entries = {**_read(), lesson.id: progress.model_dump()}
        quotas.check_disk(0, len(str(entries)), LessonError)
        files.write_json(_path(), entries)
    return progress


def _read() -> Mapping[str, Any]:
    try:
        values = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _path() -> Path:
    return visitors.folders("lessons")[0] / "progress.json"
