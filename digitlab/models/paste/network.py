"""The network of a pasted text: its layers, the image that they take, what was passed over."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.paste import (
    einops,
    printed,
    standard,
    torch_library,
    torch_reading,
    torchvision_library,
)
from digitlab.models.paste.budget import LimitError
from digitlab.models.paste.candidates import Candidate, NetworkListener, candidates
from digitlab.models.paste.interpreter import GROWS, Interpreter
from digitlab.models.paste.keras.library import keras_modules, keras_names
from digitlab.models.paste.keras.model import KerasModel
from digitlab.models.paste.keras.network import is_model
from digitlab.models.paste.keras.network import read_network as read_keras
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Unknown
from digitlab.models.paste.notebook import as_class, code_of, read_text
from digitlab.models.paste.objects import Instance, UserClass
from digitlab.models.paste.recipe import notes_on, read_losses, read_recipe
from digitlab.models.paste.source import check_size
from digitlab.models.paste.torch_modules import walk
from digitlab.models.place import place_torch
from digitlab.models.placement import Assembly, Placement

NAME = "Pasted model"
_TRIED = 4  # networks of one text, the last one first, until one can be read
# What texts usually call their network.
_MODEL_NAMES = ("model", "net", "network", "cnn", "classifier", "autoencoder", "discriminator")


@dataclass(frozen=True)
class PastedNetwork:
    """What was read: the parts of a CodeReading. `yaml` is the spec of a file that digitlab wrote,
    and then all there is."""

    name: str = NAME
    layers: tuple[tuple[Layer, int | None], ...] = ()
    input: tuple[int, int, int] = (1, 28, 28)
    init: str = "default"
    notes: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    model: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    yaml: str = ""


def read_pasted_network(text: str, model: str | None = None) -> PastedNetwork:
    """The network in a text. Raises SpecError, with the line, where there is none to be read."""
    text = code_of(text)
    check_size(text)
    if printed.is_summary(text):
        raise SpecError(
            "This is what model.summary() writes, which leaves out kernel sizes and activations. "
            "Paste the code that makes the model, or the output of print(model) in PyTorch.",
            line=1,
        )
    if printed.is_printed(text):
        return _read_print(text)
    tree, dropped, problem = read_text(text)
    body = as_class(tree.body)
    exported = _exported(body)
    if exported is not None:
        return PastedNetwork(yaml=exported)
    try:
        return _read_body(text, body, dropped, model, problem)
    except RecursionError as error:
        raise SpecError("The text nests or calls itself too deep to be read.") from error


def _exported(body: list[ast.stmt]) -> str | None:
    """The architecture that a file of digitlab's own carries along as text."""
    for node in body:
        named = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "")
        if named == "ARCHITECTURE" and isinstance(node.value, ast.Constant):
            return str(node.value.value)
    return None


class _Session:
    """The interpreter of one text with all libraries, and what they write down."""

    def __init__(self, text: str) -> None:
        self.keras = Trace()
        keras = keras_modules(self.keras)
        rooms = (standard, torch_library, torchvision_library, einops)
        modules = {name: module for room in rooms for name, module in room.MODULES.items()}
        names = {**torchvision_library.NAMES, **einops.NAMES}
        for more in _in_order(text, torch_library.NAMES, keras_names(self.keras, keras)):
            names.update(more)
        names |= standard.NAMES
        self.run = run = Interpreter({**modules, **keras}, names)
        run.base_of_unknown = torch_library.MODULE
        run.whole_model = lambda instance: torchvision_library.as_layer(instance, run)


def _in_order(text: str, torch: Mapping[str, Any], keras: Mapping[str, Any]) -> list[Any]:
    """The names of both libraries, those of the one that the text means last."""
    is_keras = re.search(
        r"\bkeras\b|\btensorflow\b|\btf\.|\bDense\(|\b\w+[123]D\(|"
        r"\bSequential\(\[|\binput_(?:shape|dim)\b",
        text,
    )
    is_torch = re.search(r"\btorch\b|(?<!tf\.)\bnn\.", text)
    return [torch, keras] if is_keras and not is_torch else [keras, torch]


def _is_network(value: Any) -> bool:
    return torch_library.is_network(value) or is_model(value)


def _walk(value: Any) -> Iterable[tuple[str, Any]]:
    """All modules in a network by name; a Keras model as one."""
    return [("", value)] if is_model(value) else walk(value)


