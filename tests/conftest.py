"""What all tests share: a home of their own, real digits, tiny trainings, other processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parents[1]
BROWSER = "tests/browser/"
TINY = {"epochs": 3, "learning_rate": 0.01, "batch_size": 128, "device": "cpu"}
PATIENCE = 300.0  # seconds for what takes a few, on a machine that others use, too

# The workers and the processes that they start share the cores: two threads in each wait for each
# other longer than they compute. Said before anything imports torch.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["DIGITLAB_WARM_WORKERS"] = "0"  # a test that wants some waits for them to leave
os.environ["DIGITLAB_COMPUTE_PROCESSES"] = "0"  # each would load torch anew: pages compute here
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # figures must not depend on a GPU being there
# Nor may anything depend on how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("patient")


def wait_for(condition):
    """Wait until a condition holds; what it returned."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE} s"
        time.sleep(0.1)
    return result


@pytest.hookimpl(optionalhook=True)  # where the workers are switched off, nobody asks
def pytest_xdist_make_scheduler(config, log):
    """A file stays with one worker, as `--dist loadfile` does; so do all that share a server."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    return Scheduling(config, log)


def pytest_collection_modifyitems(items):
    """The longest chain of tests begins at once."""
    items.sort(key=lambda item: not item.nodeid.startswith(BROWSER))


def pytest_addoption(parser):
    parser.addoption(
        "--store",
        choices=["sqlite", "postgres"],
        default="sqlite",
        help="the database of all tests; those that are marked `stores` use both without it",
    )


def pytest_generate_tests(metafunc):
    asked = metafunc.config.getoption("store")
    both = asked == "sqlite" and metafunc.definition.get_closest_marker("stores")
    if "store_address" in metafunc.fixturenames and (both or asked == "postgres"):
        kinds = ["sqlite", "postgres"] if both else ["postgres"]
        metafunc.parametrize("store_address", kinds, indirect=True)


@pytest.fixture(scope="session")
def postgres():
    """A Postgres server of the tests' own; they are skipped where none is installed."""
    pytest.importorskip("psycopg", reason="the driver of Postgres is not installed")
    from tests import postgres_server

    if postgres_server.find_programs() is None:
        pytest.skip("no Postgres server is installed (Debian: apt-get install postgresql)")
    server = postgres_server.PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def store_address(request):
    """The address of this test's store; None for an SQLite file in its home."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield None
        return
    if request.node.get_closest_marker("sqlite"):
        pytest.skip("it is about SQLite and its file")
    server = request.getfixturevalue("postgres")
    address = server.new_database()
    yield address
    from digitlab.runs import database

    database._engine.cache_clear()  # its connections end with the database
    server.drop(address)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch, store_address):
    """A fresh DIGITLAB_HOME for each test; nothing of the person running them is touched."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DIGITLAB_HOME", str(folder))
    limits = ("MAX_PARAMETERS", "MAX_MULTIPLY_ADDS", "MAX_MEMORY")
    for variable in (
        "DATABASE_URL",
        "STORAGE",
        "MAX_JOBS",
        *limits,
        "MAX_PIXELS",
        "THREADS",
        "HOSTED",
    ):
        monkeypatch.delenv(f"DIGITLAB_{variable}", raising=False)
    if store_address:
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", store_address)
    return folder


@pytest.fixture
def mnist():
    """Real MNIST, loaded; the test is skipped where its files are not on this machine."""
    import digitlab as dl
    from digitlab.data.registry import is_available

    if not is_available("mnist"):
        pytest.skip("MNIST is not on disk: set DIGITLAB_DATA to a folder that holds it")
    return dl.load_dataset("mnist")


@pytest.fixture
def optdigits():
    """The embedded dataset, loaded."""
    import digitlab as dl

    return dl.load_dataset("optdigits")


@pytest.fixture(scope="session")
def trained_home(tmp_path_factory):
    """A home with one finished run, (folder, run id): use it through `run_id`."""
    import digitlab as dl

    folder = tmp_path_factory.mktemp("trained") / "home"
    config = dl.TrainConfig(epochs=2, batch_size=128, learning_rate=0.01)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(folder))
        run = dl.train("logistic-regression", "optdigits", config, progress=False)
    return folder, run.id


@pytest.fixture
def run_id(trained_home, home):
    """The id of a finished run on optdigits (2 epochs) in this test's own home."""
    folder, run_id = trained_home
    shutil.copytree(folder, home)
    return run_id


@pytest.fixture
def train_tiny(optdigits, monkeypatch):
    """A function that trains logistic regression on optdigits (0.1 s) and returns the run.

    Every step is a window of its own, so that tests can act at any of them.
    """
    import digitlab as dl
    from digitlab.training import window

    monkeypatch.setattr(window, "SHORTEST", 1)

    def train(model="logistic-regression", data=None, on_event=None, name="", **recipe):
        config = dl.TrainConfig(**{**TINY, **recipe})
        return dl.train(
            model, data or optdigits, config, name=name, progress=False, on_event=on_event
        )

    return train


@pytest.fixture
def tiny(train_tiny):
    """A finished run."""
    return train_tiny()


@pytest.fixture
def add_record():
    """A function that stores a record of given columns and returns it."""

    import digitlab as dl
    from digitlab.runs import store
    from digitlab.runs.record import RunRecord, new_run_id

    def add(**columns):
        spec = dl.load_model("logistic-regression").to_dict()
        record = RunRecord(
            **{
                "id": new_run_id("made-up"),
                "name": "made up",
                "model": "logistic-regression",
                "dataset": "optdigits",
                "status": "queued",
                "executor": "process",
                "spec": spec,
                "config": dl.TrainConfig(**TINY).model_dump(),
                "data": {"classes": list("0123456789"), "val_fraction": 0.1, "split_seed": 0},
                "created": time.time(),
                **columns,
            }
        )
        store.add_run(record)
        return record

    return add


@pytest.fixture
def start_python():
    """A function that starts Python code in a process of its own; killed at the test's end."""
    started = []

    def start(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        process.wait()


@pytest.fixture
def let_go():
    """A function that lets processes go on that wait for each other at `ready()`."""

    def let_go(processes):
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()

    return let_go


@pytest.fixture
def start_together(start_python, let_go):
    """A function that starts code in several processes, which wait for each other at `ready()`."""

    def start(code, arguments):
        ready = (
            "import sys\ndef ready():\n    print('ready', flush=True)\n    sys.stdin.readline()\n"
        )
        processes = [start_python(ready + code, *each) for each in arguments]
        let_go(processes)
        return processes

    return start


@pytest.fixture(scope="session")
def outside():
    """A small convolutional network, trained in a plain loop, in evaluation mode; scaled by MNIST's
    mean and deviation."""
    import torch
    from torch import nn

    import digitlab as dl

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
            self.bn1 = nn.BatchNorm2d(8)
            self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
            self.fc = nn.Linear(784, 10)

        def forward(self, x):
            x = torch.relu(self.bn1(self.conv1(x)))
            x = torch.relu(self.conv2(torch.max_pool2d(x, 2)))
            return self.fc(torch.max_pool2d(x, 2).flatten(1))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, data = Net(), dl.load_dataset("optdigits")
        optimizer = torch.optim.Adam(network.parameters(), 3e-3)
        images = (data.train.images.float() / 255 - 0.1307) / 0.3081
        for _ in range(3):
            for rows in torch.randperm(len(images)).split(64):
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(network(images[rows]), data.train.labels[rows])
                loss.backward()
                optimizer.step()
    return network.eval()
