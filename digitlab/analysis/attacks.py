"""Attacks: the smallest of changes to the pixels, sought by gradient so that a network errs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from digitlab.models.classical.fitted import Fitted
from digitlab.training.normalize import Normalization

STEPS = 20
STEP_SHARE = 2.5  # of ε, all steps together: enough to cross the whole box, as Madry et al. do
_BATCH = 100


def is_differentiable(model: nn.Module) -> bool:
    """Whether the logits have a gradient in the pixels: not those of fitted classical models."""
    return not any(isinstance(module, Fitted) for module in model.modules())


def pixel_model(model: nn.Module, normalization: Normalization) -> Callable:
    """The network as a function of pixels in 0…1, float32 [N, C, H, W] → logits [N, classes]."""
    return lambda pixels: model((pixels - normalization.mean) / normalization.std)


def survive_fgsm(
    logits_of: Callable, pixels: torch.Tensor, labels: torch.Tensor, epsilons: Sequence[float]
) -> list[torch.Tensor]:
    """Which images are read rightly, and still are after one step of ε along the gradient's sign.

    Pixels float32 [N, C, H, W] in 0…1, stay in 0…1; bool [N] for each ε, on the CPU. Goodfellow,
    Shlens, Szegedy: Explaining and harnessing adversarial examples, 2015.
    """
    alive = [torch.zeros(len(pixels), dtype=torch.bool) for _ in epsilons]
    for rows in torch.arange(len(pixels)).split(_BATCH):
        part, true = pixels[rows], labels[rows]
        direction, right = _gradient(logits_of, part, true)
        for survived, epsilon in zip(alive, epsilons, strict=True):
            changed = (part + epsilon * direction.sign()).clamp(0, 1)
            survived[rows] = (right & _read_rightly(logits_of, changed, true)).cpu()
    return alive


def survive_pgd(
    logits_of: Callable,
    pixels: torch.Tensor,
    labels: torch.Tensor,
    epsilons: Sequence[float],
    generator: torch.Generator,
) -> Iterator[torch.Tensor]:
    """Which images are read rightly whatever 20 steps of projected gradient find within ε.

    From a random start in the box of ±ε; an image counts as misread once any step is. `epsilons`
    rise: what was misread within one is so within a larger, whose box holds it. Yields bool [N]
    for each ε, on the CPU. Madry, Makelov, Schmidt, Tsipras, Vladu: Towards deep learning models
    resistant to adversarial attacks, 2018.
    """
    parts = zip(pixels.split(_BATCH), labels.split(_BATCH), strict=True)
    alive = torch.cat([_read_rightly(logits_of, *part) for part in parts]).cpu()
    for epsilon in epsilons:
        for rows in torch.nonzero(alive).flatten().split(_BATCH):
            room = pixels.new_full((len(rows), 1, 1, 1), epsilon)
            _, survived = _search(logits_of, pixels[rows], labels[rows], room, generator)
            alive[rows[~survived]] = False
        yield alive.clone()


def attacked(
    logits_of: Callable,
    pixels: torch.Tensor,
    label: int,
    epsilons: Sequence[float],
    generator: torch.Generator,
) -> dict[str, torch.Tensor]:
    """One image as each attack leaves it, within each ε: float32 [E, C, H, W] by name.

    Pixels float32 [C, H, W] in 0…1, as the attacks' results are. `fgsm` and `pgd` as above; a
    search ends where it has fooled the network.
    """
    labels = torch.full((len(epsilons),), label, device=pixels.device)
    room = pixels.new_tensor(epsilons).view(-1, 1, 1, 1)
    same = pixels.expand(len(epsilons), *pixels.shape)
    direction, _ = _gradient(logits_of, same, labels)
    adversarial, _ = _search(logits_of, same, labels, room, generator)
    return {"fgsm": (same + room * direction.sign()).clamp(0, 1), "pgd": adversarial}


def _search(
    logits_of: Callable,
    pixels: torch.Tensor,
    labels: torch.Tensor,
    room: torch.Tensor,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch as it is where first misread, or after all steps; and which survive, on the CPU.

    `room` [N, 1, 1, 1] is the ε of each image.
    """
    start = torch.rand(pixels.shape, generator=generator).to(pixels.device) * 2 - 1
    changed = (pixels + room * start).clamp(0, 1)
    alive, adversarial = torch.arange(len(pixels), device=pixels.device), changed
    for _ in range(STEPS):
        direction, right = _gradient(logits_of, changed, labels[alive])
        alive = alive[right]
        if not len(alive):
            break
        origin, reach = pixels[alive], room[alive]
        moved = changed[right] + STEP_SHARE / STEPS * reach * direction[right].sign()
        changed = torch.min(torch.max(moved, origin - reach), origin + reach).clamp(0, 1)
        adversarial = adversarial.index_copy(0, alive, changed)
    alive = alive[_read_rightly(logits_of, changed, labels[alive])] if len(alive) else alive
    survived = torch.zeros(len(pixels), dtype=torch.bool)
    survived[alive.cpu()] = True
    return adversarial, survived


def _gradient(
    logits_of: Callable, pixels: torch.Tensor, labels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss's gradient in the pixels, and which images are read rightly as they are."""
    with torch.enable_grad():
        pixels = pixels.detach().clone().requires_grad_()
        logits = logits_of(pixels)
        loss = nn.functional.cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, pixels)
    return gradient, logits.detach().argmax(1) == labels


@torch.inference_mode()
def _read_rightly(logits_of: Callable, pixels: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return logits_of(pixels).argmax(1) == labels
