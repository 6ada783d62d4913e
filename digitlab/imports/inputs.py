"""How a trained network wants its images: scaling, ink and paper, rows and columns, size.

A network from outside was trained on pixels that its author scaled in one of a few usual ways.
`InputForm` says one; `apply` makes its inputs from raw images, `with_front` writes all but the
scaling into the architecture, as layers before the author's, so that what is trained, exported and
drawn at later needs to know nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from digitlab.errors import ConfigError
from digitlab.models.layer import Layer
from digitlab.models.spec import ModelSpec

if TYPE_CHECKING:
    import torch

Sizing = Literal["", "pad", "resize"]
Shape = tuple[int, ...]

# (mean, standard deviation) of pixels from 0 to 1
SCALINGS: Mapping[str, tuple[float, float]] = {
    "0 to 1": (0.0, 1.0),
    "MNIST's mean and deviation": (0.1307, 0.3081),
    "-1 to 1": (0.5, 0.5),
    "0 to 255": (0.0, 1 / 255),
}
_WORDS = dict(zip(("none", "mnist", "half", "255"), SCALINGS.values(), strict=True))
SCALING_HELP = f"{', '.join(_WORDS)}, or MEAN,DEVIATION of pixels from 0 to 1"


@dataclass(frozen=True)
class InputForm:
    """Pixels p from 0 (paper) to 255 (ink) become (p / 255 - mean) / std.

    Before that the image is `transposed` (rows and columns change places), `inverted` (ink is dark)
    and brought to the network's size: `sizing` "pad" puts paper around it, "resize" enlarges it.
    """

    mean: float = 0.0
    std: float = 1.0
    inverted: bool = False
    transposed: bool = False
    sizing: Sizing = ""

    def describe(self) -> str:
        """In words."""
        near = [
            name
            for name, (mean, std) in SCALINGS.items()
            if abs(self.mean - mean) < 1e-6 and abs(self.std / std - 1) < 1e-6
        ]
        words = [near[0] if near else f"mean {self.mean:.4g}, deviation {self.std:.4g}"]
        words += ["dark ink on white"] if self.inverted else []
        words += ["rows and columns swapped"] if self.transposed else []
        words += {"": [], "pad": ["paper around it"], "resize": ["enlarged"]}[self.sizing]
        return ", ".join(words)

    def front(self, images: Shape, target: Shape) -> list[Layer]:
        """The layers that make normalised `images` [C, H, W] into what the network wants."""
        layers = []
        if self.transposed:
            layers.append(Layer("Transpose", {"dim0": 2, "dim1": 3}))
        if self.inverted:  # (1 - p - mean) / std from x = (p - mean) / std
            layers.append(
                Layer("Scale", {"factor": -1.0, "offset": (1 - 2 * self.mean) / self.std})
            )
        if self.sizing == "pad":
            rows, columns = target[1] - images[1], target[2] - images[2]
            sides = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
            layers.append(Layer("Pad", {"padding": sides, "value": self._paper}))
        elif self.sizing == "resize":
            layers.append(Layer("Upsample", {"size": list(target[1:]), "mode": "bilinear"}))
        if target[0] != images[0]:
            layers.append(Layer("Expand", {"shape": list(target)}))
        return layers

    @property
    def _paper(self) -> float:
        return (float(self.inverted) - self.mean) / self.std

    def apply(self, images: torch.Tensor, target: Shape) -> torch.Tensor:
        """Images uint8 [N, C, H, W] → what the network reads, float32 [N, *wanted]."""
        import torch.nn.functional as F

        x = images.float() / 255
        x = x.transpose(2, 3) if self.transposed else x
        x = ((1 - x if self.inverted else x) - self.mean) / self.std
        if self.sizing == "pad":
            rows, columns = target[1] - x.shape[2], target[2] - x.shape[3]
            sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
            x = F.pad(x, sides, value=self._paper)
        elif self.sizing == "resize":
            x = F.interpolate(x, size=tuple(target[1:]), mode="bilinear")
        return x.expand(len(x), *target)


def parse_scaling(text: str) -> tuple[float, float]:
    """Mean and deviation from "none", "mnist", "half", "255" or "0.13,0.31"; raises ConfigError."""
    if text in _WORDS:
        return _WORDS[text]
    try:
        mean, std = (float(part) for part in text.split(","))
        if 0 < std < 1e6 > abs(mean):
            return mean, std
    except ValueError:
        pass
    raise ConfigError(
        f"The normalization is {SCALING_HELP}; not {text[:40]!r}.", field="normalization"
    )


def usual_forms(
    images: Shape,
    target: Shape,
    scalings: Sequence[tuple[float, float]],
    **stated: bool | Sizing | None,
) -> list[InputForm]:
    """The usual ways to feed `images` [C, H, W] to a network that wants [C, H, W].

    Of these only the ones that agree with what is `stated` (fields of InputForm, None for any).
    """
    usual = _usual_forms(images, target, scalings)
    return [
        form
        for form in usual
        if all(value is None or getattr(form, name) == value for name, value in stated.items())
    ]


def _usual_forms(
    images: Shape, target: Shape, scalings: Sequence[tuple[float, float]]
) -> list[InputForm]:
    if images[1:] == target[1:]:
        sizings: tuple[Sizing, ...] = ("",)
    else:
        larger = target[1] >= images[1] and target[2] >= images[2]
        sizings = ("pad", "resize") if larger else ("resize",)
    square = target[1] == target[2] and images[1] == images[2]
    return [
        InputForm(mean, std, inverted, transposed, sizing)
        for transposed in ((False, True) if square else (False,))
        for sizing in sizings
        for inverted in (False, True)
        for mean, std in scalings
    ]


def with_front(
    spec: ModelSpec, weights: Mapping[str, torch.Tensor], front: Sequence[Layer], images: Shape
) -> tuple[ModelSpec, dict[str, torch.Tensor]]:
    """`spec` for `images` [C, H, W], with the layers `front` before its own, and its weights under
    their new names."""
    if not front:
        return spec, dict(weights)
    names = {layer.name for layer in spec.layers}
    last = "framed"
    while last in names:
        last += "_"
    reads_input = any("input" in layer.sources for layer in spec.layers)
    ahead = [*front[:-1], front[-1].named(last) if reads_input else front[-1]]
    layers = [
        layer.reading(*(last if name == "input" else name for name in layer.sources))
        if layer.sources
        else layer
        for layer in spec.layers
    ]
    shifted = {str(index) for index, layer in enumerate(spec.layers) if not layer.name}
    renamed = {}
    for key, value in weights.items():
        first, dot, rest = key.partition(".")
        moved = str(int(first) + len(front)) if first in shifted else first
        renamed[f"{moved}{dot}{rest}"] = value
    whole = ModelSpec(name=spec.name, input=images, init=spec.init, layers=[*ahead, *layers])
    return whole, renamed
