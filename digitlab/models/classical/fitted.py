"""`Fitted`: a module that holds an estimator's arrays and answers as the estimator does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from digitlab.errors import RunError
from digitlab.settings import read_settings

SMOOTHING = 1e-3  # added to shares of votes before their logarithm: no answer is ever impossible
_FLOOR = 20.0  # by how much a class that the estimator has never seen lies below all others


class Fitted(nn.Module):
    """Arrays of a fitted estimator as buffers: float32 images [N, C, H, W] → logits [N, classes].

    Made without arrays; they come with `take` after a fit, or with `load_state_dict`, in any size
    that makes sense. `NAMES` maps each array to its number of dimensions and its kind of numbers
    ("f" for float, "i" for int, "u" for uint8).
    """

    NAMES: Mapping[str, tuple[int, str]] = {}

    def __init__(self, name: str, args: Mapping[str, Any], features: int, num_classes: int) -> None:
        super().__init__()
        self.name, self.args = name, dict(args)
        self.features, self.num_classes = features, num_classes
        self.names = {**self.array_names(), "classes": (1, "i")}
        for key in self.names:
            self.register_buffer(key, None)

    def array_names(self) -> Mapping[str, tuple[int, str]]:
        """The arrays of this estimator."""
        return self.NAMES

    @property
    def fitted(self) -> bool:
        """Whether it has arrays yet."""
        return self.classes is not None

    @property
    def numbers(self) -> int:
        """How many numbers it has learnt."""
        held = {name: array for name, array in self._buffers.items() if array is not None}
        return sum(array.numel() for name, array in held.items() if name != "classes")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.fitted:
            raise RunError(
                f"sklearn/{self.name} has not been fitted yet: it learns from data as a whole. "
                "Train it with dl.train, or load the weights of a run."
            )
        scores = self.scores(x.flatten(1))
        if scores.shape[1] == self.num_classes:
            return scores.float()
        full = (scores.min(1, keepdim=True).values - _FLOOR).expand(-1, self.num_classes)
        places = self.classes.expand(len(scores), -1)
        return full.scatter(1, places, scores).float()

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, F] → a score for each class seen, float64 [N, k]."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise RunError (by `self.refuse`) where the arrays do not fit together."""
        raise NotImplementedError

    def refuse(self, why: str) -> RunError:
        """The error for arrays that cannot be an estimator's."""
        return RunError(
            f"The fitted arrays of sklearn/{self.name} cannot be used: {why}. The file is damaged "
            "or was made for something else; train it again."
        )

    def need(self, what: bool | torch.Tensor, why: str) -> None:
        """Raise RunError unless `what` holds."""
        if not bool(what):
            raise self.refuse(why)

    # ---- taking arrays

    def take(self, arrays: Mapping[str, torch.Tensor]) -> None:
        """Hold these arrays from now on. Raises RunError for any that make no sense."""
        limit = read_settings().max_parameters
        self.need(set(arrays) == set(self.names), f"it needs {', '.join(self.names)}")
        count = sum(array.numel() for array in arrays.values())
        self.need(count <= limit, f"{count:,} numbers are more than the {limit:,} allowed")
        for name, (dimensions, kind) in self.names.items():
            self._check_array(name, arrays[name], dimensions, kind)
        before = dict(self._buffers)
        try:
            for name in self.names:
                setattr(self, name, arrays[name].detach().clone())
            self._check_classes()
            self.check()
        except Exception:
            for name, array in before.items():
                setattr(self, name, array)
            raise

    def _check_array(self, name: str, array: torch.Tensor, dimensions: int, kind: str) -> None:
        kinds = {
            "f": (torch.float32, torch.float64),
            "i": (torch.int32, torch.int64),
            "u": (torch.uint8,),
        }
        actual = f"{name} is {str(array.dtype).removeprefix('torch.')} {list(array.shape)}"
        self.need(array.dtype in kinds[kind] and array.dim() == dimensions, actual)
        self.need(kind != "f" or array.isfinite().all(), f"{name} holds values that are no numbers")

    def _check_classes(self) -> None:
        classes = self.classes
        rising = len(classes) and bool((classes[1:] > classes[:-1]).all())
        valid = rising and int(classes[0]) >= 0 and int(classes[-1]) < self.num_classes
        self.need(valid, f"classes {classes.tolist()[:12]} are not among {self.num_classes}")

    def _load_from_state_dict(
        self, state: Any, prefix: str, metadata: Any, strict: bool, missing: list[str],
        unexpected: list[str], errors: list[str],
    ) -> None:  # fmt: skip
        arrays = {
            key.removeprefix(prefix): value
            for key, value in state.items()
            if key.startswith(prefix)
        }
        missing += [prefix + name for name in self.names if name not in arrays]
        unexpected += [prefix + name for name in arrays if name not in self.names]
        if arrays.keys() == self.names.keys():
            self.take(arrays)


def shares_to_logits(shares: torch.Tensor) -> torch.Tensor:
    """Shares of votes [N, k] → their logarithms, a little above minus infinity."""
    return (shares + SMOOTHING).log()


def against_nothing(score: torch.Tensor) -> torch.Tensor:
    """The score of the second of two classes [N, 1] → logits [N, 2] with the same sigmoid."""
    return torch.cat([torch.zeros_like(score), score], 1)
