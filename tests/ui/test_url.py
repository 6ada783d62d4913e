"""State in the URL: read from a link, updated with every choice, and checked."""

from __future__ import annotations

import pytest

from tests.conftest import PATIENCE
from tests.pages.visit import AppTest


def controls() -> None:
    import streamlit as st

    from digitlab.ui import url

    letter = url.choose("Letter", {"a": "Ah", "b": "Be"}, param="letter", default="a")
    pill = url.choose(
        "Pill", {"x": "Ex", "y": "Why"}, param="pill", default="x", widget=st.segmented_control
    )
    count = url.number("Count", param="count", default=3, low=1, high=9)
    rate = url.real("Rate", param="rate", default=0.001, low=1e-6, high=100)
    wide = url.switch("Wide", param="wide")
    st.text(repr((letter, pill, count, rate, wide)))


DEFAULTS = ("a", "x", 3, 0.001, False)


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(controls, default_timeout=PATIENCE)


def shown(app: AppTest) -> tuple:
    assert not app.exception
    return eval(app.text[0].value)


def test_defaults_leave_the_url_clean(app):
    assert shown(app.run()) == DEFAULTS
    assert app.query_params == {}


def test_a_link_sets_every_control(app):
    app.query_params = {"letter": "b", "pill": "y", "count": "7", "rate": "0.25", "wide": "1"}
    before = dict(app.query_params)
    assert shown(app.run()) == ("b", "y", 7, 0.25, True)
    assert app.selectbox[0].value == "b"
    assert app.number_input[0].value == 7
    assert app.query_params == before


def test_what_a_visitor_sets_is_written_to_the_url(app):
    app.run()
    app.selectbox[0].select("b").run()
    app.segmented_control[0].set_value("y").run()
    app.number_input[0].set_value(9).run()
    app.number_input[1].set_value(1e-5).run()
    app.toggle[0].set_value(True).run()
    assert shown(app) == ("b", "y", 9, 1e-5, True)
    link = dict(app.query_params)
    assert set(link) == {"letter", "pill", "count", "rate", "wide"}

    other = AppTest.from_function(controls, default_timeout=PATIENCE)
    other.query_params = link
    assert shown(other.run()) == shown(app)


def test_going_back_to_the_default_cleans_the_url(app):
    app.query_params = {"count": "7"}
    app.run()
    app.number_input[0].set_value(3).run()
    assert app.query_params == {}
    assert shown(app) == DEFAULTS


@pytest.mark.parametrize(
    "params",
    [
        {"letter": "nope", "pill": "", "count": "many", "rate": "abc", "wide": "yes"},
        {"letter": "../../etc", "pill": "<script>", "count": "1e3", "rate": "nan", "wide": "2"},
        {"letter": ["a", "nope"], "count": "9" * 5_000, "rate": "--1"},
    ],
)
def test_invalid_values_become_the_default(app, params):
    app.query_params = params
    assert shown(app.run()) == DEFAULTS


def test_numbers_out_of_bounds_become_the_nearest_allowed(app):
    app.query_params = {"count": "-5", "rate": "inf"}
    assert shown(app.run())[2:4] == (1, 100.0)
    app.query_params = {"count": "5000", "rate": "-inf"}
    assert shown(app.run())[2:4] == (9, 1e-6)


def test_a_choice_is_kept_on_a_page_whose_url_lacks_it(app):
    app.query_params = {"letter": "b", "count": "7"}
    app.run()
    app.query_params = {}  # what a link to another page does
    assert shown(app.run()) == ("b", "x", 7, 0.001, False)
    assert app.query_params == {"letter": "b", "count": "7"}


def test_a_new_link_wins_over_what_was_chosen_before(app):
    app.query_params = {"letter": "b", "count": "7"}
    app.run()
    app.query_params = {"letter": "a", "count": "2"}
    assert shown(app.run())[:3] == ("a", "x", 2)


def changing_default() -> None:
    import streamlit as st

    from digitlab.ui import url

    first = 10 if st.toggle("Other") else 1
    st.text(url.number("Which", param="which", default=first, low=0, high=99))


def test_a_changed_default_applies_until_something_is_chosen():
    app = AppTest.from_function(changing_default, default_timeout=PATIENCE).run()
    assert app.text[0].value == "1"
    app.toggle[0].set_value(True).run()
    assert app.text[0].value == "10"
    app.number_input[0].set_value(5).run()
    app.toggle[0].set_value(False).run()
    assert app.text[0].value == "5"


def by_code() -> None:
    import streamlit as st

    from digitlab.ui import url

    st.button("Put", on_click=url.put, args=("count", 8))
    st.button("Drop", on_click=url.drop, args=("count",))
    st.text(url.number("Count", param="count", default=3, low=1, high=9))
    st.text(url.get("count"))


def test_code_can_set_and_remove_a_choice():
    app = AppTest.from_function(by_code, default_timeout=PATIENCE).run()
    app.button[0].click().run()
    assert [text.value for text in app.text] == ["8", "8"]
    assert app.query_params == {"count": "8"}
    app.button[1].click().run()
    assert app.text[0].value == "3"
    assert app.query_params == {}


def test_a_former_name_in_a_link_sets_the_control_and_is_replaced():
    def control() -> None:
        import streamlit as st

        from digitlab.ui import url

        st.text(url.choose("Second", {"a": "Ah", "b": "Be"}, param="compare", default="a"))

    app = AppTest.from_function(control, default_timeout=PATIENCE)
    app.query_params = {"beside": "b"}
    assert app.run().text[0].value == "b"
    assert dict(app.query_params) == {"compare": "b"}
    app.selectbox[0].select("a").run()
    assert app.text[0].value == "a"
    assert app.query_params == {}


def test_a_click_that_knows_only_the_former_url_takes_no_choice_back(app, monkeypatch):
    monkeypatch.setattr("digitlab.ui.url.LATE_SECONDS", PATIENCE)
    app.query_params = {"letter": "b"}
    app.run()
    late = dict(app.query_params)
    app.selectbox[0].select("a").run()
    app.query_params = late  # the browser's, as it was before that choice
    assert shown(app.run())[0] == "a"
    monkeypatch.setattr("digitlab.ui.url.LATE_SECONDS", 0.0)
    app.query_params = late  # a link, or the browser's way back
    assert shown(app.run())[0] == "b"
