"""Pages as Jupyter notebooks that run top to bottom outside the app.

Their cells are the snippets under the page's cells, with the runs' ids as variables. The first cell
opens the runs or, where they are not in this digitlab, trains them again with their recipes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from digitlab.errors import DigitlabError, RunError
from digitlab.exports.model_card import plain
from digitlab.runs.run import Run, open_run
from digitlab.snippets import basics, comparison, evaluation
from digitlab.snippets.notebook import Cell, write_cells

Cells = Sequence[tuple[str, str]]  # a heading in Markdown, and the code below it

_NOT_RUN = "These lines read a file of yours or keep a dataset: run them by themselves."
_RETRAINED = (
    "A run that is not in this digitlab is trained again with the same data, recipe and seed."
)


# What begins a call that reads a file of one's own, or keeps a dataset under a name.
_BY_HAND = re.compile(
    r"\bdl\.(read_form|read_images|import_run|import_network|write_submission|add_version)\("
)
_RUN_ID = re.compile(r"'([a-z0-9-]+-[0-9a-f]{8})'")  # as a snippet quotes it
DRAWING = "drawing.png"


def write_page(title: str, cells: Cells, drawing: bytes | None = None) -> str:
    """A page as the text of a notebook (nbformat 4): its title in Markdown, and its cells.

    `drawing` is the PNG that cells read as `drawing.png`; without one it is a test image. Lines
    that read another file are shown, not run.
    """
    runs = _runs_in(cells)
    if any(DRAWING in code for _, code in cells):
        cells = [("## The drawing", _drawing(drawing)), *cells]
    if not cells:
        title += "\n\nThe page shows no cell with lines of Python as it is set now."
    return _written(title, runs, cells)


def _runs_in(cells: Cells) -> list[Run]:
    """The runs that the code opens, without those that come with digitlab."""
    runs = []
    for run_id in dict.fromkeys(id for _, code in cells for id in _RUN_ID.findall(code)):
        try:
            runs.append(open_run(run_id))
        except DigitlabError:  # a name of that form, or deleted just now
            continue
    return runs


def _drawing(png: bytes | None) -> str:
    """Code that writes the file that cells read, unless there is one."""
    if png is None:
        image = """test = dl.load_dataset("optdigits").test
    Image.fromarray(test.images[0, 0].numpy()).resize((280, 280)).save(path)"""
        return f"""from pathlib import Path

from PIL import Image

import digitlab as dl

path = Path("{DRAWING}")
if not path.exists():
    {image}"""
    return f"""import base64
from pathlib import Path

path = Path("{DRAWING}")
if not path.exists():
    path.write_bytes(base64.b64decode("{base64.b64encode(png).decode()}"))"""


def write_notebook(run: Run, split: str = "test", dataset: str | None = None) -> str:
    """The Results page of a run as the text of a notebook (nbformat 4).

    It is measured on `split` of the dataset of that name, or of the run's own without a name.
    """
    data = (run.id, split, dataset)
    own = dataset is None
    has_val = bool(run.record.data.val_fraction)
    first = "int(result.errors.position[0]) if len(result.errors) else 0"
    cells = [
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
        cells.append(("## Learning curves", basics.curves(run.id)))
    if not own:  # the nearest images are those of the run's own training split
        cells = [cell for cell in cells if "most confident mistake" not in cell[0]]
    title = (
        f"# {plain(run.record.name)}\n\n{plain(run.record.model)} on {plain(run.record.dataset)}, "
        f"run `{run.id}`, measured on the {split} split"
        + (f" of {plain(dataset)}" if dataset else "")
        + "."
    )
    return _written(title, [run], cells)


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
    names = [run.id for run in runs]
    a, b = names[:2]
    cells = [
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
    return _written(f"# {len(runs)} runs compared\n\n{listed}", runs, cells)


def _opening(runs: Sequence[Run]) -> str:
    """Code that opens the runs, and trains again those that are not in the store."""
    experiments = "".join(f"    {_experiment(run)!r},\n" for run in runs)
    return f"""import digitlab as dl

experiments = [  # id, architecture, dataset, seed of its split, recipe, run that it started from
{experiments}]


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


runs = [open_or_train(*each) for each in experiments]
run_ids = [run.id for run in runs]
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


def _written(title: str, runs: Sequence[Run], cells: Cells) -> str:
    """The notebook; where the code opens one of the runs, it does so by a variable."""
    written: list[Cell] = [("markdown", title)]
    if runs:
        written = [("markdown", f"{title}\n\n{_RETRAINED}"), ("code", _opening(runs))]
    for heading, code in cells:
        for i, run in enumerate(runs):
            code = code.replace(repr(run.id), f"run_ids[{i}]")
        if _BY_HAND.search(code):
            written.append(
                ("markdown", f"{heading}\n\n{_NOT_RUN}\n\n```python\n{code.strip()}\n```")
            )
        else:
            written += [("markdown", heading)] * bool(heading) + [("code", _displayed(code))]
    return write_cells(written)


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
