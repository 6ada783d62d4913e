"""The latent space of an autoencoder: the values of its narrowest layer, and images from them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import RunError

if TYPE_CHECKING:
    import torch

    from digitlab.runs.run import Run

NAME = "latent"  # a layer of this name is taken where there is one
REPARAMETERIZE = "Reparameterize"  # the layer of a variational autoencoder: see `models.operations`


class LatentSpace:
    """The latent space of an autoencoder's run.

    `layer` is the layer whose output it is, `shape` that output's shape for one image, and `size`
    how many values these are. Raises RunError for a classifier.
    """

    def __init__(self, run: Run) -> None:
        run.check_task("reconstruct")
        self.run = run
        self.model = copy.deepcopy(run.model).eval()  # nobody else's images meet the hooks
        self.layer, self.shape = _find_layer(self.model, tuple(run.spec.input))

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def is_normal(self) -> bool:
        """Whether training held its values to a standard normal distribution."""
        return type(self.model.get_submodule(self.layer)).__name__ == REPARAMETERIZE

    def encode(self, images: np.ndarray | torch.Tensor) -> np.ndarray:
        """Latent values float32 [N, size] of images uint8 [N, C, H, W]."""
        import torch

        from digitlab.training.predict import predict_logits

        parts: list[torch.Tensor] = []
        with self._hook(lambda output: parts.append(output.float().flatten(1).cpu())):
            predict_logits(self.model, torch.as_tensor(images), self.run.normalization)
        return torch.cat(parts).numpy()

    def decode(self, values: np.ndarray) -> np.ndarray:
        """Images float32 [N, C, H, W], pixels from 0 to 1, from latent values [N, size].

        Raises RunError where the image does not depend on these values alone.
        """
        if not self.decodes:
            raise RunError(
                f"The decoder of run {self.run.id} also reads layers before {self.layer} (a skip "
                "connection), so no image can be made from latent values alone.",
                run_id=self.run.id,
            )
        return self._decode(np.asarray(values, np.float32), 0.0)

    @cached_property
    def decodes(self) -> bool:
        """Whether images can be made from latent values alone: nothing passes them by."""
        values = np.zeros((1, self.size), np.float32)
        return np.array_equal(self._decode(values, 0.0), self._decode(values, 1.0))

    def _decode(self, values: np.ndarray, pixel: float) -> np.ndarray:
        """Images from latent values, whatever the image is that the encoder is given."""
        import torch

        shape = tuple(self.run.spec.input)
        parts = []
        with torch.inference_mode():
            for part in torch.as_tensor(values).split(500):
                latent = part.view(len(part), *self.shape)
                with self._hook(lambda _, latent=latent: latent):
                    parts.append(self.model(torch.full((len(part), *shape), pixel)))
        return torch.cat(parts).float().reshape(-1, *shape).numpy()

    @contextmanager
    def _hook(self, function: object) -> Iterator[None]:
        layer = self.model.get_submodule(self.layer)
        hook = layer.register_forward_hook(lambda _module, _inputs, output: function(output))
        try:
            yield
        finally:
            hook.remove()


def _find_layer(model: torch.nn.Module, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The layer that is latent, and its shape: by its kind, its name, or as the narrowest one.

    Of equally narrow layers the first is taken that no other one of that width follows.
    """
    from digitlab.analysis.activations import list_outputs

    outputs = list_outputs(model, shape)
    for output in outputs:
        if output.kind == REPARAMETERIZE:
            return output.name, output.shape
    for output in outputs:
        if output.name.rpartition(".")[2] == NAME:
            return output.name, output.shape
    sizes = [int(np.prod(output.shape)) for output in outputs]
    index = sizes.index(min(sizes))
    while index + 1 < len(sizes) and sizes[index + 1] == sizes[index]:
        index += 1
    return outputs[index].name, outputs[index].shape


# ---- a plane through it ------------------------------------------------------------------------


class Plane:
    """The plane in which latent values [N, size] vary most: their two principal directions.

    Of two values these are the values themselves. `ranges` [2, 2] are the coordinates between which
    nearly all points lie.
    """

    def __init__(self, values: np.ndarray) -> None:
        values = np.asarray(values, np.float64)
        if values.shape[1] <= 2:
            self.center, self.axes = np.zeros(values.shape[1]), np.eye(2, values.shape[1])
        else:
            self.center = values.mean(0)
            self.axes = np.linalg.svd(values - self.center, full_matrices=False)[2][:2]
        self.ranges = np.quantile(self.points(values), (0.02, 0.98), axis=0).T

    def points(self, values: np.ndarray) -> np.ndarray:
        """Latent values [N, size] as points float32 [N, 2] of the plane."""
        return ((values - self.center) @ self.axes.T).astype(np.float32)

    def values(self, points: np.ndarray) -> np.ndarray:
        """Points [N, 2] of the plane as latent values float32 [N, size]."""
        return (np.asarray(points) @ self.axes + self.center).astype(np.float32)

    def grid(self, steps: int) -> np.ndarray:
        """Points float64 [steps², 2] that cover the ranges, row by row from the top left."""
        across = np.linspace(*self.ranges[0], steps)
        down = np.linspace(*self.ranges[1][::-1], steps)
        return np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)


def interpolate(first: np.ndarray, second: np.ndarray, steps: int) -> np.ndarray:
    """Latent values float32 [steps, size] in equal steps from `first` to `second`, both [size]."""
    shares = np.linspace(0, 1, steps)[:, None]
    return ((1 - shares) * first + shares * second).astype(np.float32)
