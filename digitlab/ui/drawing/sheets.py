"""Collecting on paper: the sheet for a printer, and photos of filled ones, looked at and kept."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.analysis.recognize import read_form
from digitlab.data.collection_forms import keep_form
from digitlab.drawing.sheet import ROW_LABELS, sheet_bytes
from digitlab.errors import DigitlabError
from digitlab.figures.form import cut_digits, marked_form
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page
from digitlab.ui.drawing.collection_files import agrees_to_storing
from digitlab.ui.drawing.source import TYPES
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.drawing.form import Form
    from digitlab.runs.run import Run

PAPERS = {"a4": "A4", "letter": "Letter"}
MOST = 10  # photos at a time: each takes a few seconds and some memory
KEPT = "sheets:kept"  # session key: digits by the sheet's digest and the collection they are in
Sheet = tuple[int, "Form", set[tuple[int, int]]]  # digest, form, and the boxes left out


def show_sheets(name: str, run: Run) -> None:
    """The sheet to print, and an upload of photographed ones, each shown before it is kept."""
    with st.expander("Collect on paper", icon=":material/print:"):
        st.markdown(
            "A class makes a dataset with one photo each: print the sheet, write every digit ten "
            "times, and photograph it whole. Each row is a digit, so nobody has to type labels."
        )
        _offer_sheet()
        files = st.file_uploader(
            f"Photos of filled sheets, at most {MOST} at a time",
            type=TYPES,
            accept_multiple_files=True,
            key="sheets:photos",
        )
        sheets = [sheet for file in files[:MOST] if (sheet := _show_photo(file, run)) is not None]
        if len(files) > MOST:
            st.warning(f"Only the first {MOST} photos are shown: keep them, then add the others.")
        if sheets:
            offer_keeping(sheets, name, "sheets")
        page.code_fold(snippets.sheets(run.id, name), "Sheets in Python")


def show_preview(form: Form, key: str) -> set[tuple[int, int]]:
    """A sheet as it was straightened and cut; the boxes (row, column) that are to be left out."""
    empty = sum(map(len, form.cells)) - len(form.filled)
    left, right = st.columns(2)
    left.image(marked_form(form), width="stretch", caption="The photo, straightened")
    with right:
        words = f"{len(form.filled)} digits cut out" + (f"; left empty: {empty}" if empty else "")
        st.image(cut_digits(form), width="stretch", caption=words)
    return _pick_left_out(form, key)


def _pick_left_out(form: Form, key: str) -> set[tuple[int, int]]:
    """The boxes that the visitor leaves out: of those in doubt, and of the others."""
    doubtful, others = {}, {}
    for i, j in form.filled:
        name, cell = f"{ROW_LABELS[i]} in box {j + 1}", form.cells[i][j]
        if cell.doubtful:
            doubtful[f"{name}: read as {plain(cell.text)}"] = i, j
        else:
            others[name] = i, j
    chosen = []
    if doubtful:
        chosen = st.pills(
            f"{len(doubtful)} in orange are not read as their row says. Leave out slips of the pen",
            list(doubtful),
            selection_mode="multi",
            key=f"{key}:left-out",
            help="Keep the row's digit, however odd: from such digits a network learns most.",
        )
    crossed_out = st.multiselect(
        "Leave out others, such as digits that are crossed out",
        list(others),
        key=f"{key}:others",
        placeholder="None",
    )
    return {(doubtful | others)[name] for name in [*chosen, *crossed_out]}


def offer_keeping(sheets: Sequence[Sheet], name: str, key: str) -> None:
    """A button that saves the sheets' digits in a collection, and whether they are saved."""
    count = sum(len(form.filled) - len(left_out) for _, form, left_out in sheets)
    agreed = agrees_to_storing(f"{key}:consent")
    counts = st.session_state.setdefault(KEPT, {})
    is_kept = all((digest, name) in counts for digest, *_ in sheets)
    of = f" of {len(sheets)} sheets" if len(sheets) > 1 else ""
    st.button(
        f"Keep {count:,} digits{of} in {name}",
        key=f"{key}:keep",
        type="primary",
        icon=":material/bookmark_add:",
        on_click=_keep,
        args=(sheets, name),
        disabled=not agreed or not count or is_kept,
    )
    if problem := st.session_state.pop("sheets:problem", None):
        page.show_error(problem)
    if is_kept:
        saved = sum(counts[digest, name] for digest, *_ in sheets)
        st.success(f"Kept: {saved:,} digits are in {name}.", icon=":material/check_circle:")


def _offer_sheet() -> None:
    with st.container(horizontal=True):
        for paper, title in PAPERS.items():
            st.download_button(
                f"Sheet, {title}",
                data=lambda paper=paper: sheet_bytes("pdf", paper),
                file_name=f"digitlab-sheet-{paper}.pdf",
                mime="application/pdf",
                icon=":material/download:",
                on_click="ignore",
            )


def _show_photo(file: Any, run: Run) -> Sheet | None:
    """A photo's sheet, shown; None where it has none, which is said."""
    content = file.getvalue()
    digest = zlib.crc32(content)
    st.markdown(f"**{plain(file.name)}**")
    try:
        form = _read(content, digest, run)
    except DigitlabError as e:
        page.show_error(e, st.warning, ":material/broken_image:")
        return None
    if not form.is_sheet:
        st.warning(
            "This photo is not of the sheet: photograph all ten rows and the five black marks. "
            "Other boxes are read as a form, with Photo above.",
            icon=":material/grid_off:",
        )
        return None
    return digest, form, show_preview(form, f"sheets:{digest}")


def _read(content: bytes, digest: int, run: Run) -> Form:
    forms = st.session_state.setdefault("sheets:read", {})
    signature = (digest, run.id, run.record.ended)
    if signature not in forms:
        while len(forms) >= MOST:
            del forms[next(iter(forms))]
        with st.spinner("Reading the sheet …"):
            forms[signature] = read_form(content, cached.reader(run))
    return forms[signature]


def _keep(sheets: Sequence[Sheet], name: str) -> None:
    counts = st.session_state[KEPT]
    try:
        for digest, form, left_out in sheets:
            if (digest, name) not in counts:
                counts[digest, name] = len(keep_form(form, name, leave_out=left_out))
    except DigitlabError as e:
        st.session_state["sheets:problem"] = str(e)
