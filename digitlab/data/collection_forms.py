"""Keeping the digits of a form, or of the app's own sheet, in a collection."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.data.info import DIGITS
from digitlab.drawing.form import Cell, Form
from digitlab.errors import DatasetError


def keep_form(
    form: Form,
    name: str,
    table: Sequence[Sequence[str]] | None = None,
    *,
    leave_out: Collection[tuple[int, int]] = (),
) -> list[str]:
    """Save what is written in a form's boxes in the collection `name`; the drawings' ids.

    A box's label is its entry of `table` where one is given, a list of rows as `form.table` is;
    else the digit that the sheet has there or, on another form, the one that was read. Boxes that
    are empty, whose label is not one digit, or whose (row, column) is in `leave_out` are not
    saved. Raises DatasetError where none is left, and as `keep_drawings` does.
    """
    places = [place for place in form.filled if place not in leave_out]
    labels = [_label(form.cells[i][j], table[i][j] if table else None) for i, j in places]
    drawings = [
        NewDrawing(cell.digit, int(label), read=cell.reading.digits[0].label)
        for (i, j), label in zip(places, labels, strict=True)
        if label in DIGITS and (cell := form.cells[i][j]).digit is not None
    ]
    if not drawings:
        raise DatasetError("No box holds a digit to save: label a written one with 0 to 9.")
    return keep_drawings(name, drawings)


def _label(cell: Cell, corrected: str | None) -> str:
    if corrected is not None:
        return str(corrected).strip()
    return cell.text if cell.label is None else str(cell.label)
