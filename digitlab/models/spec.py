"""`ModelSpec`: an architecture as data, in PyTorch's own words.

    name: Small
    input: [1, 28, 28]
    layers:
      - Conv2d: {out_channels: 8, kernel_size: 3, padding: 1}
      - ReLU
      - Residual: {layers: [{Conv2d: {out_channels: 8, kernel_size: 3, padding: 1}}, ReLU]}
      - Flatten
      - Linear: {out_features: 10}

A spec holds no weights and no code and does not know what torch offers: whether its layers exist
and fit together is found by `digitlab.models.build`. This module does not import torch.
"""

from __future__ import annotations

import hashlib
import json
import math
import pathlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, model_serializer

from digitlab.errors import SpecError
from digitlab.models.graph import image_size, image_sizes, is_graph, output_sizes, without_names
from digitlab.models.layer import (
    INPUT_SIZES,
    Layer,
    Path,
    check_text,
    path_words,
    put,
    read_layers,
    shown,
    under,
)
from digitlab.models.text import (
    MAX_TEXT,
    check_plain,
    line_of,
    read_json,
    read_yaml,
    write_json,
    write_yaml,
)

__all__ = ["Layer", "ModelSpec", "line_of"]

MAX_LAYERS = 1_000  # written in one spec, nested ones included
MAX_SIDE = 1_024  # channels, height and width of the input
MAX_PIXELS = 2**22  # channels × height × width of the input
MAX_BYTES = 100_000  # of a spec as JSON
MAX_NAME = 100  # characters
INITS = ("default", "kaiming", "xavier", "orthogonal", "normal")


def _read_name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.strip()) > MAX_NAME:
        raise SpecError(
            f"name must be 1 to {MAX_NAME} characters; not {shown(value)}.", path=("name",)
        )
    with under("name"):
        return check_text(value.strip())


def _read_input(value: Any) -> tuple[int, int, int]:
    sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(sides) != 3 or not all(type(n) is int and 1 <= n <= MAX_SIDE for n in sides):
        raise SpecError(
            f"input must be [channels, height, width], each a whole number from 1 to {MAX_SIDE}, "
            f"such as [1, 28, 28]; not {shown(value)}.",
            path=("input",),
        )
    if math.prod(sides) > MAX_PIXELS:
        raise SpecError(
            f"input has {math.prod(sides):,} values; at most {MAX_PIXELS:,} are allowed.",
            path=("input",),
        )
    return sides


def _read_init(value: Any) -> str:
    if value not in INITS:
        choices = ", ".join(INITS)
        raise SpecError(f"init must be one of {choices}; not {shown(value)}.", path=("init",))
    return value


def _placed_layers(value: Any) -> tuple[Layer, ...]:
    try:
        return read_layers(value)
    except SpecError as error:
        place = ", ".join(path_words(error.path or ()))
        message = f"{place[0].upper()}{place[1:]}: {error.message}" if place else error.message
        path = error.path or ("layers",)
        layer = f"layer {path[0] + 1}" if isinstance(path[0], int) else None
        raise SpecError(message, layer=layer, path=path) from error


