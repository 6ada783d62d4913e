"""Attribution: how much each pixel speaks for or against a class, by Captum's methods."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from digitlab.analysis.attacks import is_differentiable
from digitlab.errors import RunError
from digitlab.training.normalize import Normalization

METHODS = {
    "integrated-gradients": "Integrated gradients",
    "occlusion": "Occlusion",
    "grad-cam": "Grad-CAM",
}
STEPS = 50  # on the way from blank paper to the image
WINDOWS = 7  # occluding squares along each side; they overlap by half
_AT_ONCE = 10  # changed images that go through the network together


def fitting_methods(model: nn.Module, shape: tuple[int, ...]) -> tuple[str, ...]:
    """The methods that fit a network for images of `shape` [C, H, W].

    Integrated gradients need a gradient, which fitted classical models do not have; Grad-CAM
    needs a convolution whose maps are larger than one pixel. Occlusion always fits.
    """
    if not is_differentiable(model):
        return ("occlusion",)
    if _last_convolution(copy.deepcopy(model).eval(), shape) is None:
        return ("integrated-gradients", "occlusion")
    return tuple(METHODS)


def attribute(
    model: nn.Module, image: torch.Tensor, target: int, method: str, normalization: Normalization
) -> torch.Tensor:
    """What each pixel of an image uint8 [C, H, W] adds to the logit of class `target`.

    float32 [H, W], positive where it speaks for the class. `method` is one of METHODS:

    - `integrated-gradients`: gradients summed on the way from blank paper to the image, so that
      all pixels together give the difference of the two logits (Sundararajan, Taly, Yan, 2017);
    - `occlusion`: by how much the logit falls, on average, where a square of paper covers the
      pixel (Zeiler, Fergus, 2014);
    - `grad-cam`: the maps of the last convolution, weighted by their gradient and enlarged, with
      their sign (Selvaraju et al., 2017). In units of its own.

    On the model's device, in evaluation mode, on a copy of the model. RunError for an unknown or
    unfit method or class.
    """
    if method not in METHODS:
        raise RunError(f"An attribution is one of {', '.join(METHODS)}; not {method!r}.")
    shape = tuple(image.shape)
    fitting = fitting_methods(model, shape)
    if method not in fitting:
        raise RunError(f"{METHODS[method]} does not fit this model; try {' or '.join(fitting)}.")
    model = copy.deepcopy(model).eval().requires_grad_(False)  # whose hooks nobody else meets
    device = next((tensor.device for tensor in model.parameters()), torch.device("cpu"))
    pixels = normalization(image[None].to(device))
    paper = normalization(torch.zeros_like(image[None], device=device))
    classes = _count_classes(model, pixels)
    if not 0 <= target < classes:
        raise RunError(f"A class is one of 0 to {classes - 1}; not {target}.")
    with torch.enable_grad():
        attributions = _EXPLAIN[method](model, pixels, paper, target)
    return attributions.detach().float().sum(dim=(0, 1)).cpu()


@torch.no_grad()
def _count_classes(model: nn.Module, pixels: torch.Tensor) -> int:
    return model(pixels).shape[1]


def _integrate(
    model: nn.Module, pixels: torch.Tensor, paper: torch.Tensor, target: int
) -> torch.Tensor:
    from captum.attr import IntegratedGradients

    return IntegratedGradients(model).attribute(
        pixels, paper, target=target, n_steps=STEPS, internal_batch_size=_AT_ONCE
    )


def _occlude(
    model: nn.Module, pixels: torch.Tensor, paper: torch.Tensor, target: int
) -> torch.Tensor:
    from captum.attr import Occlusion

    channels, *sides = pixels.shape[1:]
    window = tuple(max(1, side // WINDOWS) for side in sides)
    with torch.no_grad():
        return Occlusion(model).attribute(
            pixels,
            sliding_window_shapes=(channels, *window),
            strides=(channels, *(max(1, side // 2) for side in window)),
            baselines=paper,
            target=target,
            perturbations_per_eval=_AT_ONCE,
        )


def _weigh_maps(
    model: nn.Module, pixels: torch.Tensor, paper: torch.Tensor, target: int
) -> torch.Tensor:
    from captum.attr import LayerGradCam

    del paper
    layer = _last_convolution(model, tuple(pixels.shape[1:]))
    maps = LayerGradCam(model, layer).attribute(pixels.requires_grad_(), target=target)
    return F.interpolate(maps, size=pixels.shape[2:], mode="bilinear")


_EXPLAIN = {
    "integrated-gradients": _integrate,
    "occlusion": _occlude,
    "grad-cam": _weigh_maps,
}


def _last_convolution(model: nn.Module, shape: tuple[int, ...]) -> nn.Module | None:
    """The convolution that runs last of those whose maps are larger than one pixel."""
    ran: list[nn.Module] = []

    def keep(module: nn.Module, _: object, output: torch.Tensor) -> None:
        if output.dim() == 4 and min(output.shape[2:]) > 1:
            ran.append(module)

    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    if not convolutions:
        return None
    hooks = [module.register_forward_hook(keep) for module in convolutions]
    device = next(model.parameters()).device
    with torch.no_grad():
        model(torch.zeros(1, *shape, device=device))
    for hook in hooks:
        hook.remove()
    return ran[-1] if ran else None
