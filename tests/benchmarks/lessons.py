"""Whether an honest learner reaches each lesson's goals: `python -m tests.benchmarks.lessons`.

Follows the steps of each lesson with the models and recipes that the app sets when its links are
followed, over three seeds, each in a home of its own, and checks the goals. Prints how many seeds
reached all goals and how many minutes the computer took, which a learner waits; reading, looking
and drawing come on top. `--lessons NAME,NAME` takes some of them, `--seeds N` other seeds, `--json`
prints one object a line. Drawings are written by the app's own unsteady hand: no person's.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

import digitlab as dl
from digitlab.analysis.recognize import recognize
from digitlab.data import collections
from digitlab.drawing.handwriting import write
from digitlab.lessons import progress
from digitlab.lessons.lesson import Lesson, Link
from digitlab.lessons.notebook import read_recipe, read_values
from digitlab.ui.train.default_recipe import default_recipe

CANVAS = (280, 280)


def main() -> None:
    """Follow the lessons, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lessons", default=",".join(PATHS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in options.lessons.split(","):
        figures = [follow(dl.find_lesson(name), seed) for seed in range(options.seeds)]
        reached = sum(not missing for missing, _ in figures)
        minutes = [seconds / 60 for _, seconds in figures]
        missing = sorted({sentence for sentences, _ in figures for sentence in sentences})
        if options.json:
            line = {"lesson": name, "reached": reached, "seeds": options.seeds, "minutes": minutes}
            print(json.dumps({**line, "missing": missing}), flush=True)
            continue
        times = " ".join(f"{each:.1f}" for each in minutes)
        stated = dl.find_lesson(name).minutes
        print(f"{name:21}{reached} of {options.seeds}   {times} of {stated} minutes", flush=True)
        for sentence in missing:
            print(f"    {sentence}", flush=True)


def follow(lesson: Lesson, seed: int) -> tuple[list[str], float]:
    """The sentences of goals that are missing at the lesson's end, and the seconds it took."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DIGITLAB_HOME"] = folder
        start = time.perf_counter()
        PATHS[lesson.id](lesson, seed)
        seconds = time.perf_counter() - start
        for question in lesson.questions:
            progress.answer(lesson, question.ask, question.choices[0])
        outcomes = dl.check_lesson(lesson)
    return [outcome.sentence for outcome in outcomes if not outcome.reached], seconds


def links(lesson: Lesson, page: str) -> list[Link]:
    """The lesson's links into a page, in their order."""
    parts = [part for step in lesson.steps for part in step.parts if isinstance(part, Link)]
    return [link for link in parts if link.page == page]


def train(link: Link, seed: int, **changes: Any) -> dl.Run:
    """What "Train" does after the link was followed and these settings were changed."""
    model, dataset = link.params["model"], link.params["dataset"]
    recipe = default_recipe(model, dl.load_model(model), dataset)
    recipe = recipe.changed(**{**read_recipe(link.params), "seed": seed, **changes})
    return dl.train(model, dataset, recipe, progress=False)


def train_all(lesson: Lesson, seed: int) -> list[dl.Run]:
    """A run for each link into Train."""
    return [train(link, seed) for link in links(lesson, "train")]


def correct_labels(_lesson: Lesson, seed: int) -> None:
    """The first three doubts that the app lists, as it suggests; from another one for each seed."""
    data = dl.load_dataset("optdigits")
    issues = dl.find_label_issues(data)
    changes = []
    for row, suggested in zip(issues.rows[seed:], issues.suggested[seed:], strict=True):
        split, index = issues.table.place(row)
        changes.append(dl.Change(split=split, index=index, label=int(suggested)))
    dl.add_version("corrected", data, changes[:3])


def vary_the_rate(lesson: Lesson, seed: int) -> None:
    (link,) = links(lesson, "train")
    for rate in read_values(link.params)["learning_rate"]:
        train(link, seed, learning_rate=rate)


def make_a_bottleneck(lesson: Lesson, seed: int) -> None:
    """A linear layer of one output, then of eight, before the last layer."""
    preset = links(lesson, "architecture")[0].params["preset"]
    spec = dl.load_model(preset)
    recipe = default_recipe(preset, spec, "optdigits").changed(seed=seed)
    layers = spec.to_dict()["layers"]
    for size in (1, 8):
        narrow = [*layers[:-1], {"Linear": {"out_features": size}}, layers[-1]]
        changed = dl.ModelSpec.from_dict({**spec.to_dict(), "layers": narrow})
        dl.train(changed, "optdigits", recipe, progress=False)


def measure_robustness(lesson: Lesson, seed: int) -> None:
    for run in train_all(lesson, seed):
        dl.measure_robustness(run)


def note_the_confused(_lesson: Lesson, seed: int) -> None:
    """Any run serves: one that the app trains quickly."""
    link = Link("", "train", {"model": "two-hidden-16-relu", "dataset": "optdigits"})
    run = train(link, seed)
    result = run.evaluate("test")
    pair, wrong = result.most_confused(1)[0], result.errors.position[:3]
    images = ", ".join(f"{position} ugly" for position in wrong)
    dl.label_run(run.id, note=f"{pair.true} → {pair.predicted}, {images}")


def draw_ten(_lesson: Lesson, seed: int) -> None:
    for label in range(10):
        strokes, brush = write(str(label), CANVAS, brush=18, seed=10 * seed + label)
        read = recognize(painted(strokes, brush)).digits[0]
        drawing = collections.NewDrawing(read.framed.image, label, tuple(strokes), read.label)
        collections.keep_drawing("mine", drawing)


def painted(strokes: Any, brush: float) -> Any:
    """Strokes as white ink on a black canvas."""
    from PIL import Image, ImageDraw

    image = Image.new("L", CANVAS)
    for stroke in strokes:
        points = [tuple(point) for point in stroke]
        ImageDraw.Draw(image).line(points, fill=255, width=round(brush), joint="curve")
    return image


def see_what_is_chance(lesson: Lesson, seed: int) -> None:
    small, large = links(lesson, "train")
    for each in range(3):
        train(small, 3 * seed + each)
    train(large, seed)


PATHS: dict[str, Callable[[Lesson, int], object]] = {
    "wrong-labels": correct_labels,
    "baseline": train_all,
    "logistic-regression": train_all,
    "first-loss": train_all,
    "overfit-twenty": train_all,
    "learning-rates": vary_the_rate,
    "linear-stacks": train_all,
    "bottleneck": make_a_bottleneck,
    "halve-the-gap": train_all,
    "convolution": train_all,
    "shifted": measure_robustness,
    "without-a-network": train_all,
    "most-confused": note_the_confused,
    "own-drawings": draw_ten,
    "chance": see_what_is_chance,
}


if __name__ == "__main__":
    main()
