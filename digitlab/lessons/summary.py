"""What a learner reached in all lessons, as one HTML file to keep, print or hand in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from digitlab.lessons.catalog import list_lessons
from digitlab.lessons.lesson import Lesson
from digitlab.lessons.progress import Progress, read_progress


class _Goal(NamedTuple):
    """A goal; the sentence that says what reached it, empty where nothing did, and the day."""

    says: str
    sentence: str
    day: str


class _Row(NamedTuple):
    lesson: Lesson
    done: bool
    goals: list[_Goal]


def write_summary() -> str:
    """The learner's progress as HTML that needs nothing else: goals, what reached them, and when.

    Lessons in which no goal is reached are left out.
    """
    from jinja2 import Environment, FileSystemLoader

    lessons = list_lessons()
    progress = {lesson.id: read_progress(lesson) for lesson in lessons}
    rows = [_row(lesson, progress[lesson.id]) for lesson in lessons if progress[lesson.id].reached]
    answers = [
        progress[lesson.id].answers[question.ask] == question.answer
        for lesson in lessons
        for question in lesson.questions
        if question.ask in progress[lesson.id].answers
    ]
    loader = FileSystemLoader(Path(__file__).parent)
    template = Environment(loader=loader, autoescape=True).get_template("summary.html.jinja")
    return template.render(
        rows=rows,
        done=sum(row.done for row in rows),
        total=len(lessons),
        goals=sum(bool(goal.sentence) for row in rows for goal in row.goals),
        right=sum(answers),
        answered=len(answers),
        today=_day(time.time()),
    )


def _row(lesson: Lesson, progress: Progress) -> _Row:
    goals = []
    for goal in lesson.goals:
        sentence, when = progress.reached.get(goal.says, ("", 0.0))
        goals.append(_Goal(goal.says, sentence, _day(when)))
    return _Row(lesson, progress.is_done(lesson), goals)


def _day(when: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(when))
