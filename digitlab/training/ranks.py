"""`Ranks`: the processes, one for each device, that take every step of a training together.

Each computes the gradients of its part of a batch. PyTorch's DistributedDataParallel gives all of
them the mean over the batch, so that their weights stay the same. Rank 0 leads: it alone validates,
averages weights, takes snapshots and is asked to stop, and its state is the training's.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from digitlab.training.events import Request

_REQUESTS: tuple[Request | None, ...] = (None, "save", "pause", "stop")
# Who ends before it joins is not noticed, but all are ready when rank 0 joins, the last one.
_JOINING = timedelta(minutes=1)
_PATIENCE = timedelta(hours=2)  # rank 0 may wait for its store; who has ended is noticed at once
_ANSWERING = timedelta(minutes=10)  # in which the others take a step, as rank 0 did
_LOOPBACK = ("lo", "lo0")


@dataclass(frozen=True)
class Ranks:
    """This process's place among those of a training: `rank` counts from 0 to `size` − 1.

    Of a training on one device, which has one rank, all methods give back what they are given.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def wrap(
        self, model: torch.nn.Module, device: torch.device, *, compiled: bool
    ) -> torch.nn.Module:
        """The model as it is called in training; all ranks then have rank 0's weights."""
        if self.size == 1:
            return model
        return DistributedDataParallel(
            model,
            device_ids=None if device.type == "cpu" else [device],
            forward_sync_buffers=False,  # batch normalisation has the same statistics on all ranks
            # Each allows for parameters that no image reaches; the former not for what is compiled.
            static_graph=not compiled,
            find_unused_parameters=compiled,
        )

    def part(self, batch: torch.Tensor) -> torch.Tensor:
        """This rank's part of a batch; all of one that is too small for every rank to have some."""
        return batch if len(batch) < self.size else batch.tensor_split(self.size)[self.rank]

    def weight(self, batch: int) -> float:
        """What to multiply this rank's mean loss by, so that the mean over the ranks is that of a
        batch of so many images, whose parts may differ by one."""
        if batch < self.size:
            return 1.0
        images = batch // self.size + (self.rank < batch % self.size)
        return images * self.size / batch

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of the ranks' values."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def agree(self, ask: Callable[[], Request | None]) -> Request | None:
        """What rank 0 is asked for, which all ranks then do after the same step."""
        if self.size == 1:
            return ask()
        request = torch.tensor(_REQUESTS.index(ask()) if self.leads else 0)
        work = dist.all_reduce(request, dist.ReduceOp.MAX, async_op=True)
        work.wait(_ANSWERING if self.leads else _PATIENCE)
        return _REQUESTS[int(request)]

    def seed_dropout(self, seed: int, step: int) -> None:
        """Let each rank drop other values; those after rank 0 need no state to be resumed from."""
        if not self.leads:
            torch.manual_seed(hash((seed, self.rank, step)) % 2**63)


ALONE = Ranks()


@contextmanager
def joined(folder: Path, rank: int, size: int, device: torch.device) -> Iterator[Ranks]:
    """The ranks of a training whose `size` processes on this machine all join in a `folder`.

    Tensors on GPUs are summed by NCCL, all others by Gloo. RuntimeError where one does not come or,
    later, has gone.
    """
    if device.type == "cuda":
        torch.cuda.set_device(device)
    hook = sys.excepthook  # joining replaces it by one that names the rank
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    with _on_loopback():
        store = dist.FileStore(str(folder / "ranks"), size)
        timeout = _PATIENCE if rank else _JOINING
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=timeout)
        # NCCL ends the process at its timeout: on GPUs it is `agree` that waits no longer.
        dist.set_timeout(_PATIENCE if rank or device.type == "cuda" else _ANSWERING)
    try:
        yield Ranks(rank, size)
    except BaseException:
        dist.group.WORLD.abort()  # or the end would wait for what the others no longer send
        raise
    finally:
        dist.destroy_process_group()
        sys.excepthook = hook


@contextmanager
def _on_loopback() -> Iterator[None]:
    """In this context Gloo connects within the machine, whatever its name resolves to."""
    name = "GLOO_SOCKET_IFNAME"
    present = [here for _, here in socket.if_nameindex() if here in _LOOPBACK]
    if name in os.environ or not present:
        yield
        return
    os.environ[name] = present[0]
    try:
        yield
    finally:
        del os.environ[name]
