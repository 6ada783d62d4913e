"""Mutations of pasted texts: what a slip, a truncation or a malicious hand makes of them."""

from __future__ import annotations

import random
import re

# What is put in place of a piece of a text.
PIECES = (
    *("0", "-1", "1", "2", "7", "10**10", "10**10**10", "1e400", "2**62", "None", "True", "''"),
    *("x", "self", "self.forward", "super()", "[]", "{}", "()", "(1, 2)", "range(10**9)", "*"),
    *("'a' * 10**9", "[0] * 10**9", "[[0] * 99] * 99", "x.__class__", "().__class__.__bases__"),
    *("__import__('os').system('id')", "eval('1')", "open('/etc/passwd')", "lambda: 0", "not"),
    *("[y for y in range(99999)]", "{i: i for i in range(99999)}", "f'{x:999999}'", "nn.Linear"),
    *("torch.zeros(10**9, 10**9)", "nn.Conv2d(10**6, 10**6, 999)", "nn.Linear(10**7, 10**7)"),
    *("x.view(-1)", "x.view(-1, -1)", "x.sum()", "x[0]", "x.t()", "x @ x", "x.permute(3, 2, 1, 0)"),
    *("nn.Sequential()", "while True: pass", "for _ in range(10**9): pass", "return", "yield x"),
    *("def f(): return f()", "class A(A): pass", "self.a = self", "del x", "raise x", "@", ":"),
    *("import os", "\t", "\n", "    ", "#", "'''", "(", ")", "[", "]", "é", "\x00", "=", "==", ";"),
)  # fmt: skip
_TOKEN = re.compile(r"\w+|[^\w\s]|\s+")


def mutated(text: str, rng: random.Random) -> str:
    """A text with one to four changes: pieces lost, doubled, swapped, replaced, cut off."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = _changed(text, rng)
    return text


def _changed(text: str, rng: random.Random) -> str:
    kind = rng.randrange(8)
    if kind == 0:  # lines
        lines = text.split("\n")
        at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
        if rng.random() < 0.5:
            del lines[at]
        else:
            lines.insert(to, lines[at])
        return "\n".join(lines)
    if kind == 1:  # a cut
        at = rng.randrange(len(text) + 1)
        return text[:at] if rng.random() < 0.5 else text[at:]
    tokens = _TOKEN.findall(text) or [""]
    at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    if kind == 2:
        tokens[at], tokens[other] = tokens[other], tokens[at]
    elif kind == 3:
        tokens[at] = tokens[other]
    elif kind == 4:
        del tokens[at]
    elif kind == 5:  # a number
        numbers = [i for i, token in enumerate(tokens) if token.isdigit()] or [at]
        tokens[rng.choice(numbers)] = rng.choice(PIECES[:16])
    else:
        names = [i for i, token in enumerate(tokens) if token.strip()] or [at]
        tokens[rng.choice(names)] = rng.choice(PIECES)
    return "".join(tokens)
