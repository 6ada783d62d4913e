"""The form of the chosen layer: one field for each argument, made from the layer's signature."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.layer import NESTED, Path
from digitlab.models.text import read_yaml
from digitlab.ui.architecture import state
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.models.arguments import Argument
    from digitlab.models.layer import Layer
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec

_HELD = (*NESTED, "inplace")  # edited in the list; without effect here
_UNREADABLE = "architecture:unreadable"  # fields whose text is no value, with what was typed


def edit_layer(spec: ModelSpec, path: Path, row: Row | None) -> None:
    """The form of the layer at `path`; each field is taken over as soon as it is left."""
    from digitlab.models.signatures import find_signature

    layer = edit.layer_at(spec, path)
    signature = find_signature(layer.type)
    st.markdown(f"**{plain(layer.type)}**" + (f": {_first(signature.about)}" if signature else ""))
    if row is not None:
        st.caption(_told(row))
    if signature is None:
        st.caption("There is no form for this layer; its arguments are shown as they are written.")
    known = {one.name: one for one in signature.arguments} if signature else {}
    names = [name for name in known if name not in _HELD]
    names += [name for name in layer.args if name not in known and name not in _HELD]
    columns: list[Any] = []
    for name in names:
        columns = columns or st.columns(2)  # in rows: a phone shows them in this order too
        with columns.pop(0):
            _field(spec, path, layer, name, known.get(name))


def _first(about: str) -> str:
    """The first sentence of a description, without the marks of reStructuredText."""
    words = about.replace(":math:", "").replace("``", "`").split(". ")[0].strip().rstrip(".")
    return f"{plain(words.replace('`', ''))}."


def _told(row: Row) -> str:
    from digitlab.models.classical.catalog import PREFIX as CLASSICAL
    from digitlab.ui.architecture.text import shape_text
    from digitlab.words import size

    words = [f"{shape_text(row.input_shape)} → {shape_text(row.output_shape)}"]
    if row.label.startswith(CLASSICAL):
        return plain(f"{words[0]} · its size depends on the training data")
    words.append(f"{row.parameters:,} parameters")
    words.append(f"{row.operations:,} multiply-adds")
    words.append(f"{size(row.activation_bytes)} of activations an image")
    if row.receptive_field:
        words.append(f"receptive field {shape_text(row.receptive_field)}")
    return plain(" · ".join(words))


# ---- one field ---------------------------------------------------------------------------------


def _field(spec: ModelSpec, path: Path, layer: Layer, name: str, argument: Argument | None) -> None:
    """The widget of one argument, set to what the spec says."""
    key = "architecture-field:" + ".".join(map(str, (state.revision(), *path, layer.type, name)))
    given = layer.args.get(name)
    common: dict[str, Any] = {"key": key, "help": _help(argument)}
    label = name.replace("_", " ")

    def store(read: Callable[[Any], Any] = lambda value: value) -> None:
        _store(path, name, argument, key, read)

    kind = _kind(argument)
    if kind == "choice":
        shown = str(argument.default if given is None else given)
        options = list(dict.fromkeys([*map(str, argument.choices), shown]))
        st.session_state[key] = shown
        words = {str(choice): choice for choice in argument.choices}
        st.selectbox(label, options, on_change=store, args=(lambda v: words.get(v, v),), **common)
    elif kind == "switch" and isinstance(given, bool | None):
        st.session_state[key] = bool(argument.default if given is None else given)
        st.toggle(label, on_change=store, **common)
    elif kind == "count" and (given is None or type(given) is int):
        st.session_state[key] = argument.default if given is None else given
        low = -(2**20) if argument.least is None else min(argument.least, given or 0)
        st.number_input(
            label, min_value=low, step=1, on_change=store, placeholder=_empty(argument), **common
        )
    else:
        _text_field(label, given, argument, store, common)


def _text_field(
    label: str,
    given: Any,
    argument: Argument | None,
    store: Callable[..., None],
    common: dict[str, Any],
) -> None:
    """A field for what may be a number, a list or a word, written as in YAML."""
    key = common["key"]
    typed = st.session_state.get(_UNREADABLE, {}).get(key)
    st.session_state[key] = typed if typed is not None else _written(given)
    st.text_input(label, on_change=store, args=(_read,), placeholder=_empty(argument), **common)
    if typed is not None:
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
        return "This layer has no such argument; empty the field to remove it."
    default = "" if argument.default is None else f" Default: {_written(argument.default)}."
    accepts = f" Takes {argument.accepts}."
    accepts = "" if argument.about.endswith(accepts[1:]) else accepts
    return plain(argument.about + accepts + default)


def _empty(argument: Argument | None) -> str:
    """What an empty field means."""
    if argument is None:
        return ""
    if argument.inferred:
        return "inferred"
    return "needed" if argument.required else _written(argument.default) or "not set"


def _store(
    path: Path, name: str, argument: Argument | None, key: str, read: Callable[[Any], Any]
) -> None:
    """Take a field's value over into the spec; one that equals the default is left out."""
    unreadable = st.session_state.setdefault(_UNREADABLE, {})
    unreadable.pop(key, None)
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
        unreadable[key] = raw


def _read(text: str) -> Any:
    """A value as it is written in YAML; `3, 5` is a list. None for nothing. Raises SpecError."""
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
