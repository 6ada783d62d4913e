"""Visitors who are strangers: each sees their own things, and what a link of another shows."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.data.collections import NewDrawing, keep_drawing
from digitlab.models.library import list_saved, save_model
from digitlab.ui import visitor
from digitlab.ui.visitor import PROOF
from tests.conftest import PATIENCE, ROOT
from tests.pages.visit import PAGES, AppTest, find, healthy, words

ANN, BOB = "a" * 32, "b" * 32


@pytest.fixture
def visit(monkeypatch):
    """Open a page as the visitor of that secret, or address."""
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    monkeypatch.setenv("DIGITLAB_ADMINS", "ada@example.org")

    def visit(proof, name, **params):
        app = AppTest.from_file(ROOT / "Home.py", default_timeout=PATIENCE)
        if name != "Home":
            app.switch_page(f"pages/{name}.py")
        app.query_params = params
        if proof:
            app.session_state[PROOF] = proof
        return healthy(app.run())

    return visit


def train(proof, train_tiny, name):
    with owners.acting_for(owners.owner_of(proof)):
        return train_tiny(name=name)


def links(app):
    return [item.proto.label for item in app.get("page_link")]


def test_two_visitors_do_not_see_each_others_runs_and_share_one_by_a_link(visit, train_tiny):
    anns, bobs = train(ANN, train_tiny, "Ann's net"), train(BOB, train_tiny, "Bob's net")
    for proof, name, other in ((ANN, "Ann's", "Bob's"), (BOB, "Bob's", "Ann's")):
        listed = " ".join(links(visit(proof, "3_Train")))
        assert name in listed
        assert other not in listed
        choice = find(visit(proof, "4_Results").selectbox, "Run").options
        assert any(name in option for option in choice)
        assert not any(other in option for option in choice)
    results = visit(BOB, "4_Results", run=anns.id)
    assert "is not yours" in words(results)
    assert "Ann's net" not in words(results)
    assert "is not yours" in words(visit(BOB, "3_Train", run=anns.id))
    with owners.acting_for(owners.owner_of(ANN)):
        key = dl.share_run(anns.id)
    shared = visit(BOB, "4_Results", run=anns.id, key=key)
    assert "is not yours" not in words(shared)
    assert (
        "Ann's net" in find(shared.selectbox, "Run").value
        or anns.id in find(shared.selectbox, "Run").value
    )
    assert "Ann's" not in " ".join(links(visit(BOB, "3_Train")))
    assert bobs.id not in words(visit(ANN, "3_Train", run=bobs.id, key="guess"))


@pytest.mark.parametrize("page", PAGES)
def test_no_page_tells_of_a_run_or_data_of_another_however_the_link_asks(visit, train_tiny, page):
    spec = dl.load_model("logistic-regression")
    with owners.acting_for(owners.owner_of(ANN)):
        dl.add_version("secret-data", dl.load_dataset("optdigits"), [])
        anns = train_tiny(name="secret run", data=dl.load_dataset("secret-data"))
        save_model(spec, "secret-net")
        keep_drawing("secret-digits", NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1))
    dl.label_run(anns.id, note="secret note")
    params = {
        "run": anns.id, "compare": f"{anns.id},mlp", "parent": anns.id, "model": "secret-net",
        "dataset": "secret-data", "data": "collection:secret-digits",
        "collection": "secret-digits", "key": "",
    }  # fmt: skip
    shown = visit(BOB, page, **params)
    texts = [words(shown), *links(shown)]
    for widget in (*shown.selectbox, *shown.multiselect, *shown.radio):
        texts += map(str, widget.options)
    told = " ".join(texts)
    for value in params.values():  # what the link itself says
        told = told.replace(value, "") if value else told
    assert "secret" not in told


def test_an_admin_sees_and_deletes_what_anybody_made(visit, train_tiny):
    anns = train(ANN, train_tiny, "Ann's net")
    page = visit("ada@example.org", "3_Train", run=anns.id)
    assert "You are an admin" in words(page)
    find(page.button, "Delete for good").click().run()
    assert dl.list_runs(bundled=False) == []


def test_an_admin_looks_at_what_a_visitor_keeps_and_makes_it_everybodys(visit):
    with owners.acting_for(owners.owner_of(ANN)):
        save_model(dl.load_model("logistic-regression"), "Anns-net")
        keep_drawing("anns-digits", NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1))
        keep_drawing("anns-digits", NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1))
    assert "What visitors keep" not in words(visit(BOB, "Home"))
    page = visit("ada@example.org", "Home")
    things = find(page.selectbox, "Dataset, collection")
    for option in things.options:
        healthy(things.select(option).run())
    assert "Linear" in page.code[0].value
    healthy(find(page.button, "Publish").click().run())
    with owners.acting_for(owners.owner_of(BOB)):
        assert list_saved() == ("Anns-net",)
    (left,) = find(page.selectbox, "Dataset, collection").options
    healthy(find(page.selectbox, "Dataset, collection").select(left).run())
    healthy(find(page.button, "Delete for good").click().run())
    assert "Nothing but runs" in words(page)


def test_what_a_click_does_is_done_for_the_visitor(visit, train_tiny):
    anns = train(ANN, train_tiny, "Ann's net")
    page = visit(ANN, "3_Train", run=anns.id)
    page.session_state[PROOF] = BOB  # a button of a page that is not theirs
    find(page.button, "Delete for good").click().run()
    assert [run.id for run in dl.list_runs(bundled=False)] == [anns.id]


def test_an_address_is_a_visitors_only_where_this_server_made_it(visit, home, monkeypatch):
    def proof(address):
        return visit(None, "7_Learn", visitor=address).session_state[PROOF]

    monkeypatch.setattr(visitor, "_place", lambda: "here")
    ann = visit(None, "7_Learn").session_state[PROOF]
    made = visitor._mask(ann)
    assert ann not in made
    assert proof(made) == ann
    key = home / "visitor.key"
    assert (len(key.read_bytes()), key.stat().st_mode & 0o777) == (32, 0o600)
    last = "0" if made[-1] != "0" else "1"
    for crafted in ("a" * 32, "a" * 64, made[:-1] + last, made + "0", made[32:], ""):
        assert proof(crafted) not in (ann, proof(crafted)), "somebody new each time"
    for name, value in (("_place", lambda: "elsewhere"), ("_key", lambda home: b"another")):
        with monkeypatch.context() as patch:
            patch.setattr(visitor, name, value)
            assert proof(made) != ann
    assert proof(made) == ann


def test_the_browser_is_told_whether_the_address_said_who_its_visitor_is(visit, monkeypatch):
    told = []
    monkeypatch.setattr(visitor, "_place", lambda: "here")
    monkeypatch.setattr(visitor, "_component", lambda: lambda data, **_: told.append(data))
    ann = visit(None, "7_Learn").session_state[PROOF]
    visit(None, "7_Learn", visitor=visitor._mask(ann))
    assert [data["linked"] for data in told] == [False, True]


def test_a_first_visitor_is_somebody_new_and_nobody_is_one_where_it_is_not_hosted(
    visit, open_page, monkeypatch
):
    first = visit(None, "3_Train")
    assert len(first.session_state[PROOF]) == 32
    monkeypatch.delenv("DIGITLAB_HOSTED")
    second = open_page("3_Train")
    assert "yours alone until you share it, and stays for 14 days" in words(first)
    assert "yours alone" not in words(second)
    assert PROOF not in second.session_state


def came(proof, days):
    """Let a visitor, who keeps something, have been here last so many days ago."""
    seen = visitors.root() / owners.owner_of(proof) / "seen"
    then = time.time() - days * visitors.DAY
    os.utime(seen, (then, then))
    return seen


def test_who_was_away_for_long_is_warned_before_their_runs_go(visit, train_tiny):
    train(ANN, train_tiny, "Ann's net")
    for days, warned in ((8, True), (3, False)):
        came(ANN, days)
        page = visit(ANN, "7_Learn")
        told = [item.value for item in page.main.warning if "days after your last" in item.value]
        assert bool(told) == warned
    assert not visit(BOB, "7_Learn").main.warning, "who keeps nothing loses nothing"


def test_where_the_disk_fills_up_those_are_warned_who_keep_something(
    visit, train_tiny, monkeypatch
):
    train(ANN, train_tiny, "Ann's net")
    monkeypatch.setattr(visitor, "_clear_hourly", lambda _: {"filling up": True})
    assert "nearly full" in visit(ANN, "7_Learn").main.warning[0].value
    assert not visit(BOB, "7_Learn").main.warning


def test_a_visit_to_a_view_that_stands_alone_is_one(visit, train_tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(visitor, "_component", lambda: lambda **_: asked.append(True))
    run = train(ANN, train_tiny, "Ann's net")
    seen = came(ANN, 10)
    visit(ANN, "6_Draw", run=run.id, view="draw")
    assert time.time() - seen.stat().st_mtime < visitors.DAY
    assert asked, "the browser keeps who that was"
    visit(BOB, "6_Draw", run="reader", view="draw")
    assert len(asked) == 1, "who keeps nothing is not asked to keep a cookie"


def test_what_fills_the_disk_of_a_runs_owner_is_offered_to_nobody_else(visit, train_tiny):
    run = train(ANN, train_tiny, "Ann's net")
    with owners.acting_for(owners.owner_of(ANN)):
        key = dl.share_run(run.id)
    for proof, offered in ((ANN, True), (BOB, False)):
        app = visit(proof, "4_Results", run=run.id, key=key, section="mistakes")
        healthy(find(app.button, "Show more").click().run())
        assert any("Search the" in button.label for button in app.button) == offered
        assert ("Only the run's owner" in words(app)) != offered