def _read_body(
    text: str,
    body: list[ast.stmt],
    dropped: set[int],
    model: str | None,
    problem: SpecError | None,
) -> PastedNetwork:
    session = _Session(text)
    run, listener = session.run, NetworkListener(_is_network)
    run.listeners.append(listener.hear)
    fragment = _fragment(body, run)
    run.run(body)
    if fragment is not None:
        _offer(fragment, listener)
    if not listener.networks:
        _offer_first_of_lists(run, listener)
    choices = candidates(run, body, listener, _walk)
    if not choices:
        raise problem or _no_network(run, body)
    if listener.networks:
        choices = sorted(choices, key=lambda choice: _takes_images(choice.network))
    session.keras.losses = read_losses(body, run.globals.names)
    tried = choices if model is None else _named(choices, model)
    choice, network, read = _read_last(tried, session, body)
    if len(choices) > 1:
        others = ", ".join(dict.fromkeys(c.name for c in choices if c is not choice))
        run.note(f"The text has several networks; {choice.name} is read, not {others}.")
    keras = session.keras.notes if is_model(network) else ()
    notes = [*keras, *run.notes]
    name = network.name if isinstance(network, KerasModel) else torch_reading.network_name(network)
    pasted = PastedNetwork(
        name=NAME if name in ("", "Fragment") else name,
        layers=tuple(read.layers),
        input=read.input,
        init=read.init,
        models=tuple(each.name for each in choices),
        model=choice.name,
    )
    shape = _output_shape(pasted)
    scores = len(shape) == 1 and shape[0] < math.prod(pasted.input)
    recipe = read_recipe(body, run.globals.names, classifier=scores)
    recipe = {**session.keras.recipe, **recipe}
    notes += notes_on(recipe)
    notes += _passed_over(run, body, dropped, "but read for the recipe" if recipe else "")
    return replace(pasted, recipe=recipe, notes=tuple(dict.fromkeys(notes)))


def _read_last(
    choices: Sequence[Candidate], session: _Session, body: list[ast.stmt]
) -> tuple[Candidate, Any, Any]:
    """The last network that can be read, and what is read of it.

    Raises the SpecError of the last one of all where none of the last few can be read.
    """
    run, notes = session.run, list(session.run.notes)
    failure: SpecError | None = None
    for choice in choices[: -_TRIED - 1 : -1]:
        run.notes[:] = notes
        try:
            network = choice.make()
            if choice.guessed:
                guessed = ", ".join(choice.guessed)
                run.note(f"{choice.name} is made with {guessed}, which the text leaves open.")
            for _, inner in _walk(network):
                if id(inner) in run.spoilt:
                    run.spoilt[id(inner)].refuse()
            if is_model(network):
                read = read_keras(network, session.keras, run)
            else:
                read = torch_reading.read_network(network, run, body)
        except SpecError as error:
            failure = failure or error
            if isinstance(error, LimitError):
                break
            continue
        if failure is not None:
            if read.input[0] not in (1, 3):  # a part, and no network of images
                continue
            run.note(f"{choices[-1].name} cannot be read: {failure.message}")
        return choice, network, read
    assert failure is not None
    raise failure


def _read_print(text: str) -> PastedNetwork:
    """A printed model; where sizes ask for it, with a Flatten before its first Linear."""
    session = _Session("torch")
    network, notes = printed.read_printed(text, session.run)
    if not any(True for _ in network.iterate(session.run)):
        raise SpecError("The printed model has no layers; paste at least one.", line=1)
    try:
        read = torch_reading.read_network(network, session.run, [])
    except SpecError:
        if not notes or not printed.flatten_first_linear(network, session.run):
            raise
        read = torch_reading.read_network(network, session.run, [])
        notes = (*notes, printed.FLATTENED)
    notes = [*notes, *session.run.notes]
    pasted = PastedNetwork(
        layers=read.layers, input=read.input, notes=tuple(notes), models=(NAME,), model=NAME
    )
    _output_shape(pasted)
    return pasted


def _fragment(body: list[ast.stmt], run: Interpreter) -> Any:
    """An instance that `self.net = …` outside of all classes belongs to; None without any."""
    at_self = any(
        isinstance(inner, ast.Name) and inner.id == "self"
        for node in body
        if not isinstance(node, ast.ClassDef | ast.FunctionDef)
        for inner in ast.walk(node)
    )
    if not at_self:
        return None
    cls = UserClass("Fragment", [torch_library.MODULE], {}, 1)
    run.globals.names["self"] = instance = Instance(cls, 1)
    return instance


def _offer(fragment: Any, listener: NetworkListener) -> None:
    """The modules that a fragment keeps in self, each as a network of its own."""
    for name, module in fragment.attributes.items():
        listener.hear(name, module, getattr(module, "line", 1))


def _takes_images(network: Any) -> bool:
    """Whether what reaches a network may be an image: a generator's code of 100 numbers is none."""
    known = network.known_input() if isinstance(network, KerasModel) else None
    shape = getattr(known, "shape", known)
    size = shape[0] if isinstance(shape, tuple) and len(shape) == 1 else None
    return not isinstance(size, int) or size == 64 or size >= 256


