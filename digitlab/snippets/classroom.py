"""The few lines of digitlab under what a class does in a room."""

from __future__ import annotations


def room(code: str) -> str:
    """The learners of a room, and how many goals each has reached."""
    return f"""import digitlab as dl

room = dl.find_room({code!r})  # on the server, or with dl.acting_for(a teacher)
for learner in dl.list_learners(room.code):
    print(learner.name, "|", learner.page, "|", sum(learner.reached.values()), "goals")
"""


def class_set(code: str) -> str:
    """What the class drew, as an own dataset whose test part is of other writers."""
    return f"""import digitlab as dl

dl.make_class_set({code!r}, "class-set-copy", own_copy=True)  # on the server, or as a teacher
print(dl.load_dataset("class-set-copy"))
"""


def writers(run_id: str) -> str:
    """How well a run reads each writer."""
    return f"""import digitlab as dl

for result in dl.evaluate_writers(dl.open_run({run_id!r})):
    print(result.writer, "known" if result.known else "new", result.right, "of", result.count)
"""


def challenge(code: str) -> str:
    """The leaderboard: places that are shared where chance does not tell learners apart."""
    return f"""import digitlab as dl

for rank in dl.rank_members({code!r}):  # dl.hand_in(code, number, run) hands in a learner's run
    low, high = rank.interval
    print(f"{{rank.place}}. learner {{rank.member}}: {{rank.right}} of {{rank.count}}")
    print(f"   {{low:.1%}} to {{high:.1%}}, p against the first {{rank.p_value:.3f}}")
"""


def wall(code: str) -> str:
    """What the class does now."""
    return f"""import digitlab as dl

wall = dl.look_at_class({code!r})
print(wall.here, "here,", wall.runs, "runs,", wall.drawings, "drawings")
print(wall.best)
"""
