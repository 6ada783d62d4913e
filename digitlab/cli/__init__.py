"""The command line, thin over the public API: `python -m digitlab COMMAND --help`.

Every command takes `--json` for machine output on stdout; progress goes to stderr; a user's
mistake ends with exit status 1 and one clear line. A file for each group of commands, which join
the application by being imported; the help lists them in this order.
"""

from digitlab.cli import datasets, models, training, sweep, rerun, evaluate  # isort: skip
from digitlab.cli import export, reproduce, work, lessons, rooms, bench  # isort: skip
from digitlab.cli.app import app, main

__all__ = [
    "app",
    "bench",
    "datasets",
    "evaluate",
    "export",
    "lessons",
    "main",
    "models",
    "reproduce",
    "rerun",
    "rooms",
    "sweep",
    "training",
    "work",
]
