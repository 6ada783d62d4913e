"""The Draw page before a drawing: the canvas says what to do, and any run can be asked to read."""

from __future__ import annotations

import pytest
from visit import find, healthy, words

from digitlab.runs import artifacts

PAGE = "6_Draw"


def test_an_empty_canvas_says_so(open_page):
    assert "Draw a digit on the canvas" in words(open_page(PAGE))


def test_the_bundled_reader_reads_first(open_page, run_id):
    assert find(open_page(PAGE).selectbox, "Run").value == "reader"


def test_another_run_can_be_chosen_and_the_link_keeps_it(open_page, run_id):
    app = open_page(PAGE)
    healthy(find(app.selectbox, "Run").select(run_id).run())
    assert app.query_params["run"] == run_id
    assert find(open_page(PAGE, run=run_id).selectbox, "Run").value == run_id


@pytest.mark.parametrize("run", ["gone-00000000", "../../etc/passwd", ""])
def test_a_run_that_is_not_there_leaves_the_canvas(open_page, run):
    assert "Draw a digit on the canvas" in words(open_page(PAGE, run=run))


def test_without_any_run_the_way_to_one_is_shown(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(artifacts, "ASSETS", tmp_path / "no assets")
    app = open_page(PAGE)
    assert find(app.page_link, "Train").proto.page == "Train"