class ModelSpec(BaseModel):
    """An architecture: `name`, `input` (channels, height, width of one image), `layers`, and
    `init`, how first weights are drawn (one of `INITS`; see `digitlab.models.initialise`).

    Frozen: edits return copies. `layers` may be given as Layers or in their YAML form. Raises
    SpecError for anything that is not an architecture, with the path of the fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, PlainValidator(_read_name)]
    input: Annotated[tuple[int, int, int], PlainValidator(_read_input)] = (1, 28, 28)
    init: Annotated[str, PlainValidator(_read_init)] = "default"
    layers: Annotated[tuple[Layer, ...], PlainValidator(_placed_layers)]

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise _spec_error(error) from error
        data = check_plain(self.to_dict())
        count = sum(layer.count for layer in self.layers)
        if count > MAX_LAYERS or len(_canonical(data).encode()) > MAX_BYTES:
            raise SpecError(
                f"The architecture has {count:,} layers in {len(_canonical(data)):,} characters; "
                f"at most {MAX_LAYERS:,} layers in {MAX_BYTES:,} fit. Use Repeat to say it shorter."
            )

    # ---- from and to data and text

    @classmethod
    def from_dict(cls, data: Any) -> ModelSpec:
        """The spec in plain data, as `to_dict` gives it. Raises SpecError."""
        if not isinstance(data, Mapping):
            raise SpecError(f"An architecture has name, input and layers; not {shown(data)}.")
        return cls(**{str(key): value for key, value in data.items()})

    @classmethod
    def from_yaml(cls, text: str) -> ModelSpec:
        """The spec in a YAML text. Raises SpecError with the line of the fault."""
        with lines_of(text):
            return cls.from_dict(read_yaml(text))

    @classmethod
    def from_json(cls, text: str) -> ModelSpec:
        """The spec in a JSON text. Raises SpecError with the line of the fault."""
        with lines_of(text):
            return cls.from_dict(read_json(text))

    @classmethod
    def from_code(cls, text: str, *, model: str | None = None) -> ModelSpec:
        """The spec in PyTorch or Keras code, which is read and never executed.

        Of several networks `model` names the one to read. Warns of each choice that the text leaves
        open and where the network differs from it; `digitlab.models.paste.read_code` gives these as
        notes, with what was passed over. Raises SpecError with the line of what cannot be read.
        """
        from digitlab.models.paste.network import read_pasted_network

        pasted = read_pasted_network(text, model)
        for note in pasted.notes:
            if not note.startswith("Passed over"):
                warnings.warn(note, stacklevel=2)
        if pasted.yaml:
            return cls.from_yaml(pasted.yaml)
        layers = [layer for layer, _ in pasted.layers]
        return cls(name=pasted.name, input=pasted.input, init=pasted.init, layers=layers)

    @classmethod
    def from_file(cls, path: str | pathlib.Path) -> ModelSpec:
        """The spec in a .yaml, .yml or .json file. Raises SpecError, also for a missing file."""
        text = read_file(path)
        return cls.from_json(text) if str(path).lower().endswith(".json") else cls.from_yaml(text)

    @classmethod
    def from_module(cls, module: Any, input: Sequence[int] = (1, 28, 28)) -> ModelSpec:
        """The architecture of your own nn.Module for images of `input` (channels, height, width).

        The module is run, on a copy. Its attributes' names become the layers', so that
        `module.state_dict()` loads into the network that `build` makes. Raises SpecError that names
        an operation which is no layer.
        """
        from digitlab.models.modules.read import read_module

        reading = read_module(module, input)
        return cls(name=reading.name, input=input, layers=reading.layers)

    @model_serializer
    def to_dict(self) -> dict[str, Any]:
        """Plain data: text, numbers, lists and dicts only."""
        layers = [layer.to_data() for layer in self.layers]
        head: dict[str, Any] = {"name": self.name, "input": list(self.input)}
        if self.init != "default":
            head["init"] = self.init
        return {**head, "layers": layers}

    def to_yaml(self) -> str:
        """YAML, one line a layer; `from_yaml` gives back an equal spec."""
        return write_yaml(self.to_dict())

    def to_json(self) -> str:
        """Indented JSON; `from_json` gives back an equal spec."""
        return write_json(self.to_dict())

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of input, init and layers; names do not count."""
        data = {key: value for key, value in self.to_dict().items() if key != "name"}
        data["layers"] = without_names(self.layers)
        return hashlib.sha256(_canonical(data).encode()).hexdigest()

    def walk(self) -> Iterator[tuple[Path, Layer]]:
        """(path, layer) of every layer at any depth, a block before the layers inside it."""
        for index, layer in enumerate(self.layers):
            yield from layer.walk((index,))

    # ---- edits

    def renamed(self, name: str) -> ModelSpec:
        """A copy with another name."""
        return self._changed(name=name)

    def with_layers(self, layers: Sequence[Any]) -> ModelSpec:
        """A copy with other layers (Layers or their YAML form)."""
        return self._changed(layers=layers)

    def with_init(self, init: str) -> ModelSpec:
        """A copy whose first weights are drawn otherwise."""
        return self._changed(init=init)

    def with_input(self, shape: Sequence[int]) -> ModelSpec:
        """A copy for other images; sizes that followed from the old input are inferred anew."""
        layers = self.layers
        if tuple(shape) != self.input:
            layers = [layer.map(lambda inner: inner.without_args(*INPUT_SIZES)) for layer in layers]
        return self._changed(input=shape, layers=layers)

    def _changed(self, **fields: Any) -> ModelSpec:
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return ModelSpec(**{**values, **fields})

    @property
    def gives_image(self) -> bool:
        """Whether its output is an image like its input, as far as the last layers say it."""
        try:
            return bool(image_sizes(self.layers, self.input))
        except SpecError:  # a name that is wrong is told where it is built
            return False

    def for_data(self, input_shape: Sequence[int], classes: int) -> ModelSpec:
        """A copy for a dataset's images (C, H, W) and number of classes.

        The last Linear gives `classes` values; where there is no Linear, the last convolution.
        In a graph it is the layer that leads to the output, or those whose join is the output.
        Where the output is an image like the input, it is one of the dataset's size.
        """
        spec = self.with_input(input_shape)
        if self.gives_image:
            layers: Any = spec.layers
            for index, name in image_sizes(self.layers, self.input):
                layers = put(layers, (index, name), image_size(name, input_shape))
            return spec.with_layers(layers)
        if is_graph(spec.layers):
            return spec._with_classes(classes)
        if spec.layers and "/" in spec.layers[-1].type:
            return spec.with_layers(
                [*spec.layers[:-1], spec.layers[-1].with_args(num_classes=classes)]
            )
        for kind, size in (("Linear", "out_features"), ("Conv", "out_channels")):
            paths = [path for path, layer in spec.walk() if layer.type.startswith(kind)]
            # what a branch gives is joined with what the others give: it is not the network's end
            paths = [path for path in paths if "branches" not in path]
            if paths:
                return spec.with_layers(put(spec.layers, (*paths[-1], size), classes))
        return spec

    def _with_classes(self, classes: int) -> ModelSpec:
        layers: Any = self.layers
        with suppress(SpecError):  # a name that is wrong is told where it is built
            for path, name in output_sizes(layers):
                layers = put(layers, (*path, name), classes)
        return self.with_layers(layers)


