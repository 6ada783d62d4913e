"""Acts of buttons that may be refused."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.ui.markdown import plain


def attempt(act: Callable[..., object], *arguments: object, **values: object) -> None:
    """Do what a button is for, and tell in passing where it is refused."""
    try:
        act(*arguments, **values)
    except DigitlabError as e:
        st.toast(plain(str(e)), icon=":material/error:")
