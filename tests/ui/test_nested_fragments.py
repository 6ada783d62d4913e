"""Fragments inside a fragment that reruns before the browser has fetched what it drew."""

from __future__ import annotations

from types import SimpleNamespace

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.fragment import MemoryFragmentStorage

from digitlab.ui import page  # noqa: F401 - every page imports it


def test_what_they_drew_is_dropped_with_what_the_outer_one_drew():
    queue, storage = ForwardMsgQueue(), MemoryFragmentStorage()
    storage.register("outer", print)
    storage.register("inner", print, parent_fragment_id="outer")
    storage.register("beside", print)
    for path, fragment in (
        ([0, 2], ""),
        ([0, 3, 0], "outer"),
        ([0, 3, 1, 0], "inner"),
        ([0, 4, 0], "beside"),
    ):
        msg = ForwardMsg()
        msg.delta.fragment_id = fragment
        msg.metadata.delta_path[:] = path
        queue.enqueue(msg)
    session = SimpleNamespace(_browser_queue=queue, _fragment_storage=storage)

    AppSession._clear_queue(session, ["outer"])

    assert [list(msg.metadata.delta_path) for msg in queue.flush()] == [[0, 2], [0, 4, 0]]
