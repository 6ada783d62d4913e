"""State that lives in the URL: a link shows the same thing to whoever opens it.

A choice is looked for in the URL, then in what this visitor last chose, then in its default. The
URL is kept in step, so that reloading, sharing and coming back all show the same. A choice that
equals its default is left out, unless the default may differ tomorrow or on another machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st


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
    """A choice among `options` (value → what people read), stored under `param` in the URL.

    With `always` the URL names it even where it is the default.
    """
    omit = None if always else default
    key = _begin(param, default, lambda text: text if text in options else None, omit)
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
    """A whole number between `low` and `high`, stored under `param` in the URL.

    With `always` the URL names it even where it is the default.
    """
    high = max(low, high)

    def parse(text: str) -> int | None:
        try:
            return min(max(int(text), low), high)
        except ValueError:
            return None

    default = min(max(default, low), high)
    omit = None if always else default
    key = _begin(param, default, parse, omit)
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


def several(
    label: str, options: Mapping[str, str], *, param: str, default: Sequence[str], **arguments: Any
) -> list[str]:
    """Some of `options` (value → what people read), stored under `param`, parted by commas."""
    usual = ",".join(default)

    def parse(text: str) -> list[str]:
        return [value for value in dict.fromkeys(text.split(",")) if value in options]

    key = f"choice:{param}"
    text = get(param)
    st.session_state[key] = parse(usual if text is None else text)

    def store() -> None:
        chosen = ",".join(st.session_state[key])
        _keep(param, chosen, usual)

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
    """A number between `low` and `high`, stored under `param` in the URL."""

    def parse(text: str) -> float | None:
        try:
            value = float(text)
        except ValueError:
            return None
        return min(max(value, low), high) if value == value else None

    key = _begin(param, float(default), parse, float(default))
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
    """A yes or no, stored under `param` in the URL as 1 or 0."""
    key = _begin(param, default, {"1": True, "0": False}.get, default)
    st.toggle(label, key=key, on_change=_store, args=(param, key, default), **arguments)
    return bool(st.session_state[key])


def get(param: str) -> str | None:
    """The value in the URL or, without one, what this visitor last chose."""
    value = st.query_params.get(param)
    return value if value is not None else st.session_state.get(_memory(param))


def put(param: str, value: object) -> None:
    """Choose a value from code, as if the visitor had."""
    text = _text(value)
    st.session_state[_memory(param)] = text
    if st.query_params.get(param) != text:
        st.query_params[param] = text


def keep(param: str, value: object) -> None:
    """Choose a value from code for this visit only: it is too long for a URL."""
    st.session_state[_memory(param)] = _text(value)
    st.query_params.pop(param, None)


def drop(param: str) -> None:
    """Forget a choice."""
    st.session_state.pop(_memory(param), None)
    st.query_params.pop(param, None)


def reset_on_change(group: str, of: object, params: Sequence[str]) -> None:
    """Forget `params` when what they belong to is no longer the same: a page number, say.

    What a link brings along on the first look stays.
    """
    key = f"belongs:{group}"
    if key in st.session_state and st.session_state[key] != of:
        for param in params:
            drop(param)
    st.session_state[key] = of


def forget_owner(group: str) -> None:
    """What `reset_on_change` guards belongs to whatever it meets next, and stays."""
    st.session_state.pop(f"belongs:{group}", None)


def _begin(param: str, default: Any, parse: Callable[[str], Any], omit: Any) -> str:
    """Set the widget's value from URL or memory before it is drawn; its session key."""
    key = f"choice:{param}"
    text = get(param)
    value = parse(text) if text is not None else None
    value = default if value is None else value
    # Always, also where it seems to be set: it may be the value of another page's widget of that
    # key, which the new page's one does not take over.
    st.session_state[key] = value
    _keep(param, value, omit)
    return key


def _store(param: str, key: str, omit: Any) -> None:
    _keep(param, st.session_state[key], omit)


def _keep(param: str, value: Any, omit: Any) -> None:
    if value == omit:
        drop(param)
    else:
        put(param, value)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _memory(param: str) -> str:
    return f"chosen:{param}"
