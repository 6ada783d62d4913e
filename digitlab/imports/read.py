"""`read_network`: a trained network from a file, as an architecture with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from digitlab.errors import NetworkFileError, SpecError
from digitlab.imports.contents import Contents, read_contents
from digitlab.imports.keras_weights import torch_weights
from digitlab.imports.match import match
from digitlab.imports.network import TrainedNetwork
from digitlab.imports.onnx_graph import translate_onnx
from digitlab.imports.state_dict import fit_weights, own_words
from digitlab.models.build import sketch
from digitlab.models.load import load_model
from digitlab.models.paste.keras.config import read_config
from digitlab.models.spec import ModelSpec

_SCALED = {"none": (0.0, 1.0), "half": (0.5, 0.5)}  # a Rescaling, by the recipe's word for it


def read_network(
    file: str | Path | bytes | BinaryIO,
    model: str | Path | ModelSpec | torch.nn.Module | None = None,
    *,
    partial: bool = False,
    source: str = "",
) -> TrainedNetwork:
    """The trained network in a file: its path, its bytes, or the file opened for reading them.

    ONNX and Keras files bring their architecture. The tensors of a state dict (.pt, .pth,
    .safetensors, .weights.h5) are fitted to `model`, a preset's name, a file (.yaml, or .py with
    PyTorch or Keras code, which is not run), a ModelSpec or an nn.Module: by name, else by shape
    and order. Raises NetworkFileError for a file that cannot be read or is not safe to open, and
    where a tensor does not fit, unless `partial`: then initial weights stand in.
    """
    spec = None if model is None else load_model(model)
    return network_in(read_contents(file, source), spec, partial=partial)


def network_in(
    contents: Contents, spec: ModelSpec | None = None, *, partial: bool = False
) -> TrainedNetwork:
    """The trained network in a file that has been opened; see `read_network`."""
    if spec is None and contents.kind == "safetensors":
        spec, normalization = own_words(contents.data["metadata"])
        return replace(fit_weights(contents, spec), normalization=normalization)
    if spec is not None or contents.kind in ("torch", "safetensors"):
        return fit_weights(contents, spec, partial=partial)
    return _read_graph(contents) if contents.kind == "onnx" else _read_keras(contents)


def _read_keras(contents: Contents) -> TrainedNetwork:
    """The network of a Keras file that has its config."""
    config = contents.data.get("config")
    if not isinstance(config, Mapping):
        return fit_weights(contents, None)
    reading = read_config(config)
    network = reading.network
    layers = [layer for layer, _ in network.layers]
    spec = ModelSpec(
        name=_stem(contents.source), input=network.input, init=network.init, layers=layers
    )
    arrays = {key: tensor.numpy() for key, tensor in contents.tensors.items()}
    weights = torch_weights(config, arrays, contents.data["names"], reading.parts, layers)
    tensors = {key: torch.from_numpy(np.array(array)) for key, array in weights.items()}
    _check_fit(spec, tensors)
    spec, normalization = _without_scaling(spec)
    normalization = normalization or _SCALED.get(reading.recipe.get("normalization", ""))
    about = (contents.source, contents.digest, contents.title)
    return TrainedNetwork(spec, tensors, *about, normalization, reading.notes)


def _without_scaling(spec: ModelSpec) -> tuple[ModelSpec, tuple[float, float] | None]:
    """Without a Rescaling of pixels at its beginning, and the normalisation that it was."""
    first, *rest = spec.layers
    factor, offset = first.args.get("factor", 1.0), first.args.get("offset", 0.0)
    names = {first.name, "input"} - {""}
    read = any(names & set(layer.sources) for layer in rest)
    if first.type != "Scale" or not 0 < factor < 1 / 50 or read or not rest:
        return spec, None
    mean, std = (float(f"{v:.6g}") + 0.0 for v in (-offset / (255 * factor), 1 / (255 * factor)))
    return spec.with_layers(rest), (mean, std)


def _check_fit(spec: ModelSpec, weights: Mapping[str, torch.Tensor]) -> None:
    """NetworkFileError unless the weights are those of the architecture, all of them."""
    expected = {
        key: tuple(tensor.shape)
        for key, tensor in sketch(spec).module.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    shapes = {key: tuple(tensor.shape) for key, tensor in weights.items()}
    if expected != shapes:
        raise NetworkFileError(
            f"The weights in the file do not fit its config: {match(expected, shapes).describe()}"
        )


def _read_graph(contents: Contents) -> TrainedNetwork:
    """The network of an ONNX file: of one that digitlab exported, as it was."""
    own = _own_network(contents)
    arrays = {key: tensor.numpy() for key, tensor in contents.tensors.items()}
    try:
        spec, weights, normalization = translate_onnx(contents.data, arrays, _stem(contents.source))
    except NetworkFileError:
        if own is None:
            raise
        return own
    tensors = {key: torch.from_numpy(np.array(array)) for key, array in weights.items()}
    about = (contents.source, contents.digest, contents.title)
    graph = TrainedNetwork(spec, tensors, *about, normalization)
    return graph if own is None or not _agree(own, graph) else own


def _own_network(contents: Contents) -> TrainedNetwork | None:
    """The network that a digitlab exported, where the file still has all of its weights."""
    spec, normalization = own_words(contents.data["metadata"])
    if spec is None:
        return None
    front = "network."
    tensors = {key.removeprefix(front): tensor for key, tensor in contents.tensors.items()
               if key.startswith(front)}  # fmt: skip
    try:
        own = fit_weights(replace(contents, tensors=tensors), spec, partial=True)
    except (NetworkFileError, SpecError):
        return None
    whole = all(row.how in ("name", "unused") for row in own.fit.rows)
    return replace(own, normalization=normalization, fit=None, notes=()) if whole else None


def _agree(first: TrainedNetwork, second: TrainedNetwork) -> bool:
    """Whether both answer alike: a program may have changed the graph and left our words in it."""
    pixels = torch.rand(4, *first.spec.input, generator=torch.Generator().manual_seed(0))
    if first.spec.input != second.spec.input or first.normalization is None:
        return False
    answers = []
    with torch.inference_mode():
        for network in (first, second):
            mean, std = network.normalization or (0.0, 1.0)
            answers.append(network.build()((pixels - mean) / std))
    near = answers[0].shape == answers[1].shape
    return near and torch.allclose(*answers, atol=1e-3 * max(1.0, float(answers[0].abs().max())))


def _stem(source: str) -> str:
    """A network's name from its file's."""
    name = "".join(c if c.isprintable() else " " for c in Path(source).stem).strip()
    return name[:100] or "Imported"
