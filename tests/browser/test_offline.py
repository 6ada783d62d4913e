"""Files that people download open in a browser without network, app or complaint."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.evaluation.metrics import Evaluation
from digitlab.exports.report import figure_html
from digitlab.figures.evaluation import confusion_matrix


@pytest.fixture
def opened(browser):
    """A function that opens a file without network: the page, and what went wrong."""
    contexts = []

    def open_file(path, **device):
        context = browser.new_context(offline=True, **device)
        contexts.append(context)
        page, problems = context.new_page(), []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.on("request", lambda r: problems.append(r.url) if r.url.startswith("http") else None)
        page.goto(path.as_uri())
        page.locator(".plotly .main-svg").first.wait_for()
        return page, problems

    yield open_file
    for context in contexts:
        context.close()


def test_a_report_shows_its_figures_and_images(opened, run_id, tmp_path):
    run = dl.label_run(run_id, name="<img src=x onerror=alert(1)>")
    path = dl.export(run, "report", tmp_path / "report.html")
    page, problems = opened(path, viewport={"width": 390, "height": 844})
    assert page.locator(".js-plotly-plot").count() == 5
    assert page.locator("h1").inner_text() == run.record.name
    shown = page.evaluate("[...document.images].filter(i => i.complete && i.naturalWidth).length")
    assert shown == min(60, len(run.evaluate("test").errors)) > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not problems


def test_a_figure_is_a_page_of_its_own(opened, run_id, tmp_path):
    result: Evaluation = dl.open_run(run_id).evaluate("test")
    path = tmp_path / "figure.html"
    path.write_text(figure_html(confusion_matrix(result.confusion, result.classes), whole=True))
    page, problems = opened(path)
    assert "Confusion matrix" in page.locator(".gtitle").text_content()
    page.locator(".js-plotly-plot").hover()
    tools = page.locator(".modebar-btn")
    assert tools.count() > 2
    names = tools.evaluate_all("tools => tools.map(tool => tool.dataset.title)")
    assert not [name for name in names if "Share" in name]
    assert not problems
