"""The Results and Compare pages as Jupyter notebooks that run top to bottom outside the app.

Their cells are the snippets under the page's cells, with the runs' ids as variables: a first cell
opens the runs or, where they are not in this digitlab, trains them again by their recipes.
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

Cells = list[tuple[str, str]]  # a heading with words in Markdown, and the code below it

_RETRAINED = "Where a run is not in this digitlab, it is trained again: same data, recipe and seed."


class _Variable(str):
    """A text that snippets write into their code as it is: the name of a variable."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def write_notebook(run: Run, split: str = "test", dataset: str | None = None) -> str:
    """The Results page of a run as a notebook, in the form of nbformat 4.

    `split` and `dataset` say what it is measured on; the run's own test split without them.
    """
    name = _Variable("run_id")
    at = (name, split, dataset)
    own = dataset is None
    has_val = bool(run.record.data.val_fraction)
    first = "int(result.errors.position[0]) if len(result.errors) else 0"
    cells: Cells = [
        ("## Overview", evaluation.evaluation(*at)),
        ("## Class by class", evaluation.per_class(*at)),
        ("## Confusion", evaluation.confusion(*at)),
        ("## Mistakes\n\nThe most confident first.", _shown(evaluation.mistakes(*at))),
        (
            "## The surest mistake\n\nIts probabilities, what other runs say, and the training "
            "images nearest to it.",
            f"position = {first}\n{evaluation.closeup(*at, position='position')}",
        ),
        ("## ROC and precision-recall", evaluation.ranking(*at)),
        (
            "## Calibration",
            evaluation.calibration(*at, rescaled=has_val),
        ),
        ("## What declining buys", evaluation.coverage(*at)),
    ]
    if own and run.history.epochs:
        cells.append(("## How it learnt", basics.curves(name)))
    if not own:  # neighbours are looked for among the images that it was trained on
        cells = [cell for cell in cells if "surest" not in cell[0]]
    title = (
        f"# {plain(run.record.name)}\n\n{plain(run.record.model)} on {plain(run.record.dataset)}, "
        f"run `{run.id}`, measured on the {split} split"
        + (f" of {plain(dataset)}" if dataset else "")
        + f".\n\n{_RETRAINED}"
    )
    return _written(title, f"{_opening([run])}\nrun_id = runs[0].id", cells)


def write_comparison(runs: Sequence[Run]) -> str:
    """The Compare page of 2 to 20 runs as a notebook; the first two are A and B.

    RunError for fewer than two, and where they were tested on different data.
    """
    if len(runs) < 2:
        raise RunError("A comparison takes at least two runs.")
    if len({run.record.dataset for run in runs}) > 1:
        raise RunError("Runs of different datasets have no image in common: choose those of one.")
    names = [_Variable(f"runs_here[{i}]") for i in range(len(runs))]
    a, b = names[:2]
    cells: Cells = [
        ("## What differs in how they were made", comparison.settings(names)),
        ("## How they learnt", comparison.curves(names, "epoch")),
        ("## All in one figure", comparison.classic(names)),
        ("## What accuracy costs", comparison.cost(names)),
        ("## Is the difference real?", comparison.difference(a, b)),
        ("## Which classes gained, which lost?", comparison.classes(a, b, "recall")),
        ("## What is confused less, what more?", comparison.confusion(a, b)),
        ("## The images behind it", comparison.images(names, a, b)),
        ("## The two architectures", comparison.architectures(a, b)),
    ]
    listed = "\n".join(f"- {plain(run.record.name)}, run `{run.id}`" for run in runs)
    title = f"# {len(runs)} runs compared\n\n{listed}\n\n{_RETRAINED}"
    return _written(title, f"{_opening(runs)}\nruns_here = [run.id for run in runs]", cells)


def _opening(runs: Sequence[Run]) -> str:
    """Code that opens the runs, or trains again those that are not here."""
    wanted = "".join(
        f"    ({run.id!r}, {run.spec.to_yaml()!r}, {run.record.dataset!r}, {_recipe(run)!r}),\n"
        for run in runs
    )
    return f"""import digitlab as dl

wanted = [  # id, architecture, dataset, recipe
{wanted}]


def open_or_train(run_id, architecture, dataset, recipe):
    try:
        return dl.open_run(run_id)
    except dl.DigitlabError:
        if recipe is None:
            raise  # an ensemble: its members have to be here
        spec = dl.ModelSpec.from_yaml(architecture)
        return dl.train(spec, dataset, dl.TrainConfig(**recipe), progress=False)


runs = [open_or_train(*each) for each in wanted]
print(*runs, sep="\\n")"""


def _recipe(run: Run) -> dict | None:
    if run.record.members:
        return None
    recipe = run.experiment.recipe.changed(device="auto")
    return {**recipe.differing(), "val_fraction": recipe.val_fraction}


def _shown(code: str) -> str:
    """The mistakes with their images as a figure."""
    return (
        code.rstrip()
        + """
from digitlab.figures.images import image_grid

captions = [f"{data.classes[m.true]}→{data.classes[m.predicted]}" for m in mistakes[:24]]
figure = image_grid(images[:24].numpy(), captions, title="The surest mistakes")
"""
    )


def _written(title: str, opening: str, cells: Cells) -> str:
    import nbformat
    from nbformat import v4

    book: NotebookNode = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    book.cells = [v4.new_markdown_cell(title), v4.new_code_cell(opening)]
    for heading, code in cells:
        book.cells += [v4.new_markdown_cell(heading), v4.new_code_cell(_displayed(code))]
    for i, one in enumerate(book.cells):
        one["id"] = f"cell-{i}"  # the same run gives the same file
    nbformat.validate(book)
    return nbformat.writes(book)


def _displayed(code: str) -> str:
    """A snippet whose figures show below the cell, whatever their names are."""
    made = [
        line.partition(" = ")[0]
        for line in code.splitlines()
        if line.startswith(("figure = ", "roc = ", "recall = "))
    ]
    shows = [f"{name}.show()" for name in made]
    if "\nfigures = [" in code:
        shows.append("for figure in figures:\n    figure.show()")
    return "\n".join([code.strip(), *shows])
