"""A pasted text as a syntax tree of Python, within bounds of size and depth."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from typing import Any, NoReturn

from digitlab.errors import SpecError

MAX_SOURCE = 100_000  # characters
MAX_DEPTH = 24  # brackets inside each other
MAX_CHAIN = 200  # operators and dots in one statement


def parse(text: str) -> ast.Module:
    """The syntax tree of a Python text. Raises SpecError with the line of what is wrong."""
    check_size(text)
    _check_depth(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pasted "\\d" is not ours to comment on
            return ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 1
        raise SpecError(f"Line {line} is not Python: {error.msg}.", line=line) from error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SpecError("The text cannot be read as Python; paste the model alone.") from error


def check_size(text: Any) -> None:
    """Raise SpecError for what is no text, too long, or holds characters that no code has."""
    if not isinstance(text, str):
        raise SpecError(f"A model is pasted as text; not {type(text).__name__}.")
    if len(text) > MAX_SOURCE:
        raise SpecError(
            f"The text has {len(text):,} characters; at most {MAX_SOURCE:,} are read. Paste the "
            f"model alone."
        )
    if not text.strip():
        raise SpecError(
            "The text is empty; paste a model of PyTorch or Keras (a class, a Sequential or a "
            "functional model), or what print(model) wrote."
        )


def _check_depth(text: str) -> None:
    """Refuse brackets or operators so many that a parser would run out of stack."""
    depth = chain = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            line = token.start[0]
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                chain = 0 if token.string == "," else chain + (token.string not in "()[]{}:=")
            elif token.type == tokenize.NEWLINE or token.string in ("not", "lambda", "if"):
                chain = 0 if token.type == tokenize.NEWLINE else chain + 1
            if depth > MAX_DEPTH:
                refuse(line, f"nests brackets deeper than {MAX_DEPTH}; paste the model alone")
            if chain > MAX_CHAIN:
                refuse(line, "chains too many operators; write the result as a number")
    except (tokenize.TokenError, IndentationError) as error:
        line = error.args[1][0] if len(error.args) > 1 else 1
        reason = str(error.args[0]).removeprefix("EOF in ")
        raise SpecError(f"Line {line} is not Python: {reason}.", line=line) from error
    except RecursionError as error:
        raise SpecError("The text cannot be read as Python; paste the model alone.") from error


def refuse(line: int, problem: str) -> NoReturn:
    """Raise the SpecError of a line that cannot be read; `problem` begins with a verb."""
    raise SpecError(f"Line {line} {problem}.", line=line)
