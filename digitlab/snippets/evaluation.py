"""The few lines of digitlab under each cell of the Results page.

Each function returns a text that runs as it stands (a test runs them all). `run_id` and `split`
say what was measured; `dataset` names another dataset than the run's own, `upload` is
what `dl.read_images` reads, as code.
"""

from __future__ import annotations


def _measured(
    run_id: str,
    split: str,
    dataset: str | None,
    upload: str | None,
    *imports: str,
    images: bool = False,
) -> str:
    """The imports, the run, its images as `data` if `images`, and its results as `result`."""
    lines = ["import digitlab as dl", *sorted(imports), "", f"run = dl.open_run({run_id!r})"]
    if upload:
        lines.append(f"data = dl.read_images({upload}, classes=run.classes).as_dataset()")
        lines.append('result = run.evaluate("test", dataset=data)')
    elif dataset:
        if images:
            lines.append(f"data = dl.load_dataset({dataset!r})")
        lines.append(f"result = run.evaluate({split!r}, dataset={dataset!r})")
    else:
        if images:
            lines.append("data = run.load_data()")
        lines.append(f"result = run.evaluate({split!r})")
    return "\n".join(lines) + "\n"


def evaluation(
    run_id: str, split: str, dataset: str | None = None, upload: str | None = None
) -> str:
    """Accuracy with its interval, loss, and the metrics that are corrected for chance."""
    return f"""{_measured(run_id, split, dataset, upload)}
print(result.accuracy, result.accuracy_interval, result.loss)
print(result.balanced_accuracy, result.top_k(2), result.cohen_kappa, result.matthews)
print(result.intervals)  # of these metrics, by bootstrap
"""


def per_class(
    run_id: str, split: str, dataset: str | None = None, upload: str | None = None
) -> str:
    """Precision, recall, F1 and support of each class, and their averages."""
    figure = "from digitlab.figures.evaluation import per_class_metrics"
    return f"""{_measured(run_id, split, dataset, upload, figure)}
for row in result.per_class:
    print(row.name, row.precision, row.recall, row.f1, row.support)
print(result.macro, result.weighted)
figure = per_class_metrics(result.per_class)
"""


def confusion(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    mode: str = "counts",
    similar: bool = False,
    true: int | None = None,
    read: int | None = None,
) -> str:
    """The confusion matrix as numbers and as a figure, and the images behind a part of it."""
    imports = ["from digitlab.figures.evaluation import confusion_matrix"]
    order = "None"
    if similar:
        imports.append("from digitlab.evaluation import similarity_order")
        order = "similarity_order(result.confusion)"
    shown = true is not None or read is not None
    behind = ""
    if shown:
        behind = f"""positions = result.positions(true={true}, predicted={read})
images = data.split({split!r}).images[positions]
"""
    return f"""{_measured(run_id, split, dataset, upload, *imports, images=shown)}
print(result.confusion)  # rows are true classes, columns predictions
print(result.most_confused(5))
figure = confusion_matrix(result.confusion, result.classes, mode={mode!r}, order={order})
{behind}"""


def mistakes(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    true: int | None = None,
    read: int | None = None,
    above: float = 0.0,
    by: str = "confidence",
) -> str:
    """Some of the mistakes, sorted, and their images."""
    sure = f", above={above:g}" if above else ""
    return f"""{_measured(run_id, split, dataset, upload, images=True)}
mistakes = result.errors.where(true={true}, predicted={read}{sure}).ordered({by!r})
for mistake in mistakes[:5]:
    print(mistake)
images = data.split({split!r}).images[mistakes.position]
"""


def closeup(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    position: int,
    metric: str = "cosine",
) -> str:
    """One image: its probabilities, the predictions of other runs, the nearest training images."""
    features = "from digitlab.analysis.features import compute_features, nearest"
    others = "from digitlab.analysis.peer_predictions import peer_predictions"
    own = not (dataset or upload)
    text = _measured(
        run_id, split, dataset, upload, features, *([others] if own else []), images=True
    )
    trained = "data" if own else "run.load_data()"
    peers_line = f"print(peer_predictions(run, {split!r}, {position}))\n" if own else ""
    itself = f", exclude={position}" if own and split == "train" else ""
    return f"""{text}
image = data.split({split!r}).images[{position}]
print(result.probabilities[{position}].round(4))
{peers_line}features = compute_features(run, {trained}.train)  # a pass over all training images
print(nearest(run, features, image, metric={metric!r}{itself}))
"""


def ranking(run_id: str, split: str, dataset: str | None = None, upload: str | None = None) -> str:
    """ROC and precision-recall curves of each class, and the areas under them."""
    curves = "from digitlab.evaluation import one_vs_rest"
    figures = "from digitlab.figures.curves import precision_recall_figure, roc_figure"
    return f"""{_measured(run_id, split, dataset, upload, curves, figures)}
curves = [curve for curve in one_vs_rest(result) if curve.roc]
for curve in curves:
    print(curve.name, curve.roc.area, curve.precision_recall.area)
roc = roc_figure([(curve.label, curve.name, curve.roc) for curve in curves])
recall = precision_recall_figure(
    [(curve.label, curve.name, curve.precision_recall) for curve in curves]
)
"""


def calibration(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    bins: int = 15,
    rescaled: bool = True,
) -> str:
    """Reliability, ECE, Brier score, and what a temperature fitted on validation changes."""
    names = "calibrate, rescale" if rescaled else "calibrate"
    evaluation = f"from digitlab.evaluation import {names}"
    figure = "from digitlab.figures.calibration import reliability_diagram"
    end = "figure = reliability_diagram(calibration.bins)\n"
    if rescaled:
        end = f"""rescaled = rescale(run.evaluate("val"), result, bins={bins})
print(rescaled.temperature, rescaled.after.loss, rescaled.after.ece, rescaled.after.brier)
figure = reliability_diagram(calibration.bins, rescaled.after.bins)
"""
    return f"""{_measured(run_id, split, dataset, upload, evaluation, figure)}
calibration = calibrate(result, bins={bins})
print(calibration.loss, calibration.ece, calibration.brier)
{end}"""


def coverage(
    run_id: str,
    split: str,
    dataset: str | None = None,
    upload: str | None = None,
    *,
    threshold: float = 0.9,
) -> str:
    """Accuracy where the network declines to answer below a confidence."""
    names = "from digitlab.evaluation import coverage_curve, decline_below"
    figure = "from digitlab.figures.calibration import coverage_figure"
    return f"""{_measured(run_id, split, dataset, upload, names, figure)}
print(decline_below(result, {threshold:g}))
curve = coverage_curve(result)
figure = coverage_figure(curve.coverage, curve.accuracy, curve.threshold)
"""
