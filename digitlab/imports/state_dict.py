"""The tensors of a state dict, fitted to an architecture."""

from __future__ import annotations

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
from digitlab.models.spec import ModelSpec


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
    given = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    if spec is None:
        raise NetworkFileError(
            f"{contents.source} holds weights without an architecture: name the one that they are "
            f"of, a preset, a .yaml file or pasted code.",
            suggestion=guess_spec(given),
            needs_architecture=True,
        )
    expected = {
        key: tuple(tensor.shape) for key, tensor in sketch(spec).module.state_dict().items()
    }
    fit = match(expected, given)
    if not fit.sources or (not fit.whole and not partial):
        raise NetworkFileError(
            f"The weights of {contents.source} do not fit {spec.name}: {fit.describe()} Choose "
            "their architecture, or import only what fits.",
            fit=fit,
            suggestion=guess_spec(given),
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
    """A Linear's weight behind an image that Keras flattened with its channels last."""
    rows = summarize(spec).rows
    before = {row.key: rows[index - 1] for index, row in enumerate(rows) if index}
    flat = before.get(key.removesuffix(".weight"))
    if tensor.dim() != 2 or flat is None or flat.label != "Flatten" or len(flat.input_shape) != 3:
        return tensor
    channels, height, width = flat.input_shape
    moved = tensor.reshape(len(tensor), height, width, channels).permute(0, 3, 1, 2)
    return moved.reshape(len(tensor), -1)
