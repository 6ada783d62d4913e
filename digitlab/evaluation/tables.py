"""Results as CSV texts: predictions, Kaggle's form of them, classes, and the confusion matrix.

Lines end with a line feed, the first names the columns, numbers are written so that reading them
back gives the same floats. Names that a spreadsheet would take for a formula are quoted with an
apostrophe.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digitlab.evaluation.comparison import check_same_labels
from digitlab.evaluation.metrics import Evaluation

_FORMULA = tuple("=+-@＝＋－＠")  # after any space; some take the wide ones, too
_UNSEEN = "\ufeff\u200b"  # characters without a width


def predictions_csv(result: Evaluation) -> str:
    """`index,label,predicted,confidence,p_<class>…`: a line for each image of the split, from 0.

    Labels and predictions are names of classes; probabilities are float32, 0…1.
    """
    names = result.classes
    head = ["index", "label", "predicted", "confidence", *(f"p_{name}" for name in names)]
    rows = (
        [i, names[label], names[read], str(confidence), *map(str, probabilities)]
        for i, (label, read, confidence, probabilities) in enumerate(
            zip(
                result.labels.tolist(),
                result.predictions.tolist(),
                result.confidence,
                result.probabilities,
                strict=True,
            )
        )
    )
    return written(head, rows)


def kaggle_csv(result: Evaluation) -> str:
    """`ImageId,Label`, ids from 1 in the order of the split: the form of Kaggle's digit contest.

    Label is the class where all classes are numbers, as digits are, and else its position.
    """
    return submission_csv(result.predictions.tolist(), result.classes)


def submission_csv(answers: Sequence[int], classes: Sequence[str]) -> str:
    """`ImageId,Label` of answers, positions in `classes`, as `kaggle_csv` of a result."""
    if all(name.isdecimal() for name in classes):
        answers = [int(classes[answer]) for answer in answers]
    return written(["ImageId", "Label"], enumerate(answers, start=1))


def classes_csv(result: Evaluation) -> str:
    """A line for each class: precision, recall and F1 with their 95 % intervals, and support."""
    kinds = ("precision", "recall", "f1")
    ends = [f"{kind}{end}" for kind in kinds for end in ("", "_low", "_high")]
    rows = []
    for row in result.per_class:
        values: list[Any] = [row.name]
        for kind in kinds:
            low, high = getattr(row, f"{kind}_interval") or (None, None)
            values += [getattr(row, kind), low, high]
        rows.append([*values, row.support, row.predicted])
    return written(["class", *ends, "support", "predicted"], rows)


def confusion_csv(result: Evaluation) -> str:
    """The confusion matrix in images: a line for each true class, a column for each read one."""
    rows = zip(result.classes, result.confusion.tolist(), strict=True)
    return written(["true", *result.classes], ([name, *counts] for name, counts in rows))


def answers_csv(names: Sequence[str], results: Sequence[Evaluation]) -> str:
    """`index,label,<name>…`: every image with what each of several classifiers read it as.

    EvaluationError unless all were measured on the same labels.
    """
    check_same_labels(results)
    first = results[0]
    rows = (
        [i, first.classes[label], *(first.classes[result.predictions[i]] for result in results)]
        for i, label in enumerate(first.labels.tolist())
    )
    return written(["index", "label", *names], rows)


def epochs_csv(epochs: Sequence[Mapping[str, Any]]) -> str:
    """The epochs of a run's history, a line each; what was not measured is left empty."""
    head = list(dict.fromkeys(name for epoch in epochs for name in epoch)) or ["epoch"]
    return written(head, ([epoch.get(name) for name in head] for epoch in epochs))


def written(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV text of a head and rows; None is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_harmless(name) for name in head])
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return text.getvalue()


def _harmless(value: Any) -> Any:
    """A text that no spreadsheet takes for a formula; numbers written as text stay."""
    if isinstance(value, str) and value.lstrip().lstrip(_UNSEEN).lstrip().startswith(_FORMULA):
        try:
            float(value)
        except ValueError:
            return f"'{value}"
    return value
