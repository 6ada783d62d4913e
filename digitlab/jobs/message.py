"""What pages and compute processes send each other, beside values of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from digitlab.data.info import SPLIT_SEED, VAL_FRACTION

if TYPE_CHECKING:
    from digitlab.imports.match import Fit
    from digitlab.models.spec import ModelSpec


class DataKey(NamedTuple):
    """What `load_dataset` takes: a dataset and how it is split."""

    name: str
    val_fraction: float = VAL_FRACTION
    seed: int = SPLIT_SEED


class Latent(NamedTuple):
    """What `analysis.latent.LatentSpace` says of a run's latent space."""

    layer: str
    size: int
    is_normal: bool
    decodes: bool


class Form(NamedTuple):
    """A way to feed a network, in words; its accuracy (0 to 1) on so many training images."""

    described: str
    accuracy: float
    images: int


class NetworkPreview(NamedTuple):
    """The network that a file holds, as a page tells of it. The most likely form comes first."""

    spec: ModelSpec
    title: str
    digest: str
    notes: tuple[str, ...]
    fit: Fit | None
    parameters: int
    forms: list[Form]
    explanation: str
    doubts: list[str]
