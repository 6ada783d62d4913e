"""A teacher and two learners in a room, each in a browser of their own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

import digitlab as dl
from digitlab import owners
from tests.browser.look import look
from tests.browser.served import Lab
from tests.browser.visitor import Visitor


@pytest.fixture
def hosted(tmp_path):
    """A server for a class."""
    lab = Lab(tmp_path, DIGITLAB_HOSTED="class", DIGITLAB_WARM_WORKERS="0")
    lab.start()
    yield lab
    lab.kill()


@pytest.fixture
def enter(browser, hosted):
    """A function that opens the page Class in a browser of its own."""
    contexts = []

    def enter(link: str = "/Class") -> Visitor:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 900}))
        return Visitor(contexts[-1].new_page(), hosted.url).open(link)

    yield enter
    for context in contexts:
        context.close()


def join(enter, link: str, nickname: str) -> Visitor:
    learner = enter(link)
    learner.enter("Nickname", nickname)
    learner.sees(f"You are {nickname}")
    return learner.settle()


def test_a_teacher_and_two_learners_in_a_room(enter, hosted, monkeypatch):
    teacher = enter()
    teacher.page.locator("summary", has_text="Open a room").click()
    teacher.enter("Title", "Class 5b")
    teacher.sees("shown only now")
    key = teacher.settle().page.get_by_test_id("stCode").first.inner_text().strip()
    teacher.is_at(r"room=[A-Z]{4}")
    link = f"/Class?room={re.search('room=([A-Z]{4})', teacher.page.url)[1]}"
    ann, bob = join(enter, link, "Ann"), join(enter, link, "Bob")
    teacher.sees("2 learners")  # by itself

    monkeypatch.setenv("DIGITLAB_HOME", str(hosted.home))
    with owners.acting_for(owners.owner_of(ann.secret())):
        run = dl.train("logistic-regression", "optdigits", name="Run of Ann", progress=False)
    bob.open(f"/Results?run={run.id}").sees("is not yours")
    teacher.choose("Learner", "Ann")  # whose names came by themselves, too
    work = teacher.settle().page.get_by_role("link", name=re.compile("Run of Ann"))
    expect(work).to_be_visible()
    problems = look(teacher.page)
    assert not problems, "\n".join(problems)

    second = enter(link)
    second.page.locator("summary", has_text="I teach this room").click()
    second.enter("Key", key.lower())
    second.sees("2 learners")
    second.button("Pause all training").click()
    expect(second.button("Let training go on")).to_be_visible()
    ann.open("/Train").sees("Your teacher has paused training")
    second.open(f"/Results?run={run.id}").sees("Run of Ann")
    expect(second.page.get_by_text("is not yours")).to_have_count(0)

    teacher.page.get_by_test_id("stPopover").get_by_role("button").last.click()
    teacher.page.get_by_role("button", name="End it for good").click()
    teacher.sees("Join a room")
    bob.open(link).sees("has ended")
    second.reload().sees("is not yours")
    for visitor in (teacher, ann, bob, second):
        visitor.is_well()
