"""A network of PyTorch as the layers of a spec: its forward is read for the images it may take."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.paste.budget import Budget
from digitlab.models.paste.comparisons import Places
from digitlab.models.paste.native import Unknown
from digitlab.models.paste.objects import Instance
from digitlab.models.paste.tensor import Tensor
from digitlab.models.paste.torch_functions import Extremes
from digitlab.models.paste.torch_modules import (
    Container,
    LayerModule,
    SequenceModule,
    init_of,
    walk,
)
from digitlab.models.paste.trace import Trace, live, simplified, to_layers

Image = tuple[int, int, int]

# Images that networks are written for, tried in turn where the text names no size.
_LIKELY: tuple[Image, ...] = (
    *((1, 28, 28), (3, 32, 32), (1, 32, 32), (3, 28, 28), (3, 64, 64), (1, 64, 64), (1, 8, 8)),
    *((1, 16, 16), (3, 224, 224), (1, 224, 224), (3, 227, 227), (3, 96, 96), (1, 14, 14)),
)
# How a text hands its images to the network, and what a note says of it.
_LAYOUTS = {
    "image": "",
    "flat": "The images are flattened before the network, as the text's own loop does.",
    "rows": "The images reach the network as rows, one step of a sequence each.",
    "steps": "The images reach the network as rows, one step of a sequence each.",
    "signal": "The images reach the network as one long row of pixels.",
}
_TRIAL_STEPS = 60_000  # of one trial; a network of 500 layers takes some 15,000
_ALL_STEPS = 120_000  # of all trials together


@dataclass(frozen=True)
class Network:
    """The layers of a network with their lines, the image that they take, and the init."""

    layers: tuple[tuple[Layer, int | None], ...]
    input: Image
    init: str = "default"


def read_network(network: Any, run: Any, body: list[ast.stmt]) -> Network:
    """The network for the first of the likely images that passes through it.

    Raises the SpecError of the trial that came furthest.
    """
    if isinstance(network, Container) and not network.children:
        raise SpecError(
            f"Line {network.line} makes a Sequential that has no layers; add at least one.",
            line=network.line,
        )
    left = _ALL_STEPS
    failure: SpecError | None = None
    reached = -1
    notes = list(run.notes)
    trials = list(_trials(network, run, body))
    for at, (layout, image) in enumerate(trials):
        if left <= 0:
            break
        run.notes[:] = notes
        run.budget = Budget(min(left, _TRIAL_STEPS))
        trace = Trace(image, budget=run.budget)
        try:
            layers = _traced(network, run, trace, layout)
        except (SpecError, RecursionError) as error:
            problem = error if isinstance(error, SpecError) else SpecError(
                f"Line {run.line} calls itself too often.", line=run.line
            )  # fmt: skip
            run.calls = 0
            left -= min(left, _TRIAL_STEPS) - max(run.budget.steps, 0)
            came = len(trace.steps) - (layout != "image")
            if came > reached:
                reached, failure = came, problem
            apart = [layer.take_apart() for layer in trace.weights]
            if any(apart):
                trials.insert(at + 1, (layout, image))
            continue
        if _LAYOUTS[layout]:
            run.note(_LAYOUTS[layout])
        return Network(tuple(layers), image, init_of(run.inits))
    assert failure is not None
    raise failure


def _traced(network: Any, run: Any, trace: Trace, layout: str) -> list[tuple[Layer, int]]:
    """The layers for images of the trace's shape, handed over by `layout`."""
    run.trace = trace
    try:
        with run.strictly():
            value = run.call(network, [_handed(trace, layout)], {})
    finally:
        run.trace = None
    output = _output(value, run, math.prod(trace.input.shape))
    output.step.check()
    line = output.step.line
    if not output.plain or not output.step.shape:
        raise SpecError(
            f"Line {line} gives a result whose first dimension is not the batch. Let forward "
            f"return one row for each image, of the form [batch, classes].",
            line=line,
        )
    if output.trace is not trace:
        raise SpecError(f"Line {line} gives what does not depend on the image.", line=line)
    steps = simplified(live(trace.steps, output.step), output.step)
    if not any(trace.input in step.sources for step in steps) and steps:
        raise SpecError(f"Line {line} gives what does not depend on the image.", line=line)
    names = {id(module): name for name, module in walk(network) if name}
    layers = to_layers(steps, trace.input, names)
    return layers or [(Layer("Identity"), getattr(network, "line", 1))]


def _handed(trace: Trace, layout: str) -> Tensor:
    channels, height, width = trace.input.shape
    start = Tensor(trace, trace.input)
    if layout == "image":
        return start
    if layout == "flat":
        return start.seen(trace.add("Flatten", {}, (trace.input,), 1))
    pixels = channels * height * width
    shape = (1, pixels) if layout == "signal" else (height, width * channels)
    step = trace.add("Reshape", {"shape": shape}, (trace.input,), 1)
    return Tensor(trace, step, axis=1 if layout == "steps" else 0)


