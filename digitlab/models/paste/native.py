"""`Native`: what a library's value lets a text do with it; all else is refused by name.

The interpreter runs no code of a library. Whatever a text reaches through an import is a Native:
it answers an attribute, a call, an index or an operator by a method of its own, and each method
that it does not have refuses and names the construct.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, Protocol

from digitlab.errors import SpecError


class _Missing:
    """Stands for no value, where None would be one."""

    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


class Run(Protocol):
    """What a Native may ask of the interpreter that reads the text."""

    line: int  # the line that is read

    def refuse(self, problem: str) -> NoReturn:
        """Raise the SpecError of this line; `problem` begins with a verb."""

    def charge(self, count: int) -> None:
        """Count values that are made; refuses a text that makes too many."""

    def note(self, text: str) -> None:
        """Add a sentence to what a person should know of the reading."""

    def call(self, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call any value: a function or class of the text, or a Native."""

    def attribute(self, value: Any, name: str) -> Any:
        """An attribute of any value, plain ones too."""

    def iterate(self, value: Any) -> list[Any]:
        """All that a loop over any value runs through."""

    def truth(self, value: Any) -> bool:
        """Whether `if value:` holds."""


class Native:
    """A value of a library. `kind` is what a refusal calls it, with its article."""

    kind = "a value"
    lasting = False  # whether it outlives a statement that is passed over and might replace it

    def __repr__(self) -> str:
        return self.kind

    def attribute(self, name: str, run: Run) -> Any:
        """`value.name`."""
        run.refuse(f"uses .{name} of {self.kind}, which cannot be read")

    def set_attribute(self, name: str, value: Any, run: Run) -> None:
        """`value.name = …`."""
        run.refuse(f"sets .{name} of {self.kind}, which cannot be read")

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Run) -> Any:
        """`value(…)`."""
        run.refuse(f"calls {self.kind}, which is no function")

    def item(self, index: Any, run: Run) -> Any:
        """`value[index]`; a slice is Python's own, `[:, 0]` a tuple of them."""
        run.refuse(f"indexes {self.kind}, which cannot be read")

    def set_item(self, index: Any, value: Any, run: Run) -> None:
        """`value[index] = …`."""
        run.refuse(f"sets an item of {self.kind}, which cannot be read")

    def operate(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        """`value + other`, or `other + value` where `reflected`; the operator as Python writes it.

        May return NotImplemented, so that `other` is asked."""
        return NotImplemented

    def become(self, value: Any, run: Run) -> Any:
        """What the name holds after `value += …`; a tensor changes in place, for all its names."""
        return value

    def unary(self, operator: str, run: Run) -> Any:
        """`-value`, `+value` or `~value`."""
        run.refuse(f"uses {operator} on {self.kind}, which cannot be read")

    def compare(self, operator: str, other: Any, run: Run) -> Any:
        """`value == other` and the like; `is` and `in` are the interpreter's."""
        if operator in ("==", "!="):
            return (self is other) == (operator == "==")
        run.refuse(f"compares {self.kind} by {operator}, which cannot be read")

    def iterate(self, run: Run) -> Iterable[Any]:
        """What `for x in value` and `*value` run through."""
        run.refuse(f"loops over {self.kind}, which cannot be read")

    def length(self, run: Run) -> int:
        """`len(value)`."""
        run.refuse(f"takes the length of {self.kind}, which cannot be read")

    def truth(self, run: Run) -> bool:
        """Whether `if value:` holds."""
        return True

    def text(self, run: Run) -> str:
        """`str(value)`, also in an f-string."""
        return f"<{self.kind}>"


class Unknown(Native):
    """A value that cannot be found without executing the text: data, files, arguments.

    It spreads through whatever uses it, and refuses only where the network needs it, with the
    line where it became unknown. `reason` begins with a verb: "calls np.load".
    """

    kind = "a value that is not known"
    changed: frozenset[str] = frozenset()  # attributes and items that the text sets

    def __init__(self, reason: str, line: int) -> None:
        self.reason, self.line = reason, line

    def refuse(self) -> NoReturn:
        """Raise the SpecError of a network that needs this value."""
        raise SpecError(f"Line {self.line} {self.reason}.", line=self.line)

    def attribute(self, name: str, run: Run) -> Any:
        return self

    def set_attribute(self, name: str, value: Any, run: Run) -> None:
        self.changed = self.changed | {name}

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Run) -> Any:
        return self

    def item(self, index: Any, run: Run) -> Any:
        return self

    def set_item(self, index: Any, value: Any, run: Run) -> None:
        if isinstance(index, str):
            self.changed = self.changed | {index}

    def operate(self, operator: str, other: Any, reflected: bool, run: Run) -> Any:
        return self

    def unary(self, operator: str, run: Run) -> Any:
        return self

    def compare(self, operator: str, other: Any, run: Run) -> Any:
        return self

    def iterate(self, run: Run) -> Iterable[Any]:
        self.refuse()

    def length(self, run: Run) -> int:
        self.refuse()

    def truth(self, run: Run) -> bool:
        self.refuse()


