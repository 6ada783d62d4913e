"""Fine-tuning: training a copy of a run on a collection of saved drawings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digitlab.data.collections import is_held_out, require_entries
from digitlab.data.derived import collection_dataset, mix_dataset
from digitlab.data.info import DIGITS, INPUT_SHAPE
from digitlab.data.registry import default_dataset, find_dataset, is_available
from digitlab.errors import DatasetError, RunError
from digitlab.runs.experiment import Experiment
from digitlab.runs.run import Run, open_run
from digitlab.training.config import LOSS_FIELDS, Augmentation, TrainConfig
from digitlab.training.events import Event

if TYPE_CHECKING:
    from digitlab.evaluation.metrics import Evaluation

FEWEST = 4  # drawings, of which at least one is held out
# A small learning rate: the weights read digits already. Augmentation makes the most of few images.
RECIPE = TrainConfig(
    epochs=4,
    batch_size=64,
    learning_rate=3e-4,
    schedule="cosine",
    val_fraction=0.0,
    device="cpu",
    augmentation=Augmentation(shift=0.05, rotation=8.0, scale=0.08),
)


@dataclass(frozen=True, eq=False)
class FineTuned:
    """A fine-tuned run, and what the run `before` and the run `after` say on the drawings of the
    collection that were held out, and on the test images of the dataset `base`.
    """

    before: Run
    after: Run
    collection: str
    base: str

    @property
    def drawings(self) -> tuple[Evaluation, Evaluation]:
        """Before and after, on the held-out drawings."""
        data = collection_dataset(self.collection)
        return self.before.evaluate("test", data), self.after.evaluate("test", data)

    @property
    def known(self) -> tuple[Evaluation, Evaluation]:
        """Before and after, on the test images of `base`: what was forgotten."""
        return self.before.evaluate("test", self.base), self.after.evaluate("test", self.base)


def finetune(
    run: Run | str,
    collection: str,
    *,
    base: str | None = None,
    config: TrainConfig = RECIPE,
    progress: bool = True,
    on_event: Callable[[Event], None] | None = None,
) -> FineTuned:
    """Train a copy of `run` on a collection's drawings among a sample of the dataset `base`.

    The new run starts from the weights of `run`, which is its parent and does not change. `base`
    is the run's own dataset where it is here, else the default one. Takes seconds. Raises
    DatasetError where there are fewer than 4 drawings or none is held out, RunError where the
    run does not read digits or cannot be trained further.
    """
    from digitlab.execution.train import carry_out

    start = run if isinstance(run, Run) else open_run(run)
    base = base or find_base(start)
    tuned = carry_out(
        plan_finetuning(start, collection, base, config),
        name=finetuned_name(start, collection),
        progress=progress,
        on_event=on_event,
    )
    return FineTuned(before=start, after=tuned, collection=collection, base=base)


def plan_finetuning(
    run: Run, collection: str, base: str | None = None, config: TrainConfig = RECIPE
) -> Experiment:
    """The experiment that `finetune` carries out; raises as it does."""
    from digitlab.execution.prepare import plan

    mix = _mix(run, collection, base or find_base(run))
    loss = {name: getattr(run.config, name) for name in LOSS_FIELDS}
    return plan(run.spec, mix, config.changed(**loss), start_from=run.id)


def find_base(run: Run) -> str:
    """The dataset to mix in: the run's own if it is on this machine, else the default one."""
    name = run.record.dataset
    try:
        info = find_dataset(name)
    except DatasetError:
        return default_dataset()
    if ":" in info.name:  # a fine-tuned run: the base of its own mix
        name = name.rpartition("+")[2]
    info = find_dataset(name)
    has_digits = ":" not in name and (info.classes, info.shape) == (DIGITS, INPUT_SHAPE)
    return name if has_digits and is_available(name) else default_dataset()


def _mix(run: Run, collection: str, base: str) -> str:
    """The name of the mixed dataset, after checking that it can be used."""
    run.check_task("classify")
    if run.classes != DIGITS:
        raise RunError(
            f"Run {run.id} does not read digits: choose one that tells 0 to 9 apart.", run_id=run.id
        )
    entries = require_entries(collection)
    if len(entries) < FEWEST or not is_held_out(entries).any():
        raise DatasetError(
            f"Collection {collection} has {len(entries)} drawings. Keep at least {FEWEST}, two of "
            "one digit among them: the second of each digit is held out to measure by.",
            name=collection_dataset(collection),
        )
    return mix_dataset(collection, base)


def finetuned_name(run: Run, collection: str) -> str:
    """What the new run is called."""
    return f"{run.record.name}, fine-tuned on {collection}"
