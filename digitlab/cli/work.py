"""The command that lets this machine carry out waiting runs: work."""

from __future__ import annotations

import contextlib
import math
import sys
from typing import Annotated

import typer

from digitlab.cli.app import Json, app
from digitlab.cli.table import show
from digitlab.settings import read_settings


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="End when no run waits any more.")] = False,
    as_json: Json = False,
) -> None:
    """Carry out the runs that wait in the store, one after the other. Ctrl-C gives a run back.

    Where DIGITLAB_EXECUTOR is ray, a Ray cluster carries them out, as many at once as may train.
    """
    from digitlab.sweeps.worker import keep_placing, keep_working

    done = None  # of what Ray's workers carry out nobody keeps count
    with contextlib.redirect_stdout(sys.stderr):
        if read_settings().executor == "ray":
            keep_placing(linger=0.0 if once else math.inf)
        else:
            done = keep_working(once=once)
    show({"runs carried out": done}, as_json)
