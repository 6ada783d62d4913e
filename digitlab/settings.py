"""Every environment variable digitlab listens to, read in one place.

DIGITLAB_HOME            folder of runs, database and logs (~/.digitlab)
DIGITLAB_DATA            folder of datasets, in torchvision's layout ($DIGITLAB_HOME/data)
DIGITLAB_DATABASE_URL    SQLAlchemy URL of the run store (an SQLite file in the home)
DIGITLAB_MAX_JOBS        runs that train at the same time in the background (1)
DIGITLAB_MAX_QUEUED      runs that may wait for their turn; more are refused (20)
DIGITLAB_MAX_PARAMETERS  parameters a network may have; more is refused (200,000,000)
DIGITLAB_MAX_MULTIPLY_ADDS  of a network for one image, forward (10,000,000,000)
DIGITLAB_MAX_MEMORY      bytes a training step may take by estimate (8,000,000,000)
DIGITLAB_MAX_PIXELS      pixels an image file may have before it is decoded (25,000,000)
DIGITLAB_THREADS         CPU threads that one prediction may use (1)
DIGITLAB_HOSTED          1 where visitors are strangers: they are asked before a drawing is kept (0)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digitlab.errors import SettingsError

VERSION = "0.2.0"


@dataclass(frozen=True)
class Settings:
    """One reading of the environment; paths are absolute, counts are at least 1."""

    home: Path
    data: Path
    database_url: str
    max_jobs: int
    max_queued: int
    max_parameters: int
    max_multiply_adds: int
    max_memory: int
    max_pixels: int
    threads: int
    hosted: bool = False

    @property
    def runs(self) -> Path:
        """Folder that holds one folder per run."""
        return self.home / "runs"

    @property
    def architectures(self) -> Path:
        """Folder of the architectures saved under a name, one YAML file each."""
        return self.home / "architectures"

    @property
    def logs(self) -> Path:
        """Folder of the background processes' logs."""
        return self.home / "logs"


def read_settings() -> Settings:
    """The settings as the environment has them now (tests and hosts may change it at any time).

    Raises SettingsError where a number is not a positive whole number.
    """
    home = _folder("DIGITLAB_HOME", Path("~/.digitlab"))
    return Settings(
        home=home,
        data=_folder("DIGITLAB_DATA", home / "data"),
        database_url=os.environ.get("DIGITLAB_DATABASE_URL") or f"sqlite:///{home / 'digitlab.db'}",
        max_jobs=_count("DIGITLAB_MAX_JOBS", 1),
        max_queued=_count("DIGITLAB_MAX_QUEUED", 20),
        # all of torchvision's networks but its four giants of 300 million parameters and more
        max_parameters=_count("DIGITLAB_MAX_PARAMETERS", 200_000_000),
        max_multiply_adds=_count("DIGITLAB_MAX_MULTIPLY_ADDS", 10_000_000_000),
        max_memory=_count("DIGITLAB_MAX_MEMORY", 8_000_000_000),
        max_pixels=_count("DIGITLAB_MAX_PIXELS", 25_000_000),
        threads=_count("DIGITLAB_THREADS", 1),
        hosted=_switch("DIGITLAB_HOSTED"),
    )


@contextmanager
def another_home(home: Path) -> Iterator[None]:
    """While this lasts, this process's runs lie in another home, and its datasets where they do."""
    values = {"DIGITLAB_DATA": str(read_settings().data), "DIGITLAB_HOME": str(home)}
    before = {variable: os.environ.get(variable) for variable in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()


def _count(variable: str, default: int) -> int:
    text = os.environ.get(variable)
    if not text:
        return default
    if not text.strip().isdecimal() or int(text) < 1:
        raise SettingsError(f"{variable} must be a whole number of at least 1; not {text!r}.")
    return int(text)


def _switch(variable: str) -> bool:
    text = (os.environ.get(variable) or "0").strip().lower()
    if text not in ("0", "1", "false", "true", "no", "yes", "off", "on"):
        raise SettingsError(f"{variable} must be 1 or 0; not {text!r}.")
    return text in ("1", "true", "yes", "on")
