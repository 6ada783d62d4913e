"""The lines under a lesson's goals: they run and say what is missing."""

from __future__ import annotations

from digitlab.snippets import lessons
from tests.snippets.snippet_runner import execute, untested


def test_check():
    _, printed = execute(lessons.check("first-loss"))
    assert "missing | A run whose first loss is ln 10" in printed


def test_every_snippet_is_run_here():
    assert not untested(lessons, globals())
