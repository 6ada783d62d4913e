"""How a training computes: device, precision, memory layout and threads, chosen by what is there.

Measured on 2 cores of a Xeon with AMX (seconds for 20,000 images in batches of 64): the two
convolutions of PyTorch's MNIST example took 14.3 in float32 and 6.9 to 8.7 in bfloat16 with
channels last; a 784-128-10 network took 0.21 on one thread and 0.45 on two, because waking a
second thread costs more than its share of so little work; in bfloat16 it gets slower, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass

import torch

from digitlab.training.config import TrainConfig
from digitlab.training.devices import pick_device
from digitlab.training.fast_layers import hastened
from digitlab.training.memory import kept_memory

# Multiply-adds of one step's forward pass below which a second thread costs more than it brings.
THREADED = 250e6
# Multiply-adds per image in convolutions above which bfloat16 on the CPU pays for its casts.
HALVED = 1.5e6
# The same for channels last, in either precision.
LAST = 0.2e6


@dataclass(frozen=True)
class Compute:
    """Where and how the steps of a training are computed."""

    device: str
    precision: str  # of the forward and backward pass; weights stay float32
    channels_last: bool
    threads: int
    compiled: bool

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, for a run's record."""
        return asdict(self)

    def casting(self) -> AbstractContextManager[object]:
        """The context in which forward passes run."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def place(self, model: torch.nn.Module) -> torch.nn.Module:
        """The model on its device, in the chosen layout."""
        model.to(self.device)
        return model.to(memory_format=torch.channels_last) if self.channels_last else model

    def compile(self, model: torch.nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """What a forward pass calls: the model itself, or its compiled form.

        On a GPU the compiled form replays CUDA graphs, so that no kernel waits for Python.
        """
        if not self.compiled:
            return model
        on_gpu = torch.device(self.device).type == "cuda"
        return torch.compile(model, mode="reduce-overhead" if on_gpu else None)

    @contextmanager
    def in_force(self, model: torch.nn.Module) -> Iterator[None]:
        """While this lasts, the process has the threads of this plan and flushes denormals.

        On a CPU, layers of `model` that can be computed sooner are, unless it is compiled.

        Adam's averages of gradients that stay tiny sink into denormal numbers, which processors
        handle many times slower: the optimizer's step took 5 times as long.
        """
        before = torch.get_num_threads()
        torch.set_flush_denormal(True)
        torch.set_num_threads(self.threads)
        as_it_is = self.compiled or torch.device(self.device).type != "cpu"
        try:
            with kept_memory(), nullcontext() if as_it_is else hastened(model):
                yield
        finally:
            torch.set_num_threads(before)
            torch.set_flush_denormal(False)


def choose_compute(model: torch.nn.Module, shape: tuple[int, ...], config: TrainConfig) -> Compute:
    """The plan for training `model` on images of `shape` [C, H, W] by this recipe.

    The recipe's own precision, layout and threads win over the choice. ConfigError where the
    recipe's device is not there.
    """
    device = pick_device(config.device)
    all_work, in_convolutions = _multiply_adds(model, shape)
    precision = config.precision
    if precision == "auto":
        pays = in_convolutions >= HALVED and _is_fast_in_bfloat16(device)
        precision = "bfloat16" if pays else "float32"
    last = config.channels_last
    if last is None:
        last = in_convolutions >= LAST and device.type in ("cpu", "cuda")
    threads = config.threads
    if threads is None:
        there = torch.get_num_threads()
        threads = there if all_work * config.batch_size >= THREADED else 1
    return Compute(str(device), precision, last, threads, compiled=config.compile)


def _is_fast_in_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return False


def _multiply_adds(model: torch.nn.Module, shape: tuple[int, ...]) -> tuple[float, float]:
    """Multiply-adds of one image's forward pass: in all, and in convolutions and batched products.

    Counted on the modules as they are called, without computing gradients or changing the model.
    """
    total = {"all": 0.0, "convolution": 0.0}

    def count(module: torch.nn.Module, _given: object, out: object) -> None:
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.Tensor) or not isinstance(out, torch.Tensor):
            return
        if weight.ndim < 2 or not out.ndim:
            return
        convolution = isinstance(module, torch.nn.modules.conv._ConvNd)
        places = math.prod(out.shape[2:]) if convolution else out.numel() / out.shape[-1]
        total["all"] += weight.numel() * places
        if convolution:
            total["convolution"] += weight.numel() * places

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
