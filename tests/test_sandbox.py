"""What the process has that opens a file from outside."""

from __future__ import annotations

from digitlab import sandbox

REPORT = """
import os
from digitlab import sandbox
folder, arguments = sandbox.read_arguments()
read = lambda file: {"arguments": arguments, "variables": sorted(os.environ)}
sandbox.answer(folder, read, memory=10**9, seconds=5, largest=10**6)
"""


def test_it_has_its_arguments_and_none_of_the_app_s_secrets(monkeypatch, tmp_path):
    (tmp_path / "report.py").write_text(REPORT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", "postgresql://user:password@host/runs")
    monkeypatch.setenv("SOME_SERVICE_TOKEN", "secret")
    monkeypatch.setenv("DIGITLAB_MAX_PIXELS", "1000")
    with sandbox.open_apart("report", b"x", "name" * 100_000, seconds=20) as (_, values):
        assert values["arguments"] == ["name" * 100_000]
        assert {"PATH", "DIGITLAB_MAX_PIXELS"} <= set(values["variables"])
        assert not {"DIGITLAB_DATABASE_URL", "SOME_SERVICE_TOKEN"} & set(values["variables"])
