"""The last hidden activations of some images, and their projection to two dimensions.

Cached with the run, for a split of its own data:

    embedding-test.safetensors        positions in the split [M], activations [M, D] as float16
    embedding-test-tsne.safetensors   points [M, 2]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab import files
from digitlab.analysis.cache import cache_folder, is_cached, may_keep, require_weights
from digitlab.analysis.features import last_hidden
from digitlab.errors import RunError
from digitlab.evaluation.embedding import PROJECTIONS, project
from digitlab.runs import run_folder

if TYPE_CHECKING:
    from digitlab.data.dataset import Split
    from digitlab.runs.run import Run

MOST = 1_500  # images: t-SNE takes seconds for them, and a figure can show them
_SEED = 0


@dataclass(frozen=True, eq=False)
class Hidden:
    """Activations float16 [M, D] of the images at `positions` int64 [M] of a split."""

    positions: np.ndarray
    values: np.ndarray


def hidden_sample(run: Run, split: Split, *, keep: bool = True) -> Hidden:
    """The last hidden activations of a seeded sample of at most 1,500 images of a split.

    With `keep`, for a split of the run's own data, they are cached with the run, unless it is
    another's. Raises RunError where the run has no weights or the split no images.
    """
    import torch

    require_weights(run)
    path = cache_folder(run) / f"embedding-{split.name}.safetensors"
    if keep and is_cached(run, path):
        cached = run_folder.read_tensors(path, run.id)
        if {"positions", "values"} <= cached.keys():
            return Hidden(cached["positions"].numpy(), cached["values"].numpy())
    if not len(split):
        raise RunError(f"There are no images in the {split.name} split of this data.")
    generator = torch.Generator().manual_seed(_SEED)
    positions = torch.randperm(len(split), generator=generator)[:MOST].sort().values
    values = last_hidden(run.model, split.images[positions], run.normalization)
    if keep and may_keep(run):
        files.write_tensors(path, {"positions": positions, "values": values})
    return Hidden(positions.numpy(), values.numpy())


def embed(run: Run, split: Split, method: str = "pca", *, keep: bool = True) -> np.ndarray:
    """The images of `hidden_sample` as points float32 [M, 2]; `method` is pca or tsne.

    Raises as `hidden_sample`, and EvaluationError for another method or too few images.
    """
    import torch

    hidden = hidden_sample(run, split, keep=keep)
    valid = method in PROJECTIONS  # else it never becomes part of a path
    path = cache_folder(run) / f"embedding-{split.name}-{method if valid else ''}.safetensors"
    if keep and valid and is_cached(run, path):
        cached = run_folder.read_tensors(path, run.id).get("points")
        if cached is not None and len(cached) == len(hidden.positions):
            return cached.numpy()
    points = project(hidden.values.astype(np.float32), method, _SEED)
    if keep and may_keep(run):
        files.write_tensors(path, {"points": torch.from_numpy(points)})
    return points
