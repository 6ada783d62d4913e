"""Signatures by name, whatever kind of layer it is, and a layer to begin with of each name."""

from __future__ import annotations

from typing import Any

from digitlab.errors import SpecError
from digitlab.models.arguments import LayerSignature
from digitlab.models.blocks import BLOCKS, block_signature, list_blocks
from digitlab.models.classical.arguments import estimator_signature
from digitlab.models.classical.catalog import PREFIX as CLASSICAL
from digitlab.models.layer import Layer
from digitlab.models.layers import layer_signature, list_layers
from digitlab.models.operations import OPERATIONS, operation_signature
from digitlab.models.parameters import WEIGHTS, weights_signature
from digitlab.models.placement import Shape
from digitlab.models.sequence_layers import SEQUENCE_LAYERS, sequence_signature
from digitlab.models.whole_model_names import list_whole_models
from digitlab.models.whole_models import model_signature

# A usual value for an argument that is required.
USUAL: dict[str, Any] = {
    "dim": 64,
    "downscale_factor": 2,
    "groups": 1,
    "hidden_size": 64,
    "kernel_size": 3,
    "norm_type": 2.0,
    "num_groups": 1,
    "out_channels": 16,
    "out_features": 64,
    "output_size": 1,
    "padding": 1,
    "patch_size": 4,
    "size": 5,
    "threshold": 0.0,
    "times": 2,
    "unflattened_size": (1, 28, 28),
    "upscale_factor": 2,
    "value": 0.0,
}
# What a layer needs besides its required arguments to do something.
_MORE: dict[str, dict[str, Any]] = {
    **{f"MaxPool{n}d": {"kernel_size": 2} for n in (1, 2, 3)},
    **{f"AvgPool{n}d": {"kernel_size": 2} for n in (1, 2, 3)},
    **{f"LPPool{n}d": {"kernel_size": 2} for n in (1, 2, 3)},
    **{f"FractionalMaxPool{n}d": {"kernel_size": 2, "output_ratio": 0.5} for n in (2, 3)},
    **{f"Conv{n}d": {"padding": 1} for n in (1, 2, 3)},
    **{name: {"scale_factor": 2} for name in ("UpsamplingBilinear2d", "UpsamplingNearest2d")},
    "Upsample": {"scale_factor": 2.0},
    "DenseBlock": {"growth": 8},
    "Unflatten": {"dim": 1},
    "Fold": {"output_size": (28, 28), "kernel_size": 4, "stride": 4},
    "Unfold": {"kernel_size": 4, "stride": 4},
    **{name: {"dim": 1} for name in ("Mean", "Sum", "Max", "Min", "Std", "Var", "Norm")},
    "Select": {"dim": 1, "index": -1},
    "Slice": {"dim": 1, "stop": 1},
    "Reshape": {"shape": (-1,)},
    "Expand": {"shape": (-1,)},
    "Permute": {"dims": (1,)},
    "Transpose": {"dim0": 1, "dim1": -1},
    "Tile": {"repeats": (2,)},
    "Flip": {"dims": (-1,)},
    "Roll": {"shifts": 1, "dims": -1},
    "Pad": {"padding": (1, 1)},
    "Scale": {"factor": 0.5},
    "Power": {"exponent": 2.0},
    "Clamp": {"min": 0.0},
    "GaussianNoise": {"std": 0.1},
    "AffineGrid": {"size": (28, 28)},
    "Einsum": {"equation": "b...->b..."},
    "MultiheadAttention": {"num_heads": 4},
    "TransformerEncoderLayer": {"nhead": 4, "dim_feedforward": 128},
    "Parameter": {"shape": (1,), "init": "normal"},
    "Constant": {"shape": (1,)},
    "Reuse": {"layer": "conv"},
}


def list_kinds() -> tuple[tuple[str, str], ...]:
    """The name and kind of everything that may be added to a list of layers.

    The layers that most networks are made of come first, then all others, blocks, whole models.
    """
    first = ("Conv2d", "Linear", "ReLU", "MaxPool2d", "Flatten", "BatchNorm2d", "Dropout")
    layers = (*first, *(name for name in list_layers() if name not in first))
    return (
        *((name, layer_signature(name).kind) for name in layers[: len(first)]),
        *((name, "block") for name in list_blocks()),
        *((name, operation_signature(name).kind) for name in OPERATIONS),
        *((name, sequence_signature(name).kind) for name in SEQUENCE_LAYERS),
        *((name, weights_signature(name).kind) for name in WEIGHTS),
        *((name, layer_signature(name).kind) for name in layers[len(first) :]),
        *((name, "whole model") for name in list_whole_models()),
    )


def find_signature(name: str) -> LayerSignature | None:
    """What a layer, block, whole model or classical model takes; None for an unknown name."""
    if name in BLOCKS:
        return block_signature(name)
    if name in list_layers():
        return layer_signature(name)
    if name in OPERATIONS:
        return operation_signature(name)
    if name in WEIGHTS:
        return weights_signature(name)
    if name in SEQUENCE_LAYERS:
        return sequence_signature(name)
    if name in list_whole_models():
        return model_signature(name)
    if name.startswith(CLASSICAL):
        try:
            return estimator_signature(name.removeprefix(CLASSICAL))
        except (KeyError, SpecError):
            return None
    return None


def fresh_layer(name: str, shape: Shape | None = None) -> Layer:
    """A layer of that name with usual arguments, made for the `shape` that reaches it, if known.

    A block comes with a layer or two inside that keep the shape.
    """
    if name in ("Residual", "Repeat"):
        times = {"times": 2} if name == "Repeat" else {}
        return Layer(name, {**times, "layers": _keeping(shape)})
    if name == "Parallel":
        return Layer(name, {"branches": [_keeping(shape, 1), _keeping(shape, 3)]})
    signature = find_signature(name)
    needed = {
        argument.name: USUAL[argument.name]
        for argument in (signature.arguments if signature else ())
        if argument.required and argument.name in USUAL
    }
    return Layer(
        name, {**needed, **_MORE.get(name, {}), **(_for_shape(name, shape) if shape else {})}
    )


def _for_shape(name: str, shape: Shape) -> dict[str, Any]:
    """Arguments that depend on the shape that reaches a layer."""
    rank = len(shape)
    if name == "Permute":
        return {"dims": (*range(2, rank + 1), 1)}
    if name == "Expand":
        return {"shape": shape}
    if name == "Tile":
        return {"repeats": (*(1,) * (rank - 1), 2)}
    if name in ("Parameter", "Constant"):
        return {"shape": (1, *shape), **({"std": 0.02} if name == "Parameter" else {})}
    if name in ("MultiheadAttention", "TransformerEncoderLayer"):
        heads = next(n for n in (4, 3, 2, 1) if shape[-1] % n == 0)
        return {"num_heads" if name == "MultiheadAttention" else "nhead": heads}
    if rank == 1 and name in ("Mean", "Sum", "Max", "Min", "Std", "Var", "Norm"):
        return {"keepdim": True}
    return {}


def _keeping(shape: Shape | None, kernel: int = 3) -> list[Layer]:
    """A layer with weights and its activation, which give the shape that arrives."""
    if shape is None or len(shape) not in (1, 2, 3):
        return [Layer("ReLU")]
    if len(shape) == 3:
        args = {"out_channels": shape[0], "kernel_size": kernel}
        more = {"padding": kernel // 2} if kernel > 1 else {}
        return [Layer("Conv2d", {**args, **more}), Layer("ReLU")]
    return [Layer("Linear", {"out_features": shape[-1]}), Layer("ReLU")]
