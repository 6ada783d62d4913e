"""Texts that are no Python as a whole: those of their statements that are, one by one.

What is left out may be prose, logs, training; never what could belong to a network.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tokenize

from digitlab.errors import SpecError
from digitlab.models.paste.source import parse

_WORK = 300_000  # characters that are looked at, all tries together
_TRY, _LINE = 300, 24  # what a try and a line count besides their characters
_KEYWORDS = (
    "import|from|class|def|async|for|while|if|elif|else|try|except|finally|with|return|pass|del|"
    "global|assert|raise|print|exec|type|match"
)
_CODE = re.compile(rf"(?:{_KEYWORDS})\b|[\w.\[\], ]+ ?[-+*/]?=[^=]|[@#)\]}}]|\w[\w.]*\(")
_CONTINUING = ("else", "elif", "except", "finally")
_CONTINUES = re.compile(rf"(?:{'|'.join(_CONTINUING)})\b|[)\]}}]")
_OF_NETWORKS = re.compile(
    r"\b(?:nn|layers|F|tf|keras)\.(?!\w*(?:[Ll]oss|cross_entropy))\w|\bself\b|\bforward\b|"
    r"\.(?:add|append|add_module|insert|extend|pop)\(|\b(?:Sequential|Module|Model|Linear|Dense|"
    r"LSTM|GRU|Flatten|Dropout|ReLU)\b|\b(?:Conv|BatchNorm|\w+Pool)\w*\("
)
_DEFINES = re.compile(r"(?:async +)?(?:def|class) +(\w+)")
_ASSIGNS = re.compile(r"^\s*([^\W\d]\w*(?:, *[^\W\d]\w*)*) *[-+*/]?=(?!=)", re.M)
# What names stand for that a statement sets which is left out: a name that no text defines.
_OPEN = "a_line_that_is_no_Python"
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")


def read_statements(lines: list[str], error: SpecError) -> tuple[ast.Module, set[int]]:
    """The statements of the lines that are Python, and the numbers of the lines that are not.

    Raises `error` where a statement that may belong to a network is none, or nothing is left.
    """
    work, at = _WORK, 0
    body: list[ast.stmt] = []
    omitted: set[int] = set()
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        code = _CODE.match(lines[at].lstrip())
        if not code and _is_closed(lines[at]):
            end = block = at + 1
            work -= _LINE
        else:
            end, seen = _end(lines, at)
            block = _indented(lines, at)
            work -= seen + _TRY
        work -= sum(len(line) + _LINE for line in lines[at : max(end, block)])
        if work < 0:
            raise error
        statements = _parsed(lines[at:end], at)
        if statements is None and block != end:
            statements = _parsed(lines[at:block], at)
            end = block
        if statements is None:
            end = block if code else at + 1
            statements = _open(lines, at, end, error) if code else []
            omitted.update(number + 1 for number in range(at, end) if lines[number])
        body += statements
        at = end
    if not body:
        raise error
    return ast.Module(body, []), omitted


def _is_closed(line: str) -> bool:
    """Whether a line opens nothing that another line would have to close."""
    pairs = ("()", "[]", "{}")
    even = all(line.count(opening) == line.count(closing) for opening, closing in pairs)
    return even and '"""' not in line and "'''" not in line and not line.endswith("\\")


def _end(lines: list[str], at: int) -> tuple[int, int]:
    """Behind the statement that starts at a line, and how many characters tell so."""
    margin = len(lines[at]) - len(lines[at].lstrip())
    seen = depth = 0
    starts = joined = True  # at a logical line's start; it belongs to this statement
    rest = iter(lines[at:])

    def readline() -> str:
        nonlocal seen
        line = next(rest, None)
        if line is None:
            return ""
        seen += len(line) + _LINE
        return line[min(margin, len(line) - len(line.lstrip())) :] + "\n"

    try:
        for token in tokenize.generate_tokens(readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT):
                depth += 1 if token.type == tokenize.INDENT else -1
            elif token.type == tokenize.NEWLINE:
                starts = True
            elif starts and token.type not in (tokenize.NL, tokenize.COMMENT):
                if not depth and not joined and token.string not in _CONTINUING:
                    return min(at + token.start[0] - 1, len(lines)), seen
                starts, joined = False, token.string == "@" and not depth
    except (tokenize.TokenError, IndentationError):
        return _indented(lines, at), seen
    return len(lines), seen


def _indented(lines: list[str], at: int) -> int:
    """Behind the lines that stand further in than a line, as far as indentation tells."""
    margin = len(lines[at]) - len(lines[at].lstrip())
    for number in range(at + 1, len(lines)):
        line = lines[number]
        if line and len(line) - len(line.lstrip()) <= margin and not _CONTINUES.match(line.strip()):
            return number
    return len(lines)


def _parsed(lines: list[str], at: int) -> list[ast.stmt] | None:
    """The statements of some lines, also as Python 2 or with a blog's quotes; None for none."""
    text = textwrap.dedent("\n".join(lines))
    old = re.sub(
        r"^(\s*)(?:print\s+[^(=\s]|print\s*>>|exec\s+['\"]).*$", r"\1pass", text, flags=re.M
    )
    old = re.sub(r"^(\s*except\s+[\w.]+), *(\w+):", r"\1 as \2:", old, flags=re.M)
    for version in dict.fromkeys((text, old, text.translate(_STRAIGHT))):
        try:
            tree = parse(version)
        except SpecError:
            continue
        ast.increment_lineno(tree, at)
        return tree.body
    return None


def _open(lines: list[str], at: int, end: int, error: SpecError) -> list[ast.stmt]:
    """What takes the place of lines that are left out: the names that they set, as unknown."""
    text = textwrap.dedent("\n".join(lines[at:end]))
    if _OF_NETWORKS.search(text):
        raise error
    defined = _DEFINES.match(text)
    names = [defined.group(1)] if defined else ", ".join(_ASSIGNS.findall(text)).split(", ")
    tree = parse("; ".join(f"{name} = {_OPEN}" for name in names if name.isidentifier()) or "pass")
    ast.increment_lineno(tree, at)
    return tree.body
