"""All lessons: those that come with digitlab, and those in the folder `DIGITLAB_LESSONS`."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from pathlib import Path

from digitlab.errors import UploadError
from digitlab.files import read_bounded
from digitlab.lessons.lesson import MOST_BYTES, Lesson, LessonError, read_lesson
from digitlab.settings import read_settings

_TEXTS = Path(__file__).with_name("texts")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


def list_lessons() -> list[Lesson]:
    """Every lesson that can be read, in their order; see `list_damaged` for the others."""
    lessons = []
    for path in _files().values():
        try:
            lessons.append(_read(path, path.stat().st_mtime_ns))
        except (LessonError, OSError):
            continue
    return sorted(lessons, key=lambda lesson: (lesson.order, lesson.title))


def list_damaged() -> list[str]:
    """Why lessons that are there cannot be read, a sentence for each."""
    reasons = [
        f"The lesson {path.name} is left out: its name may have lower-case letters, digits and "
        "hyphens, as in my-lesson.md."
        for path in _paths()
        if not _NAME.fullmatch(path.stem)
    ]
    for path in _files().values():
        try:
            _read(path, path.stat().st_mtime_ns)
        except (LessonError, OSError) as e:
            reasons.append(str(e))
    return reasons


def find_lesson(name: str) -> Lesson:
    """The lesson `name`. LessonError with the nearest names where there is none."""
    files = _files()
    if name not in files:
        near = difflib.get_close_matches(str(name), files, n=3) or list(files)[:3]
        raise LessonError(
            f"There is no lesson {str(name)[:60]!r}. Did you mean {' or '.join(near)}? "
            "`python -m digitlab lessons` lists them."
        )
    return _read(files[name], files[name].stat().st_mtime_ns)


def _files() -> dict[str, Path]:
    """Lessons' files by their names; one of the host's own replaces that of the same name."""
    return {path.stem: path for path in _paths() if _NAME.fullmatch(path.stem)}


def _paths() -> list[Path]:
    folders = [_TEXTS, *filter(None, [read_settings().lessons])]
    paths = [path for folder in folders for path in sorted(folder.glob("*.md"))]
    return [path for path in paths if path.is_file()]


@lru_cache(maxsize=200)
def _read(path: Path, changed: int) -> Lesson:
    try:
        text = read_bounded(path, MOST_BYTES, path.name).decode("utf-8")
    except OSError as e:  # without the folder, which visitors need not know
        raise LessonError(f"The lesson {path.name} cannot be read: {e.strerror}.") from e
    except UnicodeDecodeError as e:
        raise LessonError(f"The lesson {path.name} is no text in UTF-8: save it as that.") from e
    except UploadError as e:
        raise LessonError(str(e)) from e
    return read_lesson(text, path.stem)
