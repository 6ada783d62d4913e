"""The lines of Python under the cells of the data lab: what is examined, changed and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitlab.data.own import Change

_LISTED = 50  # changes that are written out
_IMPORT = "import digitlab as dl\n"


def dataset_map(dataset: str, split: str, method: str, basis: str) -> str:
    """The images of a split as points."""
    return f"""{_IMPORT}
data = dl.load_dataset({dataset!r})
drawn = dl.map_dataset(data, {split!r}, method={method!r}, basis={basis!r})
labels = drawn.table.labels[drawn.rows]
for point, label in list(zip(drawn.points, labels))[:5]:
    print(point.round(1), data.classes[label])
"""


def duplicates(dataset: str) -> str:
    """Near-duplicates within and between splits."""
    return f"""{_IMPORT}
data = dl.load_dataset({dataset!r})
pairs = dl.find_duplicates(data)
print(pairs.leaks())  # images of the second split that are in the first, too
for first, second in zip(pairs.first[:5], pairs.second[:5]):
    print(pairs.table.place(first), pairs.table.place(second))
"""


def outliers(dataset: str, split: str) -> str:
    """The images that are farthest from their class."""
    return f"""{_IMPORT}
outliers = dl.find_outliers(dl.load_dataset({dataset!r}))
for row, distance in zip(outliers.rows, outliers.distance):
    split, position = outliers.table.place(row)
    if split == {split!r} and distance > 1.5:
        print(position, distance.round(2))
"""


def dataset_label_issues(dataset: str, split: str) -> str:
    """The images whose labels quick models doubt."""
    return f"""{_IMPORT}
data = dl.load_dataset({dataset!r})
issues = dl.find_label_issues(data)
for row, read in zip(issues.rows[:20], issues.suggested):
    split, position = issues.table.place(row)
    if split == {split!r}:
        print(position, data.classes[issues.table.labels[row]], "→", data.classes[read])
"""


def version(dataset: str, name: str, changes: Sequence[Change]) -> str:
    """A new version of a dataset with some labels changed and some images dropped."""
    listed = "".join(
        f"    dl.Change(split={change.split!r}, index={change.index}, label={change.label}),\n"
        for change in changes[:_LISTED]
    )
    listed = listed or '    # dl.Change(split="train", index=12, label=7), or no label: dropped\n'
    more = f"    # … and {len(changes) - _LISTED} more\n" if len(changes) > _LISTED else ""
    return f"""{_IMPORT}
changes = [  # positions in the official part; without a label the image is dropped
{listed}{more}]
dl.add_version({name!r}, dl.load_dataset({dataset!r}), changes)
"""


def improvement(
    model: str, recipe: Mapping[str, Any] | None, parent: str, name: str, seeds: int
) -> str:
    """The same experiment on a dataset and on a version of it, judged on the same images.

    Without a `recipe` the model and the recipe are those of the run `model`.
    """
    fields = ", ".join(f"{field}={value!r}" for field, value in (recipe or {}).items())
    start = f"model, recipe = {model!r}, dl.TrainConfig({fields})\n"
    if recipe is None:
        start = f"run = dl.open_run({model!r})\nmodel, recipe = run.spec, run.config\n"
    compare = (
        "print(compare_seeds(accuracies[:half], accuracies[half:], paired=True))"
        if seeds > 1
        else "print(compare_pair(*results).p_value)"
    )
    return f"""{_IMPORT}from digitlab.evaluation.comparison import compare_pair, compare_seeds

{start}runs = [
    dl.train(model, dl.load_dataset(name), recipe.changed(seed=seed), progress=False)
    for name in ({parent!r}, {name!r})
    for seed in range({seeds})
]
results = dl.evaluate_together(runs)  # on the test images that both have
accuracies, half = [result.accuracy for result in results], len(runs) // 2
{compare}
"""
