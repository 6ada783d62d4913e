"""This page as a notebook: what its folds show as they are set now, and it runs."""

from __future__ import annotations

import nbformat
import plotly.graph_objects as go
import pytest
from PIL import Image

import digitlab as dl
from digitlab.ui import notebook
from digitlab.ui.compare.sections import SECTIONS as COMPARE
from digitlab.ui.data.sections import SECTIONS as DATA
from digitlab.ui.drawing.sections import SECTIONS as DRAW
from digitlab.ui.results.sections import SECTIONS as RESULTS
from tests.pages.visit import code_of, labels
from tests.snippets.snippet_runner import execute


@pytest.fixture
def write(open_page, monkeypatch, tmp_path):
    """A function that opens a page and gives what its button in the sidebar downloads, read."""
    made: list = []
    monkeypatch.setattr(notebook, "for_visitor", lambda make: made.append(make) or make)
    monkeypatch.setattr(go.Figure, "show", lambda figure: None)
    monkeypatch.chdir(tmp_path)

    def download(page, **params):
        app = open_page(page, **params)
        assert "Page as a notebook" in labels(app.get("download_button"))
        text = nbformat.reads(made[-1](), as_version=4)
        return app, text

    return download


def carried_out(written):
    """What the cells print and their variables, run top to bottom as a kernel does."""
    return execute("\n".join(cell.source for cell in written.cells if cell.cell_type == "code"))


def twin_of(run_id):
    config = dl.open_run(run_id).config.changed(seed=1)
    return dl.train("logistic-regression", "optdigits", config, progress=False).id


@pytest.mark.parametrize(
    ("page", "params", "heading"),
    [
        ("1_Data", {"dataset": "optdigits"}, "## Optdigits"),
        ("2_Architecture", {"preset": "logistic-regression"}, "## Shapes and cost"),
        ("3_Train", {"model": "logistic-regression", "epochs": "1"}, "dl.train("),
        ("4_Results", {"section": "confusion"}, "## Which digits are confused?"),
        ("6_Draw", {}, "## The drawing"),
        ("Home", {}, "## The drawing"),
    ],
)
def test_the_cells_of_a_page_run_outside_it(write, run_id, page, params, heading):
    app, written = write(page, run=run_id if page == "4_Results" else "", **params)
    text = "\n".join(cell.source for cell in written.cells)
    assert heading in text
    for lines in (lines for lines in code_of(app) if "import" in lines):  # not a link to share
        assert lines.replace(repr(run_id), "run_ids[0]").strip() in text, "each fold is in it"
    carried_out(written)


def test_a_run_that_is_not_there_is_trained_again(write, run_id):
    _, written = write("4_Results", run=run_id)
    accuracy = dl.open_run(run_id).evaluate("test").accuracy
    dl.delete_run(run_id)
    names, printed = carried_out(written)
    assert names["run_ids"] != [run_id]
    assert str(accuracy) in printed


def test_two_runs_are_compared_as_they_were_chosen(write, run_id):
    twin = twin_of(run_id)
    _, written = write("5_Compare", runs=f"{run_id},{twin}")
    names, _ = carried_out(written)
    assert names["run_ids"] == [run_id, twin]


def test_a_drawing_of_ones_own_is_kept_beside_the_notebook(write, tmp_path):
    Image.new("L", (40, 40)).save(tmp_path / "drawing.png")
    _, written = write("6_Draw")
    with pytest.raises(dl.DigitlabError, match="nothing drawn"):
        carried_out(written)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "section"),
    [
        *(("1_Data", section.key) for section in DATA),
        *(("4_Results", section.key) for section in RESULTS),
        *(("5_Compare", section.key) for section in COMPARE),
        *(("6_Draw", key) for key in DRAW),
    ],
)
def test_every_section_runs_outside_its_page(write, run_id, page, section):
    runs = f"{run_id},{twin_of(run_id)}" if page == "5_Compare" else ""
    params = {"run": run_id, "runs": runs, "dataset": "optdigits"}
    _, written = write(page, section=section, show=section, **params)
    carried_out(written)
