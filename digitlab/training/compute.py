"""How a training computes: device, precision, memory layout and threads, chosen for the machine.

Measured on 2 cores of a Xeon with AMX (seconds for 20,000 images in batches of 64): the two
convolutions of PyTorch's MNIST example took 14.3 in float32 and 6.9 to 8.7 in bfloat16 with
channels last; a 784-128-10 network took 0.21 on one thread and 0.45 on two, because waking a
second thread takes longer than its share of so little work; bfloat16 makes it slower, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass

import torch

from digitlab.training.config import TrainConfig
from digitlab.training.devices import pick_device
from digitlab.training.fast_layers import use_fast_layers
from digitlab.training.memory import keep_memory
from digitlab.training.ranks import ALONE, Ranks

# Several threads are used from this many multiply-adds in one step's forward pass.
MIN_THREADED = 250e6
# bfloat16 is used from this many multiply-adds per image in convolutions.
MIN_BFLOAT16 = 1.5e6
# The same for channels last, in either precision.
MIN_CHANNELS_LAST = 0.2e6


@dataclass(frozen=True)
class Compute:
    """The device and the way in which the steps of a training are computed."""

    device: str
    precision: str  # of the forward and backward pass; weights stay float32
    channels_last: bool
    threads: int
    compiled: bool
    devices: int = 1

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, as a run's record stores them."""
        return asdict(self)

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which forward passes run in this precision."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def to_device(self, model: torch.nn.Module) -> torch.nn.Module:
        """Move the model to the device, in the chosen memory layout, and return it."""
        model.to(self.device)
        return model.to(memory_format=torch.channels_last) if self.channels_last else model

    def compile(self, model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """The function of a forward pass: the model itself, or its compiled form."""
        if not self.compiled:
            return model
        return torch.compile(model, mode="reduce-overhead" if self.replays else None)

    @property
    def replays(self) -> bool:
        """Whether forward passes replay CUDA graphs, so that no kernel waits for Python."""
        return self.compiled and torch.device(self.device).type == "cuda"

    def retain(self, outputs: torch.Tensor) -> torch.Tensor:
        """Outputs that are still there after the next step: a graph writes to the same memory."""
        return outputs.clone() if self.replays else outputs

    @contextmanager
    def applied(self, model: torch.nn.Module) -> Iterator[None]:
        """In this context the process uses these threads, and denormal numbers are flushed to zero.

        On a CPU, `model` uses the faster layers of `use_fast_layers`, unless it is compiled.

        Adam's averages of tiny gradients become denormal numbers, which processors handle many
        times slower: the optimizer's step took 5 times as long.
        """
        before = torch.get_num_threads()
        torch.set_flush_denormal(True)
        torch.set_num_threads(self.threads)
        fast = torch.device(self.device).type == "cpu" and not self.compiled
        try:
            with keep_memory(), use_fast_layers(model) if fast else nullcontext():
                yield
        finally:
            torch.set_num_threads(before)
            torch.set_flush_denormal(False)


def choose_compute(
    model: torch.nn.Module, shape: tuple[int, ...], config: TrainConfig, ranks: Ranks = ALONE
) -> Compute:
    """How to train `model` on images of `shape` [C, H, W] by the recipe `config` on this rank.

    The recipe's own precision, layout and threads take precedence; processes on a CPU share its
    threads. Raises ConfigError if the recipe's device is not available.
    """
    device = pick_device(config.device, ranks.rank, ranks.size)
    work, convolution_work = _multiply_adds(model, shape)
    precision, channels_last, threads = config.precision, config.channels_last, config.threads
    if precision == "auto":
        faster = convolution_work >= MIN_BFLOAT16 and _is_fast_in_bfloat16(device)
        precision = "bfloat16" if faster else "float32"
    if channels_last is None:
        channels_last = convolution_work >= MIN_CHANNELS_LAST and device.type in ("cpu", "cuda")
    if threads is None:
        share = max(1, torch.get_num_threads() // (ranks.size if device.type == "cpu" else 1))
        threads = share if work * config.batch_size / ranks.size >= MIN_THREADED else 1
    return Compute(
        str(device), precision, channels_last, threads, config.compile, devices=ranks.size
    )


def _is_fast_in_bfloat16(device: torch.device) -> bool:
    """Whether the device has hardware for products in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return False


def _multiply_adds(model: torch.nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Multiply-adds of one image's forward pass: in all modules, and in convolutions.

    Counted as the modules are called, without computing gradients or changing the model.
    """
    total = {"all": 0.0, "convolution": 0.0}

    def count(module: torch.nn.Module, _inputs: object, out: object) -> None:
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.Tensor) or not isinstance(out, torch.Tensor):
            return
        if weight.ndim < 2 or not out.ndim:
            return
        convolution = isinstance(module, torch.nn.modules.conv._ConvNd)
        positions = math.prod(out.shape[2:]) if convolution else out.numel() / out.shape[-1]
        total["all"] += weight.numel() * positions
        if convolution:
            total["convolution"] += weight.numel() * positions

    hooks = [module.register_forward_hook(count) for module in model.modules()]
    was_training = model.training
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            model.eval()(torch.zeros(1, *shape, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return total["all"], total["convolution"]
