"""What a server does once, before visitors come."""

from __future__ import annotations

import pytest

from digitlab.ui import preload

resource = pytest.importorskip("resource")


def test_a_server_may_open_more_files_than_shells_allow():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(1_024, before[1]), before[1]))
        preload.allow_sessions()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert (soft, hard) == (min(before[1], preload.FILES), before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
