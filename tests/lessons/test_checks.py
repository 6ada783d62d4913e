"""A check says what it looked at: first what is missing, then what reached the goal."""

from __future__ import annotations

import digitlab as dl
from digitlab.analysis.robustness_card import Curve, Level, RobustnessCard, write_card
from digitlab.data import collections
from digitlab.lessons.checks import CHECKS
from digitlab.lessons.work import Work

QUICK = dl.TrainConfig(epochs=3, batch_size=64, learning_rate=0.003)


def judge(name, *, predictions=0, **fields):
    return CHECKS[name](**fields).judge(Work(predictions))


def test_a_run_that_comes_nearest_is_named_with_what_it_lacks(optdigits):
    assert "no run yet" in judge("run", at_least=0.5).sentence
    linear = dl.train("logistic-regression", optdigits, QUICK, progress=False)
    run = dl.train("two-hidden-16-relu", optdigits, QUICK, progress=False)
    wanted = {"dataset": "optdigits", "layers": ("ReLU",)}
    assert judge("run", **wanted).runs == (run.id,)
    lacks = judge("run", **wanted, at_most_parameters=10_000)
    assert not lacks.reached
    assert f"it has {run.record.parameters:,} parameters; the goal allows 10,000" in lacks.sentence
    assert "“two-hidden-16-relu”" in lacks.sentence
    assert judge("run", only_layers=("Flatten", "Linear")).runs == (linear.id,)
    assert "its test accuracy is" in judge("run", **wanted, at_least=1.0).sentence
    assert "not from mnist" in judge("run", dataset="mnist").sentence
    assert "hidden layers has 1 neuron" in judge("run", bottleneck=1).sentence
    first = judge("first loss", near=2.303, within=0.3)
    assert first.reached, first.sentence
    assert "its first loss is" in judge("first loss", near=9.0, within=0.1).sentence


def test_pairs_and_series_of_runs(optdigits):
    weak = dl.train("logistic-regression", optdigits, QUICK.changed(epochs=1), progress=False)
    wanted = {"first": {"only_layers": ("Flatten", "Linear")}, "second": {"layers": ("ReLU",)}}
    assert "The second of the two is missing" in judge("pair", **wanted).sentence
    strong = dl.train("two-hidden-64-relu", optdigits, QUICK.changed(epochs=8), progress=False)
    outcome = judge("pair", **wanted, p_below=0.01)
    assert outcome.reached, outcome.sentence
    assert outcome.runs == (weak.id, strong.id)
    turned = judge("pair", first=wanted["second"], second=wanted["first"])
    assert "it is not better" in turned.sentence

    seeds = {"field": "seed", "count": 2}
    assert "the goal asks for 2" in judge("several", **seeds).sentence
    dl.train("logistic-regression", optdigits, QUICK.changed(epochs=1, seed=1), progress=False)
    assert judge("several", **seeds).reached
    assert not judge("several", field="learning_rate", count=2).reached


def test_twenty_images_learnt_by_heart_leave_a_gap(optdigits):
    few = {"at_most_images": 20, "at_least_train": 1.0}
    config = QUICK.changed(epochs=60, subset=20, val_fraction=0)
    dl.train("two-hidden-64-relu", optdigits, config, progress=False)
    assert judge("run", **few).reached
    assert judge("gap", at_least=0.05).reached
    assert "the goal allows 1.0" in judge("gap", at_most=0.01).sentence


def test_a_note_names_the_most_confused_pair(optdigits):
    run = dl.train("logistic-regression", optdigits, QUICK, progress=False)
    assert "None of your runs has a note" in judge("noted", images=2).sentence
    dl.label_run(run.id, note="I like it")
    assert "does not begin with the pair" in judge("noted", images=2).sentence
    result = run.evaluate("test")
    pair, wrong = result.most_confused(1)[0], (result.predictions != result.labels).nonzero()[0]
    dl.label_run(run.id, note=f"{pair.true} → {pair.predicted}, {wrong[0]} thin")
    assert "names 1 image that it misreads" in judge("noted", images=2).sentence
    dl.label_run(run.id, note=f"{pair.true} → {pair.predicted}: {wrong[0]} thin, {wrong[1]} odd")
    assert judge("noted", images=2).reached


def test_drawings_answers_and_corrections(optdigits):
    assert "kept no drawing" in judge("drawings", count=2).sentence
    image = optdigits.test.images[0, 0].numpy()
    for read in (3, 4):
        drawing = collections.NewDrawing(image=image, label=3, strokes=(), read=read)
        collections.keep_drawing("mine", drawing)
    assert judge("drawings", count=2, read=1).reached
    assert "the goal asks for 2" in judge("drawings", count=2, read=2).sentence
    assert "the goal asks for 1" in judge("answered", count=1).sentence
    assert judge("answered", count=1, predictions=1).reached
    assert "no version" in judge("corrections", count=1).sentence
    change = dl.Change(split="train", index=0, label=int(optdigits.train.labels[0] + 1) % 10)
    dl.add_version("mine-v2", optdigits, [change])
    assert judge("corrections", count=1).reached
    assert "you changed 1 label; the goal asks for 2" in judge("corrections", count=2).sentence


def card(run, correct):
    """A card of a run that reads so many of 100 images which are shifted by two pixels."""
    shifted = Curve("shift", 100, (Level(0, 90), Level(2, correct)))
    none = {"curves": (shifted,), "attacks": (), "elsewhere": ()}
    return RobustnessCard(run.id, "optdigits", 100, 359, 0, 90, **none, device="cpu", seconds=1.0)


def test_who_breaks_more_is_read_from_two_cards(optdigits):
    wanted = {"corruption": "shift", "severity": 2, "at_least": 0.05}
    assert "of 0 runs of yours" in judge("robust", **wanted).sentence
    runs = [
        dl.train("logistic-regression", optdigits, QUICK.changed(epochs=1, seed=k), progress=False)
        for k in range(2)
    ]
    write_card(runs[0], card(runs[0], 80))
    assert "of 1 run of yours" in judge("robust", **wanted).sentence
    write_card(runs[1], card(runs[1], 76))
    assert "the goal asks for a difference of 5" in judge("robust", **wanted).sentence
    write_card(runs[1], card(runs[1], 60))
    assert judge("robust", **wanted).reached
