"""Pasted text as Python: fences, prompts, magics, indentation are taken off; lines stay lines."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.paste.copied import lines_of, outputs
from digitlab.models.paste.source import check_size, parse
from digitlab.models.paste.statements import read_statements

MAX_NOTEBOOK = 5_000_000  # characters of an .ipynb file, most of them outputs
_FENCE = re.compile(r"^\s*(```|~~~)\s*(\w*)")
_PROMPT = re.compile(r"^\s*(>>>|In \[\d*\]:|\.\.\.:|\.\.\.) ?")
_MAGIC = re.compile(r"^\s*(?:[%!?]|\w[\w.]*\?\??\s*$)")
_MAGIC_VALUE = re.compile(r"^(\s*\w+(?:, *\w+)* *= *)[!%].*$")
_IN_CLASS = "class Fragment(nn.Module):\n"
_IN_INIT = f"{_IN_CLASS}    def __init__(self):\n"


def read_text(text: str) -> tuple[ast.Module, set[int], SpecError | None]:
    """The syntax tree of a pasted text, with the text's own line numbers, the numbers of the
    lines that are no Python, and what is wrong with the first line that had to be left out.
    Raises SpecError with the line of what is wrong."""
    check_size(text)
    lines, dropped = _python_lines(text)
    lines = textwrap.dedent("\n".join(lines).expandtabs(4)).split("\n")
    try:
        return parse("\n".join(lines)), dropped, None
    except SpecError as error:
        tree = _fragment(lines)
        if tree is not None:
            return tree, dropped, None
        tree, omitted = read_statements(lines, error)
        return tree, dropped | omitted, error


def _python_lines(text: str) -> tuple[list[str], set[int]]:
    """The lines of Python, all others empty, and the numbers of those others."""
    lines = lines_of(text)
    outside = _outside_of_fences(lines) | outputs(lines)
    prompts = any(re.match(r"^\s*(>>>|In \[\d+\]: *\S)", line) for line in lines)
    python, dropped = [], set()
    for number, line in enumerate(lines):
        prompt = _PROMPT.match(line) if prompts else None
        if prompt:
            line = line[prompt.end() :]
        elif prompts and line.strip():
            line = ""  # what the interpreter printed
            dropped.add(number + 1)
        if number in outside or _MAGIC.match(line):
            if line.strip() and not _FENCE.match(line):
                dropped.add(number + 1)
            line = "" if number in outside else _emptied(line)
        python.append(_MAGIC_VALUE.sub(r"\1a_notebook_command", line))
    return python, dropped


def _outside_of_fences(lines: list[str]) -> set[int]:
    """The numbers of the lines that stand outside of Markdown's code blocks, fences included;
    none where there are no blocks. A block that is no Python is outside, too."""
    fences = [at for at, line in enumerate(lines) if _FENCE.match(line)]
    if len(fences) < 2:
        return set(fences)
    inside: set[int] = set()
    for start, end in zip(fences[::2], [*fences[1::2], len(lines)], strict=False):
        language = _FENCE.match(lines[start]).group(2).lower()
        body = "\n".join(lines[start + 1 : end])
        magic = any(_MAGIC.match(line) for line in lines[start + 1 : end])
        if language in ("python", "py", "python3", "ipython") or (not language and (
            magic or _is_python(body))):  # fmt: skip
            inside.update(range(start + 1, end))
    return set(range(len(lines))) - inside


def _is_python(text: str) -> bool:
    try:
        parse(textwrap.dedent(text))
    except SpecError:
        return False
    return True


def _emptied(line: str) -> str:
    """`pass` where a magic is indented, so that a block keeps a statement."""
    indent = line[: len(line) - len(line.lstrip())]
    return f"{indent}pass" if indent and line.strip() else ""


def code_of(text: Any) -> Any:
    """The text that is read, whose lines errors and readings name: of a pasted .ipynb file, also of
    format 3, its code cells; any other text itself."""
    is_notebook = isinstance(text, str) and len(text) <= MAX_NOTEBOOK
    if not is_notebook or not text.lstrip().startswith("{") or '"cells"' not in text:
        return text
    try:
        file = json.loads(text)
        sheets = file.get("worksheets", [file])
        cells = [cell for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"]
        parts = [cell["source"] if "source" in cell else cell["input"] for cell in cells]
        return "\n".join("".join(part) if isinstance(part, list) else str(part) for part in parts)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text


def _fragment(lines: list[str]) -> ast.Module | None:
    """A part of a class, with the lines above it put back."""
    body = "\n".join(lines).expandtabs(4)
    first = next((line for line in body.split("\n") if line.strip()), "")
    indent = len(first) - len(first.lstrip())
    for front, depth in ((_IN_INIT, 8), (_IN_CLASS, 4)):
        shift = " " * max(depth - indent, 0)
        shifted = "\n".join(shift + line if line.strip() else line for line in body.split("\n"))
        try:
            tree = parse(front + shifted)
        except SpecError:
            continue
        ast.increment_lineno(tree, -front.count("\n"))
        return tree
    return None


def as_class(body: list[ast.stmt]) -> list[ast.stmt]:
    """Methods that were pasted without their class, put into one."""
    methods = [
        node
        for node in body
        if isinstance(node, ast.FunctionDef) and node.args.args and node.args.args[0].arg == "self"
    ]
    names = {node.name for node in methods}
    if not names & {"forward", "call"} or "__init__" not in names:
        return body
    base = ast.Attribute(ast.Name("nn", ast.Load()), "Module", ast.Load())
    made = ast.ClassDef("Fragment", [base], [], list(methods), [])
    ast.copy_location(made, methods[0])
    ast.fix_missing_locations(made)
    return [*(node for node in body if node not in methods), made]
