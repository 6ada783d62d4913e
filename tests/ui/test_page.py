"""The frame of every page: what a failure shows, and to whom."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PATIENCE
from tests.pages.visit import AppTest


def failing_page():
    from digitlab.errors import DatasetError
    from digitlab.settings import read_settings
    from digitlab.ui import page

    with page.guard():
        raise KeyError("secret")
    with page.guard():
        raise DatasetError(f"{read_settings().home}/x is damaged.")


def page_with_failing_callback():
    import streamlit as st

    from digitlab.ui import page

    def fail():
        raise KeyError("secret")

    with page.guard():
        st.button("Press", on_click=fail)


def test_a_callback_that_fails_has_a_code_too(monkeypatch, caplog):
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    app = AppTest.from_function(page_with_failing_callback, default_timeout=PATIENCE).run()
    app.button[0].click().run()
    assert re.search(r"\(code ([0-9a-f]{6})\)", app.error[0].value)[1] in caplog.text
    assert not app.exception
    assert not app.code


@pytest.mark.parametrize("hosted", [True, False])
def test_a_failure_has_a_code_that_the_log_explains(hosted, monkeypatch, caplog):
    monkeypatch.setenv("DIGITLAB_HOSTED", str(int(hosted)))
    app = AppTest.from_function(failing_page, default_timeout=PATIENCE).run()
    failure, mistake = (error.value for error in app.error)
    code = re.search(r"\(code ([0-9a-f]{6})\)", failure)[1]
    assert f"code {code}" in caplog.text
    assert "KeyError: 'secret'" in caplog.text
    shown = "".join(item.value for item in app.code)
    assert ("secret" in shown) is not hosted, "strangers see no traceback"
    assert mistake == r"home/x is damaged\."
