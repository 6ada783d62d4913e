"""The few lines of digitlab under each cell of the Draw page.

Each function returns a text that runs as it stands, where there is an image `drawing.png` (a test
runs them all).
"""

from __future__ import annotations

from collections.abc import Sequence

_IMPORT = "import digitlab as dl\n"
_READ = 'read = dl.recognize("drawing.png", run)\nimage = read.digits[0].framed.image  # [28, 28]'


def steps(run_id: str) -> str:
    """Reading a drawing with and without a step of MNIST's framing."""
    return f"""{_IMPORT}from digitlab.drawing.stages import Framing
from digitlab.figures.drawing import stage_strip

for framing in (Framing(), Framing(centring=False), Framing(aspect=False), Framing(deslant=True)):
    read = dl.recognize("drawing.png", {run_id!r}, framing=framing)
    print(read.text, framing)
framed = read.digits[0].framed
names = ["ink", "crop", "evened", "fitted", "image"]
figure = stage_strip([getattr(framed, name) for name in names], names)
"""


def arena(run_ids: Sequence[str]) -> str:
    """Several runs reading the same drawing."""
    return f"""from digitlab.analysis.arena import read_together

arena = read_together("drawing.png", {list(run_ids)!r})
for answer in arena.answers:
    print(answer.run.record.name, "reads", answer.text, f"{{answer.confidence:.1%}}")
print("most read", arena.majority, "and all agree" if arena.unanimous else "but not all")
"""


def why(run_id: str) -> str:
    """Which pixels count for the prediction."""
    return f"""{_IMPORT}from digitlab.analysis.recognize import find_calibrated_predictor
from digitlab.evaluation.occlusion import occlusion_map
from digitlab.figures.inspection import attribution_figure

run = dl.open_run({run_id!r})
{_READ}
predict = find_calibrated_predictor(run)
drops = occlusion_map(predict, image, read.digits[0].label)  # of the probability
figure = attribution_figure(image, [(f"for {{read.text}}", drops)], unit="probability")
"""


def runner_up(run_id: str) -> str:
    """Which pixels to hide so that the second most likely class becomes the prediction."""
    return f"""{_IMPORT}from digitlab.analysis.recognize import find_calibrated_predictor
from digitlab.evaluation.occlusion import find_flip

run = dl.open_run({run_id!r})
{_READ}
predict = find_calibrated_predictor(run)
second = int(predict(image[None, None])[0].argsort()[-2])
flip = find_flip(predict, image, second)
print("hide", flip.side, "pixels at the", flip.place(), "->", second, flip.wins, flip.probability)
"""


def neighbours(run_id: str, metric: str) -> str:
    """The training images that are most similar to a drawing for the network."""
    return f"""{_IMPORT}import torch
from digitlab.analysis.features import has_features, compute_features, nearest, read_features

run = dl.open_run({run_id!r})
{_READ}
train = run.load_data().train
features = read_features(run) if has_features(run) else compute_features(run, train)
for neighbour in nearest(run, features, torch.tensor(image)[None], 5, {metric!r}):
    print("a", int(train.labels[neighbour.position]), neighbour)
"""


def layers(run_id: str, layer: str) -> str:
    """The activations of a layer for a drawing."""
    return f"""{_IMPORT}import torch
from digitlab.figures.inspection import picture_grid
from digitlab.analysis.activations import layer_maps

run = dl.open_run({run_id!r})
{_READ}
maps = layer_maps(run.model, torch.tensor(image)[None], run.normalization, {layer!r})
figure = picture_grid(maps.numpy(), title="layer " + {layer!r}, unit="activation")
"""


def form(run_id: str, name: str) -> str:
    """A photo of boxes: what was read in each, and its digits kept in a collection."""
    return f"""{_IMPORT}
form = dl.read_form("form.png", {run_id!r})
for row in form.table:
    print(row)  # "" is an empty box, "?" what is declined
dl.keep_form(form, {name!r}, form.table)  # or the table as you corrected it
print(dl.load_dataset("collection:{name}"))
"""


def sheets(run_id: str, name: str) -> str:
    """The sheet for a printer, and photos of filled ones as parts of a collection."""
    return f"""{_IMPORT}from pathlib import Path

from digitlab.drawing.sheet import write_sheet

write_sheet("to-print.pdf", "a4")  # or "letter"
for photo in sorted(Path().glob("sheet*.png")):
    sheet = dl.read_form(photo, {run_id!r})
    doubtful = [(i, j) for i, j in sheet.filled if sheet.cells[i][j].doubtful]
    print(photo, len(sheet.filled), "digits; not read as their row:", doubtful)
    dl.keep_form(sheet, {name!r})  # leave_out=doubtful, say, if they are slips
"""


def collection(name: str, run_id: str) -> str:
    """A collection as a dataset: its size, and how a run reads it."""
    return f"""{_IMPORT}
data = dl.load_dataset("collection:{name}")
print(data)
print(dl.open_run({run_id!r}).evaluate("test", data).accuracy)  # the drawings held out
"""


def finetuning(name: str, run_id: str) -> str:
    """A run fine-tuned on a collection, before and after."""
    return f"""from digitlab.execution.finetune import finetune

tuned = finetune({run_id!r}, {name!r})
for title, (before, after) in {{"drawings": tuned.drawings, "known": tuned.known}}.items():
    print(title, f"{{before.accuracy:.2%}} -> {{after.accuracy:.2%}}")
"""
