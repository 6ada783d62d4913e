"""The robustness card: it counts what the run really reads, is seeded, kept, and can be stopped."""

from __future__ import annotations

import json
import os

import pytest

import digitlab as dl
from digitlab.analysis.corruption_kinds import CORRUPTIONS
from digitlab.analysis.corruptions import corrupt
from digitlab.analysis.recognize import default_reader
from digitlab.analysis.robustness import (
    EPSILONS,
    attack_example,
    other_datasets,
    seeded_generator,
)
from digitlab.analysis.robustness_card import card_path, read_card
from digitlab.errors import RunError
from digitlab.runs import run_folder


@pytest.fixture
def no_data(tmp_path, monkeypatch):
    """No dataset on this machine but the embedded one."""
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))


def measure(run, images=60, **settings):
    return dl.measure_robustness(run, images, device="cpu", **settings)


def test_it_counts_what_the_run_reads_rightly(run_id, optdigits, no_data):
    run = dl.open_run(run_id)
    card = measure(run, None)
    assert (card.n, card.available) == (359, 359)
    assert card.accuracy == pytest.approx(run.evaluate("test").accuracy)
    test, curve = optdigits.test, card.curve("rotation")
    for level in curve.levels:
        turned = corrupt(test.images, "rotation", level.severity, seeded_generator("rotation", 0))
        right = (run.predict(turned).argmax(1) == test.labels.numpy()).sum()
        assert level.correct == right
    assert [one.name for one in card.curves] == list(CORRUPTIONS)
    assert curve.accuracies[-1] < curve.accuracies[0]
    for attack in card.attacks:
        counts = [level.correct for level in attack.levels]
        assert counts == sorted(counts, reverse=True)


def test_a_card_is_kept_until_there_are_new_weights(run_id, no_data):
    run, told = dl.open_run(run_id), []
    assert read_card(run) is None
    card = measure(run, on_progress=lambda *at: told.append(at))
    assert told[-1][:2] == (told[-1][1], told[-1][1])
    assert read_card(run) == card
    assert measure(run, keep=False).curves == card.curves  # the same seed, the same figures
    assert measure(run, seed=1, keep=False).curves != card.curves
    weights = run.folder / run_folder.WEIGHTS
    later = card_path(run).stat().st_mtime + 10
    os.utime(weights, (later, later))
    assert read_card(run) is None


@pytest.mark.parametrize("content", ["", "{}", '{"format": 99}', "[1]"])
def test_a_damaged_card_is_none(run_id, content):
    run = dl.open_run(run_id)
    card_path(run).write_text(content)
    assert read_card(run) is None


def test_what_listens_may_stop_it_and_nothing_is_kept(run_id, no_data):
    def stop(done, total, what):
        if done == 3:
            raise InterruptedError

    run = dl.open_run(run_id)
    with pytest.raises(InterruptedError):
        measure(run, on_progress=stop)
    assert read_card(run) is None


def test_an_example_shows_the_image_before_and_after(run_id, optdigits):
    run, test = dl.open_run(run_id), optdigits.test
    position = int((run.predict(test.images).argmax(1) == test.labels.numpy()).argmax())
    label = int(test.labels[position])
    found = attack_example(run, test.images[position], label)
    assert list(found) == ["fgsm", "pgd"]
    for one in found.values():
        assert one.images.shape == (1 + len(EPSILONS), 28, 28)
        assert (one.images[0] == test.images[position, 0].numpy()).all()
        assert one.readings[0] == label
        assert one.readings[-1] != label
        assert run.predict(one.images[-1:, None]).argmax() == one.readings[-1]


def test_a_classical_model_is_corrupted_but_not_attacked(optdigits, no_data):
    run = dl.train("naive-bayes", optdigits, dl.TrainConfig(), progress=False)
    assert attack_example(run, optdigits.test.images[0], 0) == {}
    card = measure(run)
    assert len(card.curves) == len(CORRUPTIONS)
    assert card.attacks == ()


def test_a_bundled_run_keeps_its_card_in_the_home_and_is_measured_elsewhere(
    home, optdigits, no_data
):
    reader = default_reader()
    assert card_path(reader).is_relative_to(home)
    assert other_datasets(reader) == ("optdigits",)
    card = measure(reader, 20, data=optdigits.test)
    assert [one.dataset for one in card.elsewhere] == ["optdigits"]
    assert json.loads(card_path(reader).read_text())["n"] == 20


def test_what_cannot_be_measured_is_said_so(run_id, no_data):
    run = dl.open_run(run_id)
    with pytest.raises(RunError, match="at least 1 image; not 0"):
        measure(run, 0)
    (run.folder / run_folder.WEIGHTS).unlink()
    with pytest.raises(RunError, match="has no weights any more"):
        measure(run)
