"""The command line: one JSON document on stdout, progress on stderr, one line for a mistake."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.cli import app, main
from digitlab.exports.formats import FORMATS
from digitlab.jobs import queue, resume
from digitlab.runs import store
from digitlab.sweeps import sweep, worker
from digitlab.words import percent
from tests.conftest import PATIENCE, wait_for
from tests.drawing.photographed import boxed_page
from tests.models.small_graph import SMALL_GRAPH

ROOT = Path(__file__).parents[1]
TRAIN = ["train", "logistic-regression", "--dataset", "optdigits", "--set", "learning_rate=0.01"]


@pytest.fixture
def command(capsys):
    """A function that runs a command in this process: (exit status, stdout, stderr)."""

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return left.value.code, out, err

    return run


@pytest.fixture
def as_json(command):
    """A function that runs a command with --json and gives the one document it printed."""

    def run(*arguments):
        code, out, err = command(*arguments, "--json")
        assert code == 0, err
        assert out.count("\n") == 1
        assert out.endswith("\n")
        return json.loads(out, parse_constant=pytest.fail), err

    return run


@pytest.fixture
def drawing(tmp_path):
    """A photo-like drawing of a one: a dark stroke on light paper."""
    image = Image.new("RGB", (300, 400), (250, 248, 240))
    ImageDraw.Draw(image).line([(160, 60), (150, 340)], fill=(20, 20, 60), width=28)
    path = tmp_path / "one.png"
    image.save(path)
    return path


def names():
    return [entry.name or entry.callback.__name__ for entry in app.registered_commands]


def test_the_help_lists_every_command(command):
    for arguments in ([], ["--help"]):
        code, out, err = command(*arguments)
        assert (code, err) == (0, "")
        for name in names():
            assert name in out


@pytest.mark.parametrize("name", names())
def test_every_command_has_help_and_json(command, name):
    code, out, err = command(name, "--help")
    assert (code, err) == (0, "")
    assert "--json" in out


def test_the_help_of_train_lists_every_setting(command):
    _, out, _ = command("train", "--help")
    listed = {line.split()[0] for line in out.partition("Settings")[2].splitlines() if line.strip()}
    inner = {f"augmentation.{name}" for name in dl.Augmentation.model_fields}
    assert {*dl.TrainConfig.model_fields, *inner} - {"augmentation"} <= listed


def test_datasets(as_json, command):
    rows, err = as_json("datasets")
    assert err == ""
    by_name = {row["name"]: row for row in rows}
    assert by_name["mnist"]["train_images"] == 60_000
    assert by_name["optdigits"]["available"] is True
    assert by_name["optdigits"]["classes"] == 10
    code, out, _ = command("datasets")
    assert code == 0
    assert all(name in out for name in by_name)


def test_a_dataset_of_one_s_own_is_added_used_and_removed(as_json, command, tmp_path):
    file = write_table(tmp_path / "photos.csv")
    code, _, err = command("datasets", "--add", file, "--name", "photos")
    assert code == 1
    assert "--label-column answers it" in err
    assert "kind" in err
    facts, err = as_json("datasets", "--add", file, "--name", "photos", "--label-column", "kind")
    assert facts["classes"] == ["circle", "square"]
    assert "20 % of each class" in facts["split"]
    run, _ = as_json("train", "logistic-regression", "--dataset", "photos", "--set", "epochs=1")
    renamed, _ = as_json("datasets", "--rename", "photos", "--name", "shapes")
    assert renamed["runs"] == [run["run_id"]]
    assert "shapes" in [row["name"] for row in as_json("datasets")[0]]
    exported, _ = as_json("datasets", "--export", "shapes", "--out", tmp_path / "shapes.zip")
    assert exported["bytes"] > 0
    removed, err = as_json("datasets", "--remove", "shapes")
    assert removed["runs"] == [run["run_id"]]
    assert "1 of your runs" in err
    assert command("datasets", "--remove", "shapes")[0] == 1


def test_a_file_is_evaluated_or_answered(as_json, run_id, tmp_path, optdigits):
    images, labels = optdigits.test.images.numpy(), optdigits.test.labels.numpy()
    np.savez(tmp_path / "mine.npz", images=images, labels=labels)
    result, _ = as_json("evaluate", run_id, "--file", tmp_path / "mine.npz")
    assert result["accuracy"] == pytest.approx(dl.open_run(run_id).evaluate("test").accuracy)
    head = ",".join(f"pixel{i}" for i in range(784))
    rows = images.reshape(len(images), -1)
    np.savetxt(tmp_path / "test.csv", rows, "%d", ",", header=head, comments="")
    file = tmp_path / "answers.csv"
    written, _ = as_json("evaluate", run_id, "--file", tmp_path / "test.csv", "--out", file)
    assert written["path"] == str(file)
    assert file.read_text().startswith("ImageId,Label\n1,")


def test_what_a_file_to_evaluate_leaves_open_is_answered_by_an_option(
    as_json, command, run_id, tmp_path, optdigits
):
    rows = optdigits.test.images.numpy().reshape(-1, 784)
    rows = np.column_stack([optdigits.test.labels.numpy(), rows])
    head = ",".join(["kind", *(f"p{i}" for i in range(784))])
    file = tmp_path / "mine.csv"
    np.savetxt(file, rows, "%d", ",", header=head, comments="")
    code, _, err = command("evaluate", run_id, "--file", file)
    assert code == 1
    assert "Here --label-column answers it: kind" in err
    options = ("--label-column", "kind", "--first-label", "0")
    assert as_json("evaluate", run_id, "--file", file, *options)[0]["n"] == len(rows)


def write_table(path):
    """A CSV of random images whose column of labels has an unusual name, in the middle."""
    rng = np.random.default_rng(0)
    head = [f"p{i}" for i in range(400)] + ["kind"] + [f"p{i}" for i in range(400, 784)]
    rows = [rng.integers(0, 255, 784).astype(str).tolist() for _ in range(40)]
    for i, row in enumerate(rows):
        row.insert(400, ("circle", "square")[i % 2])
    path.write_text("\n".join(",".join(row) for row in [head, *rows]))
    return path


def test_models(as_json, command):
    rows, _ = as_json("models")
    by_name = {row["name"]: row for row in rows}
    assert by_name["logistic-regression"]["parameters"] == 7850
    assert "two-hidden-64-relu" in command("models")[1]


def test_one_model_layer_by_layer(as_json, command, tmp_path):
    shown, _ = as_json("models", "two-hidden-16-relu")
    assert shown["name"] == "two-hidden-16-relu"
    assert shown["parameters"] == sum(row["parameters"] for row in shown["layers"]) == 13_002
    assert [row["output_shape"] for row in shown["layers"]][:2] == ["784", "16"]
    path = tmp_path / "own.yaml"
    path.write_text(dl.load_model("two-hidden-16-relu").to_yaml())
    assert as_json("models", path)[0]["parameters"] == 13_002
    assert "Linear" in command("models", "two-hidden-16-relu")[1]
    path.write_text(SMALL_GRAPH.to_yaml())
    rows = as_json("models", path)[0]["layers"]
    assert [(row["name"], row["from"]) for row in rows if row["layer"] == "Add"] == [
        ("block.sum", "again, stem.relu"),
        ("", "tokens, position"),
    ]


def test_train_says_what_came_out_and_shows_progress_on_stderr(as_json):
    row, err = as_json(*TRAIN, "--epochs", 2, "--seed", 5, "--set", "optimizer=adam")
    asked = {"run_id", "model", "dataset", "parameters", "epochs", "val_accuracy", "test_accuracy"}
    assert asked | {"train_seconds"} <= row.keys()
    assert row["model"] == "logistic-regression"
    assert row["dataset"] == "optdigits"
    assert (row["parameters"], row["epochs"], row["seed"]) == (7850, 2, 5)
    assert (row["status"], row["epochs_done"]) == ("finished", 2)
    assert 0.8 < row["test_accuracy"] <= 1
    assert row["train_seconds"] > 0
    assert "100 %" in err
    run = dl.open_run(row["run_id"])
    assert run.record.test_accuracy == row["test_accuracy"]
    assert (run.config.learning_rate, run.config.optimizer) == (0.01, "adam")


def test_train_starts_from_the_presets_recipe_and_takes_what_is_said(as_json):
    row, _ = as_json(*TRAIN, "--epochs", 1, "--name", "[b]mine", "--set", "augmentation.shift=0.1")
    config = dl.open_run(row["run_id"]).config
    recipe = dl.load_preset("logistic-regression").recipe
    assert (config.optimizer, config.batch_size) == (recipe["optimizer"], recipe["batch_size"])
    assert (config.epochs, config.augmentation.shift) == (1, 0.1)
    assert row["name"] == "[b]mine"


def test_train_takes_several_models_and_values_and_trains_every_combination(as_json, command):
    models, settings = ["logistic-regression", "naive-bayes"], ["--epochs", 1, "--set", "seed=0,1"]
    rows, _ = as_json("train", *models, *TRAIN[2:], *settings, "--name", "Both")
    assert [(row["model"], row["seed"]) for row in rows] == [(m, s) for m in models for s in (0, 1)]
    (sweep,) = {dl.open_run(row["run_id"]).record.data.sweep for row in rows}
    assert sweep.name == "Both"
    code, _, err = command(*TRAIN, "--set", "momentum=0.5,2")
    assert code == 1
    assert "momentum 2" in err


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("seed=,", "seed has no value"),
        ('seed={"a":1},2', "not {'a': 1}"),
        ("other.rotation=5,10", "no field 'other.rotation'"),
    ],
)
def test_values_that_make_no_sweep_are_one_clear_line(command, setting, text):
    code, _, err = command(*TRAIN, "--set", setting)
    assert code == 1
    assert text in err
    assert err.strip().count("\n") == 0


@pytest.mark.parametrize(("executor", "count"), [("work", 0), ("ray", None)])
def test_work_tells_how_many_runs_it_carried_out_if_it_knows(as_json, monkeypatch, executor, count):
    monkeypatch.setenv("DIGITLAB_EXECUTOR", executor)
    monkeypatch.setattr(worker, "keep_placing", lambda linger: None)
    monkeypatch.setattr(worker, "keep_working", lambda once: 0)
    assert as_json("work", "--once")[0] == {"runs carried out": count}


def test_sweep_searches_a_model_or_a_file_and_goes_on(as_json, command, monkeypatch, tmp_path):
    monkeypatch.setattr(sweep, "launch_worker", worker.work)  # here, before it is waited for
    monkeypatch.setattr("digitlab.jobs.worker.log", lambda _text: None)
    space = ["--search", "learning_rate=0.01,0.1", "--set", "epochs=1", "--set", "subset=200"]
    words = ["sweep", "logistic-regression", "--dataset", "optdigits", *space]
    result, err = as_json(*words, "--method", "grid", "--seeds", 1)
    assert [trial["values"]["learning_rate"] for trial in result["trials"]] == [0.01, 0.1]
    assert (result["phase"], len(result["retrained"])) == ("finished", 1)
    assert result["test_mean"] == result["retrained"][0]["test_accuracy"]
    assert result["sweep_id"] in err
    code, out, _ = command("sweep", result["sweep_id"])  # which has ended: it is shown
    assert code == 0
    assert "best by validation" in out
    path = tmp_path / "search.yaml"
    path.write_text("model: logistic-regression\nsearch: {learning_rate: [1000]}\n")
    code, _, err = command("sweep", path)
    assert code == 1
    assert "learning_rate" in err
    assert err.strip().count("\n") == 0


def test_train_takes_a_file(as_json, tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(
        "name: own\ninput: [1, 28, 28]\nlayers:\n- Flatten\n- Linear: {out_features: 10}"
    )
    row, _ = as_json("train", path, "--dataset", "optdigits", "--epochs", 1)
    assert (row["model"], row["parameters"]) == ("own", 7850)


def test_names_with_brackets_are_printed_as_they_are(command):
    code, out, _ = command(*TRAIN, "--epochs", 1, "--name", "[/b] :x:")
    assert code == 0
    assert "[/b] :x:" in out


def test_runs(as_json, command, run_id):
    rows, err = as_json("runs")
    assert err == ""
    assert rows[0]["run_id"] == run_id
    assert rows[0]["status"] == "finished"
    assert len(as_json("runs", "--limit", 1)[0]) == 1
    assert run_id in command("runs")[1]


def test_numbers_that_are_not_finite_are_null_in_json(as_json, run_id):
    store.update_run(run_id, val_loss=float("inf"))
    assert as_json("runs")[0][0]["val_loss"] is None


def test_runs_of_a_new_home_are_those_that_came_along(as_json):
    assert [row["run_id"] for row in as_json("runs")[0]] == [run.id for run in dl.list_runs()]


def test_evaluate(as_json, command, run_id, optdigits):
    result, err = as_json("evaluate", run_id)
    assert err == ""
    assert result["run_id"] == run_id
    assert result["accuracy"] == dl.open_run(run_id).record.test_accuracy
    assert 0 < result["loss"] < 3
    confusion = np.array(result["confusion"])
    assert confusion.shape == (10, 10)
    assert confusion.sum() == 359
    assert np.trace(confusion) / 359 == pytest.approx(result["accuracy"])
    assert [row["name"] for row in result["per_class"]] == list("0123456789")
    assert {"precision", "recall", "f1", "support"} <= result["per_class"][0].keys()
    assert as_json("evaluate", "latest")[0] == result
    assert as_json("evaluate", run_id[:-2], "--split", "val")[0]["n"] == 144
    assert percent(result["accuracy"]) in command("evaluate", run_id)[1]


def test_recognize(as_json, command, run_id, drawing):
    read, err = as_json("recognize", drawing, "--run", "latest")
    assert err == ""
    (digit,) = read["digits"]
    assert read["text"] == str(digit["label"])
    assert len(digit["probabilities"]) == 10
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert read == dl.recognize(drawing, run_id).to_dict()
    out = command("recognize", drawing, "--run", run_id)[1]
    assert out.splitlines()[0] == read["text"]


def test_recognize_reads_without_any_training(as_json, drawing):
    if not any(run.record.bundled for run in dl.list_runs()):
        pytest.skip("no run is bundled")
    assert as_json("recognize", drawing)[0]["text"] == "1"


def test_a_form_is_read_box_by_box(as_json, command, tmp_path):
    boxed_page(["470", "1 2"], gap=20).save(path := tmp_path / "form.png")
    assert as_json("recognize", path, "--form")[0] == [["4", "7", "0"], ["1", "", "2"]]
    assert command("recognize", path, "--form")[1] == "4\t7\t0\n1\t\t2\n"


def test_the_sheet_is_written(as_json, command, tmp_path):
    row, _ = as_json("datasets", "--sheet", tmp_path / "sheet.pdf")
    assert Path(row["path"]).read_bytes().startswith(b"%PDF")
    assert "letter" in command("datasets", "--sheet", tmp_path / "a.png", "--paper", "a0")[2]


def test_stop_is_harmless_where_a_run_has_ended(as_json, run_id):
    row, _ = as_json("stop", run_id)
    assert (row["run_id"], row["status"]) == (run_id, "finished")


def test_delete(as_json, command, run_id):
    assert as_json("delete", run_id)[0] == {"deleted": run_id}
    assert command("evaluate", run_id)[0] == 1


def test_a_run_whose_process_died_can_be_deleted(as_json, run_id):
    store.update_run(run_id, status="running", started=1.0)
    assert as_json("delete", run_id)[0] == {"deleted": run_id}


def test_export(as_json, command, run_id, tmp_path):
    written, err = as_json("export", run_id, "--format", "yaml", "--out", tmp_path)
    assert err == ""
    assert written["path"] == str(tmp_path / f"{run_id}.yaml")
    assert written["bytes"] == (tmp_path / f"{run_id}.yaml").stat().st_size
    by_ending, _ = as_json("export", "lenet-5", "--out", tmp_path / "net.PY")
    assert "def make_network()" in Path(by_ending["path"]).read_text()
    assert (
        "weights.safetensors"
        in command("export", "latest", "--out", tmp_path / "weights.safetensors")[1]
    )


def test_reproduce(as_json, command):
    asked = ("reproduce", "one-hidden-linear", "--dataset", "optdigits", "--seeds", "2")
    rows, err = as_json(*asked)
    assert "one-hidden-linear, seed 1" in err
    (row,) = rows
    assert (row["preset"], row["published"]) == ("one-hidden-linear", {"test_accuracy": 92})
    assert row["ours"]["test_accuracy"]["mean"] > 80
    assert len({attempt["run_id"] for attempt in row["attempts"]}) == 2
    code, out, err = command(*asked)
    assert (code, "seed 1" in err) == (0, False)  # it had been trained
    assert f"92 → {row['ours']['test_accuracy']['mean']:.2f} ±" in out
    assert command(*asked, "--markdown")[1].startswith("| preset |")


MISTAKES = [
    (["train"], "model"),
    (["train", "nosuch", "--dataset", "optdigits"], "no preset 'nosuch'"),
    (["train", "nosuch.yaml", "--dataset", "optdigits"], "nosuch.yaml"),
    (["train", "logistic-regression", "--dataset", "nosuch"], "no dataset 'nosuch'"),
    ([*TRAIN, "--epochs", "many"], "--epochs"),
    ([*TRAIN, "--epochs", "0"], "epochs"),
    ([*TRAIN, "--seed", "-1"], "seed"),
    ([*TRAIN, "--set", "epochs"], "key=value"),
    ([*TRAIN, "--set", "learning_rat=1"], "learning_rate"),
    ([*TRAIN, "--set", "learning_rate=-1"], "greater than 0"),
    ([*TRAIN, "--set", "augmentation.rotation=999"], "rotation"),
    ([*TRAIN, "--set", "nesterov=true"], "nesterov"),
    ([*TRAIN, "--set", "device=cuda:63"], "cuda:63"),
    ([*TRAIN, "--bogus"], "--bogus"),
    (["evaluate"], "run"),
    (["evaluate", "nobody"], "no run 'nobody'"),
    (["evaluate", "../../etc"], "no run '../../etc'"),
    (["evaluate", "latest"], "no run of your own yet"),
    (["recognize"], "image"),
    (["recognize", "nowhere.png", "--run", "nobody"], "nobody"),
    (["stop", "nobody"], "nobody"),
    (["delete", "nobody"], "nobody"),
    (["runs", "--limit", "0"], "--limit"),
    (["models", "nosuch"], "nosuch"),
    (["export", "nosuch", "--format", "py"], "nosuch"),
    (["export", "lenet-5"], "--format"),
    (["export", "lenet-5", "--format", "pickle"], "one of py, yaml, safetensors, onnx"),
    (["export", "lenet-5", "--format", "report"], "train it first"),
    (["import", "nowhere.zip"], "cannot be read"),
    (["ensemble", "reader-cnn"], "2 to 20 members"),
    (["reproduce"], "--all"),
    (["reproduce", "nosuch", "--dataset", "optdigits"], "nosuch"),
    (["reproduce", "lenet-5", "--all"], "--all"),
    (["reproduce", "lenet-5", "--dataset", "optdigits", "--seeds", "0"], "seeds"),
    (["datasets", "--download", "nosuch"], "nosuch"),
    (["datasets", "--sheet", "sheet.docx"], ".pdf or .png"),
    (["datasets", "--add", "nowhere.csv", "--name", "x"], "cannot be read"),
    (["datasets", "--rename", "nosuch", "--name", "x"], "no dataset of your own"),
    (["datasets", "--export", "optdigits", "--out", "a.csv"], ".npz or .zip"),
    (["nosuch"], "nosuch"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=lambda value: str(value)[:60])
def test_a_mistake_is_one_line_on_stderr_and_status_1(command, arguments, said):
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said.lower() in err.lower()
    assert store.list_records() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["recognize", "nowhere.png", "--run", "latest"], "nowhere.png"),
        (["recognize", __file__, "--run", "latest"], "PNG"),
        (["evaluate", "latest", "--split", "testing"], "train, val, test"),
    ],
)
def test_a_mistake_with_a_run_is_one_line_too(command, run_id, arguments, said):
    code, out, err = command(*arguments)
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_a_blank_drawing_is_one_line(command, run_id, tmp_path):
    path = tmp_path / "blank.png"
    Image.new("L", (100, 100), 255).save(path)
    code, out, err = command("recognize", path, "--run", run_id, "--json")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")


def test_a_setting_that_is_wrong_is_one_line(command, monkeypatch, home):
    monkeypatch.setenv("DIGITLAB_MAX_JOBS", "many")
    code, _, err = command("runs")
    assert code == 1
    assert err == "error: DIGITLAB_MAX_JOBS must be a whole number of at least 1; not 'many'.\n"
    monkeypatch.delenv("DIGITLAB_MAX_JOBS")
    home.write_text("in the way")
    code, _, err = command("runs")
    assert code == 1
    assert err.startswith("error: The run store ")
    assert err.count("\n") == 1


@contextmanager
def under_way(*arguments):
    """The process of a long training that has taken steps."""
    training = subprocess.Popen(
        [sys.executable, "-m", "digitlab", *TRAIN, "--epochs", "1000", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def learns() -> bool:
            assert training.poll() is None, training.communicate()
            return any(record.step for record in store.list_records())

        wait_for(learns)
        yield training
    finally:
        training.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_a_training_cleanly_and_keeps_the_run(number):
    with under_way("--json") as training:
        training.send_signal(number)
        out, err = training.communicate(timeout=PATIENCE)
    assert training.returncode == 0
    row = json.loads(out)
    assert row["status"] == "stopped"
    assert row["epochs_done"] < 1000
    assert 0 < row["test_accuracy"] < 1
    assert "Traceback" not in err
    run = dl.open_run(row["run_id"])
    assert run.record.status == "stopped"
    assert run.evaluate("test").accuracy == row["test_accuracy"]


@pytest.mark.parametrize("pause", [0.002, 0.4])
def test_a_series_of_ctrl_c_ends_at_once_and_leaves_a_run_that_can_be_resumed(pause):

    def press() -> bool:
        training.send_signal(signal.SIGINT)
        time.sleep(pause)
        return training.poll() is not None

    with under_way() as training:
        wait_for(press)
        _, err = training.communicate()
    assert "Traceback" not in err
    wait_for(lambda: not queue.active_runs())  # a young one may still begin
    record = store.list_records()[0]
    assert record.status in resume.RESUMABLE, record
    assert record.status != "failed", record.message


def test_a_run_leaves_in_every_form_and_comes_back(as_json, command, run_id, tmp_path):
    code, told, _ = command("export", "--help")
    assert code == 0
    for name in FORMATS:
        assert name in told
    (tmp_path / "all").mkdir()
    for name in ("csv", "kaggle", "card", "tensorboard", "notebook", "zip"):
        written, _ = as_json("export", run_id, "--format", name, "--out", tmp_path / "all")
        assert Path(written["path"]).stat().st_size == written["bytes"] > 0
    by_ending, _ = as_json("export", run_id, "--out", tmp_path / "a.ipynb")
    assert json.loads(Path(by_ending["path"]).read_text())["nbformat"] == 4
    back, _ = as_json("import", tmp_path / "all" / f"{run_id}.zip")
    assert back["tags"] == ["imported"]
    joined, _ = as_json("ensemble", run_id, back["run_id"], "--how", "vote", "--name", "Two")
    assert joined["name"] == "Two"
    assert joined["test_accuracy"] == back["test_accuracy"]  # twins


OWN = """
import torch
from torch import nn
import mine

