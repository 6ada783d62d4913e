"""The errors digitlab raises when a person's input or machine is at fault.

Every message is one sentence or two that say what was given, what is allowed or what happened,
and what to do. Anything that is not a `DigitlabError` is a bug of ours.
"""

from __future__ import annotations

from typing import Any


class DigitlabError(Exception):
    """Base of all errors that a user can fix; `str(error)` can be shown to them."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Passes to another process whatever its arguments were."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[DigitlabError], args: tuple[Any, ...], values: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)
    error.__dict__.update(values)
    return error


def reason(error: Exception) -> str:
    """What an error of a library says, in one line of at most 80 characters."""
    text = "".join(c if c.isprintable() else " " for c in str(error) or type(error).__name__)
    return " ".join(text.split())[:80].rstrip(" .")


class SettingsError(DigitlabError):
    """An environment variable holds something that cannot be used."""


class DatasetError(DigitlabError):
    """A dataset is unknown, missing, damaged or could not be downloaded.

    `name` is the dataset's name in the catalog.
    """

    def __init__(self, message: str, *, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class DatasetMissingError(DatasetError):
    """The dataset is known, but its files are not on this machine."""


class DatasetDamagedError(DatasetError):
    """The dataset's files are there, but truncated or corrupt."""


class DownloadError(DatasetError):
    """A download failed: no network, full disk, unwritable folder, wrong checksum."""


class UploadError(DatasetError):
    """A file that cannot be read as labelled images, or is not safe to open."""


class UnlabelledFileError(UploadError):
    """A file of images without labels, which networks can answer but not be measured on."""


class UnclearFileError(UploadError):
    """A file that can be read in several ways, none of which may be guessed.

    `argument` is that of `read_images` which answers the question, `choices` are its values.
    """

    def __init__(self, message: str, *, argument: str, choices: tuple[str, ...]) -> None:
        super().__init__(message)
        self.argument = argument
        self.choices = choices


class SpecError(DigitlabError):
    """An architecture that cannot be read or built.

    `layer` names the layer as a person would ("layer 3, Linear"), `path` is its place in the
    spec, e.g. ``(2,)`` or ``(4, "layers", 0)``; `line` is the 1-based line of the YAML text it
    came from; `shape` is the shape that reached the layer, without the batch. Each is None where
    it is not known. The path and line let an editor point at the place.
    """

    def __init__(
        self,
        message: str,
        *,
        layer: str | None = None,
        path: tuple[int | str, ...] | None = None,
        line: int | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.layer = layer
        self.path = path
        self.line = line
        self.shape = shape


class ConfigError(DigitlabError):
    """A recipe has a field that is unknown or out of bounds; `field` names it."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class RunError(DigitlabError):
    """A run cannot be used in this way; `run_id` names the run."""

    def __init__(self, message: str, *, run_id: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id


class RunNotFoundError(RunError):
    """There is no run with that id."""


class LeaseLostError(RunError):
    """Another process carries out the run that this one began."""


class RankLostError(RunError):
    """One of the processes that train a run together has ended before it."""


class NetworkFileError(DigitlabError):
    """A file of a trained network that cannot be read, is not safe to open, or does not fit.

    `fit` says of each tensor what it fits, `suggestion` is the architecture that a state dict may
    be of; each is None where there is none. `needs_architecture`: the file is whole, but holds
    weights alone.
    """

    def __init__(
        self,
        message: str,
        *,
        fit: Any = None,
        suggestion: Any = None,
        needs_architecture: bool = False,
    ) -> None:
        super().__init__(message)
        self.needs_architecture = needs_architecture
        self.fit = fit
        self.suggestion = suggestion


class ExportError(DigitlabError):
    """A run or an architecture that cannot be written in that format."""


class StoreError(DigitlabError):
    """The run store (database or folder) cannot be read or written."""


class StorageError(StoreError):
    """The bucket of the runs' files cannot be read or written."""


class ComputeError(DigitlabError):
    """What was asked for takes more time or memory than it may, or all who compute are busy."""


class DrawingError(DigitlabError):
    """An image or array that cannot be read as a drawing."""


class EmptyDrawingError(DrawingError):
    """There is no ink in the drawing."""
