"""Downloading from a real local server: progress, checksums, and every way it goes wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import http.server
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from torchvision import datasets

from digitlab.data import catalog, download, registry
from digitlab.errors import DownloadError


def _idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.tobytes()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A server with a small MNIST; torchvision is pointed at it, with its true checksums."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    resources = []
    rng = np.random.default_rng(0)
    for part, count in (("train", 600), ("t10k", 100)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = gzip.compress(_idx(array))
            name = f"{part}-{kind}-ubyte.gz"
            (folder / name).write_bytes(content)
            resources.append((name, hashlib.md5(content).hexdigest()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _quiet_handler(folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    monkeypatch.setattr(datasets.MNIST, "mirrors", [address])
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    info = registry.find_dataset("mnist")
    fake = replace(info, train_size=600, test_size=100, download_bytes=400_000)
    monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, "mnist": fake})
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path / "data"))
    yield folder
    server.shutdown()
    server.server_close()


def _quiet_handler(folder):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(folder))

        def log_message(self, *args):
            pass

    return Handler


def test_a_download_ends_with_a_dataset_that_loads(mirror, tmp_path):
    import digitlab as dl

    seen = []
    data = dl.load_dataset(
        "mnist", download=True, on_progress=lambda done, total: seen.append((done, total))
    )
    assert (len(data.train) + len(data.val), len(data.test)) == (600, 100)
    assert seen[-1] == (400_000, 400_000)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert not list((tmp_path / "data").glob(".download-*"))


def test_a_wrong_checksum_is_refused_and_the_next_try_works(mirror, tmp_path):
    path = mirror / "t10k-labels-idx1-ubyte.gz"
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(DownloadError, match="wrong checksum"):
        download.download_dataset("mnist")
    assert not registry.is_available("mnist")
    assert not list((tmp_path / "data").iterdir())
    path.write_bytes(good)
    download.download_dataset("mnist")
    assert registry.is_available("mnist")


def test_a_damaged_file_is_replaced_by_downloading_again(mirror, tmp_path):
    import digitlab as dl

    download.download_dataset("mnist")
    path = tmp_path / "data" / registry.find_dataset("mnist").files[0]
    path.write_bytes(path.read_bytes()[:5000])
    running = download.start_download("mnist")
    while not running.finished:
        time.sleep(0.02)
    assert running.error is None
    assert len(dl.load_dataset("mnist").test) == 100


def test_no_network_is_said_in_one_sentence_with_a_way_on(mirror, monkeypatch):
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    with pytest.raises(DownloadError) as caught:
        download.download_dataset("mnist")
    assert "could not be reached" in str(caught.value)
    assert "optdigits" in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(mirror, monkeypatch, tmp_path):
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path / "a file" / "data"))
    with pytest.raises(DownloadError, match="cannot be written") as caught:
        download.download_dataset("mnist")
    assert str(tmp_path / "a file" / "data") in str(caught.value)


def test_a_full_disk_is_said(mirror, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_move_into_place", full)
    with pytest.raises(DownloadError, match=r"the disk of .* is full"):
        download.download_dataset("mnist")


def test_two_visitors_share_one_download(mirror, monkeypatch):
    both_asked = threading.Event()
    fetch = download._fetch
    monkeypatch.setattr(download, "_fetch", lambda *a: both_asked.wait(30) and fetch(*a))
    first = download.start_download("mnist")
    assert download.start_download("mnist") is first
    both_asked.set()
    while not first.finished:
        time.sleep(0.02)
    assert first.share == 1.0
    assert download.active_download("mnist") is first


def test_what_is_there_is_not_fetched_again(mirror, monkeypatch):
    download.download_dataset("mnist")
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])
    download.download_dataset("mnist")
