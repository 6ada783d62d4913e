"""Run ids are safe in paths and URLs, and a record survives the store and JSON whole."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from digitlab.errors import RunNotFoundError
from digitlab.runs import run_folder, store
from digitlab.runs.record import RunRecord, check_run_id, new_run_id


@pytest.mark.parametrize(
    "name",
    [
        "Small CNN",
        "../../etc/passwd",
        "Ünïcode ☃ 数字",
        "",
        "---",
        "a" * 500,
        "x\0y\n",
        "C:\\x",
        "%2e",
    ],
)
def test_an_id_made_from_any_name_is_safe(name):
    run_id = new_run_id(name)
    assert check_run_id(run_id) == run_id
    assert re.fullmatch(r"[a-z0-9-]{10,60}", run_id)


def test_ids_name_the_model_and_differ():
    ids = {new_run_id("Small CNN") for _ in range(200)}
    assert len(ids) == 200
    assert all(run_id.startswith("small-cnn-") for run_id in ids)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc",
        "-x",
        "A",
        "a b",
        "a.b",
        "a\n",
        "a\0",
        "ä",
        "a" * 81,
        None,
        5,
        ["a"],
    ],
)
def test_what_is_no_id_reaches_no_path(home, wrong):
    for use in (check_run_id, run_folder.run_folder, run_folder.stop_file, store.get_record):
        with pytest.raises(RunNotFoundError, match="There is no run"):
            use(wrong)
    assert not (home / "runs").exists()


def test_the_message_about_a_long_id_stays_short():
    with pytest.raises(RunNotFoundError) as caught:
        check_run_id("a" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_record_comes_back_from_the_store_as_it_was(add_record):
    record = add_record(
        name="Ünïcode ☃ '; DROP TABLE runs; --",
        status="stopped",
        executor="foreground",
        environment={"torch": "2", "gpu": None},
        normalization={"mean": 0.1307, "std": 0.3081},
        seed=2**63 - 1,
        parameters=7850,
        started=1.5,
        ended=2.5,
        best_epoch=3,
        kept_epoch=2.75,
        val_accuracy=0.1 + 0.2,
        message="[bold]a\nb",
    )
    assert store.get_record(record.id) == record


def test_a_record_survives_json_and_unknown_fields(add_record):
    record = add_record(train_loss=0.25)
    plain = json.loads(json.dumps({**record.model_dump(), "steps": [], "later": 1}))
    assert RunRecord(**plain) == record


def test_records_are_frozen_and_their_status_is_one_of_seven(add_record):
    record = add_record()
    with pytest.raises(ValidationError, match="frozen"):
        record.status = "finished"
    with pytest.raises(ValidationError, match="status"):
        RunRecord(**{**record.model_dump(), "status": "pausing"})
    assert record.active
    assert not record.model_copy(update={"status": "interrupted"}).active


def test_what_a_later_version_wrote_of_the_data_is_listed_and_kept(add_record):
    data = {"classes": ["a", "b"], "how": "by lot", "trust": {"new": "words"}, "weather": [1]}
    record = add_record(data=data)
    assert store.list_records() == [record]
    assert store.get_record(record.id).data.model_dump() == data
