"""Files of lessons, by the endings of their names: a notebook, a sheet to be printed, a summary."""

from __future__ import annotations

from pathlib import Path

from digitlab.files import write_atomically
from digitlab.lessons.catalog import find_lesson
from digitlab.lessons.lesson import Lesson, LessonError
from digitlab.lessons.notebook import write_notebook
from digitlab.lessons.sheet import write_sheet
from digitlab.lessons.summary import write_summary

WRITERS = {".ipynb": write_notebook, ".html": write_sheet}


def write_lesson(lesson: Lesson | str, path: str | Path) -> Path:
    """Write a lesson to a file that ends with .ipynb, a notebook, or .html, a sheet to print.

    Raises LessonError for an unknown lesson and for another ending.
    """
    path = Path(path).expanduser()
    if path.suffix not in WRITERS:
        raise LessonError(
            f"A lesson is written to a file that ends with .ipynb or .html; not {path.name!r}."
        )
    lesson = find_lesson(lesson) if isinstance(lesson, str) else lesson
    write_atomically(path, WRITERS[path.suffix](lesson))
    return path


def write_progress(path: str | Path) -> Path:
    """Write what the learner reached in all lessons to a file that ends with .html.

    Raises LessonError for another ending.
    """
    path = Path(path).expanduser()
    if path.suffix != ".html":
        raise LessonError(
            f"What you reached is written to a file that ends with .html; not {path.name!r}."
        )
    write_atomically(path, write_summary())
    return path
