"""The pages as notebooks: they run top to bottom in a kernel, and say what the pages say."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

import digitlab as dl
from digitlab.errors import RunError
from digitlab.exports.notebook import write_comparison, write_notebook


def carried_out(text: str) -> str:
    """Everything that the notebook's cells print, after it ran in a fresh kernel; it is checked."""
    notebook = nbformat.reads(text, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = [
        output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs
    ]
    assert not [output for output in outputs if output.output_type == "error"]
    assert sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs) > 3
    return "".join(output.get("text", "") for output in outputs)


def test_results_run_outside_the_app_also_where_the_run_is_not(run_id, tmp_path, monkeypatch):
    """In another home the run is trained again, by its recipe, and comes out the same."""
    run = dl.open_run(run_id)
    accuracy = run.evaluate("test").accuracy
    text = write_notebook(run)
    monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / "empty"))
    printed = carried_out(text)
    assert str(accuracy) in printed
    assert run_id not in printed


def test_a_run_of_another_split_is_trained_again_on_its_own(train_tiny, optdigits):
    run = train_tiny(data=optdigits.resplit(0.2, 5), seed=3)
    tuned = dl.train(
        run.spec, optdigits, run.config, name="tuned", progress=False, start_from=run.id
    )
    opening = nbformat.reads(write_comparison([run, tuned]), as_version=4).cells[1].source
    dl.delete_run(tuned.id)
    names: dict = {}
    exec(opening, names)
    again = names["runs"][1]
    assert again.id != tuned.id
    assert again.experiment.same_recipe(tuned.experiment)  # from the same weights, too
    assert again.experiment.dataset == tuned.experiment.dataset
    dl.delete_run(run.id)
    exec(opening.replace(tuned.id, again.id), names)
    ours, theirs = (one.experiment.dataset for one in (run, names["runs"][0]))
    assert theirs == ours
    assert theirs.split_seed == 5


@pytest.mark.slow
def test_a_comparison_runs_outside_the_app(run_id):
    config = dl.open_run(run_id).config.changed(seed=1)
    twin = dl.train("logistic-regression", "optdigits", config, progress=False)
    printed = carried_out(write_comparison([dl.open_run(run_id), twin]))
    assert "seed [0, 1]" in printed
    assert run_id in printed


def test_any_name_is_only_a_name(run_id):
    dl.label_run(run_id, name='"""\n# x\n![](http://x)<script>')
    first = nbformat.reads(write_notebook(dl.open_run(run_id)), as_version=4).cells[0].source
    assert "<script>" not in first
    assert "![](" not in first


def test_one_run_is_no_comparison_and_two_datasets_neither(run_id):
    run = dl.open_run(run_id)
    with pytest.raises(RunError, match="at least two"):
        write_comparison([run])
    with pytest.raises(RunError, match="no image in common"):
        write_comparison([run, dl.open_run("reader-cnn")])


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_same_run_gives_the_same_notebook(run_id, split):
    run = dl.open_run(run_id)
    assert write_notebook(run, split) == write_notebook(run, split)
    assert f"run.evaluate('{split}')" in write_notebook(run, split)