# ---- reading the pieces ------------------------------------------------------------------------


def read_file(path: str | pathlib.Path) -> str:
    """The text of a spec's file, at most `MAX_TEXT` bytes of UTF-8. Raises SpecError."""
    try:
        with pathlib.Path(path).open("rb") as file:
            raw = file.read(MAX_TEXT + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(
            f"There is no file {path}; give the path of a .yaml, .json or .py."
        ) from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not text in UTF-8; save it as UTF-8.") from error
    except (OSError, ValueError) as error:
        raise SpecError(f"{path} cannot be read: {error}.") from error
    if len(raw) > MAX_TEXT:
        raise SpecError(f"{path} is larger than the {MAX_TEXT:,} bytes that are read.")
    return text


@contextmanager
def lines_of(text: str) -> Iterator[None]:
    """Give a SpecError raised within the line of `text` that its path points at."""
    try:
        yield
    except SpecError as error:
        if error.line is None and isinstance(text, str):
            error.line = line_of(text, error.path or ()) or 1
        raise


def _canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _spec_error(error: ValidationError) -> SpecError:
    # a misspelt field is both unknown and missing: the first says more
    fault = min(error.errors(), key=lambda fault: fault["type"] == "missing")
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "missing":
        message = f"The architecture has no {name}; it needs name and layers, and may have input."
        return SpecError(message, path=())
    return SpecError(
        f"{shown(name)} is not a part of an architecture; the parts are name, input, layers "
        f"and init, the method that sets the first weights.",
        path=(name,),
    )
