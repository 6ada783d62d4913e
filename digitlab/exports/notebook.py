"""The Results and Compare pages as Jupyter notebooks that run top to bottom outside the app.

Their cells are the snippets under the page's cells, with the runs' ids as variables. The first cell
opens the runs or, where they are not in this digitlab, trains them again with their recipes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from digitlab.errors import RunError
from digitlab.exports.model_card import plain
from digitlab.snippets import basics, comparison, evaluation

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from digitlab.runs.run import Run

Cells = list[tuple[str, str]]  # a heading in Markdown, and the code below it

_RETRAINED = (
    "A run that is not in this digitlab is trained again with the same data, recipe and seed."
)


class _Variable(str):
    """The name of a variable, which snippets write into their code without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def write_notebook(run: Run, split: str = "test", dataset: str | None = None) -> str:
    """The Results page of a run as the text of a notebook (nbformat 4).

    It is measured on `split` of the dataset of that name, or of the run's own without a name.
    """
    name = _Variable("run_id")
    data = (name, split, dataset)
    own = dataset is None
    has_val = bool(run.record.data.val_fraction)
    first = "int(result.errors.position[0]) if len(result.errors) else 0"
    cells: Cells = [
        ("## Overview", evaluation.evaluation(*data)),
        ("## Per class", evaluation.per_class(*data)),
        ("## Confusion", evaluation.confusion(*data)),
        ("## Mistakes\n\nThe most confident first.", _with_images(evaluation.mistakes(*data))),
        (
            "## The most confident mistake\n\nIts probabilities, the predictions of other runs, "
            "and the training images nearest to it.",
            f"position = {first}\n{evaluation.closeup(*data, position='position')}",
        ),
        ("## ROC and precision-recall", evaluation.ranking(*data)),
        (
            "## Calibration",
            evaluation.calibration(*data, rescaled=has_val),
        ),
        ("## Accuracy where the network may decline", evaluation.coverage(*data)),
    ]
    if own and run.history.epochs:
        cells.append(("## Learning curves", basics.curves(name)))
    if not own:  # the nearest images are those of the run's own training split
        cells = [cell for cell in cells if "most confident mistake" not in cell[0]]
    title = (
        f"# {plain(run.record.name)}\n\n{plain(run.record.model)} on {plain(run.record.dataset)}, "
        f"run `{run.id}`, measured on the {split} split"
        + (f" of {plain(dataset)}" if dataset else "")
        + f".\n\n{_RETRAINED}"
    )
    return _written(title, f"{_opening([run])}\nrun_id = runs[0].id", cells)


def write_comparison(runs: Sequence[Run]) -> str:
    """The Compare page of 2 to 20 runs as the text of a notebook; the first two are A and B.

    RunError for fewer than two, and for runs of different datasets.
    """
    if len(runs) < 2:
        raise RunError("A comparison needs at least two runs.")
    if len({run.record.dataset for run in runs}) > 1:
        raise RunError(
            "Runs of different datasets have no image in common: choose runs of one dataset."
        )
    names = [_Variable(f"runs_here[{i}]") for i in range(len(runs))]
    a, b = names[:2]
    cells: Cells = [
        ("## Settings that differ", comparison.settings(names)),
        ("## Learning curves", comparison.curves(names, "epoch")),
        ("## All in one figure", comparison.classic(names)),
        ("## Accuracy and cost", comparison.cost(names)),
        ("## Is the difference real?", comparison.difference(a, b)),
        ("## Classes that gained or lost", comparison.classes(a, b, "recall")),
        ("## Confusions that became fewer or more", comparison.confusion(a, b)),
        ("## Images that differ", comparison.images(names, a, b)),
        ("## The two architectures", comparison.architectures(a, b)),
    ]
    listed = "\n".join(f"- {plain(run.record.name)}, run `{run.id}`" for run in runs)
    title = f"# {len(runs)} runs compared\n\n{listed}\n\n{_RETRAINED}"
    return _written(title, f"{_opening(runs)}\nruns_here = [run.id for run in runs]", cells)


def _opening(runs: Sequence[Run]) -> str:
    """Code that opens the runs, and trains again those that are not in the store."""
    wanted = "".join(f"    {_experiment(run)!r},\n" for run in runs)
    return f"""import digitlab as dl

wanted = [  # id, architecture, dataset, seed of its split, recipe, run that it started from
{wanted}]


def open_or_train(run_id, architecture, dataset, split_seed, recipe, start_from):
    try:
        return dl.open_run(run_id)
    except dl.DigitlabError:
        if recipe is None:
            raise  # an ensemble: import its members first
        spec = dl.ModelSpec.from_yaml(architecture)
        data = dl.load_dataset(dataset, seed=split_seed)
        config = dl.TrainConfig(**recipe)
        return dl.train(spec, data, config, progress=False, start_from=start_from)


runs = [open_or_train(*each) for each in wanted]
print(*runs, sep="\\n")"""


def _experiment(run: Run) -> tuple:
    """What `open_or_train` takes; an ensemble has no recipe."""
    experiment = run.experiment
    split, recipe = experiment.dataset, experiment.recipe.changed(device="auto")
    fields = {**recipe.differing(), "val_fraction": recipe.val_fraction}
    values = (split.name, split.split_seed, None if run.record.members else fields)
    return run.id, run.spec.to_yaml(), *values, experiment.start_from


def _with_images(code: str) -> str:
    """The code of the mistakes, and a figure of their images."""
    return (
        code.rstrip()
        + """
from digitlab.figures.images import image_grid

captions = [f"{data.classes[m.true]}→{data.classes[m.predicted]}" for m in mistakes[:24]]
figure = image_grid(images[:24].numpy(), captions, title="The most confident mistakes")
"""
    )


def _written(title: str, opening: str, cells: Cells) -> str:
    import nbformat
    from nbformat import v4

    notebook: NotebookNode = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    notebook.cells = [v4.new_markdown_cell(title), v4.new_code_cell(opening)]
    for heading, code in cells:
        notebook.cells += [v4.new_markdown_cell(heading), v4.new_code_cell(_displayed(code))]
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # the same run gives the same file
    nbformat.validate(notebook)
    return nbformat.writes(notebook)


def _displayed(code: str) -> str:
    """A snippet, and lines that show its figures below the cell."""
    made = [
        line.partition(" = ")[0]
        for line in code.splitlines()
        if line.startswith(("figure = ", "roc = ", "recall = "))
    ]
    shows = [f"{name}.show()" for name in made]
    if "\nfigures = [" in code:
        shows.append("for figure in figures:\n    figure.show()")
    return "\n".join([code.strip(), *shows])
