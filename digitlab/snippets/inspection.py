"""The few lines of digitlab under the cells on attributions, layers, labels and robustness.

Each function returns a text that runs as it stands (a test runs them all). The first arguments
are those of `digitlab.snippets.evaluation`.
"""

from __future__ import annotations


def _images(run_id: str, split: str, dataset: str | None, upload: str | None, *imports: str) -> str:
    """The imports, the run, and its images as `part`."""
    lines = ["import digitlab as dl", *sorted(imports), "", f"run = dl.open_run({run_id!r})"]
    if upload:
        lines.append(f"part = dl.read_images({upload}, classes=run.classes).as_dataset().test")
    elif dataset:
        lines.append(f"part = dl.load_dataset({dataset!r}).split({split!r})")
    else:
        lines.append(f"part = run.load_data().split({split!r})")
    return "\n".join(lines) + "\n"


def attribution(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    position: int,
    method: str,
    target: int,
) -> str:
    """How much each pixel of an image counts for or against a class."""
    name = "from digitlab.analysis.attribution import attribute"
    figure = "from digitlab.figures.inspection import attribution_figure"
    return f"""{_images(run_id, split, dataset, upload, name, figure)}
image = part.images[{position}]
attributions = attribute(run.model, image, {target}, {method!r}, run.normalization)  # [H, W]
figure = attribution_figure(
    image[0].numpy(), [("class {target}", attributions.numpy())], unit="logits"
)
"""


def first_weights(run_id: str) -> str:
    """The weights of the first layer as pictures."""
    return f"""import digitlab as dl
from digitlab.figures.inspection import picture_grid
from digitlab.analysis.activations import first_weights

run = dl.open_run({run_id!r})
weights = first_weights(run.model, run.spec.input)
print(weights.layer, weights.kind, weights.values.shape, weights.total)
figure = picture_grid(weights.values.numpy(), title=weights.layer, unit="weight")
"""


def layer_maps(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    position: int,
    layer: str,
) -> str:
    """The activations of a layer for an image."""
    names = "from digitlab.analysis.activations import layer_maps, list_outputs"
    figure = "from digitlab.figures.inspection import picture_grid"
    return f"""{_images(run_id, split, dataset, upload, names, figure)}
for output in list_outputs(run.model, run.spec.input):
    print(output)
maps = layer_maps(run.model, part.images[{position}], run.normalization, {layer!r})
figure = picture_grid(maps.numpy(), title={layer!r}, unit="activation")
"""


def embedding(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    method: str = "pca",
) -> str:
    """The last hidden layer: class means, and images as points."""
    names = "from digitlab.analysis.embedding import embed, hidden_sample"
    means = "from digitlab.evaluation.embedding import class_means, telling_units"
    keep = "" if not (dataset or upload) else ", keep=False"
    return f"""{_images(run_id, split, dataset, upload, names, means)}
hidden = hidden_sample(run, part{keep})  # at most 1,500 images
labels = part.labels[hidden.positions].numpy()
means = class_means(hidden.values, labels, len(run.classes))
print(telling_units(means, 10))
points = embed(run, part, {method!r}{keep})  # [M, 2]
"""


def label_issues(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    count: int = 60,
    basis: str = "network",
    together: bool = False,
) -> str:
    """The most suspicious labels: by the run alone, or by all runs on its data together."""
    if split == "train" and not (dataset or upload):
        name = "from digitlab.analysis.label_issues import find_train_label_issues"
        return f"""{_images(run_id, split, dataset, upload, name)}
issues = find_train_label_issues(run, part, {basis!r}).first({count})
print(issues.position, issues.quality, issues.suggested, issues.flagged)
images = part.images[issues.position]
"""
    name = "from digitlab.evaluation.label_issues import find_label_issues"
    if together:
        pool_import = "from digitlab.analysis.label_issues import pool_predictions"
        return f"""{_images(run_id, split, dataset, upload, name, pool_import)}
panel = pool_predictions(run, {split!r})
print([run.record.name for run in panel.runs])
issues = find_label_issues(panel.probabilities, part.labels.numpy()).first({count})
print(issues.position, issues.quality, issues.suggested, issues.flagged)
images = part.images[issues.position]
"""
    return f"""{_images(run_id, split, dataset, upload, name)}
issues = find_label_issues(run.predict(part.images), part.labels.numpy()).first({count})
print(issues.position, issues.quality, issues.suggested, issues.flagged)
images = part.images[issues.position]
"""


def robustness(run_id: str, *, images: int | None = 1_000) -> str:
    """The robustness card."""
    return f"""import digitlab as dl

run = dl.open_run({run_id!r})
card = dl.measure_robustness(run, images={images})  # kept with the run
print(card.accuracy, card.n, card.elsewhere)
for curve in (*card.curves, *card.attacks):
    print(curve.name, [level.severity for level in curve.levels], curve.accuracies)
"""
