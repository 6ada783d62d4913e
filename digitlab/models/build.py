"""From a spec to a network: `summarize` finds shapes and cost, `build` makes the weights."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.classical import catalog as classical
from digitlab.models.classical.build import check_alone, place_estimator
from digitlab.models.initialise import initialise
from digitlab.models.limits import check_limits
from digitlab.models.place import check_single, place_torch
from digitlab.models.placement import Assembly, Part, Placement, Shape, written
from digitlab.models.receptive_field import with_receptive_fields
from digitlab.models.spec import Layer, ModelSpec
from digitlab.models.summary import ModelSummary

# torch's CPU generator is shared by all threads; a seeded build borrows and returns it.
_GENERATOR = threading.Lock()


# What becomes of the outputs of a last layer in training; see `digitlab.training.loss`.
_LAST = {
    "Softmax": "Cross-entropy takes the logarithm of its probabilities: the network is trained and "
    "used with LogSoftmax in its place.",
    "LogSoftmax": "Its log-probabilities are what the losses NLL and cross-entropy take; the two "
    "are then the same.",
    "Softmin": "Training takes raw scores, of which the largest is the answer. Remove this layer.",
    "Sigmoid": "It gives each class a probability of its own: choose the loss “Binary heads” or "
    "“Squared error”, or end with Linear instead, for cross-entropy.",
}


def summarize(spec: ModelSpec) -> ModelSummary:
    """The layers, shapes and cost of `spec`, found without data and without memory for weights.

    Raises SpecError naming the layer that cannot take the shape that reaches it.
    """
    part = sketch(spec)
    parameters = sum(p.numel() for p in part.module.parameters())
    summary = ModelSummary(
        name=spec.name,
        input_shape=spec.input,
        output_shape=part.output_shape,
        rows=tuple(
            replace(row, share=row.parameters / max(parameters, 1))
            for row in with_receptive_fields(part.rows, spec.input)
        ),
        parameters=parameters,
        trainable=sum(p.numel() for p in part.module.parameters() if p.requires_grad),
        operations=sum(row.operations for row in part.rows if row.depth == 0),
        activations=sum(row.values for row in part.rows if row.depth == 0),
    )
    return replace(summary, notes=_notes(summary))


def sketch(spec: ModelSpec) -> Part:
    """The network of `spec` without memory for weights, with the rows that tell how it is made.

    Raises SpecError as `summarize` does.
    """
    return _assemble(spec, Assembly("meta", place))


def build(spec: ModelSpec, *, seed: int | None = None) -> nn.Module:
    """The network of `spec` on the CPU, in training mode: float32 [N, C, H, W] → [N, …].

    An nn.Sequential, or, of layers that have names or read each other, a GraphNetwork.

    With a `seed` the initial weights depend on it alone, and the global random state is left as
    it was; without, they are drawn from it. Keys of the state_dict are the layers' names or places,
    such as "conv1.weight", "0.weight" and "3.layers.0.weight". Raises SpecError for a spec that
    cannot be built, and, before any memory is taken, for one over DIGITLAB_MAX_PARAMETERS or
    _MULTIPLY_ADDS.
    """
    summary = summarize(spec)
    check_limits(summary)
    assembly = Assembly("cpu", place, known={row.key: row for row in summary.rows})
    if seed is None:
        return initialise(_assemble(spec, assembly).module, spec.init)
    with _GENERATOR, torch.random.fork_rng(devices=[]):
        # not torch.manual_seed, which would seed the generators of every GPU as well
        torch.default_generator.manual_seed(seed)
        return initialise(_assemble(spec, assembly).module, spec.init)


def check_fits(
    spec: ModelSpec, input_shape: Sequence[int], classes: int | None, *, batch_size: int = 1
) -> ModelSummary:
    """The summary of a spec that takes images of `input_shape` and gives `classes` values each.

    Where `classes` is None it is to give the image itself, as an autoencoder does. Raises SpecError
    for a spec that does not (`spec.for_data` adapts most), and for one that is over a limit when it
    learns from `batch_size` images at once.
    """
    if spec.input != tuple(input_shape):
        raise SpecError(
            f"{spec.name} takes {written(spec.input)} images, but the data has "
            f"{written(tuple(input_shape))}; set input to that (in Python: spec.for_data(…)).",
            path=("input",),
            shape=tuple(input_shape),
        )
    summary = summarize(spec)
    fits = summary.gives_image if classes is None else summary.output_shape == (classes,)
    if not fits:
        raise SpecError(
            f"{spec.name} gives {written(summary.output_shape)} values for an image, but "
            f"{_expected(summary, classes)}.",
            layer=f"layer {len(spec.layers)}, {spec.layers[-1].type}",
            path=(len(spec.layers) - 1,),
            shape=summary.output_shape,
        )
    check_limits(summary, batch_size)
    return summary


def _expected(summary: ModelSummary, classes: int | None) -> str:
    """What the network should give instead, and how to get there."""
    if classes is None:
        pixels = math.prod(summary.input_shape)
        return (
            f"the loss reconstruction needs the image itself, {written(summary.input_shape)} or "
            f"{pixels}; end with Linear: {{out_features: {pixels}}}, or choose cross-entropy for a "
            f"network that tells classes apart"
        )
    fix = f"end with Linear: {{out_features: {classes}}}"
    if len(summary.output_shape) > 1:
        fix = f"insert Flatten and {fix}"
    if summary.gives_image:
        fix = f"choose the loss reconstruction to train it as an autoencoder, or {fix}"
    return f"the data has {classes} classes; {fix}"


def _assemble(spec: ModelSpec, assembly: Assembly) -> Part:
    if not spec.layers:
        raise SpecError("The architecture has no layers; add at least one.", path=("layers",))
    if any(layer.type.startswith(classical.PREFIX) for layer in spec.layers):
        check_alone(spec.layers)
    return Placement(assembly).chain(spec.layers, spec.input)


def place(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make one layer of any kind where `shape` reaches it. Raises SpecError."""
    if layer.type.startswith(classical.PREFIX):  # imported late: few specs need it
        check_single(layer, placement)
        return place_estimator(layer, shape, placement)
    return place_torch(layer, shape, placement)


def _notes(summary: ModelSummary) -> tuple[str, ...]:
    """What becomes of the outputs, and advice on what builds but is rarely intended."""
    last = summary.rows[-1]
    if summary.gives_image:
        return (
            "This is an autoencoder: its output has the size of the image. Train chooses the loss "
            "“Reconstruction” for it.",
        )
    if last.label.startswith(classical.PREFIX):
        return (classical.SIZE_NOTE,)
    if last.label in _LAST:
        return (f"The last layer is {last.label}. {_LAST[last.label]}",)
    if last.label in ("ReLU", "Tanh"):
        return (
            f"The last layer is {last.label}, which limits the scores of the classes; end with "
            f"Linear instead.",
        )
    return ()
