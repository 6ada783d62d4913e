"""Every page can be opened first, by any link; an invalid link shows the page, not an error."""

from __future__ import annotations

import pytest

from tests.pages.visit import PAGES, words

NONSENSE = [
    {"dataset": "nope", "class": "99", "split": "everything", "page": "-5", "seed": "abc"},
    {"run": "../../etc/passwd", "true": "ten", "read": "-1", "mistakes": "0", "matrix": "?"},
    {"run": "no-such-run-0000", "on": "train", "sample": "9" * 400, "images": "1e9"},
    {"spec": "garbage", "model": "own", "preset": "../x", "epochs": "nan", "lr": "inf"},
    {"spec": "", "model": "", "run": "", "dataset": "", "class": ""},
    {"lr": "-0", "batch": "1.5", "optimizer": "rm -rf", "val": "nan", "device": "tpu"},
]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_as_the_first_thing_a_visitor_sees(open_page, name):
    app = open_page(name)
    assert app.title[0].value == ("digitlab" if name == "Home" else name.split("_")[1])
    assert not app.error


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_when_a_run_exists(open_page, run_id, name):
    assert not open_page(name, run=run_id).error


@pytest.mark.parametrize("params", NONSENSE, ids=lambda params: "-".join(params)[:30])
@pytest.mark.parametrize("name", PAGES)
def test_an_invalid_link_still_shows_the_page(open_page, run_id, name, params):
    app = open_page(name, **params)
    assert "Traceback" not in words(app)
    assert len(app.main) > 1, "nothing but a title"
