"""Small networks are quicker on one thread, above all where others compute as well."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    pass
