"""What a text defines itself: functions, classes and their instances, as the interpreter has them.

They are plain records; what a call or an attribute does is in `interpreter`.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from digitlab.models.paste.native import MISSING, Native, NativeClass


@dataclass(eq=False, repr=False)
class Scope:
    """Names of a function, class, comprehension or the whole text, and where to look next."""

    names: dict[str, Any] = field(default_factory=dict)
    parent: Scope | None = None
    function: UserFunction | None = None  # whose call this is, for super()
    first: Any = None  # its first argument: self
    arguments: dict[str, Any] = field(default_factory=dict)
    decorated: list[UserFunction] = field(default_factory=list)  # before their decorators
    of_globals: set[str] = field(default_factory=set)  # declared global
    outer: set[str] = field(default_factory=set)  # declared nonlocal

    def find(self, name: str) -> Any:
        """The value of a name, looked up outwards; MISSING where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return MISSING

    @property
    def outermost(self) -> Scope:
        """The scope of the whole text."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def bind(self, name: str, value: Any) -> None:
        """Set a name where Python would."""
        scope: Scope | None = self.outermost if name in self.of_globals else self
        if name in self.outer:
            scope = self.parent
            while scope is not None and name not in scope.names:
                scope = scope.parent
        (scope or self).names[name] = value


@dataclass(eq=False, repr=False)
class UserFunction:
    """A function or lambda of the text. `owner` is the class in whose body it stands."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: list[Any]
    keyword_defaults: dict[str, Any]
    owner: UserClass | None = None

    @property
    def name(self) -> str:
        """As it was defined."""
        return getattr(self.node, "name", "a lambda")


@dataclass(eq=False, repr=False)
class BoundMethod:
    """A function with its first argument."""

    function: Any
    first: Any


@dataclass(eq=False, repr=False)
class Decorated:
    """A method by one of Python's own decorators: property, staticmethod, classmethod."""

    how: str
    function: Any


@dataclass(eq=False, repr=False)
class UserClass:
    """A class of the text; `order` is Python's method resolution order, itself first."""

    name: str
    bases: list[Any]
    names: dict[str, Any]
    line: int
    order: list[Any] = field(default_factory=list)
    fields: list[tuple[str, Any]] = field(default_factory=list)  # of a dataclass, with defaults

    def __post_init__(self) -> None:
        self.order = [self, *_linear(self.bases)]

    @property
    def native(self) -> NativeClass | None:
        """The first class of a library among those it descends from."""
        return next((base for base in self.order if isinstance(base, NativeClass)), None)

    def find(self, name: str, after: UserClass | None = None) -> Any:
        """A name of this class or its bases (those behind `after`); MISSING where none has it."""
        order = self.order[self.order.index(after) + 1 :] if after in self.order else self.order
        for base in order:
            if isinstance(base, UserClass) and name in base.names:
                return base.names[name]
        return MISSING


def _linear(bases: list[Any]) -> list[Any]:
    """All ancestors, each once and behind all that descend from it."""
    orders = [base.order if isinstance(base, UserClass) else [base] for base in bases]
    merged = [cls for order in orders for cls in order]
    return [cls for at, cls in enumerate(merged) if not any(cls is c for c in merged[at + 1 :])]


class Instance(Native):
    """An instance of a class of the text. `core` is what its library's base class made of it."""

    lasting = True

    def __init__(self, cls: UserClass, line: int) -> None:
        self.cls, self.line = cls, line
        self.attributes: dict[str, Any] = {}
        self.core: Any = None
        self.origin: str | None = None  # the function of a library that made it
        self.whole: Any = None
        self.kind = f"an instance of {cls.name}"


@dataclass(eq=False, repr=False)
class Super:
    """`super()`: the bases of `owner`, for `instance`."""

    owner: UserClass
    instance: Any
