"""A photo with boxes, read as a form: straightened, corrected in a table, downloaded and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.analysis.recognize import read_form
from digitlab.data.collection_forms import keep_form
from digitlab.data.info import DIGITS
from digitlab.drawing.grid import find_grid
from digitlab.drawing.recognition import UNREAD
from digitlab.errors import DigitlabError
from digitlab.figures.form import marked_form
from digitlab.runs.run import Run, open_run
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.drawing.collect import current_collection
from digitlab.ui.drawing.collection_files import agrees_to_storing
from digitlab.ui.drawing.sheets import offer_keeping, show_preview

if TYPE_CHECKING:
    from digitlab.drawing.form import Form
    from digitlab.drawing.grid import Grid
    from digitlab.ui.drawing.source import Drawing

FORM, DRAWING = "form", "drawing"
CHOICES = {FORM: ":material/grid_on: A form", DRAWING: ":material/image: A drawing"}
COLUMN = 44  # pixels of a column of the table


def offer_form(drawing: Drawing, run_id: str) -> Grid | None:
    """The boxes of a photo that has some and is to be read as a form; says that it has them."""
    if drawing.strokes is not None or open_run(run_id).classes != DIGITS:
        return None
    grid = _find_boxes(drawing)
    if grid is None:
        return None
    rows, columns = grid.shape
    count = f"{rows} × {columns}" if grid.regular else f"{sum(map(len, grid.rows))}"
    st.info(
        f"This photo has {count} boxes. As a form, it is straightened and read box by box.",
        icon=":material/grid_on:",
    )
    form = _read(grid, drawing, cached.reader(open_run(run_id)))
    default = DRAWING if _falls_apart(form) else FORM
    chosen = url.choose(
        "Read the photo as", CHOICES, param="as", default=default, widget=st.segmented_control
    )
    return grid if chosen == FORM else None


def _falls_apart(form: Form) -> bool:
    """Whether half the boxes written in hold no digit: writing across squared paper."""
    texts = [form.cells[row][column].text for row, column in form.filled]
    unread = sum(UNREAD in text for text in texts)
    return bool(texts) and not form.is_sheet and 2 * unread >= len(texts)


def show_form(grid: Grid, drawing: Drawing, run_id: str) -> None:
    """What was read in the boxes: to look at, to correct, to download and to keep."""
    run, name = cached.reader(open_run(run_id)), current_collection()
    form = _read(grid, drawing, run)
    if form.is_sheet:
        page.cell("The sheet", "Each row is a digit, so the labels are known.")
        left_out = show_preview(form, f"form:{drawing.digest}")
        offer_keeping([(drawing.digest, form, left_out)], name, "form")
        page.code_fold(snippets.sheets(run.id, name), "The sheet in Python")
        return
    page.cell("The form", "Each box was read by itself. Correct the table where it is wrong.")
    left, right = st.columns(2)
    with left:
        _show_picture(form)
    with right:
        table = _edit(form, drawing)
        _offer_download(table)
        if form.filled:
            _offer_keeping(form, table, drawing, name)
    page.code_fold(snippets.form(run.id, name), "The form in Python")


def _find_boxes(drawing: Drawing) -> Grid | None:
    """The photo's grid; kept until there is another photo."""
    last = st.session_state.get("form:grid")
    if last is None or last[0] != drawing.digest:
        last = st.session_state["form:grid"] = (drawing.digest, find_grid(drawing.pixels))
    return last[1]


def _read(grid: Grid, drawing: Drawing, run: Run) -> Form:
    signature = (drawing.digest, run.id, run.record.ended)
    last = st.session_state.get("form:read")
    if last is None or last[0] != signature:
        with st.spinner("Reading the boxes …"):
            last = st.session_state["form:read"] = (signature, read_form(grid, run))
    return last[1]


def _show_picture(form: Form) -> None:
    doubtful = sum(cell.doubtful for row in form.cells for cell in row)
    boxes = sum(map(len, form.cells))
    words = f"{len(form.filled)} of {boxes} boxes are written in"
    words += f"; {doubtful} in orange may be read wrongly." if doubtful else "."
    st.image(marked_form(form), width="stretch", caption=words)


def _edit(form: Form, drawing: Drawing) -> list[list[str]]:
    """The table of readings as the visitor corrected it."""
    import pandas as pd

    columns = max(map(len, form.cells))
    rows = [row + [""] * (columns - len(row)) for row in form.table]
    names = [str(number) for number in range(1, columns + 1)]
    edited = st.data_editor(
        pd.DataFrame(rows, columns=names, index=range(1, len(rows) + 1), dtype=str),
        key=f"form:table:{drawing.digest}",
        column_config={name: st.column_config.TextColumn(width=COLUMN) for name in names},
    )
    table = [[str(text or "").strip() for text in row] for row in edited.fillna("").to_numpy()]
    if changed := int((np.array(table) != np.array(rows)).sum()):
        st.caption(f"{changed} corrected.")
    return table


def _offer_download(table: list[list[str]]) -> None:
    if any(UNREAD in text for row in table for text in row):
        st.caption(f"The network declines to read a box with {UNREAD}: type what it holds.")
    st.download_button(
        "Download as CSV",
        "".join(
            ",".join(f'"{text}"' if "," in text else text for text in row) + "\n" for row in table
        ),
        file_name="form.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _offer_keeping(form: Form, table: list[list[str]], drawing: Drawing, name: str) -> None:
    count = sum(table[i][j] in DIGITS for i, j in form.filled)
    agreed = agrees_to_storing("form:consent")
    entry = (drawing.digest, name, str(table))
    saved = st.session_state.setdefault("form:saved", set())
    st.button(
        f"Keep {count} digit{'s' if count != 1 else ''} in {name}",
        type="primary",
        icon=":material/bookmark_add:",
        on_click=_keep,
        args=(form, table, name, entry),
        disabled=not agreed or not count or entry in saved,
    )
    if problem := st.session_state.pop("form:problem", None):
        page.show_error(problem)
    if entry in saved:
        st.success(
            f"Kept with the table's labels. {name} is under Collect.",
            icon=":material/check_circle:",
        )


def _keep(form: Form, table: list[list[str]], name: str, entry: tuple) -> None:
    try:
        keep_form(form, name, table)
    except DigitlabError as e:
        st.session_state["form:problem"] = str(e)
        return
    st.session_state["form:saved"].add(entry)
