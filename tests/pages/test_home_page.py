"""Home: links to the pages, datasets and runs, and a first drawing."""

from __future__ import annotations

from digitlab.data.registry import find_dataset
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.settings import read_settings
from digitlab.ui.home.path import has_improved
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from tests.pages.visit import find, healthy, words


def test_every_page_is_one_click_away(open_page):
    pages = {link.proto.page for link in open_page("Home").page_link}
    assert {"Data", "Architecture", "Train", "Results", "Draw"} <= pages


def test_home_lists_the_datasets(open_page):
    app = open_page("Home")
    assert find(app.page_link, "Optdigits").proto.page == "Data"
    download = find(app.page_link, "To download: MNIST")
    assert (download.proto.page, download.proto.query_string) == ("Data", "dataset=mnist")


def test_the_last_run_is_a_link_to_its_results(open_page, run_id):
    record: RunRecord = open_run(run_id).record
    title = f"{run_title(record)} · {find_dataset(record.dataset).title}"
    link = find(open_page("Home").page_link, plain(title))
    assert link.proto.page == "Results"
    assert run_id in link.proto.query_string


def test_bundled_runs_are_told_from_ones_own(open_page):
    assert "These come with digitlab" in words(open_page("Home"))


def test_a_step_is_done_when_its_page_was_opened(open_page):
    app = open_page("Home")
    assert not [link.label for link in app.page_link if "(done)" in link.label]
    healthy(app.switch_page("pages/4_Results.py").run())
    healthy(app.switch_page("Home.py").run())
    assert [link.label for link in app.page_link if "(done)" in link.label] == [
        "See what it gets wrong (done)"
    ]


def test_an_own_run_does_a_step_where_visitors_are_no_strangers(open_page, run_id, monkeypatch):
    assert find(open_page("Home").page_link, "Train your own").label.endswith("(done)")
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    app = open_page("Home")
    assert find(app.page_link, "Train your own").label == "Train your own"
    app.query_params = {"run": run_id}
    healthy(app.switch_page("pages/4_Results.py").run())
    healthy(app.switch_page("Home.py").run())
    assert find(app.page_link, "Train your own").label.endswith("(done)")
    assert find(app.page_link, "Take it apart").label.endswith("(done)")


def test_a_better_run_is_an_improvement(run_id):
    record = open_run(run_id).record
    worse, better = (record.changed(test_accuracy=accuracy) for accuracy in (0.9, 0.95))
    assert has_improved([better, worse])
    assert not has_improved([worse, better])
    assert not has_improved([better.changed(dataset="mnist"), worse])


def test_no_page_tells_where_the_server_keeps_its_files(open_page, run_id, data_folder):
    (data_folder / "MNIST/raw").mkdir(parents=True)
    (data_folder / "MNIST/raw/t10k-labels-idx1-ubyte").write_bytes(b"damaged")
    told = words(open_page("Home"))
    told += words(open_page("1_Data", dataset="mnist"))
    told += words(open_page("1_Data", dataset="pendigits"))
    told += words(open_page("4_Results", run="reader", section="mistakes"))
    assert str(read_settings().home) not in told
    assert str(read_settings().data) not in told


def test_the_classic_comparison_begins_here(open_page):
    assert find(open_page("Home").button, "Train the classic four")


def test_home_can_be_drawn_on(open_page):
    app = open_page("Home")
    assert "canvas" in words(app).lower()
