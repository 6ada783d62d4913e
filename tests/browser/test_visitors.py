"""Strangers on one server: each has things of their own, and shows one by a link."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

import digitlab as dl
from digitlab import owners
from digitlab.ui.visitor import COOKIE, PARAM, _unmask
from tests.browser.served import Lab
from tests.browser.visitor import Visitor


@pytest.fixture(scope="module")
def hosted(tmp_path_factory):
    """A server for strangers."""
    lab = Lab(tmp_path_factory.mktemp("hosted"), DIGITLAB_HOSTED="demo", DIGITLAB_WARM_WORKERS="0")
    lab.start()
    yield lab
    lab.kill()


@pytest.fixture
def strangers(browser, hosted):
    """Two visitors with browsers of their own."""
    contexts = [browser.new_context() for _ in range(2)]
    yield [Visitor(context.new_page(), hosted.url) for context in contexts]
    for context in contexts:
        context.close()


def test_two_visitors_see_their_own_runs_and_one_that_is_shared(hosted, strangers, monkeypatch):
    ann, bob = strangers
    monkeypatch.setenv("DIGITLAB_HOME", str(hosted.home))
    for visitor, name in ((ann, "Run of Ann"), (bob, "Run of Bob")):
        visitor.open("/Train")
        with owners.acting_for(owners.owner_of(visitor.secret())):
            data, recipe = dl.load_dataset("optdigits"), dl.TrainConfig(epochs=1)
            run = dl.train("logistic-regression", data, recipe, name=name, progress=False)
        visitor.reload().sees(name)
    expect(ann.page.get_by_text("Run of Bob")).to_have_count(0)
    expect(bob.page.get_by_text("Run of Ann")).to_have_count(0)

    bob.open(f"/Results?run={run.id}")
    bob.page.get_by_role("button", name="Share").click()
    bob.page.get_by_role("button", name="Make a link").click()
    link = bob.page.get_by_role("link", name="Open")
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    assert bob.secret() not in address
    assert PARAM + "=" not in address
    ann.open(f"/Results?run={run.id}").sees("is not yours")
    ann.open("/" + address.partition(hosted.url + "/")[2])
    ann.sees("Run of Bob")
    ann.reload().sees("Run of Bob")  # also without what the session knew
    assert not ann.problems + bob.problems


def test_a_frame_that_keeps_no_cookie_keeps_its_visitor_in_its_address(
    browser, hosted, tmp_path, monkeypatch
):
    site = tmp_path / "site.html"
    page = browser.new_page()
    framed = hosted.url.replace("localhost", "127.0.0.1")
    site.write_text(f'<iframe src="{framed}/Train" width="900" height="700"></iframe>', "utf-8")
    page.goto(site.as_uri())
    frame = page.frame_locator("iframe")
    frame.get_by_text("yours alone").wait_for()
    inner = page.frames[1]
    page.wait_for_timeout(1_500)  # the page writes its own part of the address, too
    told = f"new URL(location.href).searchParams.get('{PARAM}')"
    masked = inner.wait_for_function(told).json_value()
    assert COOKIE not in inner.evaluate("document.cookie")
    inner.evaluate("location.reload()")
    frame.get_by_text("yours alone").wait_for()
    page.wait_for_timeout(1_500)
    assert masked == page.frames[1].wait_for_function(told).json_value()
    # opened as a page of its own it is that of somebody new, whom the browser keeps as a cookie
    page.goto(f"{framed}/Train?{PARAM}={masked}")
    page.wait_for_function(f"!location.search.includes('{PARAM}=')")
    monkeypatch.setenv("DIGITLAB_HOME", str(hosted.home))
    in_frame = set()
    for address in ("None", "::ffff:127.0.0.1"):  # as the system tells it
        place = f"{address} {page.evaluate('navigator.userAgent')}"
        monkeypatch.setattr("digitlab.ui.visitor._place", lambda place=place: place)
        in_frame.add(_unmask(masked))
    (in_frame,) = in_frame - {None}
    assert Visitor(page, framed).settle().secret() != in_frame
    page.close()
