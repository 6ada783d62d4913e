"""Sixty runs on a Ray cluster that loses a machine, a server and its store for a while.

    python tests/benchmarks/cluster.py [RUNS]    needs ray, moto and a Postgres server

Two Ray nodes on this machine, with a home each; Postgres; a bucket of moto's; two processes that
queue half of the runs each from homes of their own and look at them as a page does. On the way one
node is killed with what runs on it, then one of the two processes with what it started, then
Postgres is stopped for five seconds and started again. Prints what became of the runs, and what
that cost.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
EPOCHS, MAX_JOBS = 20, 3
MODEL, DATASET = "logistic-regression", "optdigits"
NODE_AT, SERVER_AT, STORE_AT = 0.15, 0.4, 0.65  # share of finished runs when that is lost
AWAY_SECONDS = 5.0
LOOK_SECONDS = 0.1
NODE = {"num_cpus": 2, "memory": 8 * 10**9, "object_store_memory": 80 * 2**20}


def main() -> None:
    """Start everything, let it go wrong, and print what came of it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # moto names every request
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # Ray's sockets bear no long path
    with contextlib.ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        ends.callback(_kill_all, folder)
        lab = _Lab(folder, ends, int(sys.argv[1]) if sys.argv[1:] else 60)
        facts = lab.watch()
        facts |= lab.check()
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")


def _recipe(seed: int) -> Any:
    import digitlab as dl

    return dl.TrainConfig(epochs=EPOCHS, learning_rate=0.01, batch_size=4, device="cpu", seed=seed)


def serve(seeds: range) -> None:
    """What an app does for its visitors: it queues runs, then looks at them every second."""
    from digitlab.errors import StoreError
    from digitlab.jobs import queue

    for seed in seeds:
        queue.submit(MODEL, DATASET, _recipe(seed))
    while True:
        with contextlib.suppress(StoreError):
            queue.active_runs()
        time.sleep(1)


