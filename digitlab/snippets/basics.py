"""The few lines of digitlab under the cells on data, architectures and training.

Each function returns a text that runs as it stands (a test runs them all).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_IMPORT = "import digitlab as dl\n"


def class_distribution(dataset: str) -> str:
    """Images per class and split."""
    return f"""{_IMPORT}from digitlab.data.statistics import class_counts
from digitlab.figures.data import class_distribution

data = dl.load_dataset({dataset!r})
counts = {{name: class_counts(data.split(name), len(data.classes)) for name in dl.SPLITS}}
figure = class_distribution(counts, data.classes)  # figure.show() opens it in a browser
"""


def samples(dataset: str, split: str, label: int | None, seed: int | None, index: int) -> str:
    """A dataset, the size of a split, its images of a class in a seeded order, and one of them."""
    return f"""{_IMPORT}from digitlab.data.statistics import pick_indices

data = dl.load_dataset({dataset!r})
split = data.split({split!r})
print(data)
print(split.images.shape, split.images.dtype, split.labels.shape)

positions = pick_indices(split, label={label}, seed={seed})
print(positions[:10], split.labels[positions[:10]])
print(split.images[{index}, 0], "is a", int(split.labels[{index}]))
"""


def class_images(dataset: str, split: str, kind: str = "mean") -> str:
    """The mean image of every class or, with any other `kind`, its standard deviation."""
    if kind == "mean":
        shown = "figure = per_class_images(means, data.classes)"
    else:
        shown = """figure = per_class_images(
    deviations,
    data.classes,
    title="Variability of each class",
    unit="standard deviation of pixel values",
)"""
    return f"""{_IMPORT}from digitlab.data.statistics import class_images
from digitlab.figures.images import per_class_images

data = dl.load_dataset({dataset!r})
means, deviations = class_images(data.split({split!r}), len(data.classes))
{shown}
"""


def pixels(dataset: str, split: str) -> str:
    """Mean, deviation and histogram of the pixels."""
    return f"""{_IMPORT}from digitlab.data.statistics import pixel_statistics
from digitlab.figures.data import intensity_histogram

pixels = pixel_statistics(dl.load_dataset({dataset!r}).split({split!r}).images)
print(pixels.mean, pixels.std)
figure = intensity_histogram(pixels.histogram, pixels.mean, pixels.std)
"""


def overlay(dataset: str, split: str, label: int, count: int) -> str:
    """Images of one class, overlaid."""
    return f"""{_IMPORT}from digitlab.data.statistics import overlay

split = dl.load_dataset({dataset!r}).split({split!r})
print(overlay(split, label={label}, count={count}).round(2))  # share with ink, per pixel
"""


def architecture(spec_yaml: str) -> str:
    """An architecture from its YAML, its shapes, and the network."""
    return f"""{_IMPORT}
spec = dl.ModelSpec.from_yaml({_text(spec_yaml)})
for row in dl.summarize(spec).rows:
    print(row.label, row.output_shape, row.parameters)
network = dl.build(spec, seed=0)  # a torch.nn.Module
"""


def _text(spec_yaml: str) -> str:
    """A YAML text as a Python literal, over several lines where nothing in it needs escaping."""
    if '"""' in spec_yaml or "\\" in spec_yaml:
        return repr(spec_yaml)
    return f'"""\n{spec_yaml.strip()}\n"""'


def training(model: str, dataset: str, recipe: Mapping[str, Any]) -> str:
    """Training a preset; `recipe` holds the fields that differ from the defaults."""
    return _train(f"{model!r}", dataset, recipe)


def training_of_spec(spec_yaml: str, dataset: str, recipe: Mapping[str, Any]) -> str:
    """Training an architecture of one's own."""
    spec = f"spec = dl.ModelSpec.from_yaml({_text(spec_yaml)})\n"
    return _train("spec", dataset, recipe, before=spec)


