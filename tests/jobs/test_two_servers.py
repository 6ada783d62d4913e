"""Two servers on one home, as behind a proxy: both show the same runs, queue and results."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.sync.client import connect

import digitlab as dl
from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.words import percent
from tests.benchmarks.visitors import is_end
from tests.browser.served import Lab
from tests.conftest import PATIENCE

RECIPE = dl.TrainConfig(epochs=5, learning_rate=0.01, batch_size=32, device="cpu")


@pytest.fixture
def servers(home, tmp_path):
    """Two servers that started at the same time, on a home that was not there."""
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    labs = [Lab(folder) for folder in folders]
    for lab in labs:
        lab.home = home
    at_once(Lab.start, labs)
    yield labs
    for lab in labs:
        lab.kill()


def at_once(act, labs) -> list:
    """What an act on each server gives; both are done at the same time."""
    with ThreadPoolExecutor(len(labs)) as pool:
        return list(pool.map(act, labs))


def read(lab: Lab, page: str, query: str = "") -> str:
    """All that a page says to a visitor, as it was sent."""
    asked = BackMsg()
    asked.rerun_script.page_name, asked.rerun_script.query_string = page, query
    said = b""
    address = f"{lab.url.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None) as socket:
        socket.send(asked.SerializeToString())
        while not is_end(heard := socket.recv(PATIENCE)):
            said += heard
    return said.decode("utf-8", "ignore")


def test_both_show_the_same_runs_queue_and_results(servers, wait_for):
    greetings = at_once(lambda lab: read(lab, ""), servers)
    assert all("Draw a digit" in greeting for greeting in greetings)
    ids = [
        queue.submit("logistic-regression", "optdigits", RECIPE, name=name)
        for name in ("Agnesi", "Bernoulli")
    ]
    waiting = at_once(lambda lab: read(lab, "Train"), servers)
    assert all("Agnesi" in page and "Bernoulli" in page for page in waiting)

    def both_ended():
        at_once(lambda lab: read(lab, "Train", f"run={ids[1]}"), servers)  # either may start one
        time.sleep(1)  # and the worker needs the cores, too
        states = [record.status for record in queue.active_runs()]
        assert states.count("running") <= 1
        return not states

    wait_for(both_ended)
    for run_id in ids:
        assert store.get_record(run_id).status == "finished"
        assert len(dl.open_run(run_id).history.epochs) == RECIPE.epochs, "it ran twice"
    accuracy = percent(store.get_record(run_id).test_accuracy)
    results = at_once(lambda lab: read(lab, "Results", f"run={run_id}"), servers)
    assert all(accuracy in page for page in results)
    servers[0].kill()  # the other one goes on
    assert accuracy in read(servers[1], "Results", f"run={run_id}")
