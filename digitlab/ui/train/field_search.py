"""A field's search beside its value: which fields are searched, and what is written for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.models.layer import NESTED
from digitlab.sweeps.space import NEVER_SEARCHED, find_argument, place_in_words
from digitlab.training.config import form_of
from digitlab.ui import cached, url
from digitlab.ui.labels import setting_title
from digitlab.words import in_short

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from digitlab.models.layer import Layer
    from digitlab.models.spec import ModelSpec

_PARAM = "fields"
_DEFAULT = ["learning_rate"]
_LAYERS = "searched-arguments"  # in the session
_HELP = (
    "A list, such as 0.1, 0.01, or a range: 0.001 to 0.1, in steps as 0 to 20 step 5, or drawn "
    "on a logarithmic scale as 0.001 to 0.1 log."
)


class FieldSearch:
    """The search space of a form, which grows as its fields are asked for.

    `space` maps the names of dimensions, see `sweeps.space`, to the texts of their values.
    """

    def __init__(self, default: list[str] | None = None) -> None:
        self._default = _DEFAULT if default is None else default
        self.space: dict[str, str] = {}

    @property
    def names(self) -> list[str]:
        """The dimensions that were chosen, in the URL, also such as this form does not have."""
        text = url.get(_PARAM)
        return self._default if text is None else [name for name in text.split(",") if name]

    def is_searched(self, name: str) -> bool:
        """Whether values are searched for this field, so that its own has no effect."""
        return name in self.names and name not in NEVER_SEARCHED

    def ask(self, name: str, field: FieldInfo, value: Any, *, shown: bool) -> None:
        """Draw the box that lets a field be searched, and above it where it is, its values.

        `value` is the field's own. Without `shown` they are only read.
        """
        if self.is_searched(name):
            title = field.title.partition(" (")[0]
            self._ask_values(name, title, _suggest(field, value), shown=shown)
        if shown and name not in NEVER_SEARCHED:
            key = f"search:{name}"
            st.session_state[key] = self.is_searched(name)
            st.checkbox("Search", key=key, on_change=self._toggle, args=(name,))

    def ask_layers(self, spec: ModelSpec) -> None:
        """Draw the arguments of layers that may be searched, and the values of those that are."""
        suggestions = _suggest_for_layers(spec)
        titles = {name: field_title(name, spec) for name in suggestions}
        st.session_state[_LAYERS] = [name for name in self.names if name in suggestions]
        chosen = st.multiselect(
            "Arguments of layers", list(titles), key=_LAYERS, format_func=titles.get,
            on_change=self._store_layers, placeholder="None is searched",
            help="Such as the number of filters of a convolution.",
        )  # fmt: skip
        columns = st.columns(2)
        for index, name in enumerate(chosen):
            with columns[index % 2]:
                title = titles[name][:1].upper() + titles[name][1:]
                self._ask_values(name, title, suggestions[name], shown=True)

    def _ask_values(self, name: str, title: str, suggestion: str, *, shown: bool) -> None:
        param = f"range.{name}"
        self.space[name] = url.text(title, param=param, default=suggestion, help=_HELP, shown=shown)

    def _toggle(self, name: str) -> None:
        names = [each for each in self.names if each != name]
        self._store([*names, name] if len(names) == len(self.names) else names)

    def _store_layers(self) -> None:
        fields = [name for name in self.names if not name.startswith("layers.")]
        self._store(fields + st.session_state[_LAYERS])

    def _store(self, names: list[str]) -> None:
        if names == self._default:
            url.drop(_PARAM)
        else:
            url.put(_PARAM, ",".join(names))


def field_title(name: str, spec: ModelSpec) -> str:
    """A dimension within a sentence: "learning rate", "out_channels of layer 1, Conv2d"."""
    if not name.startswith("layers."):
        return setting_title(name)
    path, argument = find_argument(spec, name)
    layer = dict(spec.walk())[path]
    return f"{argument} of {layer.name or place_in_words(path)}, {layer.type}"


# ---- values to begin with -----------------------------------------------------------------------


def _suggest(field: FieldInfo, value: Any) -> str:
    form = form_of(field)
    if form.options:
        return ", ".join(form.options)
    if isinstance(value, bool) or field.annotation in (bool, bool | None):
        return "false, true"
    if field.annotation in (int, int | None):
        start = int(value or form.start or 5)
        return ", ".join(str(n) for n in dict.fromkeys((max(1, start // 2), start, 2 * start)))
    if value and value < 0.1:
        return f"{value / 10:.3g} to {value * 10:.3g} log"
    step = form.step or 0.1
    return f"0 to {_highest(field, 4 * step):g}"


def _highest(field: FieldInfo, otherwise: float) -> float:
    bounds = [b for b in (getattr(mark, "le", None) for mark in field.metadata) if b is not None]
    return min([otherwise, *bounds])


def _suggest_for_layers(spec: ModelSpec) -> dict[str, str]:
    """Every plain argument of the layers, but for the last size: it is that of the classes."""
    suggestions: dict[str, str] = {}
    for path, layer in spec.walk():
        place = layer.name or ".".join(str(n + 1) if isinstance(n, int) else n for n in path)
        suggestions |= {
            f"layers.{place}.{argument}": values for argument, values in _suggest_for_layer(layer)
        }
    sizes = [name for name in suggestions if name.endswith((".out_features", ".num_classes"))]
    if sizes and not spec.gives_image:
        del suggestions[sizes[-1]]
    return suggestions


def _suggest_for_layer(layer: Layer) -> Iterator[tuple[str, str]]:
    """Its arguments with values around those that it has, first those that the spec states."""
    signature = cached.find_signature(layer.type)
    arguments = {each.name: each for each in signature.arguments} if signature else {}
    stated = [name for name in layer.plain_args if name in arguments]
    for name in dict.fromkeys([*stated, *arguments]):
        argument = arguments[name]
        if name in NESTED or name == "inplace" or (argument.inferred and name not in stated):
            continue
        value = layer.plain_args.get(name, argument.default)
        if argument.choices:
            yield name, ", ".join(map(str, argument.choices))
        elif isinstance(value, bool):
            yield name, "false, true"
        elif type(value) in (int, float):
            yield name, _suggest_around(name, value)


def _suggest_around(argument: str, value: float) -> str:
    if isinstance(value, float):
        around = f"{in_short(value / 10)} to {in_short(value * 10)} log"
        return "0 to 0.5" if argument == "p" or value <= 0 else around
    if argument in ("kernel_size", "stride", "padding", "dilation"):
        return f"{value}, {value + (2 if argument == 'kernel_size' else 1)}"
    return ", ".join(str(n) for n in dict.fromkeys((max(1, value // 2), value, 2 * value)))
