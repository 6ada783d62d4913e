"""The form of the chosen layer: one field for each argument, made from the layer's signature."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.classical.catalog import PREFIX as CLASSICAL
from digitlab.models.layer import NESTED, Path
from digitlab.models.text import read_yaml
from digitlab.ui import cached
from digitlab.ui.architecture import connections, state
from digitlab.ui.architecture.text import shape_text
from digitlab.ui.markdown import plain
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.models.arguments import Argument
    from digitlab.models.layer import Layer
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec

_HIDDEN = (*NESTED, "inplace")  # edited in the list; without effect here
_INVALID = "architecture:invalid"  # fields whose text is no value, with that text


def edit_layer(spec: ModelSpec, path: Path, row: Row | None) -> None:
    """The form of the layer at `path`; a field takes effect as soon as it is left."""
    layer = edit.layer_at(spec, path)
    signature = cached.find_signature(layer.type)
    st.markdown(
        f"**{plain(layer.type)}**" + (f": {_first_sentence(signature.about)}" if signature else "")
    )
    if row is not None:
        st.caption(_facts(row))
    if signature is None:
        st.caption("There is no form for this layer; its arguments are shown as written.")
    arguments = {argument.name: argument for argument in signature.arguments} if signature else {}
    names = [name for name in dict.fromkeys([*arguments, *layer.args]) if name not in _HIDDEN]
    columns: list[Any] = []
    for name in names:
        columns = columns or st.columns(2)  # in rows: a phone shows them in this order too
        with columns.pop(0):
            _field(path, layer, name, arguments.get(name))
    connections.edit_connections(spec, path)


def _first_sentence(about: str) -> str:
    """The first sentence of a description, without the marks of reStructuredText."""
    sentence = about.replace(":math:", "").replace("`", "").split(". ")[0].strip().rstrip(".")
    return f"{plain(sentence)}."


def _facts(row: Row) -> str:
    """The layer's shapes and cost on one line."""
    facts = [f"{shape_text(row.input_shape)} → {shape_text(row.output_shape)}"]
    if row.label.startswith(CLASSICAL):
        return plain(f"{facts[0]} · its size depends on the training data")
    facts.append(f"{row.parameters:,} parameters")
    facts.append(f"{row.operations:,} multiply-adds")
    facts.append(f"{size(row.activation_bytes)} of activations per image")
    if row.receptive_field:
        facts.append(f"receptive field {shape_text(row.receptive_field)}")
    return plain(" · ".join(facts))


# ---- one field ---------------------------------------------------------------------------------


def _field(path: Path, layer: Layer, name: str, argument: Argument | None) -> None:
    """The widget of an argument, set to its value in the spec."""
    key = "architecture-field:" + ".".join(map(str, (state.revision(), *path, layer.type, name)))
    value = layer.args.get(name)
    common: dict[str, Any] = {"key": key, "help": _help(argument)}
    placeholder = _placeholder(argument)
    label = name.replace("_", " ")

    def store(read: Callable[[Any], Any] = lambda raw: raw) -> None:
        _store(path, name, argument, key, read)

    kind = _kind(argument)
    if kind == "choice":
        choices = {str(choice): choice for choice in argument.choices}
        st.session_state[key] = str(argument.default if value is None else value)
        options = list(dict.fromkeys([*choices, st.session_state[key]]))
        read = (lambda text: choices.get(text, text),)
        st.selectbox(label, options, on_change=store, args=read, **common)
    elif kind == "switch" and isinstance(value, bool | None):
        st.session_state[key] = bool(argument.default if value is None else value)
        st.toggle(label, on_change=store, **common)
    elif kind == "count" and (value is None or type(value) is int):
        st.session_state[key] = argument.default if value is None else value
        low = -(2**20) if argument.least is None else min(argument.least, value or 0)
        st.number_input(
            label, min_value=low, step=1, on_change=store, placeholder=placeholder, **common
        )
    else:
        _text_field(label, value, store, {**common, "placeholder": placeholder})


def _text_field(label: str, value: Any, store: Callable[..., None], common: dict[str, Any]) -> None:
    """A field for a number, a list or a word, written as in YAML."""
    key = common["key"]
    invalid = st.session_state.get(_INVALID, {}).get(key)
    st.session_state[key] = _written(value) if invalid is None else invalid
    st.text_input(label, on_change=store, args=(_read,), **common)
    if invalid is not None:
        st.caption(":red[This is neither a number nor a list such as 3, 5.]")


def _kind(argument: Argument | None) -> str:
    if argument is None:
        return "text"
    if argument.choices:
        return "choice"
    if argument.annotation is bool:
        return "switch"
    inner = set(typing.get_args(argument.annotation))
    return "count" if argument.annotation is int or inner == {int, types.NoneType} else "text"


def _help(argument: Argument | None) -> str:
    if argument is None:
        return "This layer has no such argument. Clear the field to remove it."
    default = "" if argument.default is None else f" Default: {_written(argument.default)}."
    accepts = f" Takes {argument.accepts}."
    accepts = "" if argument.about.endswith(accepts[1:]) else accepts
    return plain(argument.about + accepts + default)


def _placeholder(argument: Argument | None) -> str:
    """What an empty field means."""
    if argument is None:
        return ""
    if argument.inferred:
        return "inferred"
    return "required" if argument.required else _written(argument.default) or "not set"


def _store(
    path: Path, name: str, argument: Argument | None, key: str, read: Callable[[Any], Any]
) -> None:
    """Write a field's value into the spec; a value that equals the default is left out."""
    invalid = st.session_state.setdefault(_INVALID, {})
    invalid.pop(key, None)
    raw = st.session_state[key]
    try:
        value = read(raw)
        spec = state.current()
        layer = edit.layer_at(spec, path)
        args = layer.plain_args
        default = argument.default if argument and not argument.required else None
        if value is None or (value == default and type(value) is type(default)):
            args.pop(name, None)
        else:
            args[name] = value
        state.commit(edit.set_arguments(spec, path, args))
    except SpecError:
        invalid[key] = raw


def _read(text: str) -> Any:
    """The value of a text in YAML; `3, 5` is a list, no text is None. Raises SpecError."""
    text = (text or "").strip()
    if not text:
        return None
    if "," in text and not text.startswith("["):
        text = f"[{text.strip('()')}]"
    return read_yaml(f"value: {text}")["value"]


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return ", ".join(map(_written, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
