"""`python -m digitlab`: the command line; with `worker`, a worker's process, which loads less."""

import signal
import sys


def _say_nothing_of_interrupts() -> None:
    """Let a series of Ctrl-C end quietly wherever one of them comes, and be it while Python ends.

    One that comes while an object is deleted is lost, and Python would say so.
    """
    say, note = sys.excepthook, sys.unraisablehook
    sys.excepthook = lambda kind, *rest: kind is KeyboardInterrupt or say(kind, *rest)
    sys.unraisablehook = lambda error: error.exc_type is KeyboardInterrupt or note(error)


if __name__ == "__main__":
    _say_nothing_of_interrupts()
    try:
        if sys.argv[1:2] == ["worker"]:
            from digitlab.sweeps.worker import main

            main(sys.argv[2:])
        else:
            from digitlab.cli import main

            main()
    except KeyboardInterrupt:  # before there was a command that could say so
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # more of them would interrupt the ending
