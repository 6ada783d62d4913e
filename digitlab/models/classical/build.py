"""Placing an estimator in a spec: the only layer, from images to a score for each class."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

from torch import nn

from digitlab.errors import SpecError
from digitlab.models.classical.arguments import check_estimator
from digitlab.models.classical.bayes import Bayes
from digitlab.models.classical.catalog import KINDS, PREFIX
from digitlab.models.classical.fitted import Fitted
from digitlab.models.classical.linear import Linear
from digitlab.models.classical.neighbours import Neighbours
from digitlab.models.classical.perceptron import Perceptron
from digitlab.models.classical.svm import SupportVectors
from digitlab.models.classical.trees import Trees
from digitlab.models.layer import Layer
from digitlab.models.placement import Part, Placement, Shape

FAMILIES: dict[str, type[Fitted]] = {
    "linear": Linear,
    "svm": SupportVectors,
    "neighbours": Neighbours,
    "trees": Trees,
    "bayes": Bayes,
    "perceptron": Perceptron,
}


def place_estimator(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make an estimator's module, still without arrays. Raises SpecError."""
    name = layer.type.removeprefix(PREFIX)
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, 3, 0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(KINDS)}."
        raise placement.error(f"is not an estimator that a spec may name; {hint}")
    if placement.depth:
        raise placement.error(
            "is a whole model and cannot be inside a block; make it the only layer."
        )
    kind = KINDS[name]
    check_estimator(kind, layer.args, placement)
    classes = layer.args.get("num_classes", 10)
    module = FAMILIES[kind.family](name, layer.args, math.prod(shape), classes)
    row = placement.row(
        layer,
        (classes,),
        shown=layer.args,
        kind="block",
        parameters=0,
        operations=0,
        values=classes,
    )
    return Part(module, (classes,), (row,))


def check_alone(layers: Sequence[Layer]) -> None:
    """Raise SpecError where an estimator stands among other layers."""
    for index, layer in enumerate(layers):
        if layer.type.startswith(PREFIX) and len(layers) > 1:
            raise SpecError(
                f"Layer {index + 1}, {layer.type}, is a whole model that takes the pixels and "
                "gives a score for each class, and is fitted as a whole: make it the only layer, "
                "without other layers.",
                layer=f"layer {index + 1}, {layer.type}",
                path=(index,),
            )


def fitted_module(model: nn.Module) -> Fitted | None:
    """The classical model in what `build` made; None for a network."""
    first = model[0] if isinstance(model, nn.Sequential) and len(model) == 1 else None
    return first if isinstance(first, Fitted) else None
