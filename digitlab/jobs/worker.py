"""A worker: carries out the waiting runs one after the other, and exits.

python -m digitlab.jobs.worker
"""

from __future__ import annotations

import sys
import time
import traceback

from digitlab.errors import DigitlabError
from digitlab.execution.control import Control
from digitlab.jobs.queue import mark_interrupted
from digitlab.runs import run_folder, store
from digitlab.settings import read_settings


def work() -> int:
    """Carry out waiting runs until none waits or enough are training; how many were carried out.

    A termination signal stops the present run cleanly and leaves the others waiting.
    """
    done = 0
    mark_interrupted()  # a run whose process died must not occupy a slot
    while record := store.claim_next(read_settings().max_jobs):
        _log(f"{record.id} starts")
        try:
            with run_folder.run_lock(record.id):
                # Imported late: most workers find that enough runs are training, and exit at once.
                from digitlab.execution.execute import execute

                control = Control(record.id)
                run = execute(record, control=control)
            _log(f"{record.id} {run.record.status}")
            if control.signalled:
                return done + 1
        except DigitlabError as e:
            _log(f"{record.id} failed: {e}")
        except Exception:
            _log(f"{record.id} failed:\n{traceback.format_exc()}")
        except KeyboardInterrupt:
            _log(f"{record.id} interrupted")
            return done
        done += 1
    return done


def _log(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    work()
    sys.exit(0)
