"""Computing for the visitor of this session, in a process apart where the settings say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from digitlab.jobs.compute import call


def compute(function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """What `jobs.compute.call` gives; it ends with an error where the visitor leaves meanwhile."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return call(function, *arguments, **settings)
    server = runtime.get_instance()
    return call(
        function,
        *arguments,
        is_wanted=lambda: server.is_active_session(context.session_id),
        **settings,
    )
