"""The Dockerfile, read as Docker reads it. No test builds it: that needs Docker and downloads."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from digitlab import settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile in their order, each with its arguments."""
    text = (ROOT / ".streamlit/Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


def arguments(steps, instruction: str) -> list[str]:
    return [rest for name, rest in steps if name == instruction]


def test_what_is_copied_is_there_and_the_versions_are_locked(steps):
    copied = arguments(steps, "COPY")
    for source in " ".join(copied).split():
        assert (ROOT / source).exists(), source
    (install,) = (run for run in arguments(steps, "RUN") if "pip install" in run)
    assert shlex.split(install)[-4:] == ["-c", "lock.txt", "-r", "requirements.txt"]
    assert copied[0].split()[:2] == ["requirements.txt", ".streamlit/lock.txt"]


def test_the_app_runs_as_a_user_who_owns_the_home_and_nothing_else(steps):
    (user,) = arguments(steps, "USER")
    assert user not in ("root", "0")
    names = [name for name, _ in steps]
    assert max(names.index("COPY"), names.index("RUN")) < names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]
    assert "--chown" not in " ".join(arguments(steps, "COPY"))
    (environment,), (volume,) = arguments(steps, "ENV"), arguments(steps, "VOLUME")
    assert f"DIGITLAB_HOME={volume}" in environment.split()
    assert any(f"install -d -o {user} {volume}" in run for run in arguments(steps, "RUN"))


def test_its_variables_are_known_and_its_commands_find_their_files(steps):
    names = re.findall(r"(\w+)=", arguments(steps, "ENV")[0])
    assert all(n.startswith("STREAMLIT_SERVER_") or f'"{n}"' in _settings() for n in names)
    command = json.loads(arguments(steps, "CMD")[0])
    assert command[:2] == ["streamlit", "run"]
    assert (ROOT / command[2]).is_file()
    (health,) = arguments(steps, "HEALTHCHECK")
    compile(json.loads(health.removeprefix("CMD "))[2], "health", "exec")
    assert f":{arguments(steps, 'EXPOSE')[0]}/_stcore/health" in health


def test_the_readme_names_the_dockerfile():
    assert "docker build -f .streamlit/Dockerfile" in (ROOT / "README.md").read_text("utf-8")


def _settings() -> str:
    return Path(settings.__file__).read_text("utf-8")
