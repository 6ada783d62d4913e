"""`read_network`: a trained network from a file, as an architecture with its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from digitlab.errors import NetworkFileError, SpecError
from digitlab.imports.contents import Contents, read_contents
from digitlab.imports.guess import guess_spec
from digitlab.imports.match import Fit, match
from digitlab.imports.onnx_graph import translate_onnx
from digitlab.models.build import build, sketch
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.training.config import Loss, TrainConfig
from digitlab.training.loss import last_layer, scoring_spec

_LOSSES: dict[str, Loss] = {"LogSoftmax": "nll", "Sigmoid": "binary"}


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """An architecture with the weights that a file holds, which is named by `source` and `digest`
    (SHA-256 in hex) and of the format `title`.

    `normalization`, mean and deviation of pixels from 0 to 1, is known where the file says it.
    `notes` say what was left out or guessed; `fit` what each tensor of a state dict fits.
    """

    spec: ModelSpec
    weights: Mapping[str, torch.Tensor]
    source: str
    digest: str
    title: str
    normalization: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    fit: Fit | None = None

    @property
    def config(self) -> TrainConfig:
        """A recipe whose loss says what the outputs are, by the last layer."""
        loss = _LOSSES.get(last_layer(self.spec).type, "cross-entropy")
        return TrainConfig(epochs=1, loss=loss)

    def build(self) -> torch.nn.Module:
        """The network that a run of it uses, in evaluation mode, on the CPU."""
        network = build(scoring_spec(self.spec, self.config), seed=0)
        network.load_state_dict({**network.state_dict(), **self.weights})
        return network.eval()


def read_network(
    file: str | Path | bytes | BinaryIO,
    model: str | Path | ModelSpec | None = None,
    *,
    partial: bool = False,
    source: str = "",
) -> TrainedNetwork:
    """The trained network in a file: its path, its bytes, or the file opened for reading them.

    ONNX and Keras files bring their architecture. The tensors of a state dict (.pt, .pth,
    .safetensors, .weights.h5) are fitted to `model`, a preset's name, a file or a ModelSpec: by
    name, else by shape and order. Raises NetworkFileError for a file that cannot be read or is not
    safe to open, and where a tensor does not fit, unless `partial`: then initial weights stand in.
    """
    contents = read_contents(file, source)
    spec = None if model is None else load_model(model)
    return _translate(contents, spec, partial)


def _translate(contents: Contents, spec: ModelSpec | None, partial: bool) -> TrainedNetwork:
    if spec is None and contents.kind == "safetensors":
        spec, normalization = own_words(contents.data["metadata"])
        return replace(fit_weights(contents, spec), normalization=normalization)
    if spec is not None or contents.kind in ("torch", "safetensors"):
        return fit_weights(contents, spec, partial=partial)
    if contents.kind == "onnx":
        return _read_graph(contents)
    raise NetworkFileError(f"{contents.title} files cannot be read yet.")


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


def _agree(one: TrainedNetwork, other: TrainedNetwork) -> bool:
    """Whether both answer alike: a program may have changed the graph and left our words in it."""
    pixels = torch.rand(4, *one.spec.input, generator=torch.Generator().manual_seed(0))
    if one.spec.input != other.spec.input or one.normalization is None:
        return False
    answers = []
    with torch.inference_mode():
        for network in (one, other):
            mean, std = network.normalization or (0.0, 1.0)
            answers.append(network.build()((pixels - mean) / std))
    near = answers[0].shape == answers[1].shape
    return near and torch.allclose(*answers, atol=1e-3 * max(1.0, float(answers[0].abs().max())))


def _stem(source: str) -> str:
    """A network's name from its file's."""
    name = "".join(c if c.isprintable() else " " for c in Path(source).stem).strip()
    return name[:100] or "Imported"


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
    given = {key: tuple(tensor.shape) for key, tensor in contents.tensors.items()}
    if spec is None:
        raise NetworkFileError(
            f"{contents.source} holds weights without an architecture: name the one that they are "
            f"of, a preset, a .yaml file or pasted code.",
            suggestion=guess_spec(given),
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
    weights = {key: contents.tensors[source].float() if contents.tensors[source].is_floating_point()
               else contents.tensors[source] for key, source in fit.sources.items()}  # fmt: skip
    return TrainedNetwork(
        spec, weights, contents.source, contents.digest, contents.title,
        notes=() if fit.whole else (fit.describe(),), fit=fit,
    )  # fmt: skip
