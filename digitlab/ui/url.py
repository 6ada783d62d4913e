"""State in the URL: a link shows the same to everybody who opens it.

The value of a widget comes from the URL, else from the visitor's last choice, else from its
default. The URL is updated with every choice, so that a reload and a shared link show the same. A
choice that equals its default is left out, unless the default may change with time or machine.

Every function that draws a widget takes `shown`: without it nothing is drawn, such as in a fold
that is closed, and the value is the same.

A click may leave the browser before it has learnt of the URL that the click before it made. For
`LATE_SECONDS` a parameter that has its former value is therefore taken to be late, not chosen.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

LATE_SECONDS = 2.0
_REPLACED = "url:replaced"  # in the session: parameter → its former value in the URL, and when

# Parameter → its name in links that were made by an earlier version.
_FORMER_NAMES = {
    "compare": "beside",
    "issues-page": "suspects",
    "part": "inside",
    "predictions": "asked",
    "writers": "hands",
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
    _restore(param, default, lambda text: text if text in options else None, omit)
    labels = dict(options)
    if widget in (st.segmented_control, st.pills):
        arguments["required"] = True
    arguments |= {"options": list(labels), "format_func": lambda value: labels.get(value, value)}
    return _draw(widget, label, param, omit, **arguments)


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
    _restore(param, default, parse, omit)
    arguments |= {"min_value": low, "max_value": high}
    return int(_draw(st.number_input, label, param, omit, **arguments))


def choose_several(
    label: str, options: Mapping[str, str], *, param: str, default: Sequence[str], **arguments: Any
) -> list[str]:
    """Some of `options` (value → label), stored as `param` in the URL, separated by commas."""
    default_text = ",".join(default)

    def parse(text: str) -> list[str]:
        return [value for value in dict.fromkeys(text.split(",")) if value in options]

    text = get(param)
    st.session_state[_key(param)] = parse(default_text if text is None else text)
    arguments |= {"options": list(options), "format_func": lambda value: options.get(value, value)}
    return list(_draw(st.multiselect, label, param, default_text, **arguments))


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

    default = float(default)
    _restore(param, default, parse, default)
    arguments = {"format": "%g", "min_value": float(low), "max_value": float(high), **arguments}
    return float(_draw(st.number_input, label, param, default, **arguments))


def text(label: str, *, param: str, default: str, **arguments: Any) -> str:
    """A line of text, stored as `param` in the URL."""
    _restore(param, default, str, default)
    return str(_draw(st.text_input, label, param, default, **arguments))


def switch(label: str, *, param: str, default: bool = False, **arguments: Any) -> bool:
    """A toggle, stored as `param` in the URL as 1 or 0."""
    _restore(param, default, {"1": True, "0": False}.get, default)
    return bool(_draw(st.toggle, label, param, default, **arguments))


def get(param: str) -> str | None:
    """The value in the URL or, without one, the visitor's last choice.

    In the URL a former name of the parameter is replaced by its present one.
    """
    former = _FORMER_NAMES.get(param)
    if former and former in st.query_params:
        put(param, st.query_params.pop(former))
    value = st.query_params.get(param)
    chosen = st.session_state.get(_session_key(param))
    if value is None or value == chosen or not _is_late(param, value):
        return value if value is not None else chosen
    _replace(param, chosen)
    return chosen


def put(param: str, value: object) -> None:
    """Set a value from code, as if the visitor had chosen it."""
    text = _text(value)
    st.session_state[_session_key(param)] = text
    _replace(param, text)


def put_for_visit(param: str, value: object) -> None:
    """Set a value that is too long for a URL, for this visit only."""
    st.session_state[_session_key(param)] = _text(value)
    _replace(param, None)


def keep_first(param: str) -> None:
    """Of several values keep the first, for a widget that takes one."""
    values = split_list(get(param) or "")
    if len(values) > 1:
        put(param, values[0])


def split_list(text: str) -> list[str]:
    """The values in "0.1, 0.01"; a semicolon or a space may separate them, too."""
    return text.replace(",", " ").replace(";", " ").split()


def drop(param: str) -> None:
    """Remove a choice: the default applies again."""
    st.session_state.pop(_session_key(param), None)
    _replace(param, None)


def _replace(param: str, text: str | None) -> None:
    """Write a parameter of the URL, or remove it."""
    former = st.query_params.get(param)
    if former == text:
        return
    st.session_state.setdefault(_REPLACED, {})[param] = (former, time.monotonic())
    if text is None:
        del st.query_params[param]
    else:
        st.query_params[param] = text


def _is_late(param: str, value: str) -> bool:
    former, when = st.session_state.get(_REPLACED, {}).get(param, (None, 0.0))
    return value == former and time.monotonic() - when < LATE_SECONDS


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


def _restore(param: str, default: Any, parse: Callable[[str], Any], omit: Any) -> None:
    """Set the widget's value from URL or session before it is drawn."""
    text = get(param)
    value = parse(text) if text is not None else None
    value = default if value is None else value
    # Always, even if it is set already: that may be the value of a widget with this key on another
    # page, which the widget on this page does not take over.
    st.session_state[_key(param)] = value
    _write(param, value, omit)


def _draw(
    widget: Callable[..., Any],
    label: str,
    param: str,
    omit: Any,
    *,
    shown: bool = True,
    **arguments: Any,
) -> Any:
    """Draw the widget, if it is `shown`; the parameter's value, which then may be a new one."""
    key = _key(param)
    if shown:
        widget(label, key=key, on_change=_store, args=(param, omit), **arguments)
    return st.session_state[key]


def _store(param: str, omit: Any) -> None:
    value = st.session_state[_key(param)]
    _write(param, ",".join(value) if isinstance(value, list) else value, omit)


def _write(param: str, value: Any, omit: Any) -> None:
    if value == omit:
        drop(param)
    else:
        put(param, value)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _key(param: str) -> str:
    """The widget's key in the session."""
    return f"choice:{param}"


def _session_key(param: str) -> str:
    return f"chosen:{param}"
