"""Trains the default reader of drawings: `python -m digitlab.assets.make reader`.

One network learns MNIST's training digits, pen digits of the training writers of Pendigits, and
what is no digit (parts of digits, pairs of them, letters, scribbles) as an eleventh class. That
class's row of the last layer is then subtracted from the others and dropped, which changes no
probability: what is left is a network with ten logits, whose softmax are the digits'
probabilities, and beside which "no digit" has the logit 0.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import digitlab as dl
from digitlab import files
from digitlab.assets.material import make_examples
from digitlab.data.dataset import Dataset, Split
from digitlab.data.pendigits import FILE, WRITER_SEED, digits_of, divide_writers
from digitlab.models.build import build
from digitlab.runs import run_folder
from digitlab.settings import read_settings
from digitlab.training.predict import predict_logits

SEED = 0

# What an answer must reach to be given, chosen on drawings of the tuning writers (of 600 single
# digits 1 declined and 1 wrong, of 300 strings apart 1 declined and 1 wrong) and 1,200 doodles of
# LEARNT (4 % of the letters and 10 % of the shapes accepted; for those HELD_OUT see the README).
# Below a confidence of 0.65, ones with a long upstroke are read as 7.
TRUST = {"temperature": 1.0, "digit": 0.6, "confidence": 0.65}


def _conv(channels: int) -> list[Any]:
    convolution = {"out_channels": channels, "kernel_size": 3, "padding": 1, "bias": False}
    return [{"Conv2d": convolution}, "BatchNorm2d", "ReLU"]


SPEC = {
    "name": "reader",
    "input": [1, 28, 28],
    "layers": [
        *_conv(24),
        *_conv(24),
        {"MaxPool2d": {"kernel_size": 2}},
        *_conv(48),
        *_conv(48),
        {"MaxPool2d": {"kernel_size": 2}},
        *_conv(96),
        *_conv(96),
        {"Dropout": {"p": 0.3}},
        "Flatten",
        {"Linear": {"out_features": 11}},
    ],
}
RECIPE = {
    "epochs": 8,
    "batch_size": 192,
    "optimizer": "adamw",
    "learning_rate": 0.005,
    "weight_decay": 0.02,
    "schedule": "one-cycle",
    "average": 0.999,
    "seed": SEED,
    "precision": "bfloat16",
    "channels_last": True,
    "augmentation": {
        "rotation": 10,
        "shift": 0.05,
        "scale": 0.1,
        "shear": 10,
        "thickness": 0.4,
        "elastic": 0.7,
    },
}


def train_reader(cache: Path | None = None) -> dl.Run:
    """Train the network of eleven classes; `cache` keeps the examples from one call to the next."""
    return dl.train(
        dl.ModelSpec.from_dict(SPEC),
        _with_examples(dl.load_dataset("mnist"), cache),
        dl.TrainConfig.from_dict(RECIPE),
        name="Reader of drawings",
    )


def _with_examples(mnist: Dataset, cache: Path | None) -> Dataset:
    """MNIST with the examples among its training images, and one class more."""
    images, labels = _examples(mnist, cache)
    both = torch.cat([mnist.train.images, torch.from_numpy(images)[:, None]])
    labels = torch.cat([mnist.train.labels, torch.from_numpy(labels)])
    taken = len(mnist.train) + len(mnist.val)
    places = torch.cat([mnist.train.indices, taken + torch.arange(len(images))])
    info = replace(mnist.info, classes=(*mnist.info.classes, "no digit"))
    return replace(mnist, info=info, train=Split("train", both, labels, places))


def _examples(mnist: Dataset, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    if cache and cache.is_file():
        archive = np.load(cache)
        return archive["images"], archive["labels"]
    digits = digits_of(read_settings().data / FILE, "train")
    scans = mnist.train.images[:, 0].numpy(), mnist.train.labels.numpy()
    images, labels = make_examples(digits, scans, SEED)
    if cache:
        np.savez(cache, images=images, labels=labels)
    return images, labels


def fold_no_digit(run: dl.Run, target: Path) -> dict[str, object]:
    """Write the network of ten logits and its predictions into `target`; the record's changes."""
    weights = run_folder.read_tensors(run.folder / run_folder.WEIGHTS, run.id)
    last = max(int(name.split(".")[0]) for name in weights)
    for name in (f"{last}.weight", f"{last}.bias"):
        weights[name] = (weights[name][:-1] - weights[name][-1:]).contiguous()
    spec = dl.ModelSpec.from_dict(
        {**SPEC, "layers": [*SPEC["layers"][:-1], {"Linear": {"out_features": 10}}]}
    )
    model = build(spec)
    model.load_state_dict(weights)
    model.eval()
    files.write_tensors(target / run_folder.WEIGHTS, weights)
    files.write_atomically(target / run_folder.SPEC, spec.to_yaml())
    mnist = dl.load_dataset("mnist")
    saved, figures = {}, {}
    for name in ("val", "test"):
        part = mnist.split(name)
        logits = predict_logits(model, part.images, run.normalization)
        saved |= {f"{name}_logits": logits, f"{name}_labels": part.labels}
        figures[f"{name}_accuracy"] = float((logits.argmax(1) == part.labels).float().mean())
        figures[f"{name}_loss"] = float(torch.nn.functional.cross_entropy(logits, part.labels))
    files.write_tensors(target / run_folder.PREDICTIONS, saved)
    added = run.record.data.train_images - len(mnist.train)
    return {
        **figures,
        "spec": spec.to_dict(),
        "parameters": sum(p.numel() for p in model.parameters()),
        "data": {
            **run.record.data.model_dump(),
            "classes": list(mnist.classes),
            "fingerprint": mnist.fingerprint,
            "train_images": len(mnist.train),
            "added_images": added,
            "added": "pen digits (UCI Pendigits), strings of digits, letters, shapes, scribbles",
            "writers": {name: list(who) for name, who in divide_writers().items()},
            "writer_seed": WRITER_SEED,
            "no_digit": "logit 0",
            "trust": TRUST,
        },
    }
