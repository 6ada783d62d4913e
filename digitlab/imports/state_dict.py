"""The tensors of a state dict, fitted to an architecture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import numpy as np
import torch

from digitlab.errors import NetworkFileError, SpecError
from digitlab.imports.contents import Contents
from digitlab.imports.guess import guess_spec
from digitlab.imports.keras_weights import loose_weights
from digitlab.imports.match import match
from digitlab.imports.network import TrainedNetwork
from digitlab.models.build import sketch, summarize
from digitlab.models.paste.keras.loosen import VALUE_BY_VALUE
from digitlab.models.placement import Row
from digitlab.models.spec import ModelSpec

_VALUE_BY_VALUE = {*VALUE_BY_VALUE, "Identity"} - {"Concatenate"}


def own_words(
    metadata: Mapping[str, str],
) -> tuple[ModelSpec | None, tuple[float, float] | None]:
    """The architecture and the normalisation that a file which digitlab exported says itself."""
    try:
        spec = ModelSpec.from_json(metadata["spec"])
        mean, std = float(metadata["mean"]), float(metadata["std"])
    except (KeyError, ValueError, SpecError):
        return None, None
    return spec, (mean, std) if 0 < std < 1e6 > abs(mean) else None


def fit_weights(
    contents: Contents, spec: ModelSpec | None, *, partial: bool = False
) -> TrainedNetwork:
    """The architecture `spec` with the tensors of a file. Raises NetworkFileError."""
    tensors = _tensors(contents)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if spec is None:
        raise NetworkFileError(
            f"{contents.source} holds weights without an architecture: name the one that they are "
            f"of, a preset, a .yaml file or pasted code.",
            suggestion=guess_spec(shapes),
            needs_architecture=True,
        )
    expected = {
        key: tuple(tensor.shape) for key, tensor in sketch(spec).module.state_dict().items()
    }
    fit = match(expected, shapes)
    if not fit.sources or (not fit.whole and not partial):
        raise NetworkFileError(
            f"The weights of {contents.source} do not fit {spec.name}: {fit.describe()} Choose "
            "their architecture, or import only what fits (--partial, in Python partial=True).",
            fit=fit,
            suggestion=guess_spec(shapes),
        )
    if contents.kind in ("hdf5", "keras"):
        tensors = {key: _from_channels_last(spec, key, tensors[source])
                   for key, source in fit.sources.items()}  # fmt: skip
    else:
        tensors = {key: tensors[source] for key, source in fit.sources.items()}
    notes = () if fit.whole else (fit.describe(),)
    weights = {key: t.float() if t.is_floating_point() else t for key, t in tensors.items()}
    about = (contents.source, contents.digest, contents.title)
    return TrainedNetwork(spec, weights, *about, notes=notes, fit=fit)


def _tensors(contents: Contents) -> dict[str, torch.Tensor]:
    """The tensors as torch has them; those of Keras turned to its order."""
    if contents.kind not in ("hdf5", "keras"):
        return contents.tensors
    arrays = {key: tensor.numpy() for key, tensor in contents.tensors.items()}
    names = contents.data.get("names") or {}
    weights = loose_weights(arrays, names)
    return {key: torch.from_numpy(np.array(array)) for key, array in weights.items()}


def _from_channels_last(spec: ModelSpec, key: str, tensor: torch.Tensor) -> torch.Tensor:
    """Weights for values of an image that Keras flattened with its channels last: those of a
    Linear behind it, or of a layer between that has one for each value."""
    rows = {row.key: row for row in summarize(spec).rows}
    layer, dot, _ = key.rpartition(".")
    row, before = rows.get(layer), {}
    for former, latter in itertools.pairwise(rows.values()):
        before[latter.key] = former.key
    if not dot or row is None or (row.label != "Linear" and row.label not in _VALUE_BY_VALUE):
        return tensor

    def source(of: Row) -> Row | None:
        reads = of.sources or (before.get(of.key, ""),)
        return rows.get(reads[0]) if len(reads) == 1 else None

    flat = source(row)
    while flat is not None and flat.label in _VALUE_BY_VALUE:
        flat = source(flat)
    if flat is None or flat.label != "Flatten" or len(flat.input_shape) != 3:
        return tensor
    front, size = source(flat), math.prod(flat.input_shape)
    if (front is not None and front.label == "Permute") or not tensor.dim():
        return tensor
    if tensor.shape[-1] != size or (tensor.dim() == 2) != (row.label == "Linear"):
        return tensor
    channels, height, width = flat.input_shape
    moved = tensor.reshape(-1, height, width, channels).permute(0, 3, 1, 2)
    return moved.reshape(tensor.shape)
