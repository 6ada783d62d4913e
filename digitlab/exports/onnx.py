"""A network as an ONNX graph, which other programs and languages run."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from digitlab.errors import ExportError

if TYPE_CHECKING:
    import torch

    from digitlab.training.config import Task
    from digitlab.training.normalize import Normalization

_EXPORTING = threading.Lock()  # the exporter changes settings of the whole process
OUTPUTS = {"classify": ("logits", "probabilities"), "reconstruct": ("reconstructions",)}
OPSET = 20  # of ONNX, January 2024: read by ONNX Runtime from 1.17 on


def to_onnx(
    network: torch.nn.Module,
    normalization: Normalization,
    shape: Sequence[int],
    metadata: Mapping[str, str],
    task: Task = "classify",
) -> bytes:
    """An ONNX file from raw pixels to probabilities, for any number of images at once.

    Input `images` uint8 [N, *shape] as they are in the dataset: the normalisation is inside.
    Outputs `logits` and `probabilities` float32 [N, C], or, of an autoencoder (`task`
    "reconstruct"), `reconstructions` float32 [N, *shape]. `metadata` is stored in it. The network
    must be in evaluation mode on the CPU. Raises ExportError where PyTorch cannot write it.
    """
    import torch

    examples = torch.zeros(2, *shape, dtype=torch.uint8)
    try:
        with _EXPORTING, _quietly():
            program = torch.onnx.export(
                _from_pixels(network, normalization, task),
                (examples,),
                dynamo=True,
                input_names=["images"],
                output_names=list(OUTPUTS[task]),
                dynamic_shapes=({0: torch.export.Dim("N")},),
                opset_version=OPSET,
                optimize=False,  # weights keep their names, so that the file can be imported again
                verbose=False,
            )
    except Exception as e:  # the exporter raises anything on what it does not support
        reason = (str(e).strip() or type(e).__name__).splitlines()[0][:200]
        raise ExportError(
            f"PyTorch cannot write this network as ONNX ({reason}). Export it as py or "
            "safetensors instead."
        ) from e
    model = program.model_proto
    for node in model.graph.node:
        notes = node.metadata_props
        public = [note for note in notes if not note.key.endswith("stack_trace")]  # with our paths
        del notes[:]
        notes.extend(public)
    for name, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = name, value
    return model.SerializeToString()


def _from_pixels(
    network: torch.nn.Module, normalization: Normalization, task: Task
) -> torch.nn.Module:
    import torch

    class FromPixels(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
            answers = self.network(normalization(images))
            if task == "reconstruct":
                return answers.view(images.shape)
            return answers, answers.softmax(1)

    return FromPixels().eval()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the exporter's messages, which are for its developers: it raises what matters."""
    import torch

    fast, level = torch.backends.mha.get_fastpath_enabled(), logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        torch.backends.mha.set_fastpath_enabled(False)  # ONNX has no operator for fused attention
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)
            logging.disable(level)
