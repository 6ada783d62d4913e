"""For whom the server acts where no page is made: in threads, and for what an address claims."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import streamlit as st
from streamlit import runtime

import digitlab as dl
from digitlab import owners
from digitlab.data import collections, own
from digitlab.data.own_files import dataset_file
from digitlab.errors import DigitlabError
from digitlab.ui import exports, preload, visitor
from digitlab.ui.drawing import collection_files

ANN, BOB = owners.owner_of("ann"), owners.owner_of("bob")
ONE = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)


@pytest.fixture
def server(monkeypatch):
    """A server for strangers, in a thread that belongs to no page."""
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    monkeypatch.setattr(runtime, "exists", lambda: True)
    monkeypatch.setattr(owners, "_find_visitor", visitor.find_visitor)
    with ThreadPoolExecutor(1) as thread:
        yield lambda function: thread.submit(function).result()


def test_a_thread_of_a_server_sees_and_changes_nothing_of_anybody(server, train_tiny):
    with owners.acting_for(ANN):
        anns = train_tiny()
    with owners.acting_for(None):
        everybodys = train_tiny()
    assert server(lambda: [run.id for run in dl.list_runs(bundled=False)]) == [everybodys.id]
    for run in (anns, everybodys):
        with pytest.raises(DigitlabError, match="is not yours"):
            server(partial(dl.delete_run, run.id))


def test_preloading_acts_for_the_server(server, monkeypatch):
    seen = []
    monkeypatch.setattr(preload, "PAGE_SECONDS", 0)
    monkeypatch.setattr(preload, "has_processes", lambda: True)
    monkeypatch.setattr(preload, "_read_a_stroke", lambda: seen.append(owners.acting()))
    server(preload._load)
    assert seen == [None]


def test_a_file_is_made_for_who_saw_its_button(server, optdigits, monkeypatch):
    offered = []
    monkeypatch.setattr(st, "download_button", lambda *args, **more: offered.append((args, more)))

    def offer():
        offered.clear()
        collection_files._offer_downloads("anns")
        exports.button("", partial(dataset_file, "anns", "npz"), "", "", "", "key")
        return [more["data"] if "data" in more else args[1] for args, more in offered]

    with owners.acting_for(ANN):
        collections.keep_drawing("anns", ONE)
        own.add_version("anns", optdigits, [])
        assert all(map(server, offer()))
    with owners.acting_for(BOB):
        for make in offer():
            with pytest.raises(DigitlabError, match="anns"):
                server(make)
