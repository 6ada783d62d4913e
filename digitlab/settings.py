"""Every environment variable digitlab listens to, read in one place.

DIGITLAB_HOME            folder of runs, database and logs (~/.digitlab)
DIGITLAB_DATA            folder of datasets, in torchvision's layout ($DIGITLAB_HOME/data)
DIGITLAB_DATABASE_URL    SQLAlchemy URL of the run store (an SQLite file in the home)
DIGITLAB_STORAGE         folder or bucket (s3://…, gs://…) of the runs' files (runs in the home)
DIGITLAB_EXECUTOR        here: this process starts others that carry runs out; work: it starts none,
                         and `python -m digitlab work` does, on any machine; ray: it has a Ray
                         cluster do it (here)
RAY_ADDRESS              HOST:PORT of that cluster's head (the cluster that this machine is in)
DIGITLAB_MAX_JOBS        runs that train at the same time in the background (1; in a class 2)
DIGITLAB_WARM_WORKERS    processes that wait, loaded, while somebody may start a run; 0 for none (1)
DIGITLAB_MAX_DEVICES     devices that one run may use together (all of the machine's)
DIGITLAB_MAX_QUEUED      runs that may wait for their turn; more are refused (20)
DIGITLAB_MAX_PARAMETERS  parameters a network may have; more is refused (200,000,000)
DIGITLAB_MAX_MULTIPLY_ADDS  of a network for one image, forward (10,000,000,000)
DIGITLAB_MAX_MEMORY      bytes a training step may take by estimate (8,000,000,000)
DIGITLAB_MAX_PIXELS      pixels an image file may have before it is decoded (25,000,000)
DIGITLAB_THREADS         CPU threads that one prediction may use (1)
DIGITLAB_COMPUTE_PROCESSES  processes that compute for pages, so that the server imports no torch;
                         0: the server computes (0 on a person's own machine, 1 where hosted)
DIGITLAB_COMPUTE_SECONDS  of the processor that one request of a page may take there (60)
DIGITLAB_COMPUTE_MEMORY  bytes of data that such a process may hold (2,000,000,000)
DIGITLAB_LESSONS         folder of further lessons, a Markdown file each (none)
DIGITLAB_HOSTED          demo or class where visitors are strangers: each has things of their own,
                         and the quotas below; 1 is demo (off)
DIGITLAB_ADMINS          addresses, separated by commas, of those who may do everything once they
                         have signed in (nobody)
DIGITLAB_KEEP_DAYS       days after a visitor's last visit for which their things stay
DIGITLAB_MAX_DISK        bytes of all visitors' things together
DIGITLAB_MAX_SECONDS     seconds that one run of a visitor may train
DIGITLAB_VISITOR_QUEUED  runs of one visitor that may wait for their turn
DIGITLAB_VISITOR_SECONDS  seconds that the runs of one visitor may train within 24 hours
DIGITLAB_VISITOR_DISK    bytes of one visitor's things
DIGITLAB_VISITOR_DATASETS  own datasets of one visitor
DIGITLAB_VISITOR_COLLECTIONS  collections of one visitor
DIGITLAB_VISITOR_ARCHITECTURES  architectures that one visitor saved

The last ten have a default, in `PRESETS`, where visitors are strangers, else none: nothing is
bounded by them then. There the limits of networks are lower, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from digitlab.errors import SettingsError

VERSION = "0.2.0"

# For a host of 1 GB of memory and two cores: the server takes about half of it, a training process
# 300 MB and what its network takes. Every architecture that comes with digitlab can be trained.
PRESETS: dict[str, dict[str, int]] = {
    "demo": {
        "max_devices": 1,
        "max_parameters": 3_000_000,
        "max_multiply_adds": 300_000_000,
        "max_memory": 400_000_000,
        "keep_days": 14,
        "max_disk": 2_000_000_000,
        "max_seconds": 300,
        "visitor_queued": 3,
        "visitor_seconds": 1_800,
        "visitor_disk": 100_000_000,
        "visitor_datasets": 3,
        "visitor_collections": 5,
        "visitor_architectures": 20,
    },
    # thirty people for a term, who do their homework with it
    "class": {
        "max_jobs": 2,
        "max_devices": 1,
        "max_queued": 100,
        "max_parameters": 5_000_000,
        "max_multiply_adds": 1_000_000_000,
        "max_memory": 500_000_000,
        "keep_days": 200,
        "max_disk": 8_000_000_000,
        "max_seconds": 1_800,
        "visitor_queued": 10,
        "visitor_seconds": 14_400,
        "visitor_disk": 250_000_000,
        "visitor_datasets": 10,
        "visitor_collections": 10,
        "visitor_architectures": 50,
    },
}


@dataclass(frozen=True)
class Settings:
    """One reading of the environment; paths are absolute, counts at least 1 (warm workers 0).

    `hosted` is the name of a preset where visitors are strangers, else empty. What None is allowed
    for is then not bounded.
    """

    home: Path
    data: Path
    database_url: str
    max_jobs: int
    warm_workers: int
    max_queued: int
    max_parameters: int
    max_multiply_adds: int
    max_memory: int
    max_pixels: int
    threads: int
    compute_processes: int
    compute_seconds: int
    compute_memory: int
    storage: str = ""
    executor: str = "here"
    ray_address: str = "auto"
    lessons: Path | None = None
    hosted: str = ""
    admins: tuple[str, ...] = ()
    max_devices: int | None = None
    keep_days: int | None = None
    max_disk: int | None = None
    max_seconds: int | None = None
    visitor_queued: int | None = None
    visitor_seconds: int | None = None
    visitor_disk: int | None = None
    visitor_datasets: int | None = None
    visitor_collections: int | None = None
    visitor_architectures: int | None = None

    @property
    def runs(self) -> Path:
        """Folder that holds one folder per run; of a bucket's runs, those that were opened here."""
        if self.storage and "://" not in self.storage:
            return Path(self.storage)
        return self.home / "runs"

    @property
    def logs(self) -> Path:
        """Folder of the background processes' logs."""
        return self.home / "logs"


