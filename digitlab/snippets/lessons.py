"""The few lines of digitlab under a lesson's goals."""

from __future__ import annotations


def check(lesson: str) -> str:
    """A lesson's goals, checked on one's own runs and drawings."""
    return f"""import digitlab as dl

for goal, outcome in zip(dl.find_lesson({lesson!r}).goals, dl.check_lesson({lesson!r})):
    print("reached" if outcome.reached else "missing", "|", goal.says, "|", outcome.sentence)
"""
