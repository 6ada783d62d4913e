"""Measuring a run's robustness: corrupted images, adversarial attacks, other datasets."""

from __future__ import annotations

import copy
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from digitlab.analysis.cache import require_weights
from digitlab.analysis.corruption_kinds import CORRUPTIONS
from digitlab.analysis.robustness_card import Curve, Elsewhere, Level, RobustnessCard, write_card
from digitlab.data.load import load_dataset
from digitlab.data.registry import is_available, list_datasets
from digitlab.errors import DatasetError, RunError

if TYPE_CHECKING:
    import numpy as np
    import torch

    from digitlab.data.dataset import Split
    from digitlab.runs.run import Run
    from digitlab.training.normalize import Normalization

QUICK = 1_000  # images, which take seconds and give ±2 % at 90 %
EPSILONS = (0.02, 0.05, 0.1, 0.2, 0.3)  # of pixels in 0…1; 0.3 is that of Madry's MNIST challenge
ATTACKED = 200  # of a thousand images: an attack takes twenty steps, and each a gradient
ATTACKED_OF_ALL = 1_000
_BATCH = 100  # on a processor: a small network's activations stay in its cache, 1.3× the speed
_CHUNK = 500  # images that are corrupted together; part of what a seed means

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class _Subject:
    """A network on its device."""

    model: torch.nn.Module
    normalization: Normalization
    device: torch.device

    def count_right(self, images: torch.Tensor, labels: torch.Tensor) -> int:
        from digitlab.training.predict import BATCH, predict_logits

        size = _BATCH if self.device.type == "cpu" else BATCH
        logits = predict_logits(self.model, images, self.normalization, size)
        return int((logits.argmax(1) == labels).sum())


def measure_robustness(
    run: Run,
    images: int | None = QUICK,
    *,
    seed: int = 0,
    device: str = "auto",
    keep: bool = True,
    data: Split | None = None,
    on_progress: Progress | None = None,
) -> RobustnessCard:
    """A run's accuracy under corruptions and attacks, and on other datasets.

    It is measured on a seeded sample of `images` of its test split, None for all; `data` is that
    split if it is loaded already. The card is stored with the run unless `keep` is False.
    `on_progress` is called with the steps done, the steps in total, and the name of the step; what
    it raises ends the measurement.
    Raises RunError where the run has no weights or no test images, DatasetError where its data is
    not on this machine.
    """
    from digitlab.training.devices import pick_device

    run.check_task("classify")
    require_weights(run)
    began = time.monotonic()
    test = run.load_data().test if data is None else data
    if not len(test):
        raise RunError(f"Run {run.id} has no test images to measure on.", run_id=run.id)
    if images is not None and images < 1:
        raise RunError(f"Robustness is measured on at least 1 image; not {images}.")
    pixels, labels = _choose(test, images, seed)
    torch_device = pick_device(device)
    model = copy.deepcopy(run.model).to(torch_device)  # other threads may be using the original
    subject = _Subject(model, run.normalization, torch_device)
    count = _Count(_steps(run, subject), on_progress)
    correct = subject.count_right(pixels, labels)
    count("Clean images")
    card = RobustnessCard(
        run_id=run.id,
        dataset=run.record.dataset,
        n=len(labels),
        available=len(test),
        seed=seed,
        correct=correct,
        curves=_corrupted(subject, pixels, labels, seed, correct, count),
        attacks=_attacked(subject, pixels, labels, seed, images is None, count),
        elsewhere=_elsewhere(run, subject, images, seed, count),
        device=str(torch_device),
        seconds=time.monotonic() - began,
    )
    if keep:
        write_card(run, card)
    return card


def corrupted_samples(test: Split, seed: int = 0) -> dict[str, np.ndarray]:
    """One image uint8 [severities, C, H, W] at each severity of each corruption, by its name.

    Each corruption has an image of another class.
    """
    import torch

    from digitlab.analysis.corruptions import corrupt

    classes = test.labels.unique().tolist()
    samples = {}
    for i, corruption in enumerate(CORRUPTIONS.values()):
        label = classes[(i + 2) % len(classes)]
        image = test.images[int((test.labels == label).nonzero()[0])][None]
        levels = [
            corrupt(image, corruption.name, severity, seeded_generator(corruption.name, seed))
            for severity in corruption.severities
        ]
        samples[corruption.name] = torch.cat(levels).numpy()
    return samples


class AttackedImage(NamedTuple):
    """An image under attack: `images` uint8 [1 + E, H, W], unchanged and for each ε of `EPSILONS`,
    and `readings` [1 + E], the predicted classes.
    """

    images: np.ndarray
    readings: list[int]


