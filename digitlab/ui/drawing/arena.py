"""The arena: several runs read the same drawing, and the page shows whether they agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from digitlab.analysis.arena import Answer, Arena, read_together
from digitlab.analysis.recognize import find_calibrated_predictor
from digitlab.data.registry import dataset_title
from digitlab.errors import DigitlabError
from digitlab.runs.checkpoints import has_weights
from digitlab.runs.run import Run, list_runs, open_run
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.drawing.reading import Reading
from digitlab.ui.labels import run_names, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import OFFERED, USABLE
from digitlab.words import ago, percent, probability

DEFAULT_COUNT = 5  # runs that read before the visitor chooses any


def show_arena(reading: Reading | None, run: Run) -> None:
    """The choice of runs, what each reads, and the probabilities that each predicts."""
    page.cell(
        "Arena",
        "Several runs read the same drawing after every stroke. Where they disagree, the drawing "
        "is hard or one of the runs has learnt something wrong.",
    )
    body = st.container()
    run_ids = pick_readers_in_fold(run)
    with body:
        if reading is None:
            st.caption("Draw a digit above: every chosen run reads it, and you see who disagrees.")
        elif not run_ids:
            st.caption("Choose at least one run.")
        else:
            arena = read_with_runs(reading, run_ids)
            _show_agreement(arena)
            _show_table(arena)
            _show_strip(reading, arena)
    page.code_fold(snippets.arena(run_ids))


def pick_readers_in_fold(run: Run) -> list[str]:
    """`pick_readers`, out of the way until somebody wants other runs."""
    with st.expander("Choose the runs that read", icon=":material/groups:"):
        return pick_readers(run)


def pick_readers(run: Run) -> list[str]:
    """The ids of the runs that read: those in the URL, else the selected run and a few more."""
    options = list_readers(run)
    default = [run.id, *(run_id for run_id in options if run_id != run.id)][:DEFAULT_COUNT]
    return url.choose_several(
        "Runs that read",
        options,
        param="readers",
        default=default,
        max_selections=cached.MAX_READERS,
        placeholder="Choose runs",
    )


def list_readers(run: Run) -> dict[str, str]:
    """Runs that can read what `run` reads, bundled ones first: id → description."""
    readers = [reader for reader in list_runs(limit=OFFERED) if _can_read(reader, run)]
    readers.sort(key=lambda reader: not reader.record.bundled)
    return {reader.id: _describe(reader) for reader in [run, *readers]}


def read_with_runs(reading: Reading, run_ids: list[str]) -> Arena:
    """What each run reads in the drawing; kept until the drawing or the choice of runs changes."""
    runs = [reader for run_id in run_ids if (reader := _load(run_id)) is not None]
    signature = (reading.drawing.digest, tuple((run.id, run.record.ended) for run in runs))
    last = st.session_state.get("arena:read")
    if last is None or last[0] != signature:
        strokes = reading.drawing.strokes
        last = (signature, read_together(reading.drawing.pixels, runs, strokes=strokes))
        st.session_state["arena:read"] = last
    return last[1]


def _describe(run: Run) -> str:
    """The name, test accuracy and age, which tell runs of the same name apart."""
    record = run.record
    parts = [run_title(record)]
    parts += [] if record.test_accuracy is None else [percent(record.test_accuracy)]
    parts += [] if record.bundled else [ago(record.created)]
    return " · ".join(parts)


def _can_read(reader: Run, run: Run) -> bool:
    """Whether `reader` can predict, and has the classes and the input shape of `run`."""
    record = reader.record
    return (
        record.status in USABLE
        and (has_weights(reader.id) or bool(record.members))
        and (reader.task, reader.classes) == (run.task, run.classes)
        and reader.spec.input == run.spec.input
    )


def _load(run_id: str) -> Run | None:
    try:
        return cached.reader(open_run(run_id))
    except DigitlabError as e:
        st.caption(page.message(f"A chosen run cannot read: {e}"))
        return None


def _show_agreement(arena: Arena) -> None:
    """How many runs agree, and the names of those that read something else or decline."""
    count, majority = len(arena.answers), plain(arena.majority)
    agreeing = arena.agreeing(arena.majority)
    dissenting = ", ".join(_sentence(answer) for answer in arena.answers if answer not in agreeing)
    if count == 1:
        st.markdown(f"It reads **{majority}**." if agreeing else f"{dissenting}.")
    elif len(agreeing) == count:
        st.success(f"All {count} read **{majority}**.", icon=":material/check_circle:")
    else:
        head = f"{len(agreeing)} of {count} read **{majority}**" if agreeing else "No run is sure"
        st.warning(f"{head}; {dissenting}.", icon=":material/call_split:")


def _sentence(answer: Answer) -> str:
    name, text = plain(run_title(answer.run.record)), plain(answer.text)
    if not answer.declined:
        return f"{name} reads **{text or 'nothing'}**"
    return f"{name} declines" + (f" (most likely **{text}**)" if text else "")


def _show_table(arena: Arena) -> None:
    import pandas as pd

    agreeing = arena.agreeing(arena.majority)
    table = pd.DataFrame(
        {
            "Run": run_names([answer.run.record for answer in arena.answers]),
            "Reads": [
                _text(answer) if answer in agreeing else f"≠ {_text(answer)}"
                for answer in arena.answers
            ],
            "Probability": [_certainty(answer) for answer in arena.answers],
            "Trained on": [dataset_title(answer.run.record.dataset) for answer in arena.answers],
        }
    )
    st.table(table.map(plain), hide_index=True)  # which reads Markdown, and > as a quotation


def _text(answer: Answer) -> str:
    if answer.recognition is None:
        return answer.problem
    return f"? ({answer.text})" if answer.recognition.declined else answer.text


def _certainty(answer: Answer) -> str:
    return probability(answer.confidence, short=True) if answer.recognition else "–"


def _show_strip(reading: Reading, arena: Arena) -> None:
    from digitlab.figures.recognition import answer_strip

    of = f" of digit {reading.selected + 1}" if reading.several else ""
    st.markdown(
        f"**Probability of each class{of}, by run**; a dot marks each run's most likely class."
    )
    answers = [answer for answer in arena.answers if answer.recognition is not None]
    if answers:
        names = run_names([answer.run.record for answer in answers])
        rows = np.stack([_probabilities(answer, reading) for answer in answers])
        show_chart(
            answer_strip(names, rows, reading.run.classes),
            key="arena:strip",
            bar=False,
            alt=f"Probability of each class by {len(rows)} runs.",
        )


def _probabilities(answer: Answer, reading: Reading) -> Sequence[float] | np.ndarray:
    """A run's calibrated probabilities of the selected digit [C].

    Where it parted the drawing into other digits, those of the image that the selected run saw.
    """
    digits = answer.recognition.digits if answer.recognition else ()
    if len(digits) == len(reading.recognition.digits):
        return digits[reading.selected].probabilities
    return find_calibrated_predictor(answer.run)(reading.image[None, None])[0]
