"""A learner opens a lesson from the list and stays in it; a page leaves as a notebook."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.browser.visitor import SEVEN, Visitor


def downloaded(tab: Visitor) -> str:
    """The cells of what the button in the sidebar gives, in one text."""
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="Page as a notebook").click()
    notebook = nbformat.reads(Path(download.value.path()).read_text(), as_version=4)
    return "\n".join(cell.source for cell in notebook.cells)


def test_a_lesson_stays_open_until_its_reader_leaves_it(visit):
    tab: Visitor = visit("/Learn")
    tab.page.get_by_role("link", name="Why the first loss is ln 10").click()
    tab.is_at(r"\blesson=first-loss\b")
    tab.page.get_by_text("3.26", exact=True).click()
    tab.button("Answer").click()
    tab.sees("ln 26 = 3.26")
    tab.reload()
    tab.sees("ln 26 = 3.26")
    tab.page.get_by_role("button", name="cross-entropy").click()
    # "From your run" if another test, whose server this one shares, has trained one.
    tab.sees(re.compile("From (a run that comes with digitlab|your run, “.+”)"))
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("link", name="All lessons").click()
    tab.sees("Find the wrong labels")
    expect(tab.page).not_to_have_url(tab.base + "/Learn?lesson=first-loss")
    tab.reload()
    tab.sees("Find the wrong labels")
    assert not tab.problems


@pytest.mark.slow
def test_the_notebook_of_a_page_has_what_it_shows_after_each_choice(visit):
    tab: Visitor = visit("/Draw?run=reader")
    tab.draw(SEVEN)
    expect(tab.answer()).to_have_text("7")
    tab.settle()
    text = downloaded(tab)
    assert "b64decode" in text, "the drawing goes along"
    assert "stage_strip" in text
    tab.page.get_by_role("radio", name="Arena", exact=True).click()
    tab.is_at(r"\bshow=arena\b")
    tab.settle()
    text = downloaded(tab)
    assert "read_together" in text
    assert "stage_strip" not in text, "that section is closed"
