"""A run's network as an ONNX graph beside its weights: it answers without torch.

The bundled runs come with theirs. That of another run is written where a process that has no torch
first reads with it: see `exports.kept_graph`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.runs import run_folder
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import numpy as np

    from digitlab.runs.run import Run

ACTIVATION_BYTES = "activation_bytes"  # of one image: a graph's note; bundled ones, small, lack it
_AT_ONCE = 100  # images at most
_KEPT = 16  # graphs in memory
_SHARE = 40  # one graph's activations take this part of a compute process's memory


def find_graph(run: Run) -> Path | None:
    """The graph of the run's present weights; None where there is none."""
    graph, weights = run.folder / run_folder.GRAPH, run.folder / run_folder.WEIGHTS
    if not graph.is_file():
        return None
    if run.record.bundled:  # a checkout gives files any time
        return graph
    fresh = weights.is_file() and graph.stat().st_mtime_ns >= weights.stat().st_mtime_ns
    return graph if fresh else None


def read_graph(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What gives images uint8 [N, C, H, W] their logits float32 [N, classes], by ONNX Runtime."""
    return _read_graph(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=_KEPT)
def _read_graph(path: Path, changed: int) -> Callable[[np.ndarray], np.ndarray]:
    return open_graph(path.read_bytes())


def most_bytes() -> int:
    """The memory that the activations in one graph may take: ONNX Runtime keeps what it took."""
    return read_settings().compute_memory // _SHARE


def open_graph(graph: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """What `read_graph` gives, of a graph's bytes; on so many images at once as are in bounds."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = read_settings().threads
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    noted = session.get_modelmeta().custom_metadata_map.get(ACTIVATION_BYTES, "1")
    at_once = max(1, min(_AT_ONCE, most_bytes() // int(noted)))

    def find_logits(images: np.ndarray) -> np.ndarray:
        starts = range(0, max(len(images), 1), at_once)
        parts = [session.run(["logits"], {"images": images[i : i + at_once]})[0] for i in starts]
        return np.concatenate(parts)

    return find_logits
