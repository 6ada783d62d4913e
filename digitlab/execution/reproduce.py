"""`reproduce`: presets trained by their own recipes, and what came out beside what was published.

What the figures mean: train accuracy is that of the final network on the training images as they
are, without augmentation, measured when the run has ended (not the running mean over its last
epoch); validation and test accuracy are those of the same weights on images never trained on. No
epoch is chosen by looking at the test images.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab import files
from digitlab.data.load import load_dataset
from digitlab.errors import ConfigError, DigitlabError, RunError, SpecError
from digitlab.models.presets import Preset, list_presets, load_preset
from digitlab.runs.experiment import Experiment, divide
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, list_runs
from digitlab.training.config import TrainConfig
from digitlab.words import hundred

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

FIGURES = ("train_accuracy", "val_accuracy", "test_accuracy")
FINAL = "final.json"  # in a run's folder: what was measured of it after its end


@dataclass(frozen=True)
class Attempt:
    """One run of a preset by its recipe; accuracies in percent, None where not measured."""

    run_id: str
    seed: int
    train_accuracy: float | None
    val_accuracy: float | None
    test_accuracy: float | None
    seconds: float | None


@dataclass(frozen=True)
class Reproduction:
    """A preset, what its source says of it, and what its runs here say; accuracies in percent.

    `published` and `mark` have some of FIGURES; a mark is what must be reached at least. `problem`
    says why there are fewer attempts than asked for.
    """

    preset: str
    title: str
    source: str
    dataset: str
    parameters: int | None
    published: Mapping[str, float]
    mark: Mapping[str, float]
    attempts: tuple[Attempt, ...]
    problem: str = ""

    def values(self, figure: str) -> list[float]:
        """The attempts' values of one of FIGURES or `seconds`, without those not measured."""
        values = (getattr(attempt, figure) for attempt in self.attempts)
        return [value for value in values if value is not None]

    def mean(self, figure: str) -> float | None:
        """The mean over the seeds; None without any."""
        values = self.values(figure)
        return statistics.fmean(values) if values else None

    def sd(self, figure: str) -> float | None:
        """The sample's standard deviation over the seeds; None for fewer than two."""
        values = self.values(figure)
        return statistics.stdev(values) if len(values) > 1 else None

    @property
    def reached(self) -> bool | None:
        """Whether the means reach every mark; None where there is no mark or no attempt."""
        if not self.mark or not self.attempts:
            return None
        means = {figure: self.mean(figure) for figure in self.mark}
        return all(means[f] is not None and means[f] >= least for f, least in self.mark.items())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON; with the means and deviations."""
        plain = asdict(self)
        ours = {
            figure: {"mean": self.mean(figure), "sd": self.sd(figure)}
            for figure in (*FIGURES, "seconds")
        }
        return {**plain, "ours": ours, "reached": self.reached}


def reproduce(
    names: Sequence[str] | None = None,
    data: str | Dataset = "mnist",
    *,
    seeds: int = 1,
    again: bool = False,
    progress: bool = True,
    on_start: Callable[[Preset, int], None] | None = None,
) -> Iterator[Reproduction]:
    """Train each preset (all where `names` is None) by its recipe with seeds 0 … `seeds` − 1.

    Yields a row when a preset is done. A finished run of this home with the same architecture,
    recipe, seed, data and split counts and is not trained again, unless `again`; so after an
    interruption only the others are trained. Raises SpecError for an unknown preset, ConfigError
    for fewer than one seed, DatasetError where the data is not here; stops at Ctrl-C with
    KeyboardInterrupt.
    """
    presets = _presets(names)
    if seeds < 1:
        raise ConfigError(f"seeds must be at least 1; not {seeds}.", field="seeds")
    if isinstance(data, str):
        data = load_dataset(data)
    return (_row(preset, data, seeds, again, progress, on_start) for preset in presets)


def _presets(names: Sequence[str] | None) -> list[Preset]:
    """The presets of these names, or all that tell classes apart; SpecError for another."""
    if names is None:
        return [preset for preset in list_presets() if preset.classifies]
    presets = [load_preset(name) for name in names]
    for preset in presets:
        if not preset.classifies:
            raise SpecError(
                f"{preset.name} is an autoencoder: it has no accuracy to compare with a published "
                "one. Train it, and see its error on the Results page."
            )
    return presets


def _row(
    preset: Preset,
    data: Dataset,
    seeds: int,
    again: bool,
    progress: bool,
    on_start: Callable[[Preset, int], None] | None,
) -> Reproduction:
    run_of = {} if again else {run.record.seed: run for run in matching_runs(preset, data)}
    runs, problem = [], ""
    for seed in range(seeds):
        if seed not in run_of:
            if on_start:
                on_start(preset, seed)
            try:
                run_of[seed] = _train(preset, data, seed, progress)
            except RunError as e:
                problem = str(e)
                continue
        measure_train_accuracy(run_of[seed])
        runs.append(run_of[seed])
    return _reproduction(preset, data.name, runs, problem)


def _train(preset: Preset, data: Dataset, seed: int, progress: bool) -> Run:
    from digitlab.execution.prepare import plan
    from digitlab.execution.train import carry_out

    config = TrainConfig.from_dict({**preset.recipe, "seed": seed})
    run = carry_out(plan(preset.spec, data, config), data, progress=progress)
    if run.record.status == "stopped":
        raise KeyboardInterrupt
    if run.record.status != "finished":
        raise RunError(run.record.message or f"It ended as {run.record.status}.", run_id=run.id)
    return run


def reproduced(
    names: Sequence[str] | None = None, dataset: str = "mnist", *, runs: Iterable[Run] | None = None
) -> list[Reproduction]:
    """The same rows from the runs that this home has, of any seed, without training anything."""
    presets = _presets(names)
    candidates = list_runs(bundled=False) if runs is None else list(runs)
    return [
        _reproduction(preset, dataset, matching_runs(preset, dataset, candidates))
        for preset in presets
    ]


def matching_runs(
    preset: Preset, data: str | Dataset, runs: Iterable[Run] | None = None
) -> list[Run]:
    """The finished runs of a preset by its own recipe on this data, the newest of each seed.

    By name, a dataset is taken to be the one of that name; a Dataset is compared by content.
    """
    candidates = list_runs(bundled=False) if runs is None else runs
    newest: dict[int, Run] = {}
    for run in candidates:  # newest first
        if run.record.status == "finished" and is_of_preset(run.record, preset, data):
            newest.setdefault(run.record.seed, run)
    return [newest[seed] for seed in sorted(newest)]


def is_of_preset(record: RunRecord, preset: Preset, data: str | Dataset) -> bool:
    """Whether a run has the preset's architecture and recipe, and this data and split."""
    config = TrainConfig.from_dict(preset.recipe)
    split = divide(data, config)
    if not isinstance(data, str):
        split = replace(split, fingerprint=data.fingerprint)
    if record.members or not record.split.same_images(split):  # before specs are read
        return False
    try:
        return record.experiment.same_but_seed(Experiment(preset.spec, split, config))
    except DigitlabError:  # of a version whose architectures or recipes were others
        return False


