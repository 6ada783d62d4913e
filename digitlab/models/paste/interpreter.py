"""`Interpreter`: reads Python over `ast` and executes nothing of it but its own arithmetic.

It knows plain values, the functions and classes of the text, and what libraries offer as Natives.
What it cannot know (data, files, other libraries) becomes an `Unknown` that refuses only where
the network needs it. Statements outside of a network's own code that cannot be read are passed
over; inside (`strictly`), only an assignment may fail, and then its name is Unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from digitlab.errors import SpecError
from digitlab.models.paste import python
from digitlab.models.paste.arithmetic import BINARY, kind, operate
from digitlab.models.paste.budget import CALL_STEPS, MAX_CALLS, Budget, LimitError
from digitlab.models.paste.defaults import SETTINGS, Settings, usual_values
from digitlab.models.paste.expressions import Expressions, syntax
from digitlab.models.paste.native import MISSING, Native, NativeClass, Unknown
from digitlab.models.paste.objects import (
    BoundMethod,
    Decorated,
    Instance,
    Scope,
    Super,
    UserClass,
    UserFunction,
)
from digitlab.models.paste.stochastic import draws, read_draw

STATEMENT_STEPS = 40_000  # of one statement outside of all classes and functions
_DUNDERS = {"__init__", "__call__", "__class__", "__name__", "__len__", "__getitem__", "__iter__"}
GROWS = {"add", "append", "add_module", "extend", "insert", "register_module", "pop"}
# What Python raises in a library's function for arguments of another kind or number.
_WRONG_ARGUMENTS = (
    *(TypeError, ValueError, AttributeError, LookupError, ArithmeticError),
    *(AssertionError,),
)


class Raised(SpecError):
    """An error that the text raises, which its own try statement may catch."""

    def __init__(self, exception: str, message: str, line: int) -> None:
        super().__init__(message, line=line)
        self.exception = exception


class _Return:
    def __init__(self, value: Any) -> None:
        self.value = value


_BREAK, _CONTINUE = object(), object()


class Interpreter(Expressions):
    """One reading of one text.

    `modules` holds what imports give by name ("torch.nn"), `names` what stands for itself where
    the text does not define it ("nn"). After `run`, `scope` has the text's names, `notes` what a
    person should know, `passed_over` the statements that were not read, each with the reason.
    """

    def __init__(self, modules: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        self.modules, self.names = modules, names
        self.scope = self.globals = Scope()
        self.budget = Budget()
        self.line = 1
        self.calls = 0
        self.strict = False
        self.notes: list[str] = []
        self.passed_over: list[tuple[int, int, str]] = []  # statement, fault, reason
        self.base_of_unknown: NativeClass | None = None  # stands in for unknown base classes
        self.spoilt: dict[int, Unknown] = {}  # what a statement that was passed over changes
        self.sources: dict[str, Scope] = {}  # of libraries whose source is read, too
        self.training = False  # whether `if self.training` holds
        self.trace: Any = None  # what a library makes of a forward while it is read
        self.examples: list[Any] = []  # shapes of tensors that the text passes through a network
        self.inits: list[str] = []  # functions that the text draws first weights by
        self.listeners: list[Callable[[str, Any, int, bool], None]] = []  # of names that are set

    # ---- statements

    def run(self, body: list[ast.stmt]) -> None:
        """Read all statements of a text. Raises SpecError only where the whole work is too much."""
        for statement in body:
            rest = self.budget.steps
            self.budget.steps = min(rest, STATEMENT_STEPS)
            allowed = self.budget.steps
            try:
                self._statement_or_pass(statement, self.globals)
            except (LimitError, RecursionError) as error:
                self.calls = 0
                words = f"runs {syntax(statement)} for more steps than a model takes"
                problem = SpecError(f"Line {statement.lineno} {words}.", line=statement.lineno)
                limit = isinstance(error, LimitError) and self.budget.steps < 0
                self._pass_over(statement, self.globals, problem if limit else self._refusal(error))
            self.budget.steps = rest - (allowed - max(self.budget.steps, 0))

    def read_source(self, body: list[ast.stmt], scope: Scope) -> None:
        """Read a library's own source into `scope`."""
        line, foreign, passed = self.line, self.foreign, list(self.passed_over)
        listeners, self.listeners, self.foreign = self.listeners, [], True
        try:
            with self.strictly(False):
                self.execute(body, scope)
        finally:
            self.line, self.foreign, self.listeners = line, foreign, listeners
            self.passed_over[:] = passed

    def _refusal(self, error: Exception) -> SpecError:
        if isinstance(error, SpecError):
            return error
        return SpecError(f"Line {self.line} calls itself too often.", line=self.line)

    def execute(self, body: list[ast.stmt], scope: Scope) -> Any:
        """Read a block; a `_Return`, `_BREAK` or `_CONTINUE` where it ends early."""
        for statement in body:
            signal = self._statement_or_pass(statement, scope)
            if signal is not None:
                return signal
        return None

    def _statement_or_pass(self, node: ast.stmt, scope: Scope) -> Any:
        try:
            return self._statement(node, scope)
        except (LimitError, Raised):
            raise
        except SpecError as error:
            simple = isinstance(node, ast.Assign | ast.AnnAssign)
            if self.strict and (not simple or getattr(error, "inside", False)):
                raise
            self._pass_over(node, scope, error)
            return None

    def _statement(self, node: ast.stmt, scope: Scope) -> Any:
        self.at(node)
        self.budget.step(self.line)
        method = _STATEMENTS.get(type(node))
        if method is None:
            self.refuse(f"contains {syntax(node)}, which cannot be read")
        return method(self, node, scope)

    def _pass_over(self, node: ast.stmt, scope: Scope, error: SpecError) -> None:
        """Leave a statement out: what it would have set is Unknown from here on."""
        unknown = Unknown(_reason(error), error.line or node.lineno)
        if not self.strict:
            self.passed_over.append((node.lineno, unknown.line, _reason(error)))
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                lasting = getattr(scope.find(inner.id), "lasting", False)
                if isinstance(node, ast.Assign | ast.AnnAssign) or not lasting:
                    scope.bind(inner.id, unknown)
            elif isinstance(inner, ast.FunctionDef | ast.ClassDef):
                scope.bind(inner.name, unknown)
        for name, attribute in _changed(node):
            owner = scope.find(name)
            if isinstance(owner, list | dict):
                scope.bind(name, unknown)
            elif isinstance(owner, Native) and attribute is not None:
                try:
                    self.set_attribute(owner, attribute, unknown)
                except SpecError:
                    scope.bind(name, unknown)
            elif isinstance(owner, Native) and not isinstance(owner, Unknown):
                scope.bind(name, unknown)
                self.spoilt[id(owner)] = unknown

    def _expression(self, node: ast.Expr, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        if isinstance(value, Unknown) and not self.strict:
            self.passed_over.append((node.lineno, value.line, value.reason))
        elif isinstance(value, Unknown) and self.trace is not None and _in_place(node.value):
            value.refuse()
        if scope is self.globals and not isinstance(node.value, ast.Constant):
            self._tell("", value, node.lineno, scope)

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.evaluate(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope)

    def _annotated(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value, scope), scope)

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """`target = value`, also of several names."""
        if isinstance(target, ast.Name):
            scope.bind(target.id, value)
            self._tell(target.id, value, target.lineno, scope)
        elif isinstance(target, ast.Attribute):
            owner = self.evaluate(target.value, scope)
            self.set_attribute(owner, target.attr, value)
            self._tell(target.attr, value, target.lineno, scope)
        elif isinstance(target, ast.Subscript):
            owner = self.evaluate(target.value, scope)
            self._set_item(owner, self.evaluate(target.slice, scope), value)
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target.elts, value, scope)
        else:
            self.refuse(f"assigns to {syntax(target)}")

    def _unpack(self, targets: list[ast.expr], value: Any, scope: Scope) -> None:
        if isinstance(value, Unknown):
            for target in targets:
                inner = target.value if isinstance(target, ast.Starred) else target
                self.assign(inner, value, scope)
            return
        items = self.iterate(value)
        stars = [at for at, target in enumerate(targets) if isinstance(target, ast.Starred)]
        if len(items) < len(targets) - len(stars) or (not stars and len(items) > len(targets)):
            self.refuse(f"unpacks {len(items)} values into {len(targets)} names")
        for at, target in enumerate(targets):
            if isinstance(target, ast.Starred):
                end = len(items) - (len(targets) - at - 1)
                self.assign(target.value, items[at:end], scope)
            else:
                back = at - len(targets) if stars and at > stars[0] else at
                self.assign(target, items[back], scope)

    def _set_item(self, owner: Any, index: Any, value: Any) -> None:
        if isinstance(owner, Native):
            owner.set_item(index, value, self)
        elif isinstance(owner, dict):
            self.charge(1)
            owner[python.key(index, self)] = value
        elif isinstance(owner, list) and type(index) is int and -len(owner) <= index < len(owner):
            owner[index] = value
        else:
            self.refuse(f"sets an item of {kind(owner)}")

    def _augmented(self, node: ast.AugAssign, scope: Scope) -> None:
        target = node.target
        current = self.evaluate(
            ast.copy_location(_loaded(target), target),
            scope,
        )
        value = self.evaluate(node.value, scope)
        if isinstance(current, list) and isinstance(node.op, ast.Add):
            items = self.iterate(value)
            self.charge(len(items) + len(current) // 64)
            if len(current) + len(items) > 20_000:
                self.refuse("makes a list of more than 20,000 items")
            current += items
            return
        self.at(node)
        result = operate(BINARY[type(node.op)], current, value, self)
        if isinstance(current, Native):
            result = current.become(result, self)
        self.assign(target, result, scope)

    def _if(self, node: ast.If, scope: Scope) -> Any:
        while True:
            test = self.evaluate(node.test, scope)
            if isinstance(test, Unknown):
                if self.strict and not _harmless(node.body + node.orelse):
                    self.refuse(f"has an if statement on what is not known: it {test.reason}")
                if not self.strict:
                    test.refuse()
                return None
            if self.truth(test):
                return self.execute(node.body, scope)
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node = node.orelse[0]
                self.at(node)
                continue
            return self.execute(node.orelse, scope)

    def _for(self, node: ast.For, scope: Scope) -> Any:
        items = self.evaluate(node.iter, scope)
        if isinstance(items, Unknown):
            items.refuse()
        for item in self.iterate(items):
            self.budget.step(self.line)
            self.assign(node.target, item, scope)
            signal = self.execute(node.body, scope)
            if signal is _BREAK:
                return None
            if signal is not None and signal is not _CONTINUE:
                return signal
        return self.execute(node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> Any:
        while True:
            self.at(node)
            self.budget.step(self.line, 4)
            test = self.evaluate(node.test, scope)
            if isinstance(test, Unknown):
                self.refuse(f"has a while loop on what is not known: it {test.reason}")
            if not self.truth(test):
                return self.execute(node.orelse, scope)
            signal = self.execute(node.body, scope)
            if signal is _BREAK:
                return None
            if signal is not None and signal is not _CONTINUE:
                return signal

    def _with(self, node: ast.With, scope: Scope) -> Any:
        for item in node.items:
            value = self.evaluate(item.context_expr, scope)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, scope)
        return self.execute(node.body, scope)

    def _try(self, node: ast.Try, scope: Scope) -> Any:
        depth = self.calls
        try:
            signal = self.execute(node.body, scope)
            if signal is None:
                signal = self.execute(node.orelse, scope)
        except Raised as error:
            self.calls = depth
            handler = next((h for h in node.handlers if _catches(h, error.exception)), None)
            if handler is None:
                raise
            if handler.name:
                scope.bind(handler.name, Unknown(_reason(error), error.line or node.lineno))
            signal = self.execute(handler.body, scope)
        return self.execute(node.finalbody, scope) or signal

    def _raise(self, node: ast.Raise, scope: Scope) -> NoReturn:
        name, message = "Exception", ""
        if node.exc is not None:
            called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = getattr(called, "id", getattr(called, "attr", "Exception"))
            args = node.exc.args if isinstance(node.exc, ast.Call) else []
            if args and isinstance(args[0], ast.Constant) and isinstance(args[0].value, str):
                message = f": {args[0].value[:100]}"
        self.fail(name, f"raises {name}{message}")

    def fail(self, exception: str, problem: str) -> NoReturn:
        raise Raised(exception, f"Line {self.line} {problem}.", self.line)

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        try:
            test = self.evaluate(node.test, scope)
            holds = isinstance(test, Unknown) or self.truth(test)
        except LimitError:
            raise
        except SpecError:
            return  # what cannot be checked is taken to hold
        if not holds:
            self.at(node)
            self.fail("AssertionError", "asserts what does not hold")

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.names.pop(target.id, None)
            elif isinstance(target, ast.Attribute):
                unknown = Unknown(f"deletes .{target.attr}", node.lineno)
                self.set_attribute(self.evaluate(target.value, scope), target.attr, unknown)
            else:
                self.refuse("deletes an item, which cannot be read")

    def _import(self, node: ast.Import, scope: Scope) -> None:
        for alias in node.names:
            module = self._module(alias.name)
            if alias.asname:
                scope.bind(alias.asname, module)
            else:
                scope.bind(alias.name.partition(".")[0], self._module(alias.name.partition(".")[0]))

    def _import_from(self, node: ast.ImportFrom, scope: Scope) -> None:
        package = scope.outermost.names.get("__package__", "") if node.level else ""
        front = package.split(".")[: len(package.split(".")) + 1 - node.level]
        name = ".".join([*(front if node.level else ()), *([node.module] if node.module else ())])
        module = self._module(name)
        for alias in node.names:
            if alias.name == "*":
                for name, value in getattr(module, "members", {}).items():
                    scope.bind(name, value)
                continue
            inner = self.modules.get(f"{name}.{alias.name}")
            value = inner if inner is not None else self.attribute(module, alias.name)
            scope.bind(alias.asname or alias.name, value)

    def _module(self, name: str) -> Any:
        module = self.modules.get(name)
        if module is not None:
            return module
        first, *rest = name.split(".")
        module = self.modules.get(first)
        if module is None:
            return Unknown(f"imports {name[:40]!r}, which is not known here", self.line)
        for part in rest:
            module = self.attribute(module, part)
        return module

    def _global(self, node: ast.Global, scope: Scope) -> None:
        scope.of_globals.update(node.names)

    def _nonlocal(self, node: ast.Nonlocal, scope: Scope) -> None:
        scope.outer.update(node.names)

    def _return(self, node: ast.Return, scope: Scope) -> _Return:
        return _Return(None if node.value is None else self.evaluate(node.value, scope))

    def _tell(self, name: str, value: Any, line: int, scope: Scope) -> None:
        if not self.strict:
            for listener in self.listeners:
                listener(name, value, line, scope is self.globals)

    # ---- functions and classes

    def function(self, node: Any, scope: Scope) -> UserFunction:
        """A def or lambda as a value; its defaults are evaluated now."""
        args = node.args
        defaults = [self.evaluate(default, scope) for default in args.defaults]
        keywords = {
            arg.arg: self.evaluate(default, scope)
            for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
            if default is not None
        }
        return UserFunction(node, scope, defaults, keywords)

    def _define(self, node: ast.FunctionDef, scope: Scope) -> None:
        value: Any = self.function(node, scope)
        for decorator in reversed(node.decorator_list):
            name = getattr(decorator, "id", getattr(decorator, "attr", ""))
            if name in ("property", "cached_property", "staticmethod", "classmethod"):
                value = Decorated(name.removeprefix("cached_"), value)
            elif name in ("setter", "deleter"):
                return  # the property stays as it is read
            else:
                value = self._decorate(decorator, value, scope)
        scope.bind(node.name, value)

    def _decorate(self, decorator: ast.expr, value: Any, scope: Scope) -> Any:
        """What a decorator of the text makes of a function or class; others change nothing."""
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        plain = isinstance(called, ast.Name) and scope.outermost is self.globals
        own = self.evaluate(called, scope) if plain else None
        if not isinstance(own, UserFunction | UserClass | Instance):
            return value
        if isinstance(value, UserFunction):
            scope.decorated.append(value)
        made = self.call(self.evaluate(decorator, scope), [value], {})
        return value if isinstance(made, Unknown) and scope is self.globals else made

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = []
        for base_node in node.bases:
            base = self.evaluate(base_node, scope)
            base = base.resolved(self) if hasattr(base, "resolved") else base
            if base is python.TYPES["object"]:
                continue
            if isinstance(base, UserClass | NativeClass | Unknown):
                bases.append(base)
            elif isinstance(base, Native):
                bases.append(Unknown(f"inherits from {base.kind}", node.lineno))
        inner = Scope(parent=scope)
        self.execute(node.body, inner)
        known = any(isinstance(base, NativeClass | UserClass) for base in bases)
        if bases and not known and self.base_of_unknown and _is_network(node, inner.names):
            bases.append(self.base_of_unknown)
        cls = UserClass(node.name, bases, inner.names, node.lineno)
        for member in [*inner.names.values(), *inner.decorated]:
            function = member.function if isinstance(member, Decorated) else member
            if isinstance(function, UserFunction) and function.scope is inner:
                function.scope, function.owner = scope, cls
        words = [getattr(getattr(d, "func", d), "id", getattr(getattr(d, "func", d), "attr", ""))
                 for d in node.decorator_list]  # fmt: skip
        if "dataclass" in words or any(getattr(base, "name", "") == "NamedTuple" for base in bases):
            inherited = [field for base in bases for field in getattr(base, "fields", [])]
            cls.fields = inherited + [
                (part.target.id, inner.names.get(part.target.id, MISSING))
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            ]
        value: Any = cls
        for decorator in reversed(node.decorator_list):
            value = self._decorate(decorator, value, scope)
        scope.bind(node.name, value)

    def parent(self, args: list[Any], scope: Scope) -> Any:
        """`super()` and `super(Class, self)`."""
        inner: Scope | None = scope
        while inner is not None and (inner.function is None or inner.function.owner is None):
            inner = inner.parent
        if len(args) == 2 and isinstance(args[0], UserClass) and isinstance(args[1], Instance):
            return Super(args[0], args[1])
        if args or inner is None or not isinstance(inner.first, Instance | UserClass):
            self.refuse("calls super() where there is no class")
        return Super(inner.function.owner, inner.first)

    # ---- calls

    def call(self, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """`value(…)` of any value."""
        if isinstance(value, UserFunction):
            if self.trace is not None and not self.training and draws(value.node):
                return read_draw(lambda: self._call_function(value, args, kwargs), self)
            return self._call_function(value, args, kwargs)
        if isinstance(value, BoundMethod):
            return self.call(value.function, [value.first, *args], kwargs)
        if isinstance(value, Decorated):
            return self.call(value.function, args, kwargs)
        if isinstance(value, UserClass):
            return self._construct(value, args, kwargs)
        if isinstance(value, Instance):
            return self._call_instance(value, args, kwargs)
        if isinstance(value, Native):
            self.budget.weigh(self.line, [*args, *kwargs.values()])
            try:
                return value.call(args, kwargs, self)
            except _WRONG_ARGUMENTS:
                self.refuse(f"passes arguments to {value.kind} that it does not take")
        self.refuse(f"calls {kind(value)}, which is no function")

    def _call_function(self, function: UserFunction, args: list[Any], kwargs: dict) -> Any:
        node = function.node
        if isinstance(node, ast.AsyncFunctionDef) or _yields(node):
            return Unknown(f"calls {function.name}, a generator, which cannot be read", self.line)
        self.budget.step(self.line, CALL_STEPS)
        if self.calls >= MAX_CALLS:
            self.refuse(f"calls functions more than {MAX_CALLS} deep inside each other")
        scope = Scope(parent=function.scope, function=function)
        scope.names = self._bound(function, args, kwargs)
        scope.arguments = dict(scope.names)
        scope.first = args[0] if args else None
        line, outer, foreign = self.line, self.scope, self.foreign
        self.calls += 1
        self.scope = scope
        self.foreign = function.scope.outermost is not self.globals
        try:
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body, scope)
            signal = self.execute(node.body, scope)
        except SpecError as error:
            error.inside = True  # what the call has changed by then may be incomplete
            raise
        finally:
            self.calls -= 1
            self.scope, self.foreign = outer, foreign
            self.line = line
        return signal.value if isinstance(signal, _Return) else None

    def _bound(self, function: UserFunction, args: list[Any], kwargs: dict) -> dict[str, Any]:
        """The arguments of a call by the names of the function's parameters."""
        spec, name = function.node.args, function.name
        names = [arg.arg for arg in (*spec.posonlyargs, *spec.args)]
        bound = dict(zip(names, args, strict=False))
        if spec.vararg:
            bound[spec.vararg.arg] = tuple(args[len(names) :])
        elif len(args) > len(names):
            self.refuse(f"passes {len(args)} arguments to {name}; it takes {len(names)}")
        more = {}
        keywords = [arg.arg for arg in spec.kwonlyargs]
        for word, value in kwargs.items():
            if word in names and word in bound:
                self.refuse(f"passes {word} to {name} twice")
            if word in names or word in keywords:
                bound[word] = value
            elif spec.kwarg:
                more[word] = value
            else:
                self.refuse(f"passes an argument {word!r} to {name} that it does not take")
        if spec.kwarg:
            bound[spec.kwarg.arg] = more
        defaults = dict(zip(reversed(names), reversed(function.defaults), strict=False))
        for word in (*names, *keywords):
            if word not in bound:
                if word not in defaults and word not in function.keyword_defaults:
                    self.fail("TypeError", f"leaves out {word}, which {name} needs")
                bound[word] = defaults.get(word, function.keyword_defaults.get(word))
        return bound

    def _construct(self, cls: UserClass, args: list[Any], kwargs: dict[str, Any]) -> Any:
        instance = Instance(cls, self.line)
        self.charge(4)
        begin = cls.find("__init__")
        native = cls.native
        if native is not None and isinstance(begin, UserFunction):
            args, kwargs = self._with_usual(begin, args, kwargs)
        with self.strictly(self.strict or native is not None):
            if begin is not MISSING:
                self.call(begin, [instance, *args], kwargs)
            elif cls.fields:
                self._fill(instance, args, kwargs)
            elif native is not None:
                native.begin(instance, args, kwargs, self)
            elif args or kwargs:
                unknown = next((base for base in cls.order if isinstance(base, Unknown)), None)
                if unknown is None:
                    self.refuse(f"passes arguments to {cls.name}, which takes none")
                return unknown
        return instance

    def _with_usual(self, begin: UserFunction, args: list[Any], kwargs: dict) -> tuple:
        """A network's arguments, those that are not known at the values they usually have."""
        if not any(isinstance(value, Unknown) for value in (*args, *kwargs.values())):
            return args, kwargs
        names = [arg.arg for arg in begin.node.args.args][1:]
        usual = usual_values(begin.node)

        def known(name: str, value: Any) -> Any:
            if isinstance(value, Unknown) and name.lower() in SETTINGS:
                return Settings(name, usual, value.changed)
            if isinstance(value, Unknown) and name.lower() in usual:
                value = usual[name.lower()]
                self.note(f"Line {self.line} leaves {name} open; {value} is taken.")
            return value

        pairs = zip([*names, *[""] * len(args)], args, strict=False)
        return [known(*pair) for pair in pairs], {k: known(k, v) for k, v in kwargs.items()}

    def _fill(self, instance: Instance, args: list[Any], kwargs: dict[str, Any]) -> None:
        names = [name for name, _ in instance.cls.fields]
        arguments = {**dict(zip(names, args, strict=False)), **kwargs}
        for name, default in instance.cls.fields:
            value = arguments.get(name, default)
            if isinstance(value, python.Field):
                value = self.call(value.factory, [], {}) if value.factory else value.default
            if value is MISSING:
                self.fail("TypeError", f"leaves out {name}, which {instance.cls.name} needs")
            instance.attributes[name] = value

    def _call_instance(self, instance: Instance, args: list[Any], kwargs: dict) -> Any:
        method = instance.cls.find("__call__")
        if method is not MISSING:
            return self.call(method, [instance, *args], kwargs)
        native = instance.cls.native
        if native is not None:
            return native.invoke(instance, args, kwargs, self)
        unknown = next((base for base in instance.cls.order if isinstance(base, Unknown)), None)
        if unknown is not None:
            return unknown
        self.refuse(f"calls an instance of {instance.cls.name}, which has no __call__")

    @contextmanager
    def strictly(self, strict: bool = True) -> Iterator[None]:
        """Read a network's own code: there, nothing may be passed over but assignments."""
        before, self.strict = self.strict, strict
        try:
            yield
        finally:
            self.strict = before

    # ---- attributes

    def attribute(self, value: Any, name: str) -> Any:
        """`value.name` of any value. Refuses Python's own names but for a few."""
        if name.startswith("__") and name.endswith("__") and name not in _DUNDERS:
            self.refuse(f"uses the attribute {name}, which cannot be read")
        if isinstance(value, Instance):
            return self._instance_attribute(value, name)
        if isinstance(value, Super):
            return self._super_attribute(value, name)
        if isinstance(value, UserClass):
            return self._class_attribute(value, name)
        if isinstance(value, Native):
            return value.attribute(name, self)
        if isinstance(value, UserFunction | BoundMethod) and name == "__name__":
            return getattr(value, "name", "method")
        return python.method(value, name, self)

    def _instance_attribute(self, instance: Instance, name: str) -> Any:
        if name in instance.attributes:
            return instance.attributes[name]
        if name == "__class__":
            return instance.cls
        value = instance.cls.find(name)
        if value is not MISSING:
            return self._method(value, instance, instance.cls)
        native = instance.cls.native
        if native is not None:
            value = native.member(instance, name, self)
            if value is not MISSING:
                return value
        return Unknown(f"uses .{name} of {instance.kind}, which is not set before", self.line)

    def _method(self, value: Any, instance: Any, cls: UserClass) -> Any:
        if isinstance(value, UserFunction):
            return BoundMethod(value, instance)
        if isinstance(value, Decorated):
            if value.how == "property":
                return self.call(value.function, [instance], {})
            bound = BoundMethod(value.function, cls)
            return value.function if value.how == "staticmethod" else bound
        return value

    def _super_attribute(self, value: Super, name: str) -> Any:
        instance = value.instance
        cls = instance.cls if isinstance(instance, Instance) else instance
        inherited = cls.find(name, after=value.owner)
        if inherited is not MISSING:
            return self._method(inherited, instance, cls)
        native = cls.native
        if native is None or not isinstance(instance, Instance):
            return (
                python.nothing
                if name == "__init__"
                else Unknown(f"uses super().{name}, which its bases do not have", self.line)
            )
        if name == "__init__":
            return BoundMethod(native.attribute(name, self), instance)
        member = native.member(instance, name, self)
        if member is MISSING:
            return Unknown(f"uses super().{name}, which cannot be read", self.line)
        return member

    def _class_attribute(self, cls: UserClass, name: str) -> Any:
        value = cls.find(name)
        if value is MISSING:
            if name == "__name__":
                return cls.name
            if name == "__init__" and cls.native is not None:
                return cls.native.attribute(name, self)
            return Unknown(f"uses {cls.name}.{name}, which is not set before", self.line)
        if isinstance(value, Decorated) and value.how != "property":
            return self._method(value, None, cls)
        return value

    def set_attribute(self, owner: Any, name: str, value: Any) -> None:
        """`owner.name = value`."""
        if isinstance(owner, Instance):
            native = owner.cls.native
            if native is not None:
                native.keep(owner, name, value, self)
            else:
                owner.attributes[name] = value
        elif isinstance(owner, UserClass):
            owner.names[name] = value
        elif isinstance(owner, Native):
            owner.set_attribute(name, value, self)
        elif not isinstance(owner, UserFunction | BoundMethod):
            self.refuse(f"sets an attribute of {kind(owner)}")

    # ---- plain questions

    def iterate(self, value: Any) -> list[Any]:
        """All that a loop runs through, as a list."""
        if isinstance(value, Instance):
            items = self._dunder(value, "__iter__")
            if items is not MISSING:
                return self.iterate(items)
            length = self._dunder(value, "__len__")
            if length is not MISSING and type(length) is int and 0 <= length <= 1_000:
                return [self.item(value, at) for at in range(length)]
            native = value.cls.native
            member = native.member(value, "__iter__", self) if native else MISSING
            if member is not MISSING:
                return self.iterate(self.call(member, [], {}))
        if isinstance(value, Native):
            return list(value.iterate(self))
        if isinstance(value, list | tuple | range | dict | str | set):
            self.charge(len(value))
            return list(value)
        self.refuse(f"loops over {kind(value)}")

    def _dunder(self, instance: Instance, name: str, *args: Any) -> Any:
        method = instance.cls.find(name)
        return MISSING if method is MISSING else self.call(method, [instance, *args], {})

    def item(self, value: Any, index: Any) -> Any:
        """`value[index]` of any value."""
        if isinstance(value, Instance):
            answer = self._dunder(value, "__getitem__", index)
            if answer is not MISSING:
                return answer
            native = value.cls.native
            member = native.member(value, "__getitem__", self) if native else MISSING
            if member is not MISSING:
                return self.call(member, [index], {})
        return super().item(value, index)

    def length(self, value: Any) -> Any:
        """`len(value)` of any value."""
        if isinstance(value, Unknown):
            return value
        if isinstance(value, Instance):
            answer = self._dunder(value, "__len__")
            if answer is not MISSING:
                return answer
            native = value.cls.native
            member = native.member(value, "__len__", self) if native else MISSING
            if member is not MISSING:
                return self.call(member, [], {})
        if isinstance(value, Native):
            return value.length(self)
        if isinstance(value, list | tuple | range | dict | str | set | bytes):
            return len(value)
        self.refuse(f"takes the length of {kind(value)}")

    def truth(self, value: Any) -> bool:
        """Whether `if value:` holds."""
        if isinstance(value, Native):
            return value.truth(self)
        if isinstance(value, UserFunction | UserClass | BoundMethod | Decorated | Super):
            return True
        return bool(value)

    def covers(self, cls: Any, value: Any) -> Any:
        """`isinstance(value, cls)`."""
        if isinstance(cls, tuple):
            answers = [self.covers(each, value) for each in cls]
            unknown = [answer for answer in answers if isinstance(answer, Unknown)]
            return True if True in [a for a in answers if a is True] else (unknown or [False])[0]
        if isinstance(cls, Unknown) or isinstance(value, Unknown):
            return cls if isinstance(cls, Unknown) else value
        if isinstance(value, Instance):
            return any(
                base is cls or (isinstance(base, NativeClass) and base.inherits(cls))
                for base in value.cls.order
            )
        return isinstance(cls, NativeClass) and cls.covers(value)

    def default_name(self, name: str) -> Any:
        """A name that the text does not define."""
        if name in python.BUILTINS:
            return python.BUILTINS[name]
        if name == "__name__":
            return "__main__"
        return self.names.get(name, MISSING)

    def note(self, text: str) -> None:
        """Add a sentence to what a person should know."""
        if text not in self.notes and len(self.notes) < 50:
            self.notes.append(text)


_STATEMENTS: dict[type[ast.stmt], Any] = {
    ast.Expr: Interpreter._expression,
    ast.Assign: Interpreter._assign,
    ast.AnnAssign: Interpreter._annotated,
    ast.AugAssign: Interpreter._augmented,
    ast.If: Interpreter._if,
    ast.For: Interpreter._for,
    ast.While: Interpreter._while,
    ast.With: Interpreter._with,
    ast.Try: Interpreter._try,
    ast.Raise: Interpreter._raise,
    ast.Assert: Interpreter._assert,
    ast.Delete: Interpreter._delete,
    ast.Import: Interpreter._import,
    ast.ImportFrom: Interpreter._import_from,
    ast.Global: Interpreter._global,
    ast.Nonlocal: Interpreter._nonlocal,
    ast.Return: Interpreter._return,
    ast.FunctionDef: Interpreter._define,
    ast.AsyncFunctionDef: Interpreter._define,
    ast.ClassDef: Interpreter._class,
    ast.Pass: lambda run, node, scope: None,
    ast.Break: lambda run, node, scope: _BREAK,
    ast.Continue: lambda run, node, scope: _CONTINUE,
}


def _is_network(node: ast.ClassDef, names: Mapping[str, Any]) -> bool:
    """Whether a class of an unknown base is a network: it has a forward, or keeps its net."""
    nets = (i for i in ast.walk(node) if isinstance(i, ast.Attribute) and i.attr == "net")
    return "forward" in names or any(isinstance(net.ctx, ast.Store) for net in nets)


def _in_place(node: ast.expr) -> bool:
    """Whether a call changes a tensor by PyTorch's convention: `x.relu_()`, `F.relu_(x)`."""
    called = node.func if isinstance(node, ast.Call) else None
    name = getattr(called, "attr", "")
    return name.endswith("_") and not name.endswith("__")


def _reason(error: SpecError) -> str:
    return re.sub(r"^Line \d+,? ", "", error.message).rstrip(".")


def _loaded(target: ast.expr) -> ast.expr:
    """An assignment's target as an expression that reads it."""
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    if isinstance(target, ast.Attribute):
        return ast.Attribute(target.value, target.attr, ast.Load(), end_lineno=target.end_lineno)
    return ast.Subscript(target.value, target.slice, ast.Load())


def _changed(node: ast.stmt) -> Iterator[tuple[str, str | None]]:
    """Names that a statement changes from inside: (name, attribute), (name, None) for growing."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            if isinstance(inner.ctx, ast.Store):
                yield inner.value.id, inner.attr
        elif isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Store):
            if isinstance(inner.value, ast.Name):
                yield inner.value.id, None
        elif isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            owner = inner.func.value
            if isinstance(owner, ast.Name) and inner.func.attr in GROWS:
                yield owner.id, None


def _harmless(body: list[ast.stmt]) -> bool:
    """Whether statements only raise, print or do nothing."""
    for node in body:
        call = node.value if isinstance(node, ast.Expr) else None
        prints = isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute)
        named = getattr(call.func, "id", getattr(call.func, "attr", "")) if prints else ""
        if isinstance(node, ast.Raise | ast.Pass | ast.Assert) or isinstance(call, ast.Constant):
            continue
        if named in ("print", "warn", "info", "debug", "warning", "log"):
            continue
        return False
    return True


def _yields(node: ast.AST) -> bool:
    """Whether a function is a generator: a yield of its own, not of one inside."""
    known = getattr(node, "is_generator", None)
    if known is None:
        stack, known = list(ast.iter_child_nodes(node)), False
        while stack and not known:
            inner = stack.pop()
            known = isinstance(inner, ast.Yield | ast.YieldFrom | ast.Await)
            if not isinstance(inner, ast.FunctionDef | ast.Lambda | ast.ClassDef):
                stack += ast.iter_child_nodes(inner)
        node.is_generator = known
    return known


def _catches(handler: ast.ExceptHandler, exception: str) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {getattr(node, "id", getattr(node, "attr", "")) for node in types}
    lookups = exception in ("KeyError", "IndexError") and "LookupError" in names
    return bool(names & {exception, "Exception", "BaseException"}) or lookups
