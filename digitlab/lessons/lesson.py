"""A lesson: Markdown with a head of YAML that says what is to be reached and how it is checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from digitlab.errors import DigitlabError, SpecError
from digitlab.lessons.checks import CHECKS, Check
from digitlab.models.text import read_yaml

MOST_BYTES = 100_000  # of a lesson's file
PAGES = ("data", "architecture", "train", "results", "compare", "draw")  # that a link leads to

_HEAD = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_LINK = re.compile(r"^\[([^\]\n]+)\]\(page:([a-z]+)(?:\?([^)\s]*))?\)$", re.MULTILINE)


class LessonError(DigitlabError):
    """A lesson's file cannot be read: the message names the file, the place and the remedy."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Goal(_Part):
    """What the learner is to reach, in a sentence, and the check that looks whether they have."""

    says: str = Field(min_length=1, max_length=300)
    check: Check

    @model_validator(mode="before")
    @classmethod
    def _named(cls, values: Any) -> Any:
        """`check: NAME, with: {…}` becomes that check."""
        if not isinstance(values, dict) or isinstance(values.get("check"), Check):
            return values
        name, arguments = values.get("check"), values.get("with") or {}
        if not isinstance(name, str) or name not in CHECKS:
            raise ValueError(f"there is no check {name!r}; there are {', '.join(CHECKS)}")
        rest = {key: value for key, value in values.items() if key != "with"}
        return {**rest, "check": CHECKS[name].model_validate(arguments)}


class Question(_Part):
    """A prediction to be made before it is tried: one of the `choices` is the `answer`."""

    ask: str = Field(min_length=1, max_length=500)
    choices: tuple[str, ...] = Field(min_length=2, max_length=8)
    answer: str
    because: str = Field(min_length=1, max_length=800)

    @field_validator("choices", "answer", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """YAML reads 8 and yes as a number and a truth value; a lesson means the words."""
        return tuple(map(str, value)) if isinstance(value, list) else str(value)

    @model_validator(mode="after")
    def _has_answer(self) -> Question:
        if self.answer not in self.choices:
            raise ValueError(f"the answer {self.answer!r} is none of the choices")
        return self


class _Head(_Part):
    title: str = Field(min_length=1, max_length=80)
    about: str = Field(min_length=1, max_length=200)
    minutes: int = Field(ge=1, le=600)
    order: int = Field(default=1000, ge=0, le=100_000)
    needs: tuple[str, ...] = ()  # names of datasets
    source: str = ""
    goals: tuple[Goal, ...] = Field(min_length=1, max_length=12)
    questions: tuple[Question, ...] = Field(default=(), max_length=12)


@dataclass(frozen=True)
class Link:
    """A link of a step into a page of the app, with everything set in its `params`."""

    label: str
    page: str
    params: dict[str, str]


@dataclass(frozen=True)
class Step:
    """A step: its title, and what it says, Markdown and links in their order."""

    title: str
    parts: tuple[str | Link, ...]


@dataclass(frozen=True)
class Lesson:
    """A lesson as it was read; `id` is its file's name, `minutes` what an honest learner takes."""

    id: str
    title: str
    about: str
    minutes: int
    order: int
    needs: tuple[str, ...]
    source: str
    goals: tuple[Goal, ...]
    questions: tuple[Question, ...]
    steps: tuple[Step, ...]


def read_lesson(text: str, name: str) -> Lesson:
    """The lesson in the text of the file `name.md`. Raises LessonError where it is none."""
    head = _HEAD.match(text)
    if not head:
        raise LessonError(
            f"The lesson {name} has no head: it must begin with a line ---, then its title, about, "
            "minutes and goals in YAML, then another line ---."
        )
    try:
        read = _Head.model_validate(read_yaml(f"\n{head[1]}"))  # lines count from the file's first
    except SpecError as e:
        raise LessonError(f"The head of the lesson {name} cannot be read: {e}") from e
    except ValidationError as e:
        raise LessonError(f"The head of the lesson {name} is not valid: {_explain(e)}.") from e
    steps = _read_steps(text[head.end() :], name)
    return Lesson(
        id=name, steps=steps, **{field: getattr(read, field) for field in _Head.model_fields}
    )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = " → ".join(str(part) for part in first["loc"] if part != "[key]")
    reason = first["msg"].removeprefix("Value error, ")
    if first["type"] == "model_type":
        reason = "it must be names with values, as in title: My lesson"
    return f"{place}: {reason}" if place else reason


def _read_steps(body: str, name: str) -> tuple[Step, ...]:
    before, *sections = re.split(r"^## +", body, flags=re.MULTILINE)
    if before.strip() or not sections:
        raise LessonError(f"The lesson {name} needs steps: each begins with a line ## TITLE.")
    steps = []
    for section in sections:
        title, _, text = section.partition("\n")
        steps.append(Step(title.strip(), tuple(_read_parts(text, name))))
    return tuple(steps)


def _read_parts(text: str, name: str) -> list[str | Link]:
    parts: list[str | Link] = []
    end = 0
    for link in _LINK.finditer(text):
        parts += [text[end : link.start()].strip(), _read_link(link, name)]
        end = link.end()
    return [part for part in [*parts, text[end:].strip()] if part]


def _read_link(link: re.Match[str], name: str) -> Link:
    label, page, query = link.groups()
    if page not in PAGES:
        raise LessonError(
            f"A link of the lesson {name} leads to a page {page!r}; pages are {', '.join(PAGES)}."
        )
    return Link(label, page, dict(parse_qsl(query or "")))