def _reproduction(
    preset: Preset, dataset: str, runs: Sequence[Run], problem: str = ""
) -> Reproduction:
    return Reproduction(
        preset=preset.name,
        title=preset.title,
        source=preset.source,
        dataset=dataset,
        parameters=runs[0].record.parameters if runs else None,
        published=dict(preset.published),
        mark=dict(preset.mark),
        attempts=tuple(_attempt(run) for run in runs),
        problem=problem,
    )


def _attempt(run: Run) -> Attempt:
    record = run.record
    return Attempt(
        run_id=run.id,
        seed=record.seed,
        train_accuracy=hundred(train_accuracy(run)),
        val_accuracy=hundred(record.val_accuracy),
        test_accuracy=hundred(record.test_accuracy),
        seconds=record.train_seconds,
    )


def train_accuracy(run: Run) -> float | None:
    """The final network's share of training images read rightly, 0…1; None until measured."""
    try:
        return json.loads((run.folder / FINAL).read_text(encoding="utf-8"))["train_accuracy"]
    except (OSError, ValueError, KeyError):
        return None


def measure_train_accuracy(run: Run) -> float:
    """The same, measured now where it has not been, and kept in the run's folder."""
    accuracy = train_accuracy(run)
    if accuracy is not None:
        return accuracy
    accuracy = run.evaluate("train").accuracy
    files.write_json(run.folder / FINAL, {"train_accuracy": accuracy})
    return accuracy


def markdown_table(rows: Iterable[Reproduction]) -> str:
    """The rows as a Markdown table: published, then ours as mean ± sd over the seeds."""
    head = "| preset | parameters | train | validation | test | seconds | seeds |\n"
    rule = "| --- | ---: | --- | --- | --- | ---: | ---: |\n"
    return head + rule + "".join(_markdown_row(row) for row in rows)


def _markdown_row(row: Reproduction) -> str:
    parameters = "–" if row.parameters is None else f"{row.parameters:,}"
    seconds = row.mean("seconds")
    cells = [
        row.preset,
        parameters,
        *(published_and_ours(row, figure) for figure in FIGURES),
        "–" if seconds is None else f"{seconds:,.0f}",
        str(len(row.attempts)),
    ]
    return "| " + " | ".join(cells) + " |\n"


def published_and_ours(row: Reproduction, figure: str) -> str:
    """ "99.65 → 99.58 ± 0.05": what is published (or ≥ the mark), and what came out, in percent."""
    mean, sd = row.mean(figure), row.sd(figure)
    ours = "–" if mean is None else f"{mean:.2f}" + ("" if sd is None else f" ± {sd:.2f}")
    if figure in row.mark:
        return f"≥ {row.mark[figure]:g} → {ours}"
    return f"{row.published[figure]:g} → {ours}" if figure in row.published else ours
