"""`Options`: how a file is to be read, where a person said so."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from digitlab.data.reading import limits
from digitlab.errors import UploadError

SIDE = 28  # pixels of an image where nothing else is asked for
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Options:
    """How a file is to be read; see `digitlab.read_images`."""

    label_column: str | int | None = None
    first_label: int | None = None
    paper: str | None = None
    orientation: str | None = None
    framing: str | None = None
    size: int | str | None = None
    colour: bool | None = None

    def check_size(self) -> None:
        """UploadError for a size that is not allowed."""
        low, high = limits.MIN_KEPT, limits.MAX_KEPT
        known = self.size in (None, AS_IT_IS)
        if not known and not (isinstance(self.size, int) and low <= self.size <= high):
            raise UploadError(
                f"size is {low} to {high} pixels or {AS_IT_IS!r}; not {str(self.size)[:40]!r}."
            )

    @property
    def largest(self) -> int:
        """Pixels of the longer side to which a larger image is reduced."""
        if self.size is None:
            return SIDE
        return limits.MAX_KEPT if self.size == AS_IT_IS else int(self.size)

    @property
    def plain(self) -> bool:
        """Whether images become grey ones of MNIST's size, which a drawing is framed as."""
        return not self.colour and self.largest == SIDE

    def as_exported(self, colour: bool) -> Options:
        """The options for what digitlab exported: size and colours are kept as they are."""
        size = AS_IT_IS if self.size is None else self.size
        return replace(self, size=size, colour=colour if self.colour is None else self.colour)

    def as_code(self) -> list[str]:
        """The arguments that were given, as code."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [f"{name}={value!r}" for name, value in values if value is not None]


DEFAULT = Options()