def _train(model: str, dataset: str, recipe: Mapping[str, Any], before: str = "") -> str:
    fields = ", ".join(f"{name}={value!r}" for name, value in recipe.items())
    return f"""{_IMPORT}
{before}data = dl.load_dataset({dataset!r})
run = dl.train({model}, data, dl.TrainConfig({fields}))
print(run, run.evaluate("test").accuracy)
"""


def sweep(
    recipes: Mapping[str, Mapping[str, Any]], dataset: str, values: Mapping[str, Sequence[Any]]
) -> str:
    """Every combination of models, each with its recipe, and values of some fields."""
    listed = "".join(f"    {model!r}: {dict(recipe)!r},\n" for model, recipe in recipes.items())
    fields = "".join(f"    {name!r}: {list(options)!r},\n" for name, options in values.items())
    return f"""{_IMPORT}recipes = {{  # each model's own
{listed}}}
values = {{
{fields}}}
models = [(model, dl.TrainConfig(**recipe)) for model, recipe in recipes.items()]
experiments = dl.plan_sweep(models, {dataset!r}, values)  # as itertools.product does
runs = dl.train_sweep(experiments, progress=False)
for run in runs:
    print(run.record.model, run.config.differing(), run.record.val_accuracy)
best = max(runs, key=lambda run: run.record.val_accuracy or 0)  # not chosen by test
print(best.evaluate("test").accuracy)
"""


def search(
    model: str,
    dataset: str,
    space: Mapping[str, str],
    recipe: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> str:
    """A sweep that searches the best configuration around a recipe."""
    fields = "".join(f"    {name!r}: {values!r},\n" for name, values in space.items())
    around = ", ".join(f"{name}={value!r}" for name, value in recipe.items())
    options = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    return f"""{_IMPORT}
space = {{
{fields}}}
recipe = dl.TrainConfig({around})
result = dl.sweep({model!r}, {dataset!r}, space, recipe, {options})
print(result.best.words, result.in_words(result.best.score))
print(result.importance)
print(result.test_in_words)  # of the best with other seeds
"""


def curves(run_id: str) -> str:
    """The learning curves of a run."""
    return f"""{_IMPORT}from digitlab.figures.training import accuracy_curve, loss_curve

history = dl.open_run({run_id!r}).history
print(history.epochs[-1:])
figures = [loss_curve(history.steps, history.epochs), accuracy_curve(history.epochs)]
"""


def augmentation(dataset: str, recipe: Mapping[str, float], seed: int, count: int) -> str:
    """Training images before and after augmentation."""
    fields = ", ".join(f"{name}={value!r}" for name, value in recipe.items())
    return f"""{_IMPORT}from digitlab.figures.images import before_and_after
from digitlab.training.preview import preview

data = dl.load_dataset({dataset!r})
recipe = dl.Augmentation({fields})
before, after, labels = preview(data.train, recipe, seed={seed}, count={count})
figure = before_and_after(before, after, [data.classes[label] for label in labels])
"""


def export_of_run(run_id: str, formats: Sequence[str]) -> str:
    """A run as files."""
    return f"""{_IMPORT}
run = dl.open_run({run_id!r})
for format in {tuple(formats)!r}:
    print(dl.export(run, format))
"""


def export_of_spec(spec_yaml: str, formats: Sequence[str]) -> str:
    """An architecture as files that need no digitlab."""
    return f"""{_IMPORT}
spec = dl.ModelSpec.from_yaml({_text(spec_yaml)})
for format in {tuple(formats)!r}:
    print(dl.export(spec, format))
"""


def reproduction(preset: str, dataset: str) -> str:
    """A preset trained by its recipe, next to its published accuracy."""
    return f"""{_IMPORT}from digitlab.execution.reproduce import markdown_table

rows = list(dl.reproduce([{preset!r}], {dataset!r}, seeds=1))  # runs that exist count
print(markdown_table(rows))
"""


def recognition(run_id: str) -> str:
    """Reading an image file with a run."""
    return f"""{_IMPORT}
read = dl.recognize("drawing.png", run={run_id!r})
print(read.text, read.confidence, read.digits[0].probabilities)
print([sign.text for sign in read.signs])  # points, commas, dashes, currencies
"""
