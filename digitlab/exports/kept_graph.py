"""The graph that is kept beside a run's weights, so that what reads drawings needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab import files
from digitlab.errors import DigitlabError
from digitlab.exports.onnx import to_onnx
from digitlab.runs import run_folder
from digitlab.runs.graph import ACTIVATION_BYTES, find_graph, most_bytes, open_graph

if TYPE_CHECKING:
    from digitlab.runs.run import Run

_TRIED = 32  # random images on which a graph must answer as the network does …
_TOLERANCE = 1e-3  # … to so much of a logit, times its size where that is above 1


def keep_graph(run: Run) -> bool:
    """Write the run's graph beside its weights, if there is none yet; whether there is one now.

    None is kept of a run that is active, has no weights or answers through others, nor where
    PyTorch cannot write it, its logits are not those of the network, or one image takes more
    memory than the process that reads it may give.
    """
    if find_graph(run) or run.record.active or run.record.members or run.task != "classify":
        return find_graph(run) is not None
    from digitlab.models.build import summarize

    try:
        taken = max(1, summarize(run.spec).activation_bytes)
        if taken > most_bytes():
            return False
        graph = to_onnx(
            run.model, run.normalization, run.spec.input, {ACTIVATION_BYTES: str(taken)}
        )
        if not _answers_alike(run, graph):
            return False
        files.write_atomically(run.folder / run_folder.GRAPH, graph, durable=False)
    except DigitlabError:  # it has no weights, or the exporter lacks a layer, or the disk is full
        return False
    return True


def _answers_alike(run: Run, graph: bytes) -> bool:
    import numpy as np
    import torch

    images = np.random.default_rng(0).integers(0, 256, (_TRIED, *run.spec.input), dtype=np.uint8)
    expected = run.predict_logits(torch.from_numpy(images)).numpy()
    logits = open_graph(graph)(images)
    return np.allclose(logits, expected, rtol=_TOLERANCE, atol=_TOLERANCE)
