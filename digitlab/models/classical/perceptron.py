"""Multi-layer perceptrons of scikit-learn: weights and biases, layer by layer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import torch

from digitlab.models.classical.catalog import KINDS, default
from digitlab.models.classical.fitted import Fitted, against_nothing

_ACTIVATIONS: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
}


class Perceptron(Fitted):
    """`weight_0` [F, units], `bias_0` [units] and so on; the last layer gives the classes."""

    def array_names(self) -> Mapping[str, tuple[int, str]]:
        sizes = self.args.get("hidden_layer_sizes", (100,))
        self.hidden = sizes if isinstance(sizes, tuple) else (sizes,)
        self.activation = self.args.get("activation", default(KINDS[self.name], "activation"))
        layers = range(len(self.hidden) + 1)
        weights = {f"weight_{i}": (2, "f") for i in layers}
        return weights | {f"bias_{i}": (1, "f") for i in layers}

    def check(self) -> None:
        self.need(len(self.classes) > 1, "it knows one class only")
        outputs = 1 if len(self.classes) == 2 else len(self.classes)
        sizes = (self.features, *self.hidden, outputs)
        for i, shape in enumerate(itertools.pairwise(sizes)):
            actual = getattr(self, f"weight_{i}").shape
            agrees = actual == shape and len(getattr(self, f"bias_{i}")) == shape[1]
            self.need(agrees, f"weight_{i} is {list(actual)}, not {list(shape)}")

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        x, act = x.double(), _ACTIVATIONS[self.activation]
        last = len(self.hidden)
        for i in range(last + 1):
            x = x @ getattr(self, f"weight_{i}").double() + getattr(self, f"bias_{i}").double()
            x = act(x) if i < last else x
        return against_nothing(x) if len(self.classes) == 2 else x
