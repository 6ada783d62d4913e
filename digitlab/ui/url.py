"""State in the URL: a link shows the same to everybody who opens it.

The value of a widget comes from the URL, else from the visitor's last choice, else from its
default. The URL is updated with every choice, so that a reload and a shared link show the same. A
choice that equals its default is left out, unless the default may change with time or machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

# Parameter → its name in links that were made by an earlier version.
_FORMER_NAMES = {
    "compare": "beside",
    "issues-page": "suspects",
    "part": "inside",
    "predictions": "asked",
}


def choose(
    label: str,
    options: Mapping[str, str],
    *,
    param: str,
    default: str,
    widget: Callable[..., Any] = st.selectbox,
    always: bool = False,
    **arguments: Any,
) -> str:
    """A choice among `options` (value → label), stored as `param` in the URL.

    With `always` the URL also has it where it equals the default.
    """
    omit = None if always else default
    key = _restore(param, default, lambda text: text if text in options else None, omit)
    labels = dict(options)
    if widget in (st.segmented_control, st.pills):
        arguments["required"] = True
    widget(
        label,
        list(labels),
        format_func=lambda value: labels.get(value, value),
        key=key,
        on_change=_store,
        args=(param, key, omit),
        **arguments,
    )
    return st.session_state[key]


def number(
    label: str,
    *,
    param: str,
    default: int,
    low: int,
    high: int,
    always: bool = False,
    **arguments: Any,
) -> int:
    """An integer from `low` to `high`, stored as `param` in the URL.

    With `always` the URL also has it where it equals the default.
    """
    high = max(low, high)

    def parse(text: str) -> int | None:
        try:
            return min(max(int(text), low), high)
        except ValueError:
            return None

    default = min(max(default, low), high)
    omit = None if always else default
    key = _restore(param, default, parse, omit)
    st.number_input(
        label,
        min_value=low,
        max_value=high,
        key=key,
        on_change=_store,
        args=(param, key, omit),
        **arguments,
    )
    return int(st.session_state[key])


def choose_several(
    label: str, options: Mapping[str, str], *, param: str, default: Sequence[str], **arguments: Any
) -> list[str]:
    """Some of `options` (value → label), stored as `param` in the URL, separated by commas."""
    default_text = ",".join(default)

    def parse(text: str) -> list[str]:
        return [value for value in dict.fromkeys(text.split(",")) if value in options]

    key = f"choice:{param}"
    text = get(param)
    st.session_state[key] = parse(default_text if text is None else text)

    def store() -> None:
        _write(param, ",".join(st.session_state[key]), default_text)

    st.multiselect(
        label,
        list(options),
        format_func=lambda value: options.get(value, value),
        key=key,
        on_change=store,
        **arguments,
    )
    return list(st.session_state[key])


def real(
    label: str, *, param: str, default: float, low: float, high: float, **arguments: Any
) -> float:
    """A float from `low` to `high`, stored as `param` in the URL."""

    def parse(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return None if math.isnan(value) else min(max(value, low), high)

    key = _restore(param, float(default), parse, float(default))
    st.number_input(
        label,
        min_value=float(low),
        max_value=float(high),
        key=key,
        on_change=_store,
        args=(param, key, float(default)),
        **{"format": "%g", **arguments},
    )
    return float(st.session_state[key])


def switch(label: str, *, param: str, default: bool = False, **arguments: Any) -> bool:
    """A toggle, stored as `param` in the URL as 1 or 0."""
    key = _restore(param, default, {"1": True, "0": False}.get, default)
    st.toggle(label, key=key, on_change=_store, args=(param, key, default), **arguments)
    return bool(st.session_state[key])


def get(param: str) -> str | None:
    """The value in the URL or, without one, the visitor's last choice.

    In the URL a former name of the parameter is replaced by its present one.
    """
    former = _FORMER_NAMES.get(param)
    if former and former in st.query_params:
        put(param, st.query_params.pop(former))
    value = st.query_params.get(param)
    return value if value is not None else st.session_state.get(_session_key(param))


def put(param: str, value: object) -> None:
    """Set a value from code, as if the visitor had chosen it."""
    text = _text(value)
    st.session_state[_session_key(param)] = text
    if st.query_params.get(param) != text:
        st.query_params[param] = text


def put_for_visit(param: str, value: object) -> None:
    """Set a value that is too long for a URL, for this visit only."""
    st.session_state[_session_key(param)] = _text(value)
    st.query_params.pop(param, None)


def drop(param: str) -> None:
    """Remove a choice: the default applies again."""
    st.session_state.pop(_session_key(param), None)
    st.query_params.pop(param, None)


def reset_on_change(group: str, owner: object, params: Sequence[str]) -> None:
    """Remove `params`, such as a page number, when `owner`, what they belong to, changes.

    Values of a link stay when the page is opened.
    """
    key = f"belongs:{group}"
    if key in st.session_state and st.session_state[key] != owner:
        for param in params:
            drop(param)
    st.session_state[key] = owner


def forget_owner(group: str) -> None:
    """Let the values of the group stay at the next `reset_on_change`, whatever its owner."""
    st.session_state.pop(f"belongs:{group}", None)


def _restore(param: str, default: Any, parse: Callable[[str], Any], omit: Any) -> str:
    """Set the widget's value from URL or session before it is drawn; returns its session key."""
    key = f"choice:{param}"
    text = get(param)
    value = parse(text) if text is not None else None
    value = default if value is None else value
    # Always, even if it is set already: that may be the value of a widget with this key on another
    # page, which the widget on this page does not take over.
    st.session_state[key] = value
    _write(param, value, omit)
    return key


def _store(param: str, key: str, omit: Any) -> None:
    _write(param, st.session_state[key], omit)


def _write(param: str, value: Any, omit: Any) -> None:
    if value == omit:
        drop(param)
    else:
        put(param, value)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _session_key(param: str) -> str:
    return f"chosen:{param}"
