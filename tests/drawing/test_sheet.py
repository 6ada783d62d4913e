"""The printed sheet is recognised by its marks, however it lies."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from digitlab.drawing.grid import find_grid
from digitlab.drawing.sheet import PAPERS, draw_sheet, find_boxes, find_sheet, sheet_bytes
from digitlab.errors import DigitlabError
from tests.drawing.photographed import boxed_page


@pytest.mark.parametrize("paper", PAPERS)
def test_the_sheet_fits_its_paper_and_is_recognised(paper):
    page = draw_sheet(paper)
    assert page.size[0] / page.size[1] == pytest.approx(np.divide(*PAPERS[paper]), rel=1e-3)
    sheet = find_sheet(find_grid(np.asarray(page)))
    assert sheet.shape == (10, 10)
    margin = 40  # dots, 5 mm, that a printer cannot reach
    edges = np.asarray(page).copy()
    edges[margin:-margin, margin:-margin] = 255
    assert edges.min() == 255


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_it_is_turned_upright_from_every_side(quarters, mirrored):
    page = np.array(draw_sheet())
    left, top, right, bottom = find_boxes()[0][0]
    page[top + 30 : bottom - 30, left + 30 : right - 30] = 0  # a square in the first box
    seen = np.rot90(page[:, ::-1] if mirrored else page, quarters)
    sheet = find_sheet(find_grid(np.ascontiguousarray(seen)))
    dark = [[sheet.image[t:b, lf:r].mean() < 200 for lf, t, r, b in row] for row in sheet.rows]
    assert dark[0][0]
    assert np.sum(dark) == 1


def test_ten_by_ten_boxes_without_marks_are_no_sheet():
    grid = find_grid(np.asarray(boxed_page(["0123456789"] * 10)))
    assert grid.shape == (10, 10)
    assert find_sheet(grid) is None
    assert find_sheet(find_grid(np.asarray(boxed_page(["12", "34"])))) is None


def test_it_is_written_as_pdf_and_png():
    assert sheet_bytes("pdf").startswith(b"%PDF")
    assert Image.open(io.BytesIO(sheet_bytes("png", "letter"))).size == (1700, 2200)
    with pytest.raises(DigitlabError, match="a4 or letter"):
        draw_sheet("a5")
    with pytest.raises(DigitlabError, match=r"\.pdf or \.png"):
        sheet_bytes("docx")
