"""A lesson as a Jupyter notebook that runs outside the app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from digitlab.lessons.lesson import Lesson, Link
from digitlab.models.load import known_recipe, load_model
from digitlab.snippets import basics, data_lab
from digitlab.snippets.lessons import check
from digitlab.snippets.notebook import Cell, write_cells
from digitlab.training.config import Augmentation, TrainConfig, param

_MODEL = "two-hidden-64-relu"  # of a link that names none
_WORDS = str.maketrans({"*": r"\*", "_": r"\_", "`": r"\`", "<": "&lt;", "$": r"\$", "[": r"\["})


def write_notebook(lesson: Lesson) -> str:
    """The lesson as the text of a notebook (nbformat 4).

    Where a step leads into a page, a cell has the lines that do the same; the last one checks the
    goals.
    """
    cells: list[Cell] = [("markdown", _head(lesson)), ("code", "import digitlab as dl")]
    for number, step in enumerate(lesson.steps, start=1):
        cells.append(("markdown", f"## {number}. {_plain(step.title)}"))
        cells += [
            ("code", _code(part)) if isinstance(part, Link) else ("markdown", part)
            for part in step.parts
        ]
    return write_cells([*cells, ("markdown", "## Goals"), ("code", check(lesson.id))])


def _head(lesson: Lesson) -> str:
    lines = [f"# {_plain(lesson.title)}", f"{_plain(lesson.about)} {lesson.minutes} minutes."]
    for question in lesson.questions:
        choices = "\n".join(f"- {_plain(choice)}" for choice in question.choices)
        answer = f"{_plain(question.answer)}. {_plain(question.because)}"
        lines.append(f"**Predict.** {_plain(question.ask)}\n\n{choices}")
        lines.append(f"<details><summary>Answer</summary>{answer}</details>")
    return "\n\n".join(lines)


def _plain(text: str) -> str:
    return text.translate(_WORDS)


def _code(link: Link) -> str:
    """The lines that do what is done on the page that a link leads to, as that page shows them."""
    return f"# {link.label}\n{_lines(link.page, link.params).strip()}"


def _lines(page: str, params: Mapping[str, str]) -> str:
    dataset = params.get("dataset", "optdigits")
    if page == "data" and params.get("section") == "labels":
        return data_lab.dataset_label_issues(dataset, "train")
    if page == "data":
        return basics.class_distribution(dataset) + "figure.show()"
    if page == "architecture":
        spec = load_model(params.get("preset", _MODEL))
        return basics.architecture(spec.to_yaml())
    if page == "train":
        model = params.get("model", _MODEL)
        recipe = {**known_recipe(model), **read_recipe(params)}
        several = {name: each for name, each in read_values(params).items() if len(each) > 1}
        if several:
            return basics.sweep({model: recipe}, dataset, several)
        return basics.training(model, dataset, recipe)
    if page == "draw":
        return '# print(dl.recognize("drawing.png").text)'
    newest = "runs = dl.list_runs(bundled=False)\n"
    if page == "compare":
        return f"{newest}for run in runs[:2]:\n    print(run)"
    return f'{newest}print(runs[0].evaluate("test").confusion if runs else "no run yet")'


def read_recipe(params: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a recipe to which parameters of a URL give one value."""
    values = {name: each[0] for name, each in read_values(params).items() if len(each) == 1}
    changes = {name: each[0] for name, each in _set_by(params, Augmentation).items()}
    return {**values, "augmentation": changes} if changes else values


def read_values(params: Mapping[str, str]) -> dict[str, list[Any]]:
    """The fields of a recipe that are set by parameters of a URL, each with one or more values."""
    return _set_by(params, TrainConfig)


def _set_by(
    params: Mapping[str, str], recipe: type[TrainConfig | Augmentation]
) -> dict[str, list[Any]]:
    keys = {name: param(name, field) for name, field in recipe.model_fields.items()}
    return {
        name: [_read(value) for value in params[key].split(",")]
        for name, key in keys.items()
        if key in params
    }


def _read(text: str) -> Any:
    """A value of a URL: a number, or a word such as the name of an optimizer."""
    try:
        return json.loads(text)
    except ValueError:
        return text
