"""The training images nearest to an image in a run's last hidden layer.

The activations are computed once and cached with the run, as float16 in safetensors:

    features.safetensors    positions in the training split [M], activations [M, D]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from digitlab import files
from digitlab.analysis.cache import check_keeping, is_cached
from digitlab.errors import RunError
from digitlab.runs import run_folder
from digitlab.runs.disk import check_disk
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Split
    from digitlab.runs.run import Run
    from digitlab.training.normalize import Normalization

FEATURES = "features.safetensors"
MAX_BYTES = 100_000_000  # of one run's activations; above it, a sample of the images is used
_ROWS_AT_ONCE = 4_096
_SEED = 0

Metric = Literal["cosine", "euclidean"]


@dataclass(frozen=True, eq=False)
class Features:
    """Activations float16 [M, D] of the training images at `positions` int64 [M], of `total`."""

    positions: torch.Tensor
    values: torch.Tensor
    total: int

    @cached_property
    def norms(self) -> torch.Tensor:
        """Lengths of the activations, float32 [M]."""
        import torch

        parts = [rows.float().norm(dim=1) for rows in self.values.split(_ROWS_AT_ONCE)]
        return torch.cat(parts)


class Neighbour(NamedTuple):
    """A training image: its position in the training split, and how far it is.

    Cosine distance is 1 − cos, 0…2; Euclidean distance is in units of the activations.
    """

    position: int
    distance: float


def features_path(run: Run) -> Path:
    """Where a run's activations are kept; of a bundled run, which is read-only, in the home."""
    if run.record.bundled:
        return read_settings().home / "features" / run.id / FEATURES
    return run.folder / FEATURES


def has_features(run: Run) -> bool:
    """Whether they are cached for the run's present weights."""
    return is_cached(run, features_path(run))


def compute_features(
    run: Run, train: Split, on_progress: Callable[[int, int], None] | None = None
) -> Features:
    """Compute and keep the activations for the run's training split.

    Where those of all images would need more than 100 MB, a seeded sample is used.
    `on_progress` is called with the number of images done and in total. Raises RunError where the
    run has no weights or no training images, is another's, or its owner's share of the disk is
    used up, and StoreError where the disk is full.
    """
    import torch

    check_keeping(run)
    if not len(train):
        raise RunError(f"Run {run.id} has no training images to compare with.", run_id=run.id)
    width = last_hidden(run.model, train.images[:1], run.normalization).shape[1]
    count = max(1, min(len(train), MAX_BYTES // (2 * width)))
    if not run.record.bundled:
        check_disk(2 * width * count)
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(_SEED))
    positions = order[:count].sort().values
    values = last_hidden(
        run.model, train.images[positions], run.normalization, on_progress=on_progress
    )
    tensors = {"positions": positions, "values": values, "total": torch.tensor([len(train)])}
    files.write_tensors(features_path(run), tensors)
    return Features(positions, values, len(train))


def read_features(run: Run) -> Features:
    """The cached activations; RunError where there are none or the file is damaged."""
    cached = run_folder.read_tensors(features_path(run), run.id)
    if not {"positions", "values", "total"} <= cached.keys():
        raise RunError(f"Run {run.id} has a damaged {FEATURES}: delete it.", run_id=run.id)
    return Features(cached["positions"], cached["values"], int(cached["total"][0]))


def nearest(
    run: Run,
    features: Features,
    image: torch.Tensor,
    k: int = 8,
    metric: Metric = "cosine",
    exclude: int | None = None,
) -> list[Neighbour]:
    """The `k` training images nearest to an image uint8 [1, H, W], the nearest first.

    `exclude` leaves out one position of the training split: the image itself, say.
    """
    import torch

    if metric not in ("cosine", "euclidean"):
        raise RunError(f"A distance is cosine or euclidean; not {metric!r}.")
    own = last_hidden(run.model, image[None], run.normalization)[0].float()
    approximate = _approximate_distances(features, own, metric)
    if exclude is not None:
        approximate[features.positions == exclude] = torch.inf
    likely = approximate.topk(min(4 * k, len(approximate)), largest=False).indices
    exact = _exact_distances(features.values[likely].float(), own, metric)
    exact[approximate[likely] == torch.inf] = torch.inf
    closest = exact.topk(min(k, len(exact)), largest=False)
    return [
        Neighbour(int(features.positions[likely[i]]), float(distance))
        for distance, i in zip(closest.values, closest.indices, strict=True)
        if distance < torch.inf
    ]


def _approximate_distances(features: Features, own: torch.Tensor, metric: Metric) -> torch.Tensor:
    """Values in the order of the distances, fast but rounded: one dot product for each image."""
    import torch

    parts = [rows.float() @ own for rows in features.values.split(_ROWS_AT_ONCE)]
    products = torch.cat(parts)
    if metric == "euclidean":
        return features.norms**2 - 2 * products
    return -products / features.norms.clamp(min=1e-12)


def _exact_distances(rows: torch.Tensor, own: torch.Tensor, metric: Metric) -> torch.Tensor:
    import torch

    if metric == "euclidean":
        return torch.linalg.vector_norm(rows - own, dim=1)
    return 1 - torch.nn.functional.cosine_similarity(rows, own[None], dim=1)


def last_hidden(
    model: torch.nn.Module,
    images: torch.Tensor,
    normalization: Normalization,
    *,
    batch_size: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """What enters the last linear layer, flattened: float16 [N, D], for images uint8 [N, 1, H, W].

    The last one is the `Linear` that runs last; of a network without any, the logits are taken.
    Values beyond what float16 holds are cut. `on_progress` is called with images done and in all.
    """
    import torch

    from digitlab.training.predict import BATCH

    entered: list[torch.Tensor] = []

    def keep(_: torch.nn.Module, arguments: tuple[torch.Tensor, ...]) -> None:
        entered[:] = arguments[:1]

    linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    hooks = [module.register_forward_pre_hook(keep) for module in linear]
    was_training = model.training
    model.eval()
    parts, limit = [], torch.finfo(torch.float16).max
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        for part in images.split(batch_size or BATCH):
            with torch.inference_mode():
                logits = model(normalization(part.to(device)))
                hidden = (entered[0] if entered else logits).float().reshape(len(part), -1)
                parts.append(hidden.clamp(-limit, limit).half().cpu())
            if on_progress:
                on_progress(sum(map(len, parts)), len(images))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return torch.cat(parts)
