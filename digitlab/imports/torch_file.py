"""A file that `torch.save` wrote, read by torch's unpickler for weights only.

What a checkpoint holds besides tensors (hyperparameters, callbacks, a program's own classes) is
replaced by `Unread`, which keeps nothing and does nothing, so that no code of the file's author is
imported or called.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from digitlab.errors import NetworkFileError

MAX_DEPTH = 6  # dicts inside each other
MAX_BYTES = 1_000_000_000  # of all tensors together, copies included
_USUAL = ("state_dict", "model_state_dict", "model", "net", "network", "weights", "module", "ema")
_SAVE = "torch.save(model.state_dict(), 'weights.pt')"


class Unread:
    """Stands for an object of a class that is not torch's; takes anything and keeps nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Unread:
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def read_torch(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state dict in the file, by the names in it. Raises NetworkFileError."""
    foreign = _foreign_classes(path)
    # each name gets a class of its own, as torch finds the name from the class
    unread = [(type("Unread", (Unread,), {}), name) for name in foreign]
    try:
        with torch.serialization.safe_globals(unread):
            value = torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as e:  # the unpickler raises most of Python's errors for a harmful file
        raise _refused(foreign, e) from e
    tensors = _find_state_dict(value)
    if not tensors:
        raise _refused(foreign)
    return _whole(tensors), {}


def _foreign_classes(path: Path) -> list[str]:
    """Names in the file that torch would not read by itself."""
    if not zipfile.is_zipfile(path):
        return []  # of before PyTorch 1.6: torch refuses names by itself
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception as e:
        raise NetworkFileError(f"The file is damaged ({str(e)[:120]}): save it again.") from e
    return sorted(names)[:2_000]


def _find_state_dict(value: Any, depth: int = 0) -> dict[str, torch.Tensor]:
    """The tensors in the dict that is a state dict: the file itself or, by its usual name, inside.

    Of several dicts the one of a usual name comes first, else the one with the most tensors.
    """
    if not isinstance(value, Mapping) or depth > MAX_DEPTH:
        return {}
    tensors = {key: item for key, item in value.items() if isinstance(key, str)
               and isinstance(item, torch.Tensor)}  # fmt: skip
    if tensors:
        return tensors
    usual = [value[name] for name in _USUAL if isinstance(value.get(name), Mapping)]
    others = [item for key, item in value.items() if "optim" not in str(key).lower()]
    readings = [_find_state_dict(item, depth + 1) for item in [*usual, *others]]
    return next(filter(None, readings[: len(usual)]), max(readings, key=len, default={}))


def _whole(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies of their own memory; a view of one number may claim to be a terabyte."""
    if any(t.layout != torch.strided or t.is_quantized or t.is_meta for t in tensors.values()):
        raise NetworkFileError(
            "The file holds sparse, quantised or empty tensors; save the float32 weights."
        )
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > MAX_BYTES:
        raise NetworkFileError("The tensors in the file are more than the 1 GB allowed.")
    return {key: tensor.detach().contiguous().clone() for key, tensor in tensors.items()}


def _refused(foreign: list[str], error: Exception | None = None) -> NetworkFileError:
    own = [name for name in foreign if not name.startswith(("collections.", "numpy.", "torch._"))]
    reason = str(error).splitlines()[0][:160] if error else ""
    if own and not error:
        return NetworkFileError(
            f"The file holds a whole pickled model ({own[0][:80]}), which only its author's code "
            f"can open, and opening it would run code. Save its weights instead: {_SAVE}."
        )
    if error and ("lobal" in reason or "nsupported" in reason or "Can only" in reason):
        return NetworkFileError(
            "The file holds more than weights (it asks for code to be run), so it is not opened. "
            f"Save the weights alone: {_SAVE}."
        )
    if error:
        return NetworkFileError(f"The file is damaged ({reason}): save it again.")
    return NetworkFileError(f"The file holds no state dict; save one: {_SAVE}.")
