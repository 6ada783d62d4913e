"""The words that lessons use: what each means, where it is seen, and what is drawn to show it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl

import yaml

from digitlab.lessons.lesson import Lesson, Link


@dataclass(frozen=True)
class Term:
    """A term and what it means; `link` leads to where it is seen, None where it is not. `picture`
    is what a page draws of a run to show it, empty where words do.
    """

    name: str
    says: str
    link: Link | None = None
    picture: str = ""


@cache
def list_terms() -> tuple[Term, ...]:
    """All terms in alphabetical order."""
    text = Path(__file__).with_name("glossary.yaml").read_text(encoding="utf-8")
    terms = []
    for name, entry in yaml.safe_load(text).items():
        page, _, query = entry.get("see", "").partition("?")
        link = (
            Link(f"See it on {page.capitalize()}", page, dict(parse_qsl(query))) if page else None
        )
        terms.append(Term(name, entry["says"], link, entry.get("picture", "")))
    return tuple(sorted(terms, key=lambda term: term.name.lower()))


def terms_of(lesson: Lesson) -> list[Term]:
    """The terms that a lesson uses, in alphabetical order."""
    text = " ".join(
        [lesson.title, lesson.about]
        + [goal.says for goal in lesson.goals]
        + [f"{question.ask} {question.because}" for question in lesson.questions]
        + [part for step in lesson.steps for part in step.parts if isinstance(part, str)]
    )
    return [
        term
        for term in list_terms()
        if re.search(rf"\b{re.escape(term.name)}(e?s)?\b", text, re.IGNORECASE)
    ]
