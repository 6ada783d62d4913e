"""A mend of Streamlit 1.67: plain values that a component is told are not examined by pandas.

Streamlit asks of each list and dict for a component whether it is a table. For that it imports
pandas and pyarrow, 70 MB, which the server of a page with a canvas or a chart needs for nothing
else.
"""

from __future__ import annotations

from functools import wraps

from streamlit.components.v2.bidi_component import serialization

_PLAIN = (str, int, float, bool, list, tuple, dict, type(None))


def examine_no_plain_values() -> None:
    """Let Streamlit take lists, and dicts of plain values, for what they are."""
    examine = serialization.is_dataframe_like
    if hasattr(examine, "__wrapped__"):
        return

    @wraps(examine)
    def is_dataframe_like(value: object) -> bool:
        if type(value) is dict:
            return not all(type(entry) in _PLAIN for entry in value.values()) and examine(value)
        return type(value) is not list and examine(value)

    serialization.is_dataframe_like = is_dataframe_like
