"""The environment is read when it is asked for, and a number that is none is named."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from digitlab import settings
from digitlab.errors import SettingsError
from digitlab.settings import PRESETS, read_settings

COUNTS = {
    "DIGITLAB_MAX_JOBS": ("max_jobs", 1),
    "DIGITLAB_MAX_PARAMETERS": ("max_parameters", 200_000_000),
    "DIGITLAB_MAX_MULTIPLY_ADDS": ("max_multiply_adds", 10_000_000_000),
    "DIGITLAB_MAX_MEMORY": ("max_memory", 8_000_000_000),
    "DIGITLAB_MAX_PIXELS": ("max_pixels", 25_000_000),
    "DIGITLAB_THREADS": ("threads", 1),
}


def test_no_worker_has_to_wait(monkeypatch):
    monkeypatch.delenv("DIGITLAB_WARM_WORKERS", raising=False)
    assert read_settings().warm_workers == 1
    monkeypatch.setenv("DIGITLAB_WARM_WORKERS", "0")
    assert read_settings().warm_workers == 0
    monkeypatch.setenv("DIGITLAB_WARM_WORKERS", "-1")
    with pytest.raises(SettingsError, match="at least 0"):
        read_settings()


def test_everything_lies_in_the_home_unless_said_otherwise(home, monkeypatch):
    monkeypatch.delenv("DIGITLAB_DATA", raising=False)
    found = read_settings()
    assert found.home == home
    assert (found.data, found.runs, found.logs) == (home / "data", home / "runs", home / "logs")
    assert found.database_url == f"sqlite:///{home / 'digitlab.db'}"


def test_without_a_home_it_is_the_persons(monkeypatch):
    for empty in (None, ""):
        if empty is None:
            monkeypatch.delenv("DIGITLAB_HOME")
        else:
            monkeypatch.setenv("DIGITLAB_HOME", empty)
        assert read_settings().home == Path.home() / ".digitlab"


def test_folders_may_be_relative_or_begin_with_a_tilde(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGITLAB_HOME", "here")
    monkeypatch.setenv("DIGITLAB_DATA", "~/digits")
    assert read_settings().home == tmp_path / "here"
    assert read_settings().data == Path.home() / "digits"


@pytest.mark.parametrize(("variable", "field", "default"), [(k, *v) for k, v in COUNTS.items()])
def test_counts_are_whole_numbers_of_at_least_one(monkeypatch, variable, field, default):
    monkeypatch.delenv(variable, raising=False)
    assert getattr(read_settings(), field) == default
    monkeypatch.setenv(variable, " 7 ")
    assert getattr(read_settings(), field) == 7
    for wrong in ("0", "-1", "1.5", "many", "1e3", "½"):
        monkeypatch.setenv(variable, wrong)
        with pytest.raises(SettingsError, match=f"{variable} .*at least 1; not {wrong!r}"):
            read_settings()


def test_every_variable_is_documented_where_it_is_read():
    text = Path(settings.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r"\"((?:DIGITLAB|RAY)_\w+)\"", text))
    documented = set(re.findall(r"^((?:DIGITLAB|RAY)_\w+) ", settings.__doc__, flags=re.MULTILINE))
    assert read == documented
    assert len(read) == len(fields(read_settings()))


def test_no_other_file_reads_the_environment():
    package = Path(settings.__file__).parent
    for path in package.rglob("*.py"):
        if path.name != "settings.py":
            found = re.findall(r"environ[^\n]*(?:DIGITLAB|RAY)_\w+|getenv", path.read_text("utf-8"))
            assert not found, path


def test_hosted_chooses_a_preset_of_limits_that_each_can_be_changed(monkeypatch):
    for text in (None, "off", "0", "no", "false"):
        monkeypatch.delenv("DIGITLAB_HOSTED", raising=False)
        if text:
            monkeypatch.setenv("DIGITLAB_HOSTED", text)
        alone = read_settings()
        assert alone.hosted == ""
        assert (alone.visitor_queued, alone.keep_days, alone.max_seconds) == (None, None, None)
    for text, preset in (("1", "demo"), ("on", "demo"), ("Demo", "demo"), ("class", "class")):
        monkeypatch.setenv("DIGITLAB_HOSTED", text)
        hosted = read_settings()
        assert hosted.hosted == preset
        for field, value in PRESETS[preset].items():
            assert getattr(hosted, field) == value
            assert getattr(hosted, field) != getattr(alone, field)
    monkeypatch.setenv("DIGITLAB_VISITOR_QUEUED", "7")
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "9")
    assert (read_settings().visitor_queued, read_settings().max_parameters) == (7, 9)
    monkeypatch.setenv("DIGITLAB_ADMINS", "Ada@example.org, bob@example.org")
    assert read_settings().admins == ("ada@example.org", "bob@example.org")
    monkeypatch.setenv("DIGITLAB_HOSTED", "perhaps")
    with pytest.raises(SettingsError, match="off, demo or class; not 'perhaps'"):
        read_settings()
