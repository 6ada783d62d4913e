"""Runs' files in a folder or a bucket that several homes share."""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest

import digitlab as dl
from digitlab.errors import SettingsError, StorageError
from digitlab.execution.prepare import new_record, plan
from digitlab.jobs import worker
from digitlab.runs import checkpoints, run_folder, storage, store
from digitlab.runs.database import rescan
from digitlab.settings import read_settings

RECIPE = dl.TrainConfig(epochs=4, learning_rate=0.01, batch_size=64, device="cpu")


@pytest.fixture(scope="session")
def server():
    """An object store that speaks S3, on this machine."""
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    started = moto.ThreadedMotoServer(port=0, verbose=False)
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def google():
    """An object store that speaks as Google's does, on this machine, with the bucket `lab`; its
    port."""
    emulator = pytest.importorskip(
        "gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed"
    )
    started = emulator.create_server("127.0.0.1", 0, in_memory=True, default_bucket="lab")
    started.start()
    yield started._api._httpd.server_port
    started.stop()


@pytest.fixture
def google_account(monkeypatch, tmp_path):
    """Credentials of an account at Google's that nobody has."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "client_email": "lab@lab.iam.gserviceaccount.com",
        "private_key_id": "1",
        "private_key": pem,
        "token_uri": "http://127.0.0.1:1/token",
    }
    path = tmp_path / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    monkeypatch.setattr(storage, "LOOK_SECONDS", 0.0)
    yield path
    storage._connect.cache_clear()


def google_address(bucket, port):
    return f"gs://{bucket}/runs?scheme=http&endpoint_override=127.0.0.1:{port}"


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """A new bucket for the runs' files, and a store that is not in the home; its client."""
    import boto3

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    monkeypatch.setattr(storage, "LOOK_SECONDS", 0.0)
    host, port = server.get_host_and_port()
    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    name = f"lab{time.monotonic_ns()}"
    client.create_bucket(Bucket=name)
    monkeypatch.setenv("DIGITLAB_STORAGE", address(name, port))
    client.name, client.port = name, port
    return client


def address(bucket, port):
    return f"s3://{bucket}/runs?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"


@pytest.fixture
def act_in(tmp_path, monkeypatch):
    """A function that lets this process act in a home of that name."""

    def act(name):
        monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / name))

    return act


def train(**recipe):
    config = RECIPE.changed(**recipe)
    return dl.train("logistic-regression", "optdigits", config, progress=False)


def objects(client):
    listed = client.list_objects_v2(Bucket=client.name).get("Contents", [])
    return {entry["Key"] for entry in listed if not entry["Key"].endswith("/")}


def test_a_run_of_one_home_is_whole_in_another(bucket, act_in, optdigits):
    act_in("first")
    run = train()
    images = optdigits.test.images[:5]
    answers, before = run.predict(images), objects(bucket)
    assert any(name.endswith("index.json") for name in before)
    act_in("second")
    other = dl.open_run(run.id)
    assert other.evaluate("test").accuracy == run.record.test_accuracy
    np.testing.assert_array_equal(other.predict(images), answers)
    assert checkpoints.load_state(run.id).step == run.record.total_steps
    dl.label_run(run.id, note="from the second")
    act_in("first")
    assert json.loads((run.folder / "record.json").read_text())["note"] == "from the second"
    dl.delete_run(run.id)
    assert objects(bucket) == set()


def test_a_run_in_a_bucket_of_googles_is_whole_in_another_home(
    google, google_account, act_in, monkeypatch
):
    from pyarrow.fs import FileSelector

    monkeypatch.setenv("DIGITLAB_STORAGE", google_address("lab", google))
    act_in("first")
    run = train(epochs=1)
    assert run.record.notices == []
    act_in("second")
    other = dl.open_run(run.id)
    assert other.evaluate("test").accuracy == run.record.test_accuracy
    assert checkpoints.load_state(run.id).step == run.record.total_steps
    dl.label_run(run.id, note="from the second")
    act_in("first")
    assert json.loads((run.folder / "record.json").read_text())["note"] == "from the second"
    dl.delete_run(run.id)
    system, base = storage._open()
    assert system.get_file_info(FileSelector(base, recursive=True, allow_not_found=True)) == []


def test_what_is_wrong_with_a_bucket_of_googles_is_said(
    google, google_account, act_in, monkeypatch
):
    act_in("first")
    monkeypatch.setenv("DIGITLAB_STORAGE", google_address("nosuch", google))
    assert "there is no such bucket" in storage.send("some-run", _folder())
    with pytest.raises(StorageError, match="there is no such bucket"):
        storage.begin("some-run", _folder(), new=False)
    monkeypatch.setenv("DIGITLAB_STORAGE", google_address("lab", google))
    google_account.unlink()
    storage._connect.cache_clear()
    reason = storage.send("some-run", _folder())
    assert "no credentials are given" in reason
    assert "GOOGLE_APPLICATION_CREDENTIALS" in reason


def test_what_is_here_by_its_digest_is_not_read_again(bucket, act_in, monkeypatch):
    act_in("first")
    run = train(epochs=1)
    act_in("second")
    reads = []
    read = storage._read_object
    monkeypatch.setattr(
        storage, "_read_object", lambda *names: reads.append(names[1]) or read(*names)
    )
    assert dl.open_run(run.id).folder.is_dir()
    assert {"weights.safetensors", "predictions.safetensors"} <= set(reads)
    first = len(reads)
    assert dl.open_run(run.id).folder.is_dir()
    assert len(reads) == first
    (run.folder / "weights.safetensors").write_bytes(b"damaged here")
    dl.open_run(run.id).evaluate("train")
    assert reads[first:] == ["weights.safetensors"]


