"""The network's answers for a file without labels, and the submission to Kaggle made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.jobs.compute import requests
from digitlab.snippets import own_data as snippets
from digitlab.ui import exports, page
from digitlab.ui.chart import show_chart
from digitlab.ui.compute import compute
from digitlab.ui.markdown import plain
from digitlab.words import percent

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from digitlab.analysis.submission import Answers
    from digitlab.runs.run import Run

SHOWN = 40
_SESSION_KEY = "answers"  # of the file's id, the run, and the answers


def show_answers(file: UploadedFile, run: Run) -> None:
    """A cell with the first images and what the network reads, and the file to submit."""
    from digitlab.figures.images import describe_grid

    page.cell(
        "Answers for images without labels",
        "Without labels nothing can be measured, but every image can be read. The download has "
        "the form of Kaggle's digit recogniser: ImageId, counted from 1, and Label.",
    )
    try:
        answers = _answer(file, run)
    except DigitlabError as e:
        page.show_error(e, icon=":material/folder_off:")
        return
    names = [run.classes[label] for label in answers.labels[:SHOWN]]
    sure = answers.probabilities.max(axis=1)
    show_chart(
        describe_grid(
            answers.images[:SHOWN],
            captions=names,
            hovers=[
                f"Image {number}: {name}, {percent(float(share), 1)}"
                for number, (name, share) in enumerate(zip(names, sure, strict=False), start=1)
            ],
            columns=10,
            tile=60,
        ),
        key="answers:grid",
        bar=False,
        alt=f"The first {len(names)} images with the network's answers: {', '.join(names)}.",
    )
    unsure = (sure < 0.9).sum()
    st.markdown(
        f"{len(answers.labels):,} images from {plain(file.name)} were read; on {unsure:,} of "
        "them the network is less than 90 % sure."
    )
    for note in answers.notes:
        st.caption(plain(note))
    exports.button(
        "submission.csv", answers.to_csv, "submission.csv", "text/csv", "ImageId,Label", "answers"
    )
    page.code_fold(snippets.submitting(run.id, file.name))


def _answer(file: UploadedFile, run: Run) -> Answers:
    """The answers, computed once for a file and a run."""
    key, stored = (file.file_id, run.id), st.session_state.get(_SESSION_KEY)
    if stored and stored[0] == key:
        return stored[1]
    with st.spinner("Reading the images …"):
        answers = compute(requests.answer_file, run.id, file.getvalue(), file.name)
    st.session_state[_SESSION_KEY] = (key, answers)
    return answers
