"""A Ray cluster carries out the waiting runs: this process asks Ray for workers, Ray places them.

As a process it is `python -m digitlab worker --cluster`, to which `digitlab.sweeps.worker` gives
its callbacks. `launch_worker` starts it where DIGITLAB_EXECUTOR is "ray", one for each home, and it
ends when nothing waits or trains for a while. A worker is a process on some machine of the cluster,
with the CPUs, GPUs and memory of one `Resources` set aside for it. It does what `python -m digitlab
work` does: it takes the runs whose turn it is and whose need is its own, and ends when there is
none. So the store alone says which run is whose, and holds all limits. As Ray's detached actors,
workers go on without this process and without the app.

Ray ends every process that is connected to it a minute after its head is gone. So it is a child of
this process that is connected; this one waits until Ray is there again.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import multiprocessing
import secrets
import signal
import socket
import sys
import threading
import time
from collections import Counter
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from digitlab import owners
from digitlab.classroom.members import held_owners
from digitlab.errors import DatasetMissingError, DigitlabError, RunNotFoundError, StoreError
from digitlab.files import PROBE_SECONDS
from digitlab.jobs.launch import check_ray, cluster_lock
from digitlab.jobs.queue import mark_interrupted
from digitlab.jobs.resources import SMALLEST, Resources, resources_of
from digitlab.jobs.worker import Callbacks, advance, has_data, log, work
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import ray

LOOK_SECONDS = 1.0  # how often it looks for runs
LINGER_SECONDS = 60.0  # for which it stays when nothing waits or trains: starting takes seconds
AGAIN_SECONDS = 10.0  # before another worker is asked for because of the same run
ABSENT_SECONDS = 5.0  # before it is tried again to reach Ray
# A worker has the environment of its machine's Ray, but starts no process beside itself.
_WORKERS = {"env_vars": {"DIGITLAB_EXECUTOR": "work", "DIGITLAB_COMPUTE_PROCESSES": "0"}}
_QUIETLY = {"log_to_driver": False, "configure_logging": False}
_OURS = "Ray "  # how the sentences begin that a run says of Ray while it waits


class Worker:
    """What Ray starts on a machine: it carries out runs of one need, then ends."""

    def __init__(self, callbacks: Callbacks, need: Resources, most: Resources, run_id: str) -> None:
        """The work is done here, for Ray starts a detached actor whether or not its creator lives;
        a call of a method would be lost with the creator.

        `run_id` is the run because of which it was asked for. Raises StoreError where this machine
        does not know it, and DatasetMissingError where its data is not here.
        """

        def fits(record: RunRecord) -> bool:
            return resources_of(record, most) == need

        cause = _get_record(run_id)
        training, _ = _background_runs()
        is_full = len(training) >= read_settings().max_jobs
        if not (is_full or work(callbacks, gives_back=True, fits=fits) or has_data(cause)):
            raise DatasetMissingError(
                f"The dataset {cause.dataset} is not on {socket.gethostname()}: put it there, in "
                "DIGITLAB_DATA."
            )
        sys.exit(0)


def _get_record(run_id: str) -> RunRecord:
    """The run because of which a worker was asked for; StoreError where it is not known here."""
    try:
        return store.get_record(run_id)
    except RunNotFoundError as e:
        raise StoreError(
            f"{socket.gethostname()} has another run store: set DIGITLAB_DATABASE_URL and "
            "DIGITLAB_STORAGE there, the same as here, before `ray start`."
        ) from e


def keep_placing(callbacks: Callbacks, linger: float = LINGER_SECONDS) -> None:
    """Let Ray carry out runs as they come, until nothing waited or trained for `linger` seconds.

    Harmless where another process of this home does so.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    check_ray()
    lock = FileLock(cluster_lock())
    cluster_lock().parent.mkdir(parents=True, exist_ok=True)
    try:
        while True:
            with lock.acquire(timeout=PROBE_SECONDS):
                _supervise(callbacks, linger)
            if not _is_wanted():  # a run may have been added when this one was about to end
                return
    except (Timeout, KeyboardInterrupt):
        return


def _supervise(callbacks: Callbacks, linger: float) -> None:
    """Have a child place runs; where it cannot, or ended with Ray, say so and try again."""
    while reason := _absence() or _run_child(callbacks, linger):
        log(reason)
        with contextlib.suppress(StoreError):
            mark_interrupted()
            advance(callbacks)
            for record in _background_runs()[1]:
                _say(record, reason)
            if linger < math.inf and not _is_wanted():
                return
        time.sleep(ABSENT_SECONDS)


def _absence() -> str:
    """Why Ray is not at the address, or "". Ray itself takes two minutes to see that."""
    host, _, port = read_settings().ray_address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as e:
            return _gone(e.strerror or str(e))
    return ""


def _gone(reason: str) -> str:
    address = read_settings().ray_address
    where = "on this machine" if address == "auto" else f"at {address}"
    return (
        f"{_OURS}cannot be reached {where} ({reason}): runs wait until it is there. Start it with "
        "`ray start --head`, or check RAY_ADDRESS."
    )


def _namespace() -> str:
    """Where the workers' names are: one for all homes that share a store."""
    store_address = read_settings().database_url.encode()
    return f"digitlab-{hashlib.sha256(store_address).hexdigest()[:12]}"


