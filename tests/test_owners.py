"""What one visitor made, another neither sees nor changes, whatever they try."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.data import collections, own
from digitlab.errors import DigitlabError, RunError
from digitlab.imports.archive import import_run
from digitlab.jobs import queue, robustness, training_time
from digitlab.models import library
from digitlab.runs import store
from digitlab.runs.edit import adopt

ANN, BOB = owners.owner_of("ann"), owners.owner_of("bob")
ADMIN = owners.Visitor(owners.owner_of("admin@example.org"), admin=True)
RECIPE = dl.TrainConfig(epochs=1, batch_size=128, device="cpu")


@pytest.fixture
def anns(train_tiny):
    """A run of Ann's."""
    with owners.acting_for(ANN):
        return train_tiny()


@pytest.fixture(autouse=True)
def no_process(monkeypatch, tmp_path):
    """Nothing is started: what waits stays. Exports are written where nobody keeps them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr("digitlab.jobs.resume.launch_worker", lambda: None)
    monkeypatch.setattr(robustness, "launch", lambda *_: None)


ACTIONS = {
    "open": dl.open_run,
    "pause": dl.pause,
    "stop": dl.stop,
    "resume": dl.resume,
    "train longer": lambda run_id: dl.train_longer(run_id, 1),
    "repeat": dl.repeat,
    "more seeds": dl.run_seeds,
    "rename": lambda run_id: dl.label_run(run_id, name="mine"),
    "note": lambda run_id: dl.label_run(run_id, note="mine"),
    "tag": lambda run_id: dl.label_run(run_id, tags=["mine"]),
    "delete": dl.delete_run,
    "export": lambda run_id: dl.export(run_id, "zip"),
    "share": dl.share_run,
    "unshare": dl.unshare_run,
    "publish": dl.publish_run,
    "start from": lambda run_id: dl.submit(
        "logistic-regression", "optdigits", RECIPE, start_from=run_id
    ),
    "ensemble": lambda run_id: dl.ensemble([run_id, "logistic"]),
    "read a drawing": lambda run_id: dl.recognize(np.zeros((28, 28), np.uint8), run_id),
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_no_visitor_does_anything_with_a_run_of_another(anns, action):
    before = store.get_record(anns.id)
    with owners.acting_for(BOB), pytest.raises(RunError, match=f"{anns.id} is not yours"):
        action(anns.id)
    assert store.get_record(anns.id) == before
    assert len(dl.list_runs(bundled=False)) == 1


def test_lists_and_the_beginnings_of_ids_show_ones_own_and_everybodys(anns, train_tiny):
    everybodys = train_tiny(name="everybody's")
    with owners.acting_for(BOB):
        bobs = train_tiny(name="Bob's")
        assert [run.id for run in dl.list_runs(bundled=False)] == [bobs.id, everybodys.id]
        assert dl.open_run("latest").id == bobs.id
        assert anns.id not in store.find_ids("logistic")
        assert dl.open_run(everybodys.id).id == everybodys.id
        assert dl.open_run("logistic").record.bundled
        for other in (everybodys.id, anns.id):
            with pytest.raises(RunError, match=f"{other} is not yours"):
                dl.delete_run(other)
        with pytest.raises(RunError, match="comes with digitlab"):
            dl.delete_run("logistic")
    assert len(dl.list_runs(bundled=False)) == 3
    with owners.acting_for(ADMIN):
        assert len(dl.list_runs(bundled=False)) == 3
        dl.delete_run(bobs.id)
        dl.publish_run(anns.id)
    with owners.acting_for(BOB):
        assert {run.id for run in dl.list_runs(bundled=False)} == {anns.id, everybodys.id}


def test_a_link_shows_one_run_to_others_who_cannot_change_it(anns):
    with owners.acting_for(ANN):
        key = dl.share_run(anns.id)
        assert dl.share_run(anns.id) == key
    guest = owners.Visitor(BOB, keys=frozenset({key}))
    with owners.acting_for(guest):
        assert dl.open_run(anns.id).evaluate("test").accuracy > 0.5
        assert dl.list_runs(bundled=False) == []
        for action in (dl.stop, dl.delete_run, dl.share_run, dl.resume):
            with pytest.raises(RunError, match="is not yours"):
                action(anns.id)
        with pytest.raises(RunError, match="is not yours"):
            robustness.start_robustness(dl.open_run(anns.id), 10)
    with owners.acting_for(ANN):
        dl.unshare_run(anns.id)
    with owners.acting_for(guest), pytest.raises(RunError, match="is not yours"):
        dl.open_run(anns.id)


def test_a_shared_run_is_seen_with_its_data_and_a_shared_ensemble_with_its_members(
    optdigits, train_tiny
):
    with owners.acting_for(ANN):
        own.add_version("anns", optdigits, [])
        data = dl.load_dataset("anns")
        members = [train_tiny(data=data, seed=seed) for seed in (0, 1)]
        together = dl.ensemble(members)
        keys = frozenset(map(dl.share_run, (members[0].id, together.id)))
    images = optdigits.test.images[:2]
    with owners.acting_for(owners.Visitor(BOB, keys=keys)):
        assert dl.open_run(together.id).predict(images).shape == (2, 10)
        assert len(dl.open_run(members[0].id).load_data().train) == len(data.train)
        assert own.find_own("anns") is None
        with pytest.raises(RunError, match="is not yours"):
            dl.open_run(members[1].id)


def test_an_exported_run_does_not_tell_its_owner_and_belongs_to_who_imports_it(anns, tmp_path):
    with owners.acting_for(ANN):
        key = dl.share_run(anns.id)
        content = dl.export(anns.id, "zip", tmp_path / "run.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [archive.read(name) for name in archive.namelist()]
    assert not any(secret.encode() in entry for entry in entries for secret in (ANN, key))
    with owners.acting_for(BOB):
        copy = import_run(content)
        assert (copy.id != anns.id, copy.record.owner, copy.record.share) == (True, BOB, None)


def test_a_lost_store_is_rebuilt_with_its_owners_and_keys(anns, home):
    from digitlab.runs.database import _engine

    def rebuilt():
        for path in home.glob("digitlab.db*"):
            path.unlink()
        _engine.cache_clear()
        return store.get_record(anns.id)

    assert rebuilt().owner == ANN
    key = dl.share_run(anns.id)
    assert rebuilt().share == key
    dl.unshare_run(anns.id)
    assert rebuilt().share is None, "what is shared no longer stays so"


def test_nobody_touches_a_sweep_of_another(monkeypatch):
    with owners.acting_for(ANN):
        planned = dl.plan_sweep([("logistic-regression", RECIPE)], "optdigits", {"seed": [1, 2]})
        anns = dl.submit_sweep(planned)
    with owners.acting_for(BOB):
        assert store.list_sweep(anns.id) == []
        dl.stop_sweep(anns.id)
    assert [record.status for record in store.list_sweep(anns.id)] == ["queued", "queued"]


def test_each_visitor_has_collections_architectures_and_datasets_of_their_own(optdigits):
    drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
    spec = dl.load_model("logistic-regression")
    collections.keep_drawing("all", drawing)
    library.save_model(spec, "Shown")
    own.add_version("shown", optdigits, [])
    with owners.acting_for(ANN):
        collections.keep_drawing("mine", drawing)
        library.save_model(spec, "Mine")
        own.add_version("mine", optdigits, [])
        assert own.rename_dataset("mine", "ours").name == "ours"
        assert own.find_own("mine") == "ours"
    with owners.acting_for(BOB):
        assert collections.list_collections() == ("all",)
        assert library.list_saved() == ("Shown",)
        assert [info.name for info in own.list_own()] == ["shown"]
        assert own.find_own("mine") is None
        assert collections.keep_drawing("mine", drawing)  # another of that name
        collections.remove_collection("mine")
        own.add_version("ours", optdigits, [])
        (kept,) = collections.list_entries("all")
        for change in (
            lambda: collections.relabel("all", kept.id, 2),
            lambda: collections.remove_drawing("all", kept.id),
            lambda: collections.remove_collection("all"),
            lambda: library.delete_saved("Shown"),
            lambda: dl.delete_dataset("shown"),
            lambda: dl.rename_dataset("shown", "bobs"),
        ):
            with pytest.raises(DigitlabError, match="is not yours: only its owner may change it"):
                change()
        with pytest.raises(DigitlabError, match="no dataset of your own"):
            dl.delete_dataset("mine")
        assert collections.keep_drawing("all", drawing) != kept.id  # in one of Bob's own
        collections.relabel("all", collections.list_entries("all")[0].id, 2)
        assert [entry.label for entry in collections.list_entries("all")] == [2]
    assert collections.list_entries("all") == [kept]
    with owners.acting_for(ANN):
        assert collections.list_collections() == ("all", "mine")
        assert library.list_saved() == ("Mine", "Shown")
        assert [info.name for info in own.list_own()] == ["ours", "shown"]
        dl.delete_dataset("ours")
    assert own.find_own("ours") is None


def test_shares_name_the_limit_and_what_to_do(monkeypatch, add_record):
    for name, most in {
        "HOSTED": "demo",
        "VISITOR_QUEUED": 2,
        "VISITOR_COLLECTIONS": 1,
        "VISITOR_ARCHITECTURES": 1,
        "VISITOR_SECONDS": 100,
    }.items():
        monkeypatch.setenv(f"DIGITLAB_{name}", str(most))
    drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
    spec = dl.load_model("logistic-regression")

    def submit():
        return dl.submit("logistic-regression", "optdigits", RECIPE)

    with owners.acting_for(ANN):
        first, _ = submit(), submit()
        with pytest.raises(
            RunError, match=r"2 runs of yours are waiting.*VISITOR_QUEUED.*stop one"
        ):
            submit()
        collections.keep_drawing("one", drawing)
        collections.keep_drawing("one", drawing)
        with pytest.raises(DigitlabError, match=r"1 collection,.*VISITOR_COLLECTIONS.*Delete one"):
            collections.keep_drawing("two", drawing)
        library.save_model(spec, "one")
        library.save_model(spec, "one", overwrite=True)
        with pytest.raises(DigitlabError, match="VISITOR_ARCHITECTURES"):
            library.save_model(spec, "two")
        monkeypatch.setenv("DIGITLAB_VISITOR_DISK", "100")
        with pytest.raises(DigitlabError, match=r"over the 100 bytes.*VISITOR_DISK.*Delete"):
            collections.keep_drawing("one", drawing)
        monkeypatch.setenv("DIGITLAB_VISITOR_DISK", "100000000")
        dl.stop(first)
        training_time.note_training(ANN, 60)
        training_time.note_training(ANN, 41)  # of runs that may be deleted since
        with pytest.raises(RunError, match=r"1 min 41 s within a day.*VISITOR_SECONDS.*tomorrow"):
            submit()
    with owners.acting_for(BOB):
        submit()  # the share of another is another's
    with owners.acting_for(ADMIN):
        assert [submit() for _ in range(3)]


def test_who_signs_in_takes_over_what_they_made_before(anns, optdigits, monkeypatch):
    account = owners.owner_of("ann@example.org")
    drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
    for owner, names in ((ANN, ("old", "both")), (account, ("both", "new"))):
        with owners.acting_for(owner):
            for name in names:
                collections.keep_drawing(name, drawing)
    monkeypatch.setenv("DIGITLAB_VISITOR_DISK", "1000")
    with pytest.raises(RunError, match="VISITOR_DISK"):
        adopt(ANN, account)
    monkeypatch.delenv("DIGITLAB_VISITOR_DISK")
    assert adopt(ANN, account) == 1
    with owners.acting_for(account):
        assert collections.list_collections() == ("both", "new", "old")
        assert [run.id for run in dl.list_runs(bundled=False)] == [anns.id]
    assert store.get_record(anns.id).owner == account
    assert visitors.has_things(ANN)  # a collection whose name was taken
    with owners.acting_for(ANN):
        collections.remove_collection("both")
    assert adopt(ANN, account) == 0
    assert not visitors.has_things(ANN)


def test_an_owner_is_named_by_a_digest():
    with pytest.raises(DigitlabError, match=r"32 digits and letters .* not '\.\./runs'"):
        owners.Visitor("../runs")
    assert owners.acting() is None


def test_the_command_line_acts_for_a_visitor_when_asked(anns, capsys):
    from digitlab.cli import main

    for owner, listed in ((ANN, True), (BOB, False)):
        with pytest.raises(SystemExit):
            main(["--as", owner, "runs"])
        assert (anns.id in capsys.readouterr().out) == listed
    with pytest.raises(SystemExit):
        main(["--as", BOB, "runs", "--json"])
    with pytest.raises(SystemExit):
        main(["--as", BOB, "export", anns.id, "--format", "zip"])
    assert "is not yours" in capsys.readouterr().err
    assert owners.acting() is None
