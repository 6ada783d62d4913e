"""Devices: choosing one to compute on, and describing the machine."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path

import torch

from digitlab.errors import ConfigError
from digitlab.settings import VERSION


def pick_device(name: str) -> torch.device:
    """The device `name`; "auto" takes CUDA, else MPS, else the CPU. ConfigError if unavailable."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    device = torch.device(name)
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }[device.type]
    if not available:
        raise ConfigError(
            f"device: {name!r} is not available on this machine. Use 'auto' for the best available "
            "device.",
            field="device",
        )
    return device


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
