"""A run as a model card: Markdown in the sections of Hugging Face's template that it can fill.

Source of the sections: M. Mitchell et al., "Model Cards for Model Reporting" (2019), and
huggingface_hub's modelcard_template.md. What is not known is said to be so, not made up.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digitlab.errors import DigitlabError
from digitlab.exports.run_facts import Account, account_of, dataset_title, recipe_rows
from digitlab.settings import VERSION
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run


def write_model_card(run: Run) -> str:
    """The model card of a run, by its results on the test split; RunError where it has none."""
    result = run.evaluate("test")
    known = account_of(run, result)
    parts = [
        _head(run, result),
        f"# {plain(run.record.name)}",
        f"{plain(run.record.model)} trained on {plain(dataset_title(run.record.dataset))} to read "
        f"single images of {len(run.classes)} classes: {plain(', '.join(run.classes))}.",
        _details(run, known),
        _uses(run),
        _limits(run, result),
        _start(run),
        _training(run, known),
        _evaluation(run, result, known),
        _machine(known),
        f"## Architecture\n\n{plain(known.architecture)}\n\n{_fenced(run.spec.to_yaml(), 'yaml')}",
        f"Written by digitlab {VERSION} from the run's own record.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(run: Run, result: Evaluation) -> str:
    """The metadata that Hugging Face reads."""
    import yaml

    record = run.record
    task = {"type": "image-classification"}
    dataset = {"name": dataset_title(record.dataset), "type": record.dataset, "split": "test"}
    metrics = [{"type": "accuracy", "value": round(result.accuracy, 6)}]
    about = {
        "tags": ["image-classification", "handwritten-digits", "digitlab"],
        "pipeline_tag": "image-classification",
        "datasets": [record.dataset],
        "metrics": ["accuracy"],
        "model-index": [
            {
                "name": record.name,
                "results": [{"task": task, "dataset": dataset, "metrics": metrics}],
            }
        ],
    }
    written = yaml.safe_dump(about, sort_keys=False, allow_unicode=True)
    return f"---\n{written}---"


def _details(run: Run, known: Account) -> str:
    record = run.record
    rows = [
        ("Run", record.id),
        ("Model", record.model),
        ("Parameters", f"{record.parameters:,}"),
        ("Seed", str(record.seed)),
        ("Status", record.status),
        ("Licence", "not stated: the person who publishes it decides"),
    ]
    if record.parent:
        rows.append(("Repeats", record.parent))
    if record.data.imported:
        rows.append(
            ("Imported", "from a file; its test figures were computed anew from its logits")
        )
    note = f"\n\n{plain(record.note)}" if record.note else ""
    return f"## Model details\n\n{_table(('', ''), rows)}{note}"


def _uses(run: Run) -> str:
    shape = " × ".join(map(str, run.spec.input))
    return f"""## Uses

Meant for learning and teaching: one image of {shape} pixels (bright ink on dark ground, uint8) in,
a probability for each class out.

Out of scope: anything that is no image of these classes. The network names one of them whatever it
is shown; several characters in one image, other alphabets and photographs of pages have to be cut
and framed first. It was not assessed for decisions about people."""


def _limits(run: Run, result: Evaluation) -> str:
    lines = [
        "## Bias, risks and limitations",
        f"It learnt from {plain(dataset_title(run.record.dataset))} alone; how it reads other "
        "writers, pens and scanners was not measured here.",
    ]
    known = [row for row in result.per_class if row.recall is not None]
    if known:
        worst = min(known, key=lambda row: row.recall)
        lines.append(
            f"The class it finds least often is {plain(worst.name)}: recall "
            f"{percent(worst.recall)} of {worst.support:,} images."
        )
    pairs = result.most_confused(3)
    if pairs:
        said = "; ".join(
            f"{result.classes[pair.true]} read as {result.classes[pair.predicted]}, {pair.count:,}"
            for pair in pairs
        )
        lines.append(f"Most frequent mistakes, in images: {plain(said)}.")
    return "\n\n".join([*lines, *(plain(notice) for notice in run.record.notices)])


def _start(run: Run) -> str:
    code = f"""import digitlab as dl

run = dl.import_run("{run.id}.zip")  # written by: python -m digitlab export {run.id} --format zip
probabilities = run.predict(images)  # uint8 [N, {", ".join(map(str, run.spec.input))}]"""
    if run.record.members:
        code = f"import digitlab as dl\n\nrun = dl.ensemble({run.record.members!r})"
    return f"## How to get started\n\n{_fenced(code, 'python')}"


def _training(run: Run, known: Account) -> str:
    recipe = "" if run.record.members else _table(("Setting", "Value"), recipe_rows(run))
    return (
        f"## Training\n\n### Data\n\n{_table(('', ''), known.data)}\n\n### Procedure\n\n"
        f"{recipe or plain(known.architecture)}"
    )


def _evaluation(run: Run, result: Evaluation, known: Account) -> str:
    from digitlab.evaluation import calibrate

    rows = [(number.label, f"{number.value} ({number.below})") for number in known.numbers[:3]]
    rows += [
        ("Balanced accuracy", percent(result.balanced_accuracy)),
        ("Macro F1", percent(result.macro.f1)),
        ("Expected calibration error", f"{percent(calibrate(result).ece)}, 15 bins"),
    ]
    try:
        val = run.evaluate("val")
        rows.append(("Validation accuracy", f"{percent(val.accuracy)} of {val.n:,} images"))
    except DigitlabError:
        pass  # the run had no validation split, or did not keep its answers
    classes = [
        (row.name, percent(row.precision), percent(row.recall), percent(row.f1), f"{row.support:,}")
        for row in result.per_class
    ]
    head = ("Class", "Precision", "Recall", "F1", "Images")
    return (
        f"## Evaluation\n\n{plain(known.measured)}\n\n{_table(('Metric', 'Value'), rows)}\n\n"
        f"### Class by class\n\n{_table(head, classes)}"
    )


def _machine(known: Account) -> str:
    if not known.machine and not known.time:
        return ""
    table = _table(("", ""), known.machine) if known.machine else ""
    note = "Energy and emissions were not measured."
    return "\n\n".join(
        part
        for part in ("## Environmental impact and machine", f"{known.time} {note}", table)
        if part
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text if text == "---" else plain(text)


def plain(text: str) -> str:
    """A text as Markdown that shows just that: no markup, no HTML, one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", " ".join(str(text).split()))


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"
