"""The few lines of digitlab under each cell of the Compare page.

Each function returns a text that runs as it stands (a test runs them all).
"""

from __future__ import annotations

from collections.abc import Sequence

_IMPORT = "import digitlab as dl\n"


def settings(run_ids: Sequence[str]) -> str:
    """The settings that differ."""
    return f"""{_IMPORT}from digitlab.evaluation.comparison import differing

{_runs(run_ids)}settings = [
    {{**vars(run.experiment.dataset), **run.spec.to_dict(), **run.config.model_dump()}}
    for run in runs
]
for name, values in differing(settings).items():
    print(name, values)
"""


def curves(run_ids: Sequence[str], over: str) -> str:
    """Validation accuracy and loss of all runs, overlaid."""
    return f"""{_IMPORT}from digitlab.evaluation.comparison import with_elapsed
from digitlab.figures.comparison import learning_curves

{_runs(run_ids)}histories = [with_elapsed(run.history.epochs) for run in runs]
names = [run.id for run in runs]
figures = [
    learning_curves(histories, names, value=value, over={over!r})
    for value in ("val_accuracy", "val_loss")
]
"""


def classic(run_ids: Sequence[str]) -> str:
    """Training, validation and test accuracy in one figure, and the best run's confusion."""
    return f"""{_IMPORT}from digitlab.figures.comparison import train_and_validation

{_runs(run_ids)}tested = [run.evaluate("test").accuracy for run in runs]
epochs = [run.record.kept_epoch or run.record.epochs_done for run in runs]
tests = list(zip(epochs, tested))
figure = train_and_validation(
    [run.history.epochs for run in runs], [run.id for run in runs], tests
)
best = max(runs, key=lambda run: run.record.val_accuracy or 0)  # not chosen by test
print(best)
print(best.evaluate("test").confusion)
"""


def cost(run_ids: Sequence[str]) -> str:
    """Accuracy against parameters, and the Pareto frontier."""
    return f"""{_IMPORT}from digitlab.evaluation.comparison import pareto_frontier
from digitlab.figures.comparison import trade_off

{_runs(run_ids)}costs = [run.record.parameters for run in runs]  # or run.record.train_seconds
accuracies = [run.evaluate("test").accuracy for run in runs]
frontier = pareto_frontier(costs, accuracies)
print([runs[i].id for i in frontier])
figure = trade_off([run.id for run in runs], costs, accuracies, frontier, cost="parameters")
"""


def difference(a: str, b: str, *, together: bool = False) -> str:
    """Whether B is better than A: McNemar's exact test.

    With `together`, here and below, they are on versions of one dataset.
    """
    return f"""{_IMPORT}from digitlab.evaluation.comparison import compare_pair

{_evaluations(a, b, together)}pair = compare_pair(a, b)
print(pair.difference, pair.only_a, pair.only_b, pair.p_value)
"""


def seeds(families: Sequence[Sequence[str]]) -> str:
    """Mean, deviation and t-interval over the seeds of each configuration."""
    listed = "".join(f"    {list(family)!r},\n" for family in families)
    return f"""{_IMPORT}from digitlab.evaluation.comparison import summarize_seeds

families = [  # the same configuration, each run with another seed
{listed}]
for family in families:
    accuracies = [dl.open_run(run_id).evaluate("test").accuracy for run_id in family]
    print(summarize_seeds(accuracies))
"""


def classes(a: str, b: str, metric: str, *, together: bool = False) -> str:
    """The difference between B and A in each class."""
    return f"""{_IMPORT}from digitlab.evaluation.comparison import class_differences
from digitlab.figures.differences import class_differences as draw

{_evaluations(a, b, together)}rows = class_differences(a, b)
for row in rows:
    print(row.name, row.{metric}, row.support)
figure = draw([rows], ["B"], [1], "A", {metric!r})
"""


def confusion(a: str, b: str, *, together: bool = False) -> str:
    """The confusion matrix of B minus that of A."""
    return f"""{_IMPORT}from digitlab.figures.differences import confusion_difference

{_evaluations(a, b, together)}# rows are true classes, columns predictions
print(b.confusion - a.confusion)
figure = confusion_difference(a.confusion, b.confusion, a.classes)
"""


def images(run_ids: Sequence[str], a: str, b: str, *, together: bool = False) -> str:
    """Positions of the images newly right, newly wrong, and missed by all."""
    pictures = (
        "pictures = runs[0].load_data().test.images[missed]  # where the dataset is on disk\n"
    )
    each = "dl.evaluate_together(runs)" if together else '[run.evaluate("test") for run in runs]'
    return f"""{_IMPORT}from digitlab.evaluation.comparison import compare_pair, missed_by_all

{_evaluations(a, b, together)}pair = compare_pair(a, b)
print("B reads, A misses", pair.newly_right)
print("B misses, A reads", pair.newly_wrong)
{_runs(run_ids)}missed = missed_by_all({each})
print("all miss", missed)
{"" if together else pictures}"""


def architectures(a: str, b: str) -> str:
    """Both architectures as text, and their sizes."""
    return f"""{_IMPORT}
for name in ({a!r}, {b!r}):
    spec = dl.open_run(name).spec
    print(spec.to_yaml())
    print(dl.summarize(spec).parameters, "parameters")
"""


def _evaluations(a: str, b: str, together: bool) -> str:
    if together:
        return (
            f"runs = [dl.open_run(name) for name in ({a!r}, {b!r})]\n"
            "a, b = dl.evaluate_together(runs)  # on the test images that both versions have\n"
        )
    return f'a, b = (dl.open_run(name).evaluate("test") for name in ({a!r}, {b!r}))\n'


def _runs(run_ids: Sequence[str]) -> str:
    return f"runs = [dl.open_run(name) for name in {list(run_ids)!r}]\n"