def _run_child(callbacks: Callbacks, linger: float) -> str:
    """Let a child place runs until nothing waits; why it ended before, or ""."""
    spawn = multiprocessing.get_context("spawn")
    reader, writer = spawn.Pipe(duplex=False)
    child = spawn.Process(target=_place, args=(callbacks, linger, writer), daemon=True)
    child.start()
    writer.close()
    child.join()
    with contextlib.suppress(EOFError):
        return _gone(reader.recv())
    return _gone("the connection was lost") if child.exitcode else ""


def _place(callbacks: Callbacks, linger: float, errors: Connection) -> None:
    """What the child does: connect to Ray, and ask for workers as long as runs wait or train."""
    import ray

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent ends it
    try:
        ray.init(read_settings().ray_address, namespace=_namespace(), **_QUIETLY)
    except (RuntimeError, ConnectionError, ValueError) as e:
        errors.send(" ".join(str(e).split())[:300])
        return
    placing, last_demand = Placing(callbacks), time.monotonic()
    while multiprocessing.parent_process().is_alive():
        try:
            mark_interrupted()
            advance(callbacks)
            is_wanted = placing.look()
        except DigitlabError as e:  # the store is away, or a run was deleted just now
            log(f"Waits: {e}")
            is_wanted = True
        if is_wanted:
            last_demand = time.monotonic()
        elif time.monotonic() - last_demand >= linger:
            break
        time.sleep(LOOK_SECONDS)
    ray.shutdown()


def _is_wanted() -> bool:
    """Whether a run waits for its turn or trains in the background."""
    return any(_background_runs())


class Placing:
    """Asks Ray for workers, and remembers those that have not ended."""

    def __init__(self, callbacks: Callbacks) -> None:
        import ray

        self._callbacks = callbacks
        self._ray, self._actor = ray, ray.remote(Worker)
        self._workers: dict[ray.ObjectRef, str] = {}  # each with the run that is its cause
        self._asked: dict[str, float] = {}  # run → when a worker was asked for because of it
        self._failures: dict[str, str] = {}  # run → what its worker failed of

    def look(self) -> bool:
        """Ask for as many more workers as there are runs that may begin; say why one cannot.

        Returns whether a run waits or trains.
        """
        self._forget_ended()
        machines = _machines(self._ray.nodes())
        most = Resources(*map(max, zip(*machines, strict=True))) if machines else SMALLEST
        training, waiting = _background_runs()
        self._failures = {r.id: self._failures[r.id] for r in waiting if r.id in self._failures}
        room = max(0, read_settings().max_jobs - len(training))
        asked_for = Counter(map(_kind_in, self._ray.util.list_named_actors()))  # by every home
        active = Counter(resources_of(record, most) for record in training)
        beginning: Counter[Resources] = Counter()
        for record in waiting:
            need, reason = resources_of(record, most), ""
            if beginning[need] == room:  # one need never holds up another
                continue
            beginning[need] += 1
            if not any(need.fits(machine) for machine in machines):
                reason = f"{_OURS}has no machine with {need}: the run waits for one."
            _say(record, reason or self._failures.get(record.id, ""))
            since = time.monotonic() - self._asked.get(record.id, -math.inf)
            if since > AGAIN_SECONDS and asked_for[_kind(need)] < active[need] + beginning[need]:
                self._asked[record.id] = time.monotonic()
                self._ask(need, most, record.id)
                asked_for[_kind(need)] += 1
        return bool(training or waiting)

    def _ask(self, need: Resources, most: Resources, run_id: str) -> None:
        worker = self._actor.options(
            name=f"{_kind(need)} {secrets.token_hex(4)}",
            lifetime="detached",
            num_cpus=need.cpus,
            num_gpus=need.gpus,
            memory=need.memory * 10**9,
            runtime_env=_WORKERS,
        ).remote(self._callbacks, need, most, run_id)
        self._workers[worker.__ray_ready__.remote()] = run_id  # which is answered when it has ended

    def _forget_ended(self) -> None:
        """Forget the workers that have ended, and note why one failed."""
        references = list(self._workers)
        if not references:
            return
        ended, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        for reference in ended:
            run_id = self._workers.pop(reference)
            self._failures.pop(run_id, None)
            try:
                self._ray.get(reference)
            except self._ray.exceptions.RayActorError as e:
                if e.actor_init_failed:
                    why = str(e).strip().splitlines()[-1][:300]
                    self._failures[run_id] = f"{_OURS}started a worker that failed: {why}"
                    log(self._failures[run_id])


def _kind(need: Resources) -> str:
    """A need as the names of its workers begin with it."""
    return "-".join(map(str, need))


def _kind_in(name: str) -> str:
    return name.partition(" ")[0]


def _machines(nodes: list[dict]) -> list[Resources]:
    """What each living machine of the cluster has."""
    have = [node["Resources"] for node in nodes if node["Alive"]]
    return [
        Resources(
            *(int(each.get(name, 0)) for name in ("CPU", "GPU")), int(each.get("memory", 0) / 1e9)
        )
        for each in have
    ]


@owners.acting_for(None)
def _background_runs() -> tuple[list[RunRecord], list[RunRecord]]:
    """The background runs that train, and those that wait, in the order of their turns."""
    active = {record.id: record for record in store.list_records(("running", "queued"))}
    training = [r for r in active.values() if (r.status, r.executor) == ("running", "process")]
    turns = store.list_turns(held_owners())
    return training, [active[run_id] for run_id in turns if run_id in active]


def _say(record: RunRecord, reason: str) -> None:
    """Let a run that waits say why, or say so no more."""
    if reason != record.message and (reason or record.message.startswith(_OURS)):
        store.change_status(record.id, "queued", "queued", message=reason)
