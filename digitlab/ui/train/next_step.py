"""What to try after a run: one suggestion, from how its training went, and the button for it."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from digitlab.jobs import resume
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.presets import presets_by_name
from digitlab.runs.checkpoints import has_state
from digitlab.runs.run import Run
from digitlab.training.diagnostics import usual_rate
from digitlab.ui import url
from digitlab.ui.model_picker import OWN, remember_own
from digitlab.ui.train.recipe import fill_recipe_form
from digitlab.ui.train.run_actions import act
from digitlab.ui.train.selected_run import deselect_run

CONVOLUTIONAL = "cnn-small"
STILL_RISING = 0.002  # of accuracy, in the last epoch
AUGMENTATION = {"rotation": 10.0, "shift": 0.1, "scale": 0.1}


class NextStep(NamedTuple):
    """What the button says and, in `reason`, why.

    It trains the same run for `more_epochs`, or opens the form: with the preset `model`, with the
    run's own model and recipe and some `changes`, or as it is.
    """

    label: str
    reason: str = ""
    more_epochs: int = 0
    model: str = ""
    changes: dict[str, Any] | None = None


ANOTHER = NextStep("Train another")
_CNN = NextStep(
    "Train a small CNN",
    "A convolutional network sees which pixels are next to each other.",
    model=CONVOLUTIONAL,
)


def suggest(run: Run, *, nothing: bool, can_continue: bool) -> NextStep:
    """The one suggestion.

    `nothing` if the run learnt nothing; `can_continue` if it has a state to train on from.
    """
    record, spec, config = run.record, run.spec, run.config
    if record.members or record.trained_elsewhere:
        return ANOTHER
    if record.bundled:
        return NextStep("Train it yourself", "With the same model and recipe.", changes={})
    if nothing:
        return _try_again(run)
    if can_continue and _still_rises(run.history.epochs):
        reason = "The validation accuracy was still rising in the last epoch."
        epochs = record.epochs_done
        return NextStep(f"Train {epochs} epochs longer", reason, more_epochs=epochs)
    if run.task == "reconstruct":
        return ANOTHER
    convolves = any("Conv" in layer.type or "/" in layer.type for _, layer in spec.walk())
    if classical_kind(spec) or not convolves:
        return _CNN
    if not config.augmentation.active:
        reason = "Turned, shifted and scaled copies of the images help with other handwritings."
        augmentation = config.augmentation.model_copy(update=AUGMENTATION)
        return NextStep("Add augmentation", reason, changes={"augmentation": augmentation})
    return ANOTHER


def _try_again(run: Run) -> NextStep:
    rate, now = usual_rate(run.config), run.config.learning_rate
    if classical_kind(run.spec):
        return _CNN
    if rate is None:
        return NextStep("Train it for longer", changes={"epochs": min(10 * run.config.epochs, 100)})
    reason = f"It could not learn with {now:g}."
    return NextStep(f"Try a learning rate of {rate:g}", reason, changes={"learning_rate": rate})


def _still_rises(epochs: list[dict[str, Any]]) -> bool:
    accuracies = [row["val_accuracy"] for row in epochs if row.get("val_accuracy") is not None]
    return len(accuracies) > 1 and accuracies[-1] - max(accuracies[:-1]) >= STILL_RISING


def show_next_step(run: Run, *, nothing: bool) -> None:
    """The button of the suggestion."""
    record = run.record
    can_continue = record.changeable and record.status == "finished" and has_state(run.id)
    step = suggest(run, nothing=nothing, can_continue=can_continue)
    icon = ":material/add:" if step is ANOTHER else ":material/lightbulb:"
    kind = "primary" if nothing else "secondary"
    if st.button(step.label, key=f"next:{run.id}", icon=icon, help=step.reason or None, type=kind):
        act(_take, run, step)


def _take(run: Run, step: NextStep) -> None:
    if step.more_epochs:
        resume.train_longer(run.id, step.more_epochs)
        return
    if step.model:
        url.put("model", step.model)
        url.put("dataset", run.record.dataset)
    elif step.changes is not None:
        _fill_form(run, step.changes)
    deselect_run()


def _fill_form(run: Run, changes: dict[str, Any]) -> None:
    """Make the form show the run's model, as a preset where it is one, and recipe."""
    preset = presets_by_name().get(run.record.model)
    if preset and preset.spec.fingerprint == run.spec.fingerprint:
        url.put("model", preset.name)
    else:
        remember_own(run.spec)
        url.put("model", OWN)
    url.put("dataset", run.record.dataset)
    fill_recipe_form(run.config.changed(**changes))
