"""The text of a Jupyter notebook, from its cells."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Cell = tuple[Literal["markdown", "code"], str]


def write_cells(cells: Iterable[Cell]) -> str:
    """A notebook (nbformat 4) for Python with these cells; the same cells give the same text."""
    import nbformat
    from nbformat import v4

    notebook = v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
    )
    make = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    notebook.cells = [make[kind](text) for kind, text in cells]
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"
    nbformat.validate(notebook)
    return nbformat.writes(notebook)
