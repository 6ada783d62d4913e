"""Specs as YAML or JSON text: reading it safely, writing it readably, finding the line of a place.

The YAML read here is the plain part of YAML 1.2: `1e-3` is a number and `no` is a word. Anchors,
aliases, tags, repeated keys and several documents are refused, so a text means what it shows.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

import yaml

from digitlab.errors import SpecError

MAX_TEXT = 200_000  # bytes
MAX_DEPTH = 16  # lists and mappings inside each other
MAX_NUMBER = 10**12
FLOW_WIDTH = 88  # a block of layers longer than this is spread over lines

# ---- reading -----------------------------------------------------------------------------------


def read_yaml(text: str) -> Any:
    """The plain data (mappings, lists, text, finite numbers, true, false, null) of a YAML text.

    Raises SpecError, with the 1-based line of the fault, for a text that is not plain YAML, is
    over `MAX_TEXT` bytes or nests deeper than `MAX_DEPTH`.
    """
    return _plain(_compose(text))


def read_json(text: str) -> Any:
    """The plain data of a JSON text, within the same limits as `read_yaml`."""
    _check_size(text)
    try:
        data = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_not_finite)
    except json.JSONDecodeError as error:
        message = f"The text is not JSON: {error.msg} in line {error.lineno}."
        raise SpecError(message, line=error.lineno) from error
    except RecursionError as error:
        raise _too_deep(None) from error
    except ValueError as error:  # a number with thousands of digits
        raise SpecError(f"The text holds a number that is too long to read: {error}") from error
    return check_plain(data)


def check_plain(data: Any, depth: int = 1) -> Any:
    """`data` itself, if it nests no deeper than `MAX_DEPTH`; SpecError otherwise."""
    if isinstance(data, dict | list | tuple):
        if depth > MAX_DEPTH:
            raise _too_deep(None)
        for value in data.values() if isinstance(data, dict) else data:
            check_plain(value, depth + 1)
    return data


def line_of(text: str, path: tuple[int | str, ...]) -> int | None:
    """The 1-based line of `text` where the place `path` of its spec is written.

    A path is a SpecError's: ``(2,)`` is the third layer, ``(4, "layers", 0, "kernel_size")`` an
    argument of a layer inside the fifth. Where the text does not go so deep, the line of the
    deepest place it has; None if the text cannot be read.
    """
    try:
        node = _compose(text)
    except SpecError:
        return None
    if path and isinstance(path[0], int):
        path = ("layers", *path)
    line = node.start_mark.line
    for step in path:
        child = _child(node, step)
        if child is None:
            break
        line, node = child
    return line + 1


class _Loader(yaml.SafeLoader):
    """PyYAML's scanner and parser with the words of YAML 1.2 (PyYAML's own are those of 1.1)."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012 - PyYAML's own name for its table


