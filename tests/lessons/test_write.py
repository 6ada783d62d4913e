"""A lesson as a notebook that runs outside the app, and as a sheet without markup of its own."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient

import digitlab as dl
from digitlab.errors import DigitlabError
from digitlab.lessons.lesson import read_lesson
from digitlab.lessons.notebook import write_notebook
from digitlab.lessons.sheet import write_sheet


def carried_out(text):
    notebook = nbformat.reads(text, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    return "".join(out.get("text", "") for out in outputs)


@pytest.mark.parametrize("lesson", dl.list_lessons(), ids=lambda lesson: lesson.id)
def test_every_notebook_says_what_the_lesson_says(lesson):
    notebook = nbformat.reads(write_notebook(lesson), as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert all(step.title in text.replace("\\", "") for step in lesson.steps)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            compile(cell.source, "cell", "exec")


def test_a_notebook_trains_with_what_the_link_sets_and_checks(tmp_path):
    path = dl.write_lesson("overfit-twenty", tmp_path / "lesson.ipynb")
    printed = carried_out(path.read_text())
    assert "reached | A run on at most 20 images" in printed
    assert dl.list_runs(bundled=False)[0].config.subset == 20


def test_a_link_of_a_teacher_may_set_words_and_several_values():
    text = "---\ntitle: t\nabout: a\nminutes: 1\ngoals: [{says: s, check: run}]\n---\n## Do\n\n"
    link = "[Go](page:train?dataset=optdigits&epochs=1&optimizer=sgd&lr=0.1,0.2&shift=0.1)\n"
    notebook = nbformat.reads(write_notebook(read_lesson(text + link, "x")), as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "'learning_rate': [0.1, 0.2]" in code
    assert "'optimizer': 'sgd'" in code
    assert "'augmentation': {'shift': 0.1}" in code


@pytest.mark.slow
@pytest.mark.timeout(1_800)  # three networks in one, on a machine that does other work
@pytest.mark.parametrize("lesson", dl.list_lessons(), ids=lambda lesson: lesson.id)
def test_every_notebook_runs(lesson, mnist):
    assert "|" in carried_out(write_notebook(lesson))


def test_a_sheet_has_everything_and_escapes_what_a_stranger_wrote(tmp_path):
    for lesson in dl.list_lessons():
        sheet = write_sheet(lesson)
        assert all(step.title in sheet for step in lesson.steps)
    text = "---\ntitle: <b>x\nabout: a\nminutes: 1\ngoals: [{says: s, check: run}]\n---\n## <i>t\n"
    sheet = write_sheet(read_lesson(text, "x"))
    assert "<b>x" not in sheet
    assert "<i>t" not in sheet
    with pytest.raises(DigitlabError, match=r"\.ipynb or \.html"):
        dl.write_lesson("chance", tmp_path / "lesson.txt")
