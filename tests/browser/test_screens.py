"""Every page and section on any screen, for everybody: nothing is cut, and axe-core is content."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from digitlab.ui.compare import sections as compare
from digitlab.ui.data import sections as data
from digitlab.ui.drawing import sections as drawing
from digitlab.ui.results import sections as results
from tests.browser.look import look
from tests.browser.visitor import PAGES, SEVEN, Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "dark"}
SECTIONS = {  # of pages with sections, by their links: the choice's name → its key in the URL
    "/Data?dataset=optdigits": {section.title: section.key for section in data.SECTIONS},
    "/Results?run={0}": {section.title: section.key for section in results.SECTIONS},
    "/Compare?runs={0},{1}": {section.title: section.key for section in compare.SECTIONS},
    "/Draw?run={0}": {title: key for key, title in drawing.SECTIONS.items()},
}
NO_SECTION = r"^(?!.*\b(section|show)=)"  # the first one is no news


@pytest.fixture(scope="module")
def runs(lab) -> list[str]:
    """Two runs on Optdigits, whose images are on every machine."""
    import digitlab as dl

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(lab.home))
        digits, recipe = dl.load_dataset("optdigits"), dl.TrainConfig(epochs=2, seed=0)
        return [dl.train(name, digits, recipe).id for name in ("cnn-small", "two-hidden-16-relu")]


@pytest.mark.parametrize(
    "path", [*PAGES, "/Train?run={0}&tables=1", "/Results?run={0}&view=results"]
)
def test_a_page_is_whole_and_accessible_on_any_screen(visit, runs, path):
    tab: Visitor = visit(path.format(*runs))
    problems = look(tab.page)
    assert not problems, "\n".join(problems)
    tab.is_well()


@pytest.mark.parametrize("path", SECTIONS)
def test_a_section_is_whole_and_accessible_on_any_screen(visit, runs, path):
    tab: Visitor = visit(path.format(*runs))
    if path.startswith("/Draw"):
        tab.draw(SEVEN)
        expect(tab.answer()).to_be_visible()
    problems = []
    first, *others = SECTIONS[path].items()
    for title, key in [*others, first]:
        tab.page.get_by_role("radio", name=title, exact=True).click()
        tab.is_at(NO_SECTION if key == first[1] else rf"\b(section|show)={key}\b")
        problems += [f"{title}: {problem}" for problem in look(tab.settle().page)]
    assert not problems, "\n".join(problems)
    tab.is_well()


@pytest.mark.parametrize("path", ["/", "/Draw?run=reader"])
def test_a_finger_draws(visit, path):
    tab: Visitor = visit(path, **PHONE)
    tab.draw_with_a_finger(SEVEN)
    expect(tab.answer()).to_have_text("7")
    tab.is_well()
