"""Carrying out a run: the events of a training are written down as they come."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from digitlab import files
from digitlab.data.load import load_dataset
from digitlab.errors import DigitlabError, LeaseLostError, RankLostError, RunError
from digitlab.execution.control import Control
from digitlab.execution.initial_weights import load_initial_weights
from digitlab.execution.ranks import all_ranks
from digitlab.execution.recorder import Recorder
from digitlab.models.build import build
from digitlab.runs import checkpoints, run_folder, store
from digitlab.runs.record import RunRecord, Status
from digitlab.runs.run import Run
from digitlab.runs.transaction import patient
from digitlab.training.events import Event
from digitlab.training.learner import make_learner
from digitlab.training.loss import scoring_spec
from digitlab.training.normalize import Normalization

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Dataset
    from digitlab.training.learner import Learner
    from digitlab.training.ranks import Ranks
    from digitlab.training.state import TrainState


def execute(
    record: RunRecord,
    data: Dataset | None = None,
    on_event: Callable[[Event], None] | None = None,
    control: Control | None = None,
) -> Run:
    """Carry out a run that is marked as running, to its end, and return it.

    The caller holds the run's lease and lock, which show other processes that it is alive. A run
    that was started before is resumed from its last checkpoint, bit for bit on the same machine. A
    failure ends the run as `failed` with its reason, and is raised again; but where the lease went
    to another process, nothing more is written, and LeaseLostError is raised.
    """
    control = control or Control(record.id)
    recorder = Recorder(record, control)
    try:
        with control.on_signals():
            _carry_out(recorder, data, on_event)
    except KeyboardInterrupt:
        _fail(recorder, "interrupted", "Interrupted before its results were saved.")
        raise
    except LeaseLostError:
        raise  # what is written of the run is another process's
    except RankLostError as e:
        _fail(recorder, "interrupted", str(e))
        raise
    except DigitlabError as e:
        _fail(recorder, "failed", str(e))
        raise
    except Exception as e:
        _fail(recorder, "failed", _describe(e))
        if _is_out_of_memory(e):
            raise RunError(_describe(e), run_id=record.id) from e
        raise
    with patient():
        return Run(store.get_record(record.id))


def _carry_out(
    recorder: Recorder, data: Dataset | None, on_event: Callable[[Event], None] | None
) -> None:
    record, control = recorder.record, recorder.control
    if _ends_at_once(record, control):
        recorder.stop_before_training()
        return
    experiment = record.experiment
    split, config = experiment.dataset, experiment.config
    if data is None:
        recorder.tell("Loading the data …")
        data = load_dataset(split.name)
    data = data.resplit(split.val_fraction, split.split_seed)
    recorder.tell("Building the network …")
    model = build(scoring_spec(experiment.spec, config), seed=config.seed)
    load_initial_weights(model, record)
    state = _resume_state(record, data)
    with all_ranks(record, data, state) as ranks:
        recorder.begin(model, data, _make_learner(record, model, data, state, ranks))
        if _ends_at_once(record, control):
            recorder.stop_before_training()
            return
        for event in recorder.learner.events(control):
            recorder.note(event)
            if on_event:
                on_event(event)


def _ends_at_once(record: RunRecord, control: Control) -> bool:
    """Whether the run ends without a step; one that was trained before ends with its results."""
    return control.ends() and (control.gave_way or not record.step)


def _make_learner(
    record: RunRecord,
    model: torch.nn.Module,
    data: Dataset,
    state: TrainState | None,
    ranks: Ranks,
) -> Learner:
    """The training of the run, resumed where it was started before.

    Raises RunError for a checkpoint of another version of digitlab, and leaves it as it is.
    """
    scale = record.data.normalization
    normalization = Normalization(**scale) if scale else None
    try:
        return make_learner(model, data, record.experiment.config, state, normalization, ranks)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as e:
        if state is None or _is_out_of_memory(e):
            raise
        made_by = record.environment.get("digitlab", "another version")
        raise RunError(
            f"The checkpoint of run {record.id} cannot be read by this version of digitlab. Resume "
            f"it with the one that it was started with ({made_by}), or rerun it.",
            run_id=record.id,
        ) from e


@patient()
def _resume_state(record: RunRecord, data: Dataset) -> TrainState | None:
    """The last state of a run that was started before; the history after it is deleted.

    Raises DatasetError where the data is no longer what the run was started with.
    """
    if not record.step and not checkpoints.has_state(record.id):
        return None
    Run(record).check_data(data)
    state = checkpoints.load_state(record.id)
    if state:
        store.cut_history(record.id, state.step, state.epochs_done)
    else:
        store.cut_history(record.id, 0, 0)
    return state


@patient()
def _fail(recorder: Recorder, status: Status, message: str) -> None:
    # Each may fail silently: the first error is the one to report.
    with contextlib.suppress(DigitlabError):
        recorder.save_what_was_learnt()
    with contextlib.suppress(DigitlabError):
        files.write_atomically(recorder.folder / run_folder.ERROR, traceback.format_exc())
    with contextlib.suppress(DigitlabError):
        store.update_run(recorder.record.id, status=status, message=message, ended=time.time())
        run_folder.write_record(store.get_record(recorder.record.id))


def _describe(e: Exception) -> str:
    first = (str(e).strip() or type(e).__name__).splitlines()[0][:300]
    if _is_out_of_memory(e):
        return f"The device ran out of memory ({first}). Use a smaller batch or network."
    return f"{type(e).__name__}: {first}"


def _is_out_of_memory(e: Exception) -> bool:
    text = str(e).lower()  # a GPU says the first, PyTorch on the CPU the second
    return isinstance(e, MemoryError) or "out of memory" in text or "allocate memory" in text
