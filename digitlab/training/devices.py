"""Devices: choosing one to compute on, and describing the machine."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

from digitlab.errors import ConfigError
from digitlab.settings import VERSION, read_settings
from digitlab.training.config import TrainConfig


def pick_device(name: str, rank: int = 0, size: int = 1) -> torch.device:
    """The device `name`; "auto" takes CUDA, else MPS, else the CPU. ConfigError if unavailable.

    Of `size` devices that train together, the one of a rank: GPUs one after the other, beginning
    with `name`, or the CPU, which all ranks share.
    """
    device = torch.device(_best() if name == "auto" else name)
    if size > 1 and device.type == "cuda":
        device = torch.device("cuda", (device.index or 0) + rank)
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }[device.type]
    if not available:
        raise ConfigError(
            f"device: {str(device)!r} is not available on this machine. Use 'auto' for the best "
            "available device.",
            field="device",
        )
    return device


def check_devices(config: TrainConfig) -> None:
    """ConfigError where a machine that trains its own runs lacks a device of the recipe, or one run
    may not have all."""
    size, settings = config.devices, read_settings()
    if settings.executor == "here":  # other machines have devices of their own
        _check_count(config.device, size)
    if settings.max_devices is not None and size > settings.max_devices:
        raise ConfigError(
            f"devices: {size} were asked for, but a run may use {settings.max_devices} here "
            "(DIGITLAB_MAX_DEVICES).",
            field="devices",
        )


def _check_count(name: str, size: int) -> None:
    """ConfigError where this machine has not so many devices of this name."""
    device = pick_device(name)
    if size == 1:
        return
    count = {
        "cuda": torch.cuda.device_count() - (device.index or 0),
        "cpu": os.cpu_count() or 1,
    }.get(device.type, 1)
    if size > count:
        raise ConfigError(
            f"devices: {size} were asked for, but this machine has {count} of the kind "
            f"{device.type!r}. Use {'1' if count == 1 else f'at most {count}'}.",
            field="devices",
        )


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def synchronize() -> None:
    """Wait for what a GPU still has to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    elif torch.backends.mps.is_available():
        torch.mps.synchronize()


def describe_machine(device: torch.device) -> dict[str, object]:
    """The versions and hardware that a run's results depend on, as plain JSON values."""
    return {
        "digitlab": VERSION,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": version("torchvision"),  # by its metadata: importing it takes a second
        "numpy": version("numpy"),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