def _output(value: Any, run: Any, pixels: int) -> Tensor:
    """The tensor that a forward gives; of several, the scores of ten classes or the first."""
    while isinstance(value, list | tuple | dict) and value:
        values = list(value.values()) if isinstance(value, dict) else list(value)
        if len(values) == 2 and isinstance(value, Extremes) and isinstance(values[1], Places):
            value = values[1]
            break
        picked = _picked(values, pixels)
        if len(values) > 1:
            run.note(f"The network gives {len(values)} values; number {picked + 1} is read.")
        value = values[picked]
    if isinstance(value, Places):
        value = value.scores(run)
    if isinstance(value, Unknown):
        value.refuse()
    if not isinstance(value, Tensor):
        run.refuse("returns nothing that a network computes; forward must return a tensor")
    if value.step.batched and value.axis == 0 and value.front == (1,):
        return value.seen(value.reshaped(value.rest or (1,), run), lead=0)
    return value


def _picked(values: list[Any], pixels: int) -> int:
    """Which of several values is read: the first, unless it is no image and another one has the
    scores of ten classes."""
    shapes = [value.step.shape if isinstance(value, Tensor) else () for value in values]
    first = math.prod(shapes[0])
    tens = [at for at, shape in enumerate(shapes) if shape == (10,)]
    return tens[0] if len(tens) == 1 and first != pixels else 0


def _trials(network: Any, run: Any, body: list[ast.stmt]) -> Iterator[tuple[str, Image]]:
    images = list(dict.fromkeys([*_named(run, body), *_LIKELY, *_squares(network)]))
    channels = _first_channels(network)
    if channels:
        grey = [image for image in images if image[0] == 1]
        others = [image for image in grey[:2] if channels != 1]  # a later layer may have them
        images = [image for image in images if image[0] == channels] or [
            (channels, side, side) for side in (28, 32, 64, 8, 16, 224)
        ]  # fmt: skip
        images = list(dict.fromkeys([*(grey if _repeats(body) else ()), *images, *others]))
    recurrent = any(isinstance(module, SequenceModule) for _, module in walk(network))
    squares = _squares(network)
    for image in images:
        for layout in _LAYOUTS:
            if layout == "steps" and not recurrent:
                continue
            if layout == "rows" and [math.prod(square) for square in squares] == [image[2]]:
                yield "image", squares[0]  # likelier than one whose rows are as long
            if layout in ("rows", "steps", "signal") and image[0] != 1:
                continue
            yield layout, image


def _repeats(body: list[ast.stmt]) -> bool:
    """Whether the text repeats a tensor, as a grey image is for a network of coloured ones."""
    words = {"expand", "repeat", "tile", "cat", "concat", "stack", "repeat_interleave"}
    nodes = (inner for node in body for inner in ast.walk(node))
    return any(isinstance(inner, ast.Call) and _called(inner) in words for inner in nodes)


def _first_channels(network: Any) -> int | None:
    """The channels of the first convolution, where the network has one of images."""
    for _, module in walk(network):
        if isinstance(module, LayerModule) and module.type in ("Conv2d", "Linear", "LSTM", "GRU"):
            known = module.type == "Conv2d" and type(module.args.get("in_channels")) is int
            channels = module.args["in_channels"] if known else None
            return channels if channels and channels <= 16 else None
    return None


def _squares(network: Any) -> list[Image]:
    """Images of as many pixels as the first Linear takes."""
    for _, module in walk(network):
        if isinstance(module, LayerModule) and module.type == "Linear":
            features = module.args.get("in_features")
            if type(features) is not int or not 0 < features < 2**20:
                return []
            for colours in (1, 3):
                side = math.isqrt(features // colours)
                if side >= 4 and side * side * colours == features:
                    return [(colours, side, side)]
            return []
        if isinstance(module, LayerModule) and module.type.startswith("Conv"):
            return []
    return []


def _named(run: Any, body: list[ast.stmt]) -> list[Image]:
    """Images that the text names: an example that it passes through, `Resize((32, 32))`."""
    images = []
    for dims in run.examples:
        sizes = [size for size in dims if type(size) is int]
        if len(dims) == len(sizes) in (3, 4) and all(0 < size <= 1024 for size in sizes[-3:]):
            images.append((sizes[-3], sizes[-2], sizes[-1]))
    sides = []
    for node in body:
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and _called(call) == "Resize" and call.args:
                sides += _sides(call.args[0])
    for side in sides:
        images += [(1, *side), (3, *side)]
    return [image for image in images if image[0] <= 16]


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _sides(node: ast.expr) -> list[tuple[int, int]]:
    items = node.elts if isinstance(node, ast.Tuple | ast.List) else [node, node]
    values = [item.value for item in items if isinstance(item, ast.Constant)]
    whole = len(values) == 2 and all(type(v) is int and 4 <= v <= 512 for v in values)
    return [(values[0], values[1])] if whole else []


def network_name(network: Any) -> str:
    """What a network's class is called in the text; "" of a Sequential."""
    return network.cls.name if isinstance(network, Instance) else ""
