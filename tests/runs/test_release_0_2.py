"""A home, and ZIPs, that version 0.2.0 wrote are opened, and what they hold is as it was."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import digitlab as dl
from digitlab.execution.execute import execute
from digitlab.exports.export import exported, subject_of
from digitlab.runs import checkpoints, run_folder, store
from digitlab.runs.record import RunRecord

RELEASE = Path(__file__).parent / "release_0_2"
EXPECTED = json.loads((RELEASE / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def old_home(home):
    """The home of version 0.2.0, unpacked."""
    with zipfile.ZipFile(RELEASE / "home.zip") as archive:
        archive.extractall(home)
    return home


@pytest.mark.sqlite
def test_every_run_of_the_home_is_listed_and_is_stored_as_it_was(old_home):
    records = {run.id: run.record.model_dump() for run in dl.list_runs(bundled=False)}
    assert records == {run_id: about["record"] for run_id, about in EXPECTED.items()}
    for run_id, record in records.items():
        assert json.dumps(record) == json.dumps(EXPECTED[run_id]["record"])  # in the same order


def test_its_networks_read_what_they_read(old_home, optdigits):
    for run_id, about in EXPECTED.items():
        run = dl.open_run(run_id)
        assert run.spec.to_yaml() == about["yaml"]
        if "first" in about:
            answers = run.predict(optdigits.test.images[:3])
            np.testing.assert_allclose(answers, about["first"], atol=1e-3)
            assert run.evaluate("test").accuracy == about["accuracy"]


def test_a_lost_store_is_made_anew_from_its_folders(old_home):
    (old_home / "digitlab.db").unlink()
    assert {run.id for run in dl.list_runs(bundled=False)} == set(EXPECTED)


def test_a_run_that_was_paused_is_resumed_from_its_checkpoint(old_home):
    (paused,) = (run for run in dl.list_runs(bundled=False) if run.record.status == "paused")
    state = checkpoints.load_state(paused.id)
    assert state.step == paused.record.step > 0
    config = paused.config.changed(epochs=state.epochs_done + 2)
    store.update_run(paused.id, status="running", config=config.model_dump(), epochs=config.epochs)
    with run_folder.run_lock(paused.id):
        run = execute(store.get_record(paused.id))
    assert run.record.status == "finished"
    epochs = [epoch["epoch"] for epoch in run.history.epochs]
    assert epochs == list(range(1, config.epochs + 1))


@pytest.mark.parametrize("name", ["small", "naive-bayes"])
def test_a_zip_is_imported(name, home):
    content = (RELEASE / f"{name}.zip").read_bytes()
    run = dl.import_run(io.BytesIO(content))
    about = EXPECTED[run.record.data.imported["id"]]
    assert run.record.test_accuracy == about["accuracy"]
    before = about["record"]["config"]
    assert {name: run.record.config[name] for name in before} == before
    assert run.config == dl.TrainConfig.from_dict(before)  # later fields have their defaults


@pytest.mark.sqlite
@pytest.mark.parametrize("name", ["small", "naive-bayes"])
def test_the_same_run_is_packed_byte_for_byte_as_it_was(name, old_home):
    with zipfile.ZipFile(RELEASE / f"{name}.zip") as archive:
        before = {entry: archive.read(entry) for entry in archive.namelist()}
    run_id = json.loads(before[run_folder.RECORD])["id"]
    with zipfile.ZipFile(io.BytesIO(exported(subject_of(dl.open_run(run_id)), "zip"))) as archive:
        after = {entry: archive.read(entry) for entry in archive.namelist()}
    assert after == before


def test_what_is_written_now_has_the_form_that_it_had(old_home, train_tiny):
    """A later version, or the one before, reads the record that this one writes."""
    written = json.loads((train_tiny().folder / run_folder.RECORD).read_text(encoding="utf-8"))
    finished = next(a["record"] for a in EXPECTED.values() if a["record"]["status"] == "finished")
    assert list(written) == list(finished)
    assert list(written["data"]) == list(finished["data"])
    assert RunRecord(**written).model_dump() == written


def test_a_network_that_ended_in_softmax_answers_as_it_was_trained(home, optdigits):
    spec = dl.ModelSpec(
        name="Old",
        input=(1, 28, 28),
        layers=["Flatten", {"Linear": {"out_features": 10}}, "Softmax"],
    )
    run = dl.train(spec, optdigits, dl.TrainConfig(epochs=1, subset=200), progress=False)
    images = optdigits.test.images[:3]
    now = run.predict(images)
    config = {key: value for key, value in run.record.config.items() if key != "loss"}
    store.update_run(run.id, config=config)
    before = dl.open_run(run.id).predict(images)
    raised = np.exp(np.asarray(now))
    np.testing.assert_allclose(before, raised / raised.sum(1, keepdims=True), atol=1e-5)