class Net(nn.Module):
    def __init__(self, width=mine.WIDTH):
        super().__init__()
        self.hidden, self.out = nn.Linear(784, width), nn.Linear(width, 10)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x.flatten(1))))

def make():
    return Net(6)

net = Net(5)
words = "none"

def broken():
    raise ValueError("too wide")
"""


@pytest.fixture
def own_file(tmp_path):
    (tmp_path / "mine.py").write_text("WIDTH = 4\n")
    path = tmp_path / "my_model.py"
    path.write_text(OWN)
    return path


@pytest.mark.parametrize(("name", "width"), [("Net", 4), ("make", 6), ("net", 5)])
def test_a_network_of_ones_own_file_is_named_by_file_and_name(as_json, own_file, name, width):
    shown, _ = as_json("models", f"{own_file}:{name}")
    assert shown["parameters"] == 785 * width + (width + 1) * 10


def test_a_network_of_ones_own_file_is_trained(as_json, own_file):
    settings = ["--dataset", "optdigits", "--epochs", "1", "--set", "subset=100"]
    row, _ = as_json("train", f"{own_file}:Net", *settings)
    assert (row["model"], row["status"]) == ("Net", "finished")
    assert dl.open_run(row["run_id"]).spec.layers[1].name == "hidden"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nat", "has no Nat"),
        ("words", "gives str; it must be an nn.Module"),
        ("broken", "without arguments fails (ValueError: too wide)"),
    ],
)
def test_a_mistake_in_ones_own_file_is_one_line(command, own_file, name, words):
    code, _, err = command("models", f"{own_file}:{name}")
    assert code == 1
    assert words in err
    assert err.count("\n") == 1


def test_a_file_of_ones_own_that_fails_is_one_line(command, own_file, tmp_path):
    own_file.write_text("import nosuchthing\n")
    code, _, err = command("models", f"{own_file}:Net")
    assert (code, err.count("\n")) == (1, 1)
    assert "No module named 'nosuchthing'" in err
    assert command("models", f"{tmp_path / 'absent.py'}:Net")[2].startswith("error: There is no")


def test_what_differs_from_a_file_of_code_is_a_note(command, tmp_path):
    path = tmp_path / "two.py"
    path.write_text(
        "".join(f"n{n} = nn.Sequential(nn.Flatten(), nn.Linear(784, {n}))\n" for n in (5, 9))
    )
    code, out, err = command("models", path)
    assert code == 0
    assert "9" in out
    assert err.startswith("note: The text has several networks; n9 is read, not n5.")


def test_a_checkpoint_is_imported_with_the_network_of_ones_own_file(command, own_file, tmp_path):
    checkpoint = tmp_path / "own.pt"
    module = own_file.read_text() + f"\ntorch.save(net.state_dict(), {str(checkpoint)!r})\n"
    own_file.write_text(module)
    model = f"{own_file}:net"
    assert command("models", model)[0] == 0
    code, out, err = command("import", checkpoint, "--model", model, "--dataset", "optdigits")
    assert code == 0
    assert "training images read right" in err
    assert "Taken: " in err
    table = {line.split("  ")[0]: line.rstrip() for line in out.splitlines()}
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", table["created"])
    assert table["test accuracy"].endswith(" %")
    assert table["tags"].split() == ["tags", "imported"]


def test_lessons_are_listed_and_their_goals_checked(command, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_LESSONS", str(tmp_path))
    (tmp_path / "broken.md").write_text("## A step without a head")
    status, out, err = command("lessons", "--json")
    assert status == 0
    assert "note: The lesson broken has no head" in err
    assert "first-loss" in [row["lesson"] for row in json.loads(out)]
    status, out, _ = command("lessons", "first-loss", "--json")
    rows = json.loads(out)
    assert [row["reached"] for row in rows] == [False, False]
    assert "no run yet" in rows[0]["because"]
    status, _, err = command("lessons", "first-lost")
    assert status == 1
    assert "Did you mean first-loss" in err


def test_a_room_is_opened_looked_at_packed_and_ended(command, tmp_path):
    status, out, _ = command("rooms", "--open", "Class 5b", "--json")
    assert status == 0
    code, key = (json.loads(out)[name] for name in ("room", "key"))
    with dl.acting_for("a" * 32):
        dl.join_room(code, "Ann")
    assert key not in command("rooms")[1]
    assert json.loads(command("rooms", code, "--pause", "--json")[1])[0]["name"] == "Ann"
    assert dl.find_room(code).paused
    status, _, _ = command("rooms", code, "--clear-names", "--out", tmp_path / "room.zip", "--end")
    assert status == 0
    assert (tmp_path / "room.zip").is_file()
    status, _, err = command("rooms", code)
    assert status == 1
    assert "has ended" in err
