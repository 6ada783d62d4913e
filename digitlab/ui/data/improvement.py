"""Is a version of a dataset better than its parent? The same experiment is trained on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.shared_test import judge_together, share_test
from digitlab.data import own
from digitlab.data.registry import dataset_title, find_dataset
from digitlab.errors import DatasetError, DigitlabError
from digitlab.evaluation.comparison import compare_pair, compare_seeds, summarize_seeds
from digitlab.jobs.compute import requests
from digitlab.jobs.queue import active_runs
from digitlab.models.presets import list_presets
from digitlab.runs.configuration import one_per_seed
from digitlab.runs.run import Run, list_runs, open_run
from digitlab.snippets import data_lab as snippets
from digitlab.sweeps.grid import submit_sweep
from digitlab.ui import cached, page, url
from digitlab.ui.compare.verdict import seeds_verdict, verdict
from digitlab.ui.compute import compute
from digitlab.ui.labels import SPLIT_NAMES, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import DEFAULT, model_options
from digitlab.ui.run_picker import show_training_link
from digitlab.words import counted, percent

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.data.own import Facts
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.record import RunRecord

LIKE_RUNS = 10  # the newest runs on the parent that are offered as a model
RECENT = 500
MOST_SEEDS, SEEDS = 10, 3
POLL_SECONDS = 2.0
_PREFIX = "run:"


def show_improvement(data: Dataset, facts: Facts) -> None:
    """Train the same experiment on the parent and on the version, and say which is better."""
    parent = own.find_own(facts.parent.name) or facts.parent.name
    title = plain(dataset_title(parent))
    page.cell(
        f"Is it better than {title}, or is it chance?",
        "The same experiment, trained on both with the same seeds, shows what the changes are "
        "worth. Both are judged on the same test images.",
    )
    st.caption(_describe_changes(facts, title))
    _show_changes(data, facts)
    if facts.fingerprint == facts.parent.fingerprint:
        st.info(f"Its images and labels are those of {title}.", icon=":material/drag_handle:")
        return
    if not _is_there(parent, facts):
        st.info(f"{title} is not on this machine any more.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        model = url.choose("Experiment", _options(parent), param="with", default=DEFAULT)
        seeds = url.number("Seeds", param="tries", default=SEEDS, low=1, high=MOST_SEEDS, width=130)
        clicked = st.button("Train on both", type="primary", icon=":material/model_training:")
    try:
        planned = [_plan(model, each) for each in (cached.dataset(parent), data)]
    except DigitlabError as e:
        page.show_error(e)
        return
    if clicked:
        _queue(planned, seeds)
    groups = [_finished(experiment) for experiment in planned]
    busy = bool(_active(planned))
    st.fragment(_show_waiting, run_every=POLL_SECONDS if busy else None)(planned, busy)
    if all(groups):
        _show_verdict(groups, [dataset_title(parent), data.info.title])
    recipe = None if model.startswith(_PREFIX) else planned[0].config.differing()
    name = model.removeprefix(_PREFIX)
    page.code_fold(snippets.improvement(name, recipe, parent, data.name, seeds))


def _describe_changes(facts: Facts, title: str) -> str:
    dropped = sum(change.label is None for change in facts.changes)
    tested = sum(change.split == "test" for change in facts.changes)
    text = (
        f"A version of {title}: {counted(len(facts.changes) - dropped, 'label')} changed, "
        f"{counted(dropped, 'image')} dropped."
    )
    if tested:
        return f"{text} {counted(tested, 'change')} in the test part."
    return f"{text} None in the test part."


def _show_changes(data: Dataset, facts: Facts) -> None:
    """A fold with what was changed, by the numbers of the images in the parent."""
    import pandas as pd

    fold = st.expander("What was changed", icon=":material/difference:", on_change="rerun")
    if not fold.open:
        return
    rows = [
        (
            SPLIT_NAMES[change.split],
            change.index,
            "dropped" if change.label is None else data.classes[change.label],
        )
        for change in facts.changes
    ]
    table = pd.DataFrame(rows, columns=("Official part", "Number", "Is now"))
    fold.dataframe(table, hide_index=True, alt="The changes from which the version was made.")


def _is_there(parent: str, facts: Facts) -> bool:
    """Whether the parent can be loaded and is still the one that was changed."""
    try:
        find_dataset(parent)
        return cached.dataset(parent).fingerprint == facts.parent.fingerprint
    except DatasetError:
        return False


def _options(parent: str) -> dict[str, str]:
    """Runs on the parent, by which both may be trained, then the presets."""
    runs = [
        run
        for run in list_runs(bundled=False, limit=RECENT)
        if run.record.dataset == parent
        and run.record.status == "finished"
        and run.record.task == "classify"
        and not run.record.members
        and not run.record.data.start_from
    ]
    like = {f"{_PREFIX}{run.id}": f"As {run_title(run.record)}" for run in runs[:LIKE_RUNS]}
    autoencoders = {preset.name for preset in list_presets() if not preset.classifies}
    models = {name: label for name, label in model_options().items() if name not in autoencoders}
    return {**models, **like}


def _plan(model: str, data: Dataset) -> Experiment:
    if model.startswith(_PREFIX):
        experiment = open_run(model.removeprefix(_PREFIX)).experiment
        planned = compute(requests.plan, experiment.spec, data.name, experiment.recipe)
    else:
        planned = compute(requests.plan, model, data.name)
    return replace(planned, dataset=replace(planned.dataset, fingerprint=data.fingerprint))


def _same(record: RunRecord, experiment: Experiment) -> bool:
    """Whether the run is of the experiment, whatever its seed."""
    try:
        return not record.members and record.experiment.same_but_seed(experiment)
    except DigitlabError:  # of a version whose recipes were others
        return False


def _finished(experiment: Experiment) -> list[RunRecord]:
    """The finished runs of the experiment, one for each seed."""
    records = [run.record for run in list_runs(bundled=False, limit=RECENT)]
    return one_per_seed([record for record in records if _same(record, experiment)])


def _active(planned: Sequence[Experiment]) -> list[RunRecord]:
    return [r for r in active_runs() if any(_same(r, experiment) for experiment in planned)]


def _queue(planned: Sequence[Experiment], seeds: int) -> None:
    """Queue what has not been trained yet: seeds 0 and up on both, in turn."""
    waiting = _active(planned)
    missing = []
    for seed in range(seeds):
        for experiment in planned:
            known = [*_finished(experiment), *(r for r in waiting if _same(r, experiment))]
            if seed not in {record.seed for record in known}:
                missing.append(replace(experiment, config=experiment.config.changed(seed=seed)))
    if not missing:
        st.info(f"Both have {counted(seeds, 'seed')} already.", icon=":material/check:")
        return
    names = " and ".join(experiment.dataset.name for experiment in planned)
    try:
        submit_sweep(missing, f"{planned[0].spec.name} on {names}")
    except DigitlabError as e:
        page.show_error(e)


@page.guard()
def _show_waiting(planned: Sequence[Experiment], busy: bool) -> None:
    active = _active(planned)
    if active:
        st.caption(f"{counted(len(active), 'run')} of it still training or waiting.")
        show_training_link(active[0])
    if busy and not active:
        st.rerun()


def _show_verdict(groups: Sequence[Sequence[RunRecord]], titles: Sequence[str]) -> None:
    """Whether the version is better: by seeds where there are two of both, else by images."""
    seeds = {record.seed for record in groups[0]} & {record.seed for record in groups[1]}
    groups = [[r for r in group if r.seed in seeds] for group in groups] if seeds else groups
    records = [record for group in groups for record in group]
    results = [cached.evaluation(Run(record), "test") for record in records]
    shared = share_test(records, results)
    if shared is None:
        st.info("These versions share no test images.", icon=":material/info:")
        return
    results = judge_together(shared, results)
    before, after = results[: len(groups[0])], results[len(groups[0]) :]
    names = [plain(title) for title in titles]
    accuracies = [[result.accuracy for result in group] for group in (before, after)]
    if min(map(len, accuracies)) > 1:
        paired = bool(seeds)
        difference = compare_seeds(*accuracies, paired=paired)
        summaries = [summarize_seeds(values) for values in accuracies]
        st.markdown(seeds_verdict(difference, *summaries, *names, paired=paired))
    else:
        st.markdown(verdict(compare_pair(before[0], after[0]), before[0], after[0], *names))
    st.caption(_judged(before[0], shared.judge >= len(groups[0]), names, accuracies))
    st.page_link(
        page.COMPARE,
        label="Compare them image by image",
        icon=page.ICONS[page.COMPARE],
        query_params={"runs": ",".join(r.id for pair in zip(*groups, strict=False) for r in pair)},
    )


def _judged(
    result: Evaluation,
    by_version: bool,
    names: Sequence[str],
    accuracies: Sequence[Sequence[float]],
) -> str:
    means = " and ".join(
        f"{name} {percent(sum(values) / len(values))}"
        for name, values in zip(names, accuracies, strict=True)
    )
    labels = f", by the labels of {names[1]}" if by_version else ""
    return f"Judged on {result.n:,} test images that both have{labels}: {means}."