_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$"
    r"|\.(?:nan|NaN|NAN)$"
)
_WORDS = (
    ("null", re.compile(r"(?:null|Null|NULL|~|)$"), ["n", "N", "~", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    ("int", re.compile(r"[-+]?[0-9]+$"), list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
)
for _kind, _pattern, _first in _WORDS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


def _compose(text: str) -> yaml.Node:
    """The node tree of a text that holds nothing but plain YAML."""
    _check_size(text)
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        message = f"The text is not YAML: {error.problem or error.context} in line {line}."
        raise SpecError(message, line=line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        message = f"Line {line} holds a character that YAML does not allow; remove it."
        raise SpecError(message, line=line) from error
    if node is None:
        raise SpecError("The text is empty; an architecture has name, input and layers.", line=1)
    return node


def _check_size(text: str) -> None:
    if not isinstance(text, str):
        raise SpecError(f"An architecture is read from text; not from {type(text).__name__}.")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_TEXT:
        raise SpecError(f"The text has {size:,} bytes; at most {MAX_TEXT:,} are read.")


def _check_events(text: str) -> None:
    """Refuse what is not plain, before a tree is built: an alias could make a small text vast."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = event.start_mark.line + 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            _refuse(line, "a second document", "keep one architecture per text")
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(line, "a YAML anchor or alias (& or *)", "write the layers out, or use Repeat")
        if getattr(event, "tag", None):
            _refuse(line, f"the YAML tag {event.tag!r}", "remove it: only plain values are read")
        if depth > MAX_DEPTH:
            raise _too_deep(line)


def _plain(node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    data: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            _refuse(line, "a list or mapping as a key", "a key is a plain word")
        if key.value in data:
            _refuse(line, f"{key.value!r} a second time", "keep one of the two")
        data[key.value] = _plain(value)
    return data


def _scalar(node: yaml.ScalarNode) -> Any:
    kind, text = node.tag.rsplit(":", 1)[-1], node.value
    if kind in ("int", "float"):
        whole = kind == "int" and len(text) < 100
        number = int(text) if whole else float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        if not math.isfinite(number) or abs(number) > MAX_NUMBER:
            short = text if len(text) <= 30 else f"{text[:30]}…"
            _refuse(
                node.start_mark.line + 1,
                f"the number {short}",
                f"numbers are finite and at most {MAX_NUMBER:,}",
            )
        return number
    if kind == "bool":
        return text.lower() == "true"
    return None if kind == "null" else text


def _child(node: yaml.Node, step: int | str) -> tuple[int, yaml.Node] | None:
    """(0-based line, node) of what `step` names in `node`; a layer's name is looked through."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        if 0 <= step < len(node.value):
            return node.value[step].start_mark.line, node.value[step]
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line, value
        if len(node.value) == 1 and isinstance(node.value[0][1], yaml.MappingNode):
            return _child(node.value[0][1], step)
    return None


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise SpecError(f"The text holds {twice!r} a second time; keep one of the two.")
    return data


def _not_finite(word: str) -> NoReturn:
    raise SpecError(f"The text holds the number {word}; numbers are finite.")


def _refuse(line: int, what: str, instead: str) -> NoReturn:
    raise SpecError(f"Line {line} holds {what}; {instead}.", line=line)


def _too_deep(line: int | None) -> SpecError:
    where = f"Line {line}" if line else "The architecture"
    return SpecError(f"{where} nests deeper than {MAX_DEPTH} levels; use fewer.", line=line)


# ---- writing -----------------------------------------------------------------------------------


class _Dumper(yaml.SafeDumper):
    """Writes lists indented under their key, and quotes every word that `_Loader` would not read
    back as text."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _kind, _pattern, _first in _WORDS:
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", _pattern, _first)


class _Flow(dict):
    """A mapping to be written on one line."""


class _Row(list):
    """A list to be written on one line."""


_Dumper.add_representer(
    _Flow,
    lambda dumper, data: dumper.represent_mapping(
        "tag:yaml.org,2002:map", data.items(), flow_style=True
    ),
)
_Dumper.add_representer(
    _Row,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)


def write_yaml(data: dict[str, Any]) -> str:
    """A spec's plain data as YAML: one line a layer, long blocks spread over lines."""
    document = {**data, "input": _Row(data["input"]), "layers": _spread(data["layers"])}
    return _dump(document)


def write_json(data: dict[str, Any]) -> str:
    """A spec's plain data as indented JSON."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _spread(layers: list[Any]) -> Any:
    return [_layer(layer) for layer in layers] if layers else _Row()


def _layer(layer: str | dict[str, Any]) -> Any:
    if isinstance(layer, str):
        return layer
    ((name, args),) = layer.items()
    one_line = {name: _flat(args)}
    if not _NESTED.keys() & args.keys() or len(_dump(one_line)) <= FLOW_WIDTH:
        return one_line
    return {name: {key: _NESTED.get(key, _flat)(value) for key, value in args.items()}}


# How the arguments that hold layers are spread over lines.
_NESTED = {"layers": _spread, "branches": lambda branches: [_spread(each) for each in branches]}


def _flat(value: Any) -> Any:
    if isinstance(value, dict):
        return _Flow({key: _flat(item) for key, item in value.items()})
    return _Row(_flat(item) for item in value) if isinstance(value, list) else value


def _dump(data: Any) -> str:
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**9, indent=2
    )
