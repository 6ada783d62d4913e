"""A run's model card: Markdown with those sections of Hugging Face's template that are known.

Source of the sections: M. Mitchell et al., "Model Cards for Model Reporting" (2019), and
huggingface_hub's modelcard_template.md. What is unknown is stated as unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from digitlab.data.registry import dataset_title
from digitlab.errors import DigitlabError
from digitlab.evaluation import calibrate
from digitlab.exports.run_facts import RunFacts, origin, recipe_rows, run_facts
from digitlab.settings import VERSION
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run


def write_model_card(run: Run) -> str:
    """The model card, with the results on the test split; RunError where there are none."""
    result = run.evaluate("test")
    facts = run_facts(run, result)
    parts = [
        _metadata(run, result),
        f"# {plain(run.record.name)}",
        f"{plain(run.record.model)} trained on {plain(dataset_title(run.record.dataset))} to "
        f"classify images into {len(run.classes)} classes: {plain(', '.join(run.classes))}.",
        _details(run),
        _uses(run),
        _limits(run, result),
        _quick_start(run),
        _training(run, facts),
        _evaluation(run, result, facts),
        _machine(facts),
        f"## Architecture\n\n{plain(facts.architecture)}\n\n{_fenced(run.spec.to_yaml(), 'yaml')}",
        f"Written by digitlab {VERSION} from the record of the run.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metadata(run: Run, result: Evaluation) -> str:
    """The metadata that Hugging Face reads."""
    import yaml

    record = run.record
    task = {"type": "image-classification"}
    dataset = {"name": dataset_title(record.dataset), "type": record.dataset, "split": "test"}
    metrics = [{"type": "accuracy", "value": round(result.accuracy, 6)}]
    metadata = {
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
    return f"---\n{yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True)}---"


def _details(run: Run) -> str:
    record = run.record
    rows = [
        ("Run", record.id),
        ("Model", record.model),
        ("Parameters", f"{record.parameters:,}"),
        ("Seed", str(record.seed)),
        ("Status", record.status),
        ("Licence", "not stated; whoever publishes the model decides"),
    ]
    if record.parent:
        rows.append(("Parent run", record.parent))
    if record.data.imported:
        rows.append(("Origin", origin(run)))
    note = f"\n\n{plain(record.note)}" if record.note else ""
    return f"## Model details\n\n{_table(('', ''), rows)}{note}"


def _uses(run: Run) -> str:
    shape = " × ".join(map(str, run.spec.input))
    return f"""## Uses

For learning and teaching. The input is one image of {shape} pixels (bright ink on a dark
background, uint8); the output is a probability for each class.

Out of scope: images of anything else. The model always predicts one of its classes, whatever the
image shows. Several characters in one image, other alphabets and photographs of pages have to be
segmented and framed first. The model was not assessed for decisions about people."""


def _limits(run: Run, result: Evaluation) -> str:
    lines = [
        "## Bias, risks and limitations",
        f"The training data is {plain(dataset_title(run.record.dataset))} only; accuracy on other "
        "writers, pens and scanners was not measured.",
    ]
    tested = [row for row in result.per_class if row.recall is not None]
    if tested:
        worst = min(tested, key=lambda row: row.recall)
        lines.append(
            f"The class with the lowest recall is {plain(worst.name)}: "
            f"{percent(worst.recall)} of {worst.support:,} images."
        )
    pairs = result.most_confused(3)
    if pairs:
        mistakes = "; ".join(
            f"{result.classes[pair.true]} read as {result.classes[pair.predicted]}, {pair.count:,}"
            for pair in pairs
        )
        lines.append(f"Most frequent mistakes, in images: {plain(mistakes)}.")
    return "\n\n".join([*lines, *(plain(notice) for notice in run.record.notices)])


def _quick_start(run: Run) -> str:
    code = f"""import digitlab as dl

run = dl.import_run("{run.id}.zip")  # written by: python -m digitlab export {run.id} --format zip
probabilities = run.predict(images)  # uint8 [N, {", ".join(map(str, run.spec.input))}]"""
    if run.record.members:
        code = f"import digitlab as dl\n\nrun = dl.ensemble({run.record.members!r})"
    return f"## How to get started\n\n{_fenced(code, 'python')}"


def _training(run: Run, facts: RunFacts) -> str:
    recipe = "" if run.record.members else _table(("Setting", "Value"), recipe_rows(run))
    return (
        f"## Training\n\n### Data\n\n{_table(('', ''), facts.data)}\n\n### Procedure\n\n"
        f"{recipe or plain(facts.architecture)}"
    )


def _evaluation(run: Run, result: Evaluation, facts: RunFacts) -> str:
    rows = [(number.label, f"{number.value} ({number.note})") for number in facts.numbers[:3]]
    rows += [
        ("Balanced accuracy", percent(result.balanced_accuracy)),
        ("Macro F1", percent(result.macro.f1)),
        ("Expected calibration error", f"{percent(calibrate(result).ece)}, 15 bins"),
    ]
    try:
        val = run.evaluate("val")
        rows.append(("Validation accuracy", f"{percent(val.accuracy)} of {val.n:,} images"))
    except DigitlabError:
        pass  # the run had no validation split, or its predictions were not saved
    classes = [
        (row.name, percent(row.precision), percent(row.recall), percent(row.f1), f"{row.support:,}")
        for row in result.per_class
    ]
    head = ("Class", "Precision", "Recall", "F1", "Images")
    return (
        f"## Evaluation\n\n{plain(facts.measured)}\n\n{_table(('Metric', 'Value'), rows)}\n\n"
        f"### Per class\n\n{_table(head, classes)}"
    )


def _machine(facts: RunFacts) -> str:
    if not facts.machine and not facts.time:
        return ""
    table = _table(("", ""), facts.machine) if facts.machine else ""
    note = "Energy and emissions were not measured."
    return "\n\n".join(
        part
        for part in ("## Environmental impact and machine", f"{facts.time} {note}", table)
        if part
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text if text == "---" else plain(text)


def plain(text: str) -> str:
    """A text as Markdown that shows it unchanged: no markup, no HTML, one line."""
    line = re.sub(r"([\\`*_{}\[\]<>#|~!&])", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"^(\d*)([-+=.)])(?=[-=\s]|$)", r"\1\\\2", line)  # the beginning of a list


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"
