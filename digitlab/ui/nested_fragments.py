"""A mend of Streamlit 1.67: what an interrupted fragment's fragments drew goes with it.

When a fragment reruns before the browser has fetched what it drew last, Streamlit drops that from
the session's queue, but not what fragments inside it drew. Those then have no place on the page:
the browser stops with "Bad delta path index" and shows a white page. Two quick clicks on a busy
server are enough.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.app_session import AppSession


def drop_with_their_parents() -> None:
    """Let the queue of every session drop the fragments inside those that rerun."""
    clear = AppSession._clear_queue
    if hasattr(clear, "__wrapped__"):
        return

    @wraps(clear)
    def clear_queue(self: AppSession, fragment_ids_this_run: list[str] | None = None) -> None:
        if fragment_ids_this_run:
            drawn = {msg.delta.fragment_id for msg in self._browser_queue._queue}
            has_ancestor_in = self._fragment_storage.has_ancestor_in
            inside = {id for id in drawn if has_ancestor_in(id, fragment_ids_this_run)}
            fragment_ids_this_run = [*fragment_ids_this_run, *inside]
        clear(self, fragment_ids_this_run)

    AppSession._clear_queue = clear_queue
