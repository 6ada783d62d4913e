"""What copying adds to a text: quotes, line numbers, the marks of a diff, what a program printed.

Each function takes lines and gives as many, so that the numbers of lines stay.
"""

from __future__ import annotations

import itertools
import re

_QUOTED = re.compile(r"^\s*(?:> |>$)")
_NUMBERED = re.compile(r"^\s*(\d+)[.:|]?(?=\s|$)")
_IN_DIFF = re.compile(r"^(?:@@ |\+\+\+ |--- |diff |index )")
_CELL = re.compile(r"^\s*(?:In ?)?\[[\d* ]*\]:\s*$")
_PRINTED = re.compile(r"^\w+\($")
_PRINTED_LAYER = re.compile(r"^\s+\(\w+\): \w+")
_INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060"))


def lines_of(text: str) -> list[str]:
    """The lines of a text without line ends and invisible characters, unquoted and unnumbered."""
    text = text.replace("\r\n", "\n").replace("\xa0", " ").translate(_INVISIBLE)
    lines = [line.rstrip() for line in text.split("\n")]
    for plain in (_unquoted, _of_diff, _unnumbered):
        lines = plain(lines)
    return lines


def _share(lines: list[str], matches: list[bool]) -> float:
    return sum(matches) / max(sum(1 for line in lines if line), 1)


def _unquoted(lines: list[str]) -> list[str]:
    """A quoted mail without its marks; what stands between is not of the quote."""
    matches = [_QUOTED.match(line) for line in lines]
    if _share(lines, [bool(match) for match in matches]) < 0.6:
        return lines
    return [
        line[match.end() :] if match else "" for line, match in zip(lines, matches, strict=True)
    ]


def _of_diff(lines: list[str]) -> list[str]:
    """The new text of a diff."""
    added = [line[:1] in ("+", " ") for line in lines]
    if not any(line.startswith("@@ ") for line in lines) or _share(lines, added) < 0.5:
        return lines
    return [
        "" if _IN_DIFF.match(line) or not new else line[1:]
        for line, new in zip(lines, added, strict=True)
    ]


def _unnumbered(lines: list[str]) -> list[str]:
    """Lines without the numbers that were copied along, if the numbers rise from line to line."""
    matches = [_NUMBERED.match(line) for line in lines]
    numbers = [int(match.group(1)[:9]) for match in matches if match]
    rising = all(a < b for a, b in itertools.pairwise(numbers))
    if len(numbers) < 2 or not rising or _share(lines, [bool(match) for match in matches]) < 0.8:
        return lines
    rests = [
        line[match.end() :] if match else "" for line, match in zip(lines, matches, strict=True)
    ]
    if all(rest.startswith("\t") for rest in rests if rest):
        return [rest[1:] for rest in rests]
    margin = min((len(rest) - len(rest.lstrip()) for rest in rests if rest), default=0)
    return [rest[margin:] for rest in rests]


def outputs(lines: list[str]) -> set[int]:
    """The indices of lines that a program or notebook printed: tracebacks, printed models, and
    what follows `Out[1]:` up to an empty line; also of `In [1]:` where it stands alone."""
    printed: set[int] = set()
    at = 0
    while at < len(lines):
        end = _end_of_output(lines, at)
        printed.update(range(at, end))
        at = max(end, at + 1)
    return printed


def _end_of_output(lines: list[str], at: int) -> int:
    """Behind the output that starts at a line; the line itself where none does."""
    line, rest = lines[at], enumerate(lines[at + 1 :], at + 1)
    if _CELL.match(line):
        return at + 1
    if re.match(r"^Out ?\[\d*\]:", line):
        ends = (n for n, later in rest if not later or re.match(r"^In ?\[", later))
        return next(ends, len(lines))
    if line.startswith("Traceback (most recent call last)"):
        ends = (n for n, later in rest if later and not later[0].isspace())
        return next(ends, len(lines) - 1) + 1
    if _PRINTED.match(line) and at + 1 < len(lines) and _PRINTED_LAYER.match(lines[at + 1]):
        ends = (n for n, later in rest if later == ")")
        return next(ends, at - 1) + 1
    return at