class Function(Native):
    """A function of a library: its name, its parameters as text, and what it does.

    `parameters` lists names in order, with defaults: ``"input p=0.5 training=True"``; a star
    before the last takes all further values by position (``"*tensors"``), two stars all further
    keywords. `body(run, **arguments)` gets each by its name; without parameters, `body(run, args,
    kwargs)` gets them as they are written.
    """

    def __init__(self, name: str, parameters: str | None, body: Callable[..., Any]) -> None:
        self.name, self.body = name, body
        self.parameters = None if parameters is None else Parameters(name, parameters)
        self.kind = f"the function {name}"

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Run) -> Any:
        if self.parameters is None:
            return self.body(run, args, kwargs)
        return self.body(run, **self.parameters.bind(args, kwargs, run))

    def attribute(self, name: str, run: Run) -> Any:
        if name == "__name__":
            return self.name.rpartition(".")[2]
        return super().attribute(name, run)


_PLAIN = {"None": None, "True": True, "False": False}


class Parameters:
    """The parameters of a function, and how the arguments of a call are bound to them."""

    def __init__(self, function: str, text: str) -> None:
        self.function = function
        self.defaults: dict[str, Any] = {}
        self.star = self.stars = ""
        for word in text.split():
            name, has_default, default = word.partition("=")
            if name.startswith("**"):
                self.stars = name[2:]
            elif name.startswith("*"):
                self.star = name[1:]
            else:
                self.defaults[name] = _default(default) if has_default else MISSING

    def bind(self, args: list[Any], kwargs: Mapping[str, Any], run: Run) -> dict[str, Any]:
        """The arguments by name. Refuses too many, unknown, repeated and missing ones."""
        names = list(self.defaults)
        bound: dict[str, Any] = dict(zip(names, args, strict=False))
        if self.star:
            bound[self.star] = list(args[len(names) :])
        elif len(args) > len(names):
            run.refuse(f"passes {len(args)} arguments to {self.function}; it takes {len(names)}")
        more: dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in bound and name != self.star:
                run.refuse(f"passes {name} to {self.function} twice")
            if name in self.defaults:
                bound[name] = value
            elif name == self.star and not bound[name]:
                bound[name] = [value]  # x.permute(dims=(0, 2, 1))
            elif self.stars:
                more[name] = value
            else:
                run.refuse(f"passes an argument {name!r} to {self.function} that it does not take")
        for name, default in self.defaults.items():
            if bound.setdefault(name, default) is MISSING:
                run.refuse(f"leaves out {name}, which {self.function} needs")
        return {**bound, self.stars: more} if self.stars else bound


def _default(text: str) -> Any:
    if text in _PLAIN:
        return _PLAIN[text]
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text


class Namespace(Native):
    """A module of a library: what it holds by name. Other names give Unknown values.

    `find(name)` may give members that are made when they are asked for; None where it has none.
    """

    def __init__(
        self,
        name: str,
        members: Mapping[str, Any],
        find: Callable[[str], Any] | None = None,
    ) -> None:
        self.name, self.members, self.find = name, members, find
        self.kind = f"the module {name}"

    def attribute(self, name: str, run: Run) -> Any:
        if name in self.members:
            return self.members[name]
        value = self.find(name) if self.find else None
        if value is None:
            near = difflib.get_close_matches(name, self.members, 2, 0.75)
            hint = "".join(f"; did you mean {self.name}.{word}" for word in near[:1])
            return Unknown(f"uses {self.name}.{name}, which cannot be read{hint}", run.line)
        return value

    def set_attribute(self, name: str, value: Any, run: Run) -> None:
        """Settings such as torch.backends.cudnn.deterministic are passed over."""


class NativeClass(Native):
    """A class of a library: a text may call it, test for it and subclass it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.kind = f"the class {name}"

    def covers(self, value: Any) -> bool:
        """Whether `isinstance(value, this)` holds; an instance of a text's class asks its bases."""
        return False

    def inherits(self, cls: Any) -> bool:
        """Whether it is `cls` or descends from it."""
        return self is cls

    # ---- of the text's classes that have this one as a base

    def begin(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Run) -> None:
        """`super().__init__(…)` of an instance of a text's class."""

    def member(self, instance: Any, name: str, run: Run) -> Any:
        """`instance.name` where neither it nor its classes have the name; MISSING without one."""
        return MISSING

    def keep(self, instance: Any, name: str, value: Any, run: Run) -> None:
        """`instance.name = value`."""
        instance.attributes[name] = value

    def invoke(self, instance: Any, args: list[Any], kwargs: dict[str, Any], run: Run) -> Any:
        """`instance(…)` where its classes have no __call__."""
        run.refuse(f"calls an instance of {instance.cls.name}, which has no __call__")

    def attribute(self, name: str, run: Run) -> Any:
        if name == "__name__":
            return self.name.rpartition(".")[2]
        if name == "__init__":  # Base.__init__(self, …)
            return Function(name, None, self._begin)
        return super().attribute(name, run)

    def _begin(self, run: Run, args: list[Any], kwargs: dict[str, Any]) -> None:
        if not args:
            run.refuse(f"calls {self.name}.__init__ without self")
        self.begin(args[0], args[1:], kwargs, run)
