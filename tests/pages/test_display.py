"""The Display menu: its switches are on every page, in the URL, and kept for the visit."""

from __future__ import annotations

import pytest

from tests.pages.visit import PAGES, find, healthy


@pytest.mark.parametrize("name", PAGES)
def test_a_link_can_present_a_page(open_page, name):
    app = open_page(name, present="1", tables="1")
    assert find(app.sidebar.toggle, "Presenter's size").value
    assert find(app.sidebar.toggle, "Charts as tables").value


def test_a_switch_stays_on_the_next_page(open_page):
    app = open_page("Home")
    healthy(find(app.toggle, "Charts as tables").set_value(True).run())
    assert app.query_params["tables"] in ("1", ["1"])
    app.query_params.clear()
    app = healthy(app.switch_page("pages/1_Data.py").run())
    assert find(app.toggle, "Charts as tables").value
    assert not find(app.toggle, "Presenter's size").value
