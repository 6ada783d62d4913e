"""The command-line application, its help, and how errors are shown."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

import digitlab
from digitlab.errors import DigitlabError
from digitlab.owners import acting_for

app = typer.Typer(
    help="A lab for handwritten digits: look, build, train, compare, draw.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


Owner = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="OWNER", help="Act for a visitor of a hosted app, named by the owner."
    ),
]


@app.callback(invoke_without_command=True)
def before_command(context: typer.Context, owner: Owner = None) -> None:
    """Show the help where no command is given."""
    if owner is not None:
        context.with_resource(acting_for(owner))
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Run a command; leaves with status 0, 1 for a user's mistake, 130 after Ctrl-C."""
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        status = app(arguments, prog_name="python -m digitlab", standalone_mode=False)
    except typer.TyperException as e:
        message = getattr(e, "format_message", e.__str__)()
        status = _complain(f"{message.rstrip('.')}. See `python -m digitlab --help`.")
    except DigitlabError as e:
        status = _complain(str(e))
    except (typer.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
        status = 130
    return status if isinstance(status, int) else 0


def _show_warning(message: Any, category: Any, filename: str, *rest: Any, **more: Any) -> None:
    """A warning of digitlab's own is a note to the user; those of others as Python shows them."""
    if Path(digitlab.__file__).parent in Path(filename).parents:
        print(f"note: {message}", file=sys.stderr)
    else:
        print(warnings.formatwarning(message, category, filename, rest[0]), file=sys.stderr, end="")


def _complain(message: str) -> int:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    return 1