def attack_example(
    run: Run, image: torch.Tensor, label: int, *, seed: int = 0
) -> dict[str, AttackedImage]:
    """One image uint8 [C, H, W] of that label under each attack, by the attack's name.

    Empty for a model without a gradient. Raises RunError where the run has no weights.
    """
    import torch

    from digitlab.analysis.attacks import attacked, is_differentiable, pixel_model

    require_weights(run)
    if not is_differentiable(run.model):
        return {}
    logits_of = pixel_model(run.model, run.normalization)
    pixels = image.float() / 255
    attacks = {}
    for name, changed in attacked(
        logits_of, pixels, label, EPSILONS, seeded_generator("pgd", seed)
    ).items():
        every = torch.cat([pixels[None], changed])
        with torch.inference_mode():
            readings = logits_of(every).argmax(1).tolist()
        attacks[name] = AttackedImage((every.mean(1) * 255).round().byte().numpy(), readings)
    return attacks


class _Count:
    """Counts the steps and reports them."""

    def __init__(self, total: int, on_progress: Progress | None) -> None:
        self.done, self.total, self.on_progress = 0, total, on_progress

    def __call__(self, title: str) -> None:
        self.done += 1
        if self.on_progress:
            self.on_progress(min(self.done, self.total), self.total, title)


def _steps(run: Run, subject: _Subject) -> int:
    from digitlab.analysis.attacks import is_differentiable

    points = sum(len(kind.severities) - 1 for kind in CORRUPTIONS.values())
    attacks = 1 + len(EPSILONS) if is_differentiable(subject.model) else 0
    return 1 + points + attacks + len(other_datasets(run))


def _choose(test: Split, images: int | None, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    if images is None or images >= len(test):
        return test.images, test.labels
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))
    rows = order[:images].sort().values
    return test.images[rows], test.labels[rows]


def seeded_generator(name: str, seed: int) -> torch.Generator:
    """The generator of a corruption: the same at each of its severities, another for others."""
    import torch

    return torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))


def _corrupted(
    subject: _Subject,
    images: torch.Tensor,
    labels: torch.Tensor,
    seed: int,
    clean: int,
    count: _Count,
) -> tuple[Curve, ...]:
    from digitlab.analysis.corruptions import corrupt

    curves = []
    for kind in CORRUPTIONS.values():
        levels = []
        for severity in kind.severities:
            if severity == kind.neutral:
                levels.append(Level(severity, clean))
                continue
            generator, right = seeded_generator(kind.name, seed), 0
            parts = zip(images.split(_CHUNK), labels.split(_CHUNK), strict=True)
            for part, true in parts:
                changed = corrupt(part.to(subject.device), kind.name, severity, generator)
                right += subject.count_right(changed, true)
            levels.append(Level(severity, right))
            count(kind.title)
        curves.append(Curve(kind.name, len(labels), tuple(levels)))
    return tuple(curves)


def _attacked(
    subject: _Subject,
    images: torch.Tensor,
    labels: torch.Tensor,
    seed: int,
    every: bool,
    count: _Count,
) -> tuple[Curve, ...]:
    import torch

    from digitlab.analysis.attacks import (
        is_differentiable,
        pixel_model,
        survive_fgsm,
        survive_pgd,
    )

    if not is_differentiable(subject.model):
        return ()
    few = min(len(labels), ATTACKED_OF_ALL if every else ATTACKED)
    pixels = images[:few].to(subject.device).float() / 255
    true = labels[:few].to(subject.device)
    model = subject.model.eval().requires_grad_(False)
    logits_of = pixel_model(model, subject.normalization)
    clean = Level(0.0, subject.count_right(images[:few], labels[:few]))
    # cuDNN has no gradient of a recurrent layer in evaluation mode; torch itself has.
    recurrent = any(isinstance(module, torch.nn.RNNBase) for module in model.modules())
    with torch.backends.cudnn.flags(enabled=not recurrent):
        by_step = survive_fgsm(logits_of, pixels, true, EPSILONS)
        count("One step along the gradient")
        by_steps = []
        for alive in survive_pgd(logits_of, pixels, true, EPSILONS, seeded_generator("pgd", seed)):
            by_steps.append(alive)
            count("Twenty steps along the gradient")
    return tuple(
        Curve(
            name,
            few,
            (clean, *(Level(e, int(k.sum())) for e, k in zip(EPSILONS, alive, strict=True))),
        )
        for name, alive in (("fgsm", by_step), ("pgd", by_steps))
    )


def other_datasets(run: Run) -> tuple[str, ...]:
    """The other datasets on this machine that have the run's classes."""
    return tuple(
        info.name
        for info in list_datasets()
        if info.name != run.record.dataset
        and (info.classes, info.shape) == (run.classes, run.spec.input)
        and is_available(info.name)
    )


def _elsewhere(
    run: Run, subject: _Subject, images: int | None, seed: int, count: _Count
) -> tuple[Elsewhere, ...]:
    results = []
    for name in other_datasets(run):
        try:
            data = load_dataset(name)
            run.check_fits(data)
        except (DatasetError, RunError):  # damaged files, another image size
            continue
        finally:
            count("Other datasets")
        pixels, labels = _choose(data.test, images, seed)
        results.append(Elsewhere(name, len(labels), subject.count_right(pixels, labels)))
    return tuple(results)