def read_settings() -> Settings:
    """The settings as the environment has them now (tests and hosts may change it at any time).

    Raises SettingsError where a number is not a whole number, or too small.
    """
    home, hosted = _folder("DIGITLAB_HOME", Path("~/.digitlab")), _hosted()
    usual = PRESETS.get(hosted, {}).get
    return Settings(
        home=home,
        data=_folder("DIGITLAB_DATA", home / "data"),
        database_url=os.environ.get("DIGITLAB_DATABASE_URL") or f"sqlite:///{home / 'digitlab.db'}",
        max_jobs=_count("DIGITLAB_MAX_JOBS", usual("max_jobs", 1)),
        warm_workers=_count("DIGITLAB_WARM_WORKERS", 1, least=0),
        max_devices=_count("DIGITLAB_MAX_DEVICES", usual("max_devices")),
        max_queued=_count("DIGITLAB_MAX_QUEUED", usual("max_queued", 20)),
        # all of torchvision's networks but its four giants of 300 million parameters and more
        max_parameters=_count("DIGITLAB_MAX_PARAMETERS", usual("max_parameters", 200_000_000)),
        max_multiply_adds=_count(
            "DIGITLAB_MAX_MULTIPLY_ADDS", usual("max_multiply_adds", 10_000_000_000)
        ),
        max_memory=_count("DIGITLAB_MAX_MEMORY", usual("max_memory", 8_000_000_000)),
        max_pixels=_count("DIGITLAB_MAX_PIXELS", 25_000_000),
        threads=_count("DIGITLAB_THREADS", 1),
        compute_processes=_count("DIGITLAB_COMPUTE_PROCESSES", int(bool(hosted)), least=0),
        compute_seconds=_count("DIGITLAB_COMPUTE_SECONDS", 60),
        compute_memory=_count("DIGITLAB_COMPUTE_MEMORY", 2_000_000_000),
        storage=_storage(),
        executor=_executor(),
        ray_address=os.environ.get("RAY_ADDRESS") or "auto",
        lessons=_folder("DIGITLAB_LESSONS", None),
        hosted=hosted,
        admins=_words("DIGITLAB_ADMINS"),
        keep_days=_count("DIGITLAB_KEEP_DAYS", usual("keep_days")),
        max_disk=_count("DIGITLAB_MAX_DISK", usual("max_disk")),
        max_seconds=_count("DIGITLAB_MAX_SECONDS", usual("max_seconds")),
        visitor_queued=_count("DIGITLAB_VISITOR_QUEUED", usual("visitor_queued")),
        visitor_seconds=_count("DIGITLAB_VISITOR_SECONDS", usual("visitor_seconds")),
        visitor_disk=_count("DIGITLAB_VISITOR_DISK", usual("visitor_disk")),
        visitor_datasets=_count("DIGITLAB_VISITOR_DATASETS", usual("visitor_datasets")),
        visitor_collections=_count("DIGITLAB_VISITOR_COLLECTIONS", usual("visitor_collections")),
        visitor_architectures=_count(
            "DIGITLAB_VISITOR_ARCHITECTURES", usual("visitor_architectures")
        ),
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


def _folder(variable: str, default: Path | None) -> Path | None:
    path = os.environ.get(variable) or default
    return Path(path).expanduser().absolute() if path else None


def _executor() -> str:
    text = (os.environ.get("DIGITLAB_EXECUTOR") or "here").strip().lower()
    if text not in ("here", "work", "ray"):
        raise SettingsError(f"DIGITLAB_EXECUTOR must be here, work or ray; not {text!r}.")
    return text


def _storage() -> str:
    """A folder's path or a bucket's address; empty where runs lie in the home."""
    text = (os.environ.get("DIGITLAB_STORAGE") or "").strip()
    if "://" not in text:
        return str(_folder("DIGITLAB_STORAGE", "")) if text else ""
    scheme, _, place = text.partition("://")
    if scheme not in ("s3", "gs") or place[:1] in ("", "/", "?"):
        raise SettingsError(
            "DIGITLAB_STORAGE must be a folder, s3://BUCKET/PATH or gs://BUCKET/PATH; not "
            f"{text!r}."
        )
    return text


def _count(variable: str, default: int | None, least: int = 1) -> int | None:
    text = os.environ.get(variable)
    if not text:
        return default
    if not text.strip().isdecimal() or int(text) < least:
        raise SettingsError(f"{variable} must be a whole number of at least {least}; not {text!r}.")
    return int(text)


def _words(variable: str) -> tuple[str, ...]:
    """The words of a list in small letters."""
    return tuple((os.environ.get(variable) or "").lower().replace(",", " ").split())


def _hosted() -> str:
    """The preset's name; empty where the app is a person's own."""
    text = (os.environ.get("DIGITLAB_HOSTED") or "off").strip().lower()
    if text in ("off", "0", "no", "false"):
        return ""
    if text in ("1", "yes", "true", "on"):
        return "demo"
    if text not in PRESETS:
        raise SettingsError(f"DIGITLAB_HOSTED must be off, {' or '.join(PRESETS)}; not {text!r}.")
    return text
