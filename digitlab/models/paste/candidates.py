"""Which networks a text has: those that it makes, else what its classes and functions make."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.paste.defaults import SETTINGS, Settings, usual_values
from digitlab.models.paste.native import MISSING, Unknown
from digitlab.models.paste.objects import Instance, UserClass, UserFunction
from digitlab.models.paste.torch_modules import LayerModule


@dataclass(frozen=True)
class Candidate:
    """A network of the text: its name, where it is made, and what gives it."""

    name: str
    line: int
    make: Callable[[], Any]
    guessed: tuple[str, ...] = ()  # arguments that the text does not give
    network: Any = None  # where the text has made it; `make` gives the same


class NetworkListener:
    """The networks that a text makes while it is read, in order."""

    def __init__(self, is_network: Callable[[Any], bool]) -> None:
        self.is_network = is_network
        self.networks: list[tuple[str, Any, int]] = []
        self.inner: dict[int, bool] = {}  # those that only a function has named so far

    def hear(self, name: str, value: Any, line: int, outermost: bool = True) -> None:
        """Take note of a value that gets a name, or of an expression's; a name outside of all
        functions is the better one."""
        if not self.is_network(value):
            return
        known = [at for at, (_, network, _) in enumerate(self.networks) if network is value]
        if not known:
            self.networks.append((name, value, line))
        elif outermost and name and self.inner.pop(id(value), False):
            del self.networks[known[0]]
            self.networks.append((name, value, line))
        if not known and not outermost:
            self.inner[id(value)] = True


def candidates(
    run: Any,
    body: list[ast.stmt],
    listener: NetworkListener,
    walk: Callable[[Any], Any],
) -> list[Candidate]:
    """The networks of a text; the last is the likeliest to be meant.

    `walk` gives (name, module) of all modules in one. Networks inside others are parts, and so are
    classes that another class or function uses.
    """
    inside = {
        id(inner)
        for _, network, _ in listener.networks
        for _, inner in walk(network)
        if inner is not network
    }
    helpers = Counter(
        name for name, network, _ in listener.networks if id(network) in listener.inner
    )
    whole = [
        (name, network, line)
        for name, network, line in listener.networks
        if id(network) not in inside and (id(network) not in listener.inner or helpers[name] == 1)
    ]  # what a function makes several times is part of something that was not read
    whole = [entry for entry in whole if _takes_one(entry[1])] or whole
    larger = [entry for entry in whole if not isinstance(entry[1], LayerModule)]
    whole = [entry for entry in larger if not _is_empty(entry[1], walk)] or larger or whole
    if whole:
        return [_made(name, network, line) for name, network, line in whole]
    return _defined(run, body, listener.is_network)


def _is_empty(network: Any, walk: Callable[[Any], Any]) -> bool:
    """Whether an instance of a class holds no layers, as a loss does."""
    return (
        isinstance(network, Instance)
        and len(list(walk(network))) == 1
        and (getattr(network.cls.native, "name", "") == "nn.Module")
    )


def _made(name: str, network: Any, line: int) -> Candidate:
    cls = network.cls.name if isinstance(network, Instance) else ""
    cls = "" if cls in ("Fragment", "Pasted") else cls
    return Candidate(cls or name or "Sequential", line, lambda: network, network=network)


def _takes_one(network: Any) -> bool:
    """Whether its forward takes one tensor: a loss takes two."""
    forward = network.cls.find("forward") if isinstance(network, Instance) else MISSING
    if not isinstance(forward, UserFunction):
        return True
    args = forward.node.args
    required = len(args.args) - len(forward.defaults)
    return required == 2 or (required < 2 <= len(args.args)) or bool(args.vararg)


def _defined(run: Any, body: list[ast.stmt], is_network: Callable[[Any], bool]) -> list[Candidate]:
    """Classes and functions that make a network and that nothing else of the text uses."""
    nodes = {node.name: node for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    used = {
        inner.id
        for node in nodes.values()
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and inner.id in nodes and inner.id != node.name
    }
    values = {name: run.globals.names.get(name) for name in nodes}
    likely = {
        name: value
        for name, value in values.items()
        if _makes_network(value, nodes[name]) and not isinstance(value, Unknown)
    }
    outer = [name for name in likely if name not in used] or list(likely)
    classes = [name for name in outer if isinstance(likely[name], UserClass)]
    functions = [name for name in outer if name not in classes]
    made = []
    for name in [*functions[::-1], *classes]:  # of resnet18, 34, 50, … the first one is smallest
        candidate = _callable(name, likely[name], nodes[name], run, is_network, body)
        if candidate is not None:
            made.append(candidate)
    if made or not likely:
        return made
    rest = [name for name in likely if name not in outer]
    tries = [_callable(name, likely[name], nodes[name], run, is_network, body) for name in rest]
    return [candidate for candidate in tries if candidate is not None]


def _makes_network(value: Any, node: ast.stmt) -> bool:
    if isinstance(value, UserClass):
        methods = value.native is not None and getattr(value.native, "name", "")
        forward = value.find("forward") is not MISSING or value.find("call") is not MISSING
        return bool(methods) and (forward or methods not in ("nn.Module", "Model", "Layer"))
    if not isinstance(value, UserFunction):
        return False
    first = value.node.args.args[:1]
    returns = any(isinstance(inner, ast.Return) and inner.value for inner in ast.walk(node))
    return returns and not (first and first[0].arg in ("x", "input", "inputs"))


def _called_in_text(name: str, body: list[ast.stmt], run: Any) -> tuple[list, dict] | None:
    """The arguments of a call in a function that nobody calls, where they are plain."""
    for node in body:
        if not isinstance(node, ast.FunctionDef):
            continue
        for call in ast.walk(node):
            if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != name:
                continue
            values = [*call.args, *(keyword.value for keyword in call.keywords)]
            named = all(keyword.arg for keyword in call.keywords)
            if named and all(isinstance(v, ast.Constant) for v in values):
                kwargs = {keyword.arg: keyword.value.value for keyword in call.keywords}
                return [arg.value for arg in call.args], kwargs
    return None


def _callable(
    name: str,
    value: Any,
    node: ast.stmt,
    run: Any,
    is_network: Callable[[Any], bool],
    body: list[ast.stmt],
) -> Candidate | None:
    """The candidate of a class or function whose arguments are known or usual."""
    function = value.find("__init__") if isinstance(value, UserClass) else value
    kwargs, guessed = {}, []
    called = _called_in_text(name, body, run)
    if called is not None:
        args, kwargs = called
        return Candidate(name, node.lineno, lambda: run.call(value, args, kwargs))
    if isinstance(function, UserFunction):
        args = function.node.args
        names = [arg.arg for arg in args.args][1 if isinstance(value, UserClass) else 0 :]
        needed = names[: max(len(names) - len(function.defaults), 0)]
        needed += [a.arg for a in args.kwonlyargs if a.arg not in function.keyword_defaults]
        usual = usual_values(node) if needed else {}
        for word in needed:
            known = run.globals.names.get(word, MISSING)
            if isinstance(known, int | float | str | list | tuple) and not isinstance(known, bool):
                kwargs[word] = known
            elif word.lower() in SETTINGS:
                kwargs[word] = Settings(word, usual)
            elif word.lower() in usual:
                kwargs[word] = usual[word.lower()]
                guessed.append(f"{word}={usual[word.lower()]}")
            else:
                return None
    if isinstance(value, UserClass):
        return Candidate(name, node.lineno, lambda: run.call(value, [], kwargs), tuple(guessed))
    try:
        network = run.call(value, [], kwargs)
    except SpecError:
        return None
    if not is_network(network):
        return None
    return Candidate(name, node.lineno, lambda: network, tuple(guessed), network)
