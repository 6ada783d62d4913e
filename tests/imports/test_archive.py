"""A run's ZIP: whole in another digitlab, and nothing taken in that is not one."""

from __future__ import annotations

import io
import json
import stat
import zipfile

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

import digitlab as dl
from digitlab import owners
from digitlab.analysis.leaderboard import rank_runs
from digitlab.errors import DigitlabError, ExportError, RunError
from digitlab.exports.archive import pack_run
from digitlab.imports import measure
from digitlab.imports.archive import ArchiveError, import_run
from digitlab.runs import run_folder, store
from digitlab.runs.abstention import find_abstention


@pytest.fixture
def packed(tiny):
    """A finished run as the bytes of its ZIP."""
    return pack_run(tiny)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A function that moves to another, empty DIGITLAB_HOME."""

    def move():
        monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / "other home"))
        assert not store.list_records()

    return move


def entries(packed):
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files if isinstance(files, list) else files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def changed(packed, **values):
    """The ZIP with other values in its record."""
    files = entries(packed)
    record = {**json.loads(files["record.json"]), **values}
    return zipped({**files, "record.json": json.dumps(record)})


@pytest.mark.parametrize("model", ["logistic-regression", "knn"])
def test_a_run_is_the_same_in_another_home(model, optdigits, train_tiny, elsewhere, tmp_path):
    run = train_tiny(model, subset=300)
    images, told = optdigits.test.images[:50], run.evaluate("test")
    expected, history = run.predict(images), run.history
    data = run.load_data().fingerprint
    path = dl.export(run, "zip", tmp_path / "run.zip")
    elsewhere()
    again = dl.import_run(path)
    assert again.id == run.id
    np.testing.assert_array_equal(again.predict(images), expected)
    np.testing.assert_array_equal(again.evaluate("test").logits, told.logits)
    assert again.record.test_accuracy == told.accuracy
    assert (again.history, again.spec, again.config) == (history, run.spec, run.config)
    assert dl.open_run("latest").record.tags == ["imported"]
    assert again.record.data.imported["id"] == run.id
    assert again.load_data().fingerprint == data


def test_a_taken_id_gets_another_and_both_stay(tiny, packed):
    again = dl.import_run(io.BytesIO(packed))
    assert again.id != tiny.id
    assert {run.id for run in dl.list_runs(bundled=False)} == {tiny.id, again.id}
    assert again.folder != tiny.folder


@pytest.mark.parametrize("name", ["reader-cnn", "lenet"])  # labels of int64, of uint8
def test_a_bundled_run_can_be_taken_along(name):
    run = dl.open_run(name)
    again = dl.import_run(pack_run(run))
    assert not again.record.bundled
    assert again.evaluate("test").accuracy == run.evaluate("test").accuracy


def test_what_the_reader_declines_is_declined_elsewhere_too(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))  # without images nothing is measured
    run = dl.open_run("reader")
    again = dl.import_run(pack_run(run))
    assert find_abstention(again) == find_abstention(run)
    assert again.record.data.no_digit == run.record.data.no_digit


def test_the_normalisation_of_weights_from_outside_is_handed_on(tiny, packed):
    scale, data = {"mean": 0.25, "std": 2.0}, tiny.record.data.model_dump()
    again = dl.import_run(changed(packed, data={**data, "normalization": scale}))
    assert again.record.data.normalization == scale
    older = {key: value for key, value in data.items() if key != "normalization"}
    assert dl.import_run(changed(packed, data=older)).record.data.normalization is None
    for wrong in ({"mean": 0.0, "std": 0.0}, {"mean": 1e9, "std": 1.0}, {"mean": 0.0}):
        with pytest.raises(ArchiveError, match="normalization"):
            import_run(changed(packed, data={**data, "normalization": wrong}))


@pytest.mark.parametrize(
    ("key", "value"),
    [("no_digit", "logit 3"), ("trust", {"temperature": 0}), ("trust", {"other": 1})],
)
def test_a_measure_of_trust_that_is_none_is_refused(tiny, packed, key, value):
    with pytest.raises(ArchiveError, match=key):
        import_run(io.BytesIO(changed(packed, data={**tiny.record.data.model_dump(), key: value})))


def test_figures_are_measured_anew_and_not_believed(tiny, packed):
    again = dl.import_run(changed(packed, test_accuracy=1.0, test_loss=0.0))
    assert again.record.test_accuracy == tiny.record.test_accuracy


def boasting(packed, **values):
    """The ZIP with predictions that are all right, whatever its weights say."""
    files = entries(packed)
    told = load(files["predictions.safetensors"])
    for split in ("val", "test"):
        right = torch.nn.functional.one_hot(told[f"{split}_labels"], 10)
        told[f"{split}_logits"] = 20.0 * right
    return changed(zipped({**files, "predictions.safetensors": save(told)}), **values)


def test_predictions_that_are_not_those_of_the_weights_are_not_believed(tiny, packed):
    again = dl.import_run(boasting(packed))
    assert again.record.test_accuracy == pytest.approx(tiny.record.test_accuracy, abs=0.003)
    assert again.evaluate("test").accuracy == again.record.test_accuracy
    assert not again.record.claimed


def test_what_cannot_be_measured_here_is_claimed_and_stands_last(tiny, packed, monkeypatch):
    data = {**tiny.record.data.model_dump(), "fingerprint": "0" * 16, "claimed": False}
    again = dl.import_run(boasting(packed, data=data))
    assert again.record.test_accuracy == 1
    assert again.record.claimed
    assert [row.record.id for row in rank_runs("optdigits")][-1] == again.id
    assert repr(again).endswith("(claimed))")
    monkeypatch.setattr(measure, "MOST_WORK", 1)
    assert dl.import_run(packed).record.claimed
    joined = dl.ensemble([tiny, dl.import_run(packed)])
    assert joined.record.claimed


def test_a_run_that_could_go_on_elsewhere_is_stopped_here(packed):
    assert dl.import_run(changed(packed, status="paused")).record.status == "stopped"
    assert dl.import_run(changed(packed, executor="bundled")).record.executor == "foreground"


def test_words_are_cut_and_strange_fields_left_behind(packed):
    again = dl.import_run(
        changed(packed, name="n" * 9_000, tags=["t" * 900] * 90, surprise="x", parent="../up")
    )
    record = again.record
    assert len(record.name) == 120
    assert len(record.tags) <= 20
    assert record.parent is None
    assert "members" not in record.data


def test_what_is_not_over_or_not_one_network_is_not_packed(add_record, train_tiny):
    record = add_record(status="running")
    with pytest.raises(ExportError, match="wait until it has ended"):
        dl.export(dl.open_run(record.id), "zip")
    joined = dl.ensemble([train_tiny(), train_tiny(seed=1)])
    with pytest.raises(ExportError, match="export its members instead"):
        dl.export(joined, "zip")


@pytest.mark.parametrize("name", ['"""+str(print("PWNED"))+"""', "../up", "a\nb", "MNIST", ""])
def test_a_dataset_has_no_name_that_could_be_code_or_a_path(packed, name):
    with pytest.raises(ArchiveError, match="name of a dataset"):
        import_run(changed(packed, dataset=name))


def test_datasets_made_elsewhere_keep_their_names(packed):
    name = f"mix:{'a' * 40}+{'b' * 40}"
    assert dl.import_run(changed(packed, dataset=name)).record.dataset == name


# ---- hostile ------------------------------------------------------------------------------------


def renamed(name):
    return lambda packed: zipped({**entries(packed), name: b"x"})


def linked(packed):
    link = zipfile.ZipInfo("error.txt")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped([*entries(packed).items(), (link, b"/etc/passwd")])


def bomb(packed):
    return zipped({**entries(packed), "history.json": b" " * 30_000_000})


def many(packed):
    return zipped([(f"{i}.json", b"") for i in range(100_000)], zipfile.ZIP_STORED)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def twice(packed):
    return zipped([*entries(packed).items(), ("record.json", b"{}")])


def without(name):
    return lambda packed: zipped({k: v for k, v in entries(packed).items() if k != name})


def with_file(name, content):
    return lambda packed: zipped({**entries(packed), name: content})


def weights(change):
    def make(packed):
        files = entries(packed)
        return zipped(
            {**files, "weights.safetensors": save(change(load(files["weights.safetensors"])))}
        )

    return make


def not_numbers(tensors):
    name = next(iter(tensors))
    return {**tensors, name: torch.full_like(tensors[name], torch.nan)}


def predictions(packed):
    files = entries(packed)
    told = load(files["predictions.safetensors"])
    told["test_labels"] = told["test_labels"] + 10
    return zipped({**files, "predictions.safetensors": save(told)})


HUGE = {"name": "huge", "layers": ["Flatten", {"Linear": {"out_features": 1_300_000}},
                                   {"Linear": {"out_features": 10}}]}  # fmt: skip

HOSTILE = {
    "no zip": lambda packed: b"PK\x03\x04 no zip at all",
    "cut": lambda packed: packed[: len(packed) // 2],
    "climbs out": renamed("../../evil.json"),
    "absolute": renamed("/tmp/evil.json"),
    "windows": renamed("C:\\evil.json"),
    "link": linked,
    "unknown file": renamed("code.py"),
    "pickle": renamed("weights.pt"),
    "twice": twice,
    "bomb": bomb,
    "100,000 entries": many,
    "no manifest": without("run.json"),
    "no record": without("record.json"),
    "another form": with_file("run.json", '{"form": 99}'),
    "record is no json": with_file("record.json", "{"),
    "record is a list": with_file("record.json", "[]"),
    "record nests": with_file("record.json", "[" * 100_000),
    "wrong record": with_file("record.json", '{"id": "x"}'),
    "id is a path": lambda packed: changed(packed, id="../../x"),
    "a status of its own": lambda packed: changed(packed, status="excellent"),
    "time is infinite": lambda packed: changed(packed, created=float("inf")),
    "scale is zero": lambda packed: changed(packed, normalization={"mean": 0, "std": 0}),
    "one class": lambda packed: changed(
        packed, data={"classes": ["0"], "val_fraction": 0.1, "split_seed": 0}
    ),
    "recipe of its own": lambda packed: changed(packed, config={"epochs": -1}),
    "unknown layer": lambda packed: changed(packed, spec={"name": "x", "layers": ["os.system"]}),
    "a billion parameters": lambda packed: changed(packed, spec=HUGE),
    "weights are NaN": weights(not_numbers),
    "weights of another network": weights(lambda tensors: {"0.weight": torch.zeros(3)}),
    "weights are no tensors": with_file("weights.safetensors", b"\x80\x04K\x01."),
    "a header without end": with_file("weights.safetensors", b"\xff" * 64),
    "labels out of range": predictions,
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_anything_else_is_refused_and_leaves_nothing(make, packed, home, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    ids = [record.id for record in store.list_records()]
    with pytest.raises(DigitlabError) as told:
        import_run(make(packed))
    assert len(str(told.value)) < 600
    assert [record.id for record in store.list_records()] == ids
    assert {path for path in tmp_path.rglob("*") if path.is_file()} - before <= set(
        home.glob("digitlab.db*")
    )


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(ArchiveError, match="cannot be read"):
        dl.import_run(tmp_path / "none.zip")


def test_all_that_an_import_writes_counts(packed, monkeypatch):
    files = entries(packed)
    history = json.loads(files["history.json"])
    rows = [{**history["steps"][0], "step": step} for step in range(2_000)]
    longer = zipped({**files, "history.json": json.dumps({**history, "steps": rows})})
    weights, predictions = (len(files[f"{n}.safetensors"]) for n in ("weights", "predictions"))
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    for content, most in (
        (packed, weights + predictions // 2),
        (without("weights.safetensors")(packed), predictions // 2),
        (longer, weights + predictions + 100_000),
    ):
        monkeypatch.setenv("DIGITLAB_VISITOR_DISK", str(most))
        with owners.acting_for(owners.owner_of("ann")):
            with pytest.raises(RunError, match="VISITOR_DISK"):
                import_run(content)
            assert not store.list_runs_of([owners.owner_of("ann")], 0)


def test_a_run_without_weights_keeps_its_results(tiny, packed):
    again = dl.import_run(without("weights.safetensors")(packed))
    assert again.evaluate("test").accuracy == tiny.evaluate("test").accuracy
    assert not (again.folder / run_folder.WEIGHTS).exists()
