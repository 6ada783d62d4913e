"""Starting a worker: where what it says goes."""

from __future__ import annotations

from digitlab.jobs import launch
from digitlab.settings import read_settings


def test_a_log_that_has_grown_long_gives_way_to_a_new_one(wait_for):
    logs = read_settings().logs
    logs.mkdir(parents=True)
    log, before = logs / "workers.log", logs / "workers.log.1"
    log.write_text("of old\n" * launch.MOST_LOG_BYTES)
    launch.launch("this", "--version")  # prints a poem
    wait_for(lambda: "Zen of Python" in log.read_text())
    assert before.read_text().startswith("of old")
    assert "of old" not in log.read_text()

    launch.launch("this")
    wait_for(lambda: log.read_text().count("Zen of Python") == 2)