def _offer_first_of_lists(run: Interpreter, listener: NetworkListener) -> None:
    """The first network of each list of them: `model = [0] * nets`, each made in a loop."""
    for name, value in run.globals.names.items():
        items = value if isinstance(value, list | tuple) else ()
        network = next((item for item in items if _is_network(item)), None)
        if network is not None:
            listener.hear(name, network, getattr(network, "line", None) or 1)


def _named(choices: Sequence[Candidate], model: str) -> list[Candidate]:
    named = [choice for choice in choices if choice.name == model]
    if not named:
        names = ", ".join(dict.fromkeys(choice.name for choice in choices))
        raise SpecError(f"The text has no network {model!r}; it has {names}.", line=1)
    return named


def _no_network(run: Interpreter, body: list[ast.stmt]) -> SpecError:
    """What to say of a text in which no network was found."""
    advice = (
        "paste a class with its forward, an nn.Sequential or a Keras model, with the line that "
        "makes it"
    )
    why = _why(run)
    if why is None:
        line = body[0].lineno if body else 1
        return SpecError(f"There is no network in the text; {advice}.", line=line)
    line, reason = why
    return SpecError(f"Line {line} {reason}. No network was found; {advice}.", line=line)


def _why(run: Interpreter) -> tuple[int, str] | None:
    """The line and reason for which a text's network is not known, as far as can be told."""
    for name in _MODEL_NAMES:
        value = run.globals.names.get(name)
        if isinstance(value, Unknown):
            return value.line, value.reason
    return next(((line, reason) for _, line, reason in run.passed_over), None)


def _passed_over(
    run: Interpreter, body: list[ast.stmt], dropped: set[int], use: str = ""
) -> list[str]:
    """A note of the lines that are not the model (data, training, plots), and of what they gave."""
    skipped = {statement for statement, _, _ in run.passed_over}
    lines: list[tuple[int, int]] = []
    for node in body:
        plain = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        assigned = isinstance(node, ast.Assign | ast.AnnAssign) and not any(
            isinstance(run.globals.find(inner.id), Unknown)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
        )
        known = isinstance(
            node, ast.ClassDef | ast.FunctionDef | ast.Import | ast.ImportFrom | ast.Pass
        )
        known = known or assigned or _grows(node) or _makes_network(run, node)
        if plain or (known and node.lineno not in skipped):
            continue
        end = node.end_lineno or node.lineno
        if lines and node.lineno - lines[-1][1] <= 2:
            lines[-1] = (lines[-1][0], end)
        else:
            lines.append((node.lineno, end))
    notes = []
    if lines:
        where = ", ".join(filter(None, ["Passed over as no part of the network", use]))
        notes.append(f"{where}: {_numbered(lines)}.")
    if dropped:
        runs: list[tuple[int, int]] = []
        for number in sorted(dropped):
            start = runs.pop()[0] if runs and runs[-1][1] == number - 1 else number
            runs.append((start, number))
        notes.append(f"Passed over as no Python: {_numbered(runs)}.")
    return notes


def _makes_network(run: Interpreter, node: ast.stmt) -> bool:
    """Whether a statement has a network made inside it: `with strategy.scope(): model = …`."""
    return any(
        isinstance(inner, ast.Name)
        and isinstance(inner.ctx, ast.Store)
        and _is_network(run.globals.names.get(inner.id))
        for inner in ast.walk(node)
    )


def _numbered(runs: list[tuple[int, int]]) -> str:
    """Runs of lines in words: "lines 3, 5-8"."""
    words = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs[:8])
    more = " and others" if len(runs) > 8 else ""
    plural = "s" if len(runs) > 1 or runs[0][0] != runs[0][1] else ""
    return f"line{plural} {words}{more}"


def _grows(node: ast.stmt) -> bool:
    """Whether a statement, or one inside it, adds layers to a network: `model.add(…)`."""
    if isinstance(node, ast.For | ast.If | ast.With):
        inner = [*node.body, *getattr(node, "orelse", [])]
        return any(_grows(each) for each in inner)
    call = node.value if isinstance(node, ast.Expr) else None
    function = call.func if isinstance(call, ast.Call) else None
    return isinstance(function, ast.Attribute) and function.attr in (*GROWS, "build")


def _output_shape(pasted: PastedNetwork) -> tuple[int, ...]:
    """What the layers give. The SpecError of one that cannot be built has its line."""
    layers = [layer for layer, _ in pasted.layers]
    try:
        return Placement(Assembly("meta", place_torch)).chain(layers, pasted.input).output_shape
    except SpecError as error:
        raise _with_line(error, pasted.layers) from error


def _with_line(error: SpecError, layers: Sequence[tuple[Layer, int | None]]) -> SpecError:
    """A SpecError about a layer as one about the layer's line in the text."""
    index = error.path[0] if error.path and isinstance(error.path[0], int) else 0
    error.line = layers[index][1] if index < len(layers) else None
    return error
