"""Home: links to the pages, datasets and runs, and a first drawing."""

from __future__ import annotations

from digitlab.data.registry import find_dataset
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.ui.markdown import plain
from tests.pages.visit import find, words


def test_every_page_is_one_click_away(open_page):
    pages = {link.proto.page for link in open_page("Home").page_link}
    assert {"Data", "Architecture", "Train", "Results", "Draw"} <= pages


def test_home_lists_the_datasets(open_page):
    app = open_page("Home")
    assert find(app.page_link, "Optdigits").proto.page == "Data"
    assert "The Data page can download: MNIST" in words(app)


def test_the_last_run_is_a_link_to_its_results(open_page, run_id):
    record: RunRecord = open_run(run_id).record
    link = find(
        open_page("Home").page_link, plain(f"{record.name} · {find_dataset(record.dataset).title}")
    )
    assert link.proto.page == "Results"
    assert run_id in link.proto.query_string


def test_without_a_run_the_first_training_is_offered(open_page):
    assert "You have no run yet" in words(open_page("Home"))


def test_home_can_be_drawn_on(open_page):
    app = open_page("Home")
    assert "canvas" in words(app).lower()
