"""What a network has made of an image just before it answers: its last hidden activations."""

from __future__ import annotations

from collections.abc import Callable

import torch

from digitlab.training.normalize import Normalization
from digitlab.training.predict import BATCH


@torch.inference_mode()
def last_hidden(
    model: torch.nn.Module,
    images: torch.Tensor,
    normalization: Normalization,
    *,
    batch_size: int = BATCH,
    on_progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """What enters the last linear layer, flattened: float16 [N, D], for images uint8 [N, 1, H, W].

    The last one is the `Linear` that runs last; of a network without any, the logits are taken.
    Values beyond what float16 holds are cut. `on_progress` is called with images done and in all.
    """
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
        for part in images.split(batch_size):
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