class _Lab:
    """Store, bucket, cluster and the two servers, and what happens to them."""

    def __init__(self, folder: Path, ends: contextlib.ExitStack, count: int) -> None:
        self.folder, self.count = folder, count
        self.postgres = _start_postgres(ends)
        self.bucket = _Bucket(ends)
        os.environ |= {
            "DIGITLAB_DATABASE_URL": self.postgres.new_database(),
            "DIGITLAB_STORAGE": self.bucket.address,
            "DIGITLAB_HOME": str(folder / "here"),
            "DIGITLAB_MAX_JOBS": str(MAX_JOBS),
            "DIGITLAB_MAX_QUEUED": str(count),
            "DIGITLAB_EXECUTOR": "ray",
            "OMP_NUM_THREADS": "1",
            "RAY_TMPDIR": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.cluster, self.node = self._start_ray(ends)
        os.environ["RAY_ADDRESS"] = self.cluster.address
        self.servers = [self._start_server(number) for number in range(2)]
        self.most_at_once = 0
        self.lost: dict[str, tuple[int, int]] = {}  # run → its step when its node died, and saved
        self.back: dict[str, float] = {}  # run → seconds until it trained again

    def _start_ray(self, ends: contextlib.ExitStack) -> tuple[Any, Any]:
        from ray.cluster_utils import Cluster

        head = {**NODE, "env_vars": self._home("head"), "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        ends.callback(cluster.shutdown)
        return cluster, cluster.add_node(**NODE, env_vars=self._home("node"))

    def _home(self, name: str) -> dict[str, str]:
        return {"DIGITLAB_HOME": str(self.folder / name)}

    def _start_server(self, number: int) -> subprocess.Popen:
        home, first = self._home(f"server{number}"), number * self.count // 2
        command = [sys.executable, __file__, "--serve", str(first), str(first + self.count // 2)]
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **home})

    def watch(self) -> dict[str, object]:
        """Look at the runs until all have ended, and let things go wrong on the way."""
        events = [
            (NODE_AT, self._lose_node),
            (SERVER_AT, self._lose_server),
            (STORE_AT, self._lose_store),
        ]
        began, facts = time.monotonic(), {}
        while True:
            states = Counter(record.status for record in self._look())
            is_time = events and states["finished"] >= events[0][0] * self.count
            if is_time and (text := events[0][1]()):
                facts[f"when {states['finished']} runs had finished"] = text
                events.pop(0)
            ended = sum(states.values()) - states["queued"] - states["running"]
            if sum(states.values()) == self.count == ended:
                break
            time.sleep(LOOK_SECONDS)
        facts["runs by how they ended"] = ", ".join(f"{n} {name}" for name, n in states.items())
        facts["most that trained at once"] = f"{self.most_at_once} of {MAX_JOBS} that may"
        facts["seconds, all together"] = f"{time.monotonic() - began:.0f}"
        return facts

    def _look(self) -> list[Any]:
        from digitlab.errors import StoreError
        from digitlab.jobs.queue import LOST
        from digitlab.runs import store

        try:
            records = store.list_records()
        except StoreError:
            return []
        running = {record.id for record in records if record.status == "running"}
        self.most_at_once = max(self.most_at_once, len(running))
        for record in records:
            is_known = any(notice.startswith(LOST) for notice in record.notices)
            again = record.status == "running" and is_known
            if record.id in self.lost and record.id not in self.back and again:
                self.back[record.id] = time.monotonic() - self.died
        return records

    def _lose_node(self) -> str:
        from digitlab.runs import lease, store

        there = set(_processes(self.folder / "node"))
        mine = [run_id for run_id, held in lease.list_held().items() if held.process in there]
        steps = {run_id: store.get_record(run_id).step for run_id in mine}
        if not any(steps.values()):  # it waits until there is something to lose
            return ""
        _kill_all(self.folder / "node")
        self.cluster.remove_node(self.node, allow_graceful=False)
        self.died = time.monotonic()
        for run_id in mine:
            self.lost[run_id] = (max(steps[run_id], self._step(run_id)), self.bucket.saved(run_id))
        return f"a node was killed, on which {len(mine)} trained"

    def _step(self, run_id: str) -> int:
        from digitlab.runs import store

        return store.get_record(run_id).step

    def _lose_server(self) -> str:
        self.servers[0].kill()
        _kill_all(self.folder / "server0")
        return "a server was killed, with what asked Ray for workers"

    def _lose_store(self) -> str:
        self.postgres.stop()
        time.sleep(AWAY_SECONDS)
        self.postgres.start()
        return f"Postgres was stopped for {AWAY_SECONDS:.0f} s, and started again"

    def check(self) -> dict[str, object]:
        """Whether each run was carried out once and whole, with the weights of a quiet training."""
        import torch

        import digitlab as dl
        from digitlab.runs import run_folder, store

        whole = same = 0
        runs = [dl.open_run(record.id) for record in store.list_records()]
        for run in runs:
            epochs = [row["epoch"] for row in run.history.epochs]
            steps = [row["step"] for row in run.history.steps]
            is_whole = epochs == list(range(1, EPOCHS + 1)) and steps == sorted(set(steps))
            whole += is_whole and run.record.step == run.record.total_steps
            if run.record.status != "finished":
                print(f"{run.id} {run.record.status} at {run.record.step}: {run.record.message}")
                error = run_folder.run_folder(run.id) / run_folder.ERROR
                print(error.read_text() if error.exists() else "")
        for run_id in self.lost:
            run = dl.open_run(run_id)
            quiet = dl.train(MODEL, DATASET, _recipe(run.record.seed), progress=False)
            pairs = zip(
                run.model.state_dict().values(), quiet.model.state_dict().values(), strict=True
            )
            same += all(torch.equal(a, b) for a, b in pairs)
        facts = {
            "seeds that were trained": f"{len({run.record.seed for run in runs})} of {self.count}",
            "runs with each epoch and step once": f"{whole} of {self.count}",
            "runs of the killed node with the weights of one that was not": (
                f"{same} of {len(self.lost)}"
            ),
        }
        for run_id, (step, saved) in self.lost.items():
            total = dl.open_run(run_id).record.total_steps
            facts[f"the kill cost {run_id}"] = (
                f"{step - saved} of {total} steps (killed at {step}, saved at {saved}); "
                f"it trained again after {self.back.get(run_id, float('nan')):.0f} s"
            )
        return facts


class _Bucket:
    """An empty bucket of a server of moto's."""

    def __init__(self, ends: contextlib.ExitStack) -> None:
        import boto3
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(port=0, verbose=False)
        server.start()
        ends.callback(server.stop)
        _, port = server.get_host_and_port()
        os.environ |= {
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "a secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        place = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1"}
        self._client = boto3.client("s3", **place)
        self._client.create_bucket(Bucket="lab")
        self.address = (
            f"s3://lab/runs?scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
        )

    def saved(self, run_id: str) -> int:
        """The step of the newest checkpoint of a run in the bucket; 0 where it has none."""
        try:
            entry = self._client.get_object(Bucket="lab", Key=f"runs/{run_id}/index.json")
        except self._client.exceptions.NoSuchKey:
            return 0
        names = [Path(name) for name in json.loads(entry["Body"].read())]
        return max((int(p.name[:12]) for p in names if p.parent.name == "checkpoints"), default=0)


def _start_postgres(ends: contextlib.ExitStack) -> Any:
    from tests import postgres_server

    if postgres_server.find_programs() is None:
        sys.exit("No Postgres server is installed (Debian: apt-get install postgresql).")
    server = postgres_server.PostgresServer()
    ends.callback(server.remove)
    return server


def _processes(home: Path) -> list[int]:
    """The processes whose home is this one, or lies in this folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = f"DIGITLAB_HOME={home}".encode() in (folder / "environ").read_bytes()
            if mine and int(folder.name) != os.getpid():
                found.append(int(folder.name))
    return found


def _kill_all(home: Path) -> None:
    for process in _processes(home):
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(range(int(sys.argv[2]), int(sys.argv[3])))
    else:
        main()