def test_a_run_is_resumed_in_another_home_with_the_very_weights(bucket, act_in):
    act_in("whole")
    whole = train()
    act_in("first")
    experiment = plan("logistic-regression", "optdigits", RECIPE)
    run_id = new_record(experiment, status="queued", executor="process").id

    from digitlab.execution.recorder import Recorder

    note = Recorder.note

    def pause_after_two(self, event):
        note(self, event)
        if getattr(event, "epoch", 0) == 2:
            self.control.press("pause")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Recorder, "note", pause_after_two)
        assert worker.work() == 1
    assert store.get_record(run_id).status == "paused"
    store.change_status(run_id, "paused", "queued")
    act_in("second")
    assert worker.work() == 1
    run = dl.open_run(run_id)
    assert run.record.status == "finished"
    assert [row["epoch"] for row in run.history.epochs] == [1, 2, 3, 4]
    for name, tensor in whole.model.state_dict().items():
        assert (tensor == run.model.state_dict()[name]).all()


def test_without_the_server_nothing_is_lost_and_it_is_sent_later(bucket, act_in, monkeypatch):
    act_in("first")
    there = read_settings().storage
    monkeypatch.setenv("DIGITLAB_STORAGE", address(bucket.name, 1))
    run = train(epochs=1)
    assert run.record.status == "finished"
    (notice,) = (text for text in run.record.notices if text.startswith(storage.ALONE))
    assert "the server does not answer" in notice
    assert run.evaluate("test").accuracy == run.record.test_accuracy
    act_in("second")
    with pytest.raises(StorageError, match="the server does not answer"):
        dl.open_run(run.id).evaluate("test")
    waiting = new_record(plan("logistic-regression", "optdigits", RECIPE), status="queued",
                         executor="process").id  # fmt: skip
    assert worker.work() == 0
    record = store.get_record(waiting)
    assert (record.status, record.step) == ("queued", 0)
    assert "the server does not answer" in record.message
    monkeypatch.setenv("DIGITLAB_STORAGE", there)
    act_in("first")
    storage.send_unsent()
    act_in("second")
    assert dl.open_run(run.id).evaluate("test").accuracy == run.record.test_accuracy


def test_a_missing_bucket_and_refused_credentials_are_said(bucket, act_in, monkeypatch, server):
    import requests

    act_in("first")
    monkeypatch.setenv("DIGITLAB_STORAGE", address("nosuch", bucket.port))
    assert "there is no such bucket" in storage.send("some-run", _folder())
    with pytest.raises(StorageError, match="there is no such bucket"):
        storage.begin("some-run", _folder(), new=False)
    auth = f"http://127.0.0.1:{bucket.port}/moto-api/reset-auth"
    monkeypatch.setenv("DIGITLAB_STORAGE", address(bucket.name, bucket.port))
    requests.post(auth, data=b"0", timeout=60)
    try:
        reason = storage.send("some-run", _folder())
    finally:
        requests.post(auth, data=b"inf", timeout=60)
    assert "the credentials are refused" in reason
    assert "a secret" not in reason
    assert storage.send("some-run", _folder()) == ""


def _folder():
    folder = read_settings().runs / "some-run"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "spec.yaml").write_text("name: x")
    return folder


def test_a_damaged_object_is_named_and_an_index_leads_nowhere_else(bucket, act_in):
    act_in("first")
    run = train(epochs=1)
    index = f"runs/{run.id}/index.json"
    entries = json.loads(bucket.get_object(Bucket=bucket.name, Key=index)["Body"].read())
    weights = f"runs/{run.id}/{entries['weights.safetensors']}"
    bucket.put_object(Bucket=bucket.name, Key=weights, Body=b"other bytes")
    act_in("second")
    with pytest.raises(StorageError, match=r"weights\.safetensors of run .* is missing or damaged"):
        storage.fetch(run.id, read_settings().runs / run.id, now=True)
    for name in ("../../evil", "/etc/evil", "a/b/c", "", "..\\evil"):
        body = json.dumps({name: entries["spec.yaml"]}).encode()
        bucket.put_object(Bucket=bucket.name, Key=index, Body=body)
        with pytest.raises(StorageError, match="is damaged"):
            storage.fetch(run.id, read_settings().runs / run.id, now=True)


def test_a_folder_that_homes_share_holds_the_files_of_both(act_in, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_STORAGE", str(tmp_path / "shared"))
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    act_in("first")
    run = train(epochs=1)
    assert run.folder == tmp_path / "shared" / run.id
    act_in("second")
    assert dl.open_run(run.id).evaluate("test").accuracy == run.record.test_accuracy
    (tmp_path / "shared.db").unlink()
    assert [found.id for found in dl.list_runs(bundled=False)] == [run.id]
    assert rescan() == {}
    assert not (tmp_path / "second" / "runs").exists()
    shutil.rmtree(tmp_path / "shared")


@pytest.mark.parametrize("wrong", ["ftp://host/x", "s3://", "s3:///x", "http://bucket"])
def test_an_address_that_is_none_says_what_is_allowed(monkeypatch, wrong):
    monkeypatch.setenv("DIGITLAB_STORAGE", wrong)
    with pytest.raises(SettingsError, match="a folder, s3://BUCKET/PATH or gs://"):
        read_settings()


def test_a_run_folder_of_the_home_needs_no_storage(tiny):
    assert not storage.is_used()
    assert run_folder.run_folder(tiny.id) == read_settings().runs / tiny.id
    assert not (tiny.folder / storage.UNSENT).exists()
