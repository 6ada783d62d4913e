"""The class set: a learner's canvas, the drawings, the datasets made of them, and which writers
are read how well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.analysis.writers import WritersSummary, summarize_known, summarize_new
from digitlab.classroom import class_set
from digitlab.classroom.members import note_place
from digitlab.classroom.room import Room
from digitlab.data import own
from digitlab.errors import DigitlabError
from digitlab.jobs.compute import requests
from digitlab.runs.run import Run, list_runs
from digitlab.snippets import classroom as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.classroom.attempt import attempt
from digitlab.ui.classroom.viewer import Viewer
from digitlab.ui.compute import compute
from digitlab.ui.drawing.collection_files import agrees_to_storing
from digitlab.ui.drawing.source import Drawing, clear_drawing, pick_drawing, start_drawing
from digitlab.ui.labels import run_title
from digitlab.ui.lesson_bar import open_lesson
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import OFFERED
from digitlab.words import counted, interval, percent, with_article

if TYPE_CHECKING:
    from digitlab.data.info import DatasetInfo

SHOWN = 60  # of the newest drawings
_CANVAS = "class-set"
_PROBLEM = "class-set:problem"
_DONE = "class-set:done"
_CONSENT = (
    "I agree that my drawings are stored on this server until the room ends, without my name, and "
    "that everybody in the room may look at them and train on them."
)


def show(viewer: Viewer) -> None:
    """The cells of the class set, for a learner or a teacher."""
    page.cell(
        "Class set",
        f"Each learner draws {class_set.EACH} digits; together they become a dataset. Who drew "
        "what is kept as a number, so that a network can be tested on writers whom it never saw.",
    )
    if viewer.member:
        _show_canvas(viewer.room.code, viewer.member.number)
    else:
        _show_drawings(viewer.room)
        _offer_dataset(viewer.room.code)
    _show_datasets(viewer)
    _show_writers(viewer)


# Drawing


@st.fragment
@page.guard()
def _show_canvas(code: str, number: int) -> None:
    """The digit that is asked for, the canvas, and a way back to the last one."""
    done, digit = class_set.count_drawn(code, number), class_set.next_digit(code, number)
    if problem := st.session_state.pop(_PROBLEM, None):
        page.show_error(problem, st.warning, ":material/draw:")
    if digit is None:
        sentence = f"All your {class_set.EACH} digits are drawn. Thank you."
        st.success(sentence, icon=":material/done_all:")
        _show_undo(code, number, done)
        return
    st.subheader(f"Draw {with_article(str(digit))}", anchor=False)
    row = st.container(key="drawing-and-answer", horizontal=True, gap="medium")
    with row.container(key="canvas-side"):
        drawing = pick_drawing(_CANVAS, small=True)
    with row.container():
        st.progress(done / class_set.EACH, text=f"{done} of {class_set.EACH} drawn")
        agreed = agrees_to_storing("class-set:consent", _CONSENT)
        st.button(
            "Keep it",
            type="primary",
            icon=":material/check:",
            on_click=_keep,
            args=(code, number, drawing),
            disabled=drawing is None or not agreed,
        )
        _show_undo(code, number, done)


def _show_undo(code: str, number: int, done: int) -> None:
    st.button(
        "Draw the last one again",
        icon=":material/undo:",
        on_click=_undo,
        args=(code, number),
        disabled=not done,
    )


def _keep(code: str, number: int, drawing: Drawing) -> None:
    try:
        class_set.keep_drawing(code, number, drawing.pixels, drawing.strokes or ())
    except DigitlabError as e:
        st.session_state[_PROBLEM] = str(e)
    else:
        clear_drawing(_CANVAS)
        note_place("Class", open_lesson() or "")  # who draws opens no page meanwhile


def _undo(code: str, number: int) -> None:
    """Take the last drawing back and put it on the canvas, from which it can be kept again."""
    try:
        start_drawing(_CANVAS, class_set.undo_drawing(code, number).strokes)
    except DigitlabError as e:
        st.session_state[_PROBLEM] = str(e)


def _show_drawings(room: Room) -> None:
    """The newest drawings, which a teacher can delete, and who is not done yet."""
    from digitlab.figures.images import describe_grid

    drawings = class_set.list_drawings(room.code)
    if not drawings:
        st.info(
            "Nobody has drawn anything yet: learners draw on this page.", icon=":material/draw:"
        )
        return
    done = Counter(drawing.writer for drawing in drawings)
    st.markdown(f"**{counted(len(drawings), 'drawing')} by {counted(len(done), 'learner')}**")
    _tell_missing(room, done)
    newest = drawings[:SHOWN]
    show_chart(
        describe_grid(
            np.stack([drawing.image for drawing in newest]),
            hovers=[f"Writer {d.writer}: {with_article(str(d.entry.label))}" for d in newest],
            indices=[_index(drawing) for drawing in newest],
            columns=12,
            tile=48,
        ),
        key="class-set:grid",
        bar=False,
        alt=f"The newest {len(newest)} drawings of the class.",
        on_select=partial(page.store_click, "class-set:grid", "drawing"),
    )
    chosen = [drawing for drawing in drawings if str(_index(drawing)) == url.get("drawing")]
    if chosen:
        _offer_deleting(room.code, chosen[0])
    else:
        st.caption("Click a drawing that is no digit to delete it.")


def _index(drawing: class_set.ClassDrawing) -> int:
    """A number of the drawing that stays when others come in."""
    return drawing.writer * 1_000_000 + drawing.entry.number


def _tell_missing(room: Room, done: Mapping[int, int]) -> None:
    missing = [
        f"{room.name_of(member.number)} ({done.get(member.number, 0)})"
        for member in room.members
        if done.get(member.number, 0) < class_set.EACH
    ]
    if missing:
        st.caption(f"Not done yet: {plain(', '.join(missing))}")


def _offer_deleting(code: str, drawing: class_set.ClassDrawing) -> None:
    digit = with_article(str(drawing.entry.label))
    with st.container(horizontal=True):
        st.button(
            f"Delete this drawing: writer {drawing.writer}, asked for {digit}",
            icon=":material/delete:",
            on_click=_delete,
            args=(class_set.remove_drawing, code, drawing.writer, drawing.entry.id),
        )
        _offer_deleting_all(code, drawing.writer)


def _offer_deleting_all(code: str, writer: int) -> None:
    """A way to be rid of all that a stranger drew, behind a button that asks."""
    with st.popover(f"Delete all of writer {writer}", icon=":material/delete_sweep:"):
        count = class_set.count_drawn(code, writer)
        st.markdown("Datasets that were made of them stay as they are.")
        st.button(
            f"Delete {counted(count, 'drawing')}",
            type="primary",
            on_click=_delete,
            args=(class_set.remove_drawings, code, writer),
        )


def _delete(act: Callable[..., None], *arguments: object) -> None:
    url.drop("drawing")
    attempt(act, *arguments)


# Datasets


def _offer_dataset(code: str) -> None:
    """What a teacher chooses to make a dataset of the drawings."""
    hidden = class_set.hidden_writers(code)
    writers = sorted({d.writer for d in class_set.list_drawings(code)} - hidden)
    if len(writers) < 2:
        st.caption("A dataset needs drawings of two learners or more: to learn from, and to test.")
        return
    with st.expander("Make a dataset of them", icon=":material/dataset:"):
        if hidden:
            st.caption(
                f"{counted(len(hidden), 'writer')} of the challenge stay hidden until it ends."
            )
        usual = f"{code.lower()}-class-set"  # as who is in two rooms has two of them
        name = st.text_input("Name", usual, key="class-set:name")
        test = st.multiselect(
            "Writers to test on",
            writers,
            default=class_set.choose_writers(writers),
            format_func=lambda writer: f"Writer {writer}",
            help="The network learns from all others, and from none of these.",
        )
        with st.container(horizontal=True):
            for label, icon, own_copy in (
                ("For the room", ":material/groups:", False),
                ("A copy of my own", ":material/content_copy:", True),
            ):
                if st.button(label, icon=icon):
                    _make(code, name, test, own_copy=own_copy)
    if message := st.session_state.pop(_DONE, None):
        st.success(plain(message), icon=":material/check_circle:")


def _make(code: str, name: str, test: Sequence[int], *, own_copy: bool) -> None:
    try:
        info = compute(class_set.make_class_set, code, name, test, own_copy=own_copy)
    except DigitlabError as e:
        page.show_error(e)
    else:
        whose = "yours" if own_copy else "the room's"
        st.session_state[_DONE] = f"{info.name} is a dataset now, and {whose}."
        st.rerun()


def _show_datasets(viewer: Viewer) -> None:
    """The room's datasets, with ways to look at them and to train on them."""
    page.cell("Datasets of the room", "Everybody in the room may look at them and train on them.")
    infos = class_set.list_datasets(viewer.room.code)
    if not infos:
        st.caption("None yet: the teacher makes one when enough is drawn.")
    for info in infos:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(info.name)}**")
            for target, label in ((page.DATA, "Look at it"), (page.TRAIN, "Train on it")):
                st.page_link(
                    target,
                    label=label,
                    icon=page.ICONS[target],
                    query_params={"dataset": info.name},
                )
            if viewer.teaches:
                _offer_deleting_dataset(viewer.room.code, info.name)
        st.caption(plain(_describe(viewer.room.code, info)))
    page.code_fold(snippets.class_set(viewer.room.code))


def _offer_deleting_dataset(code: str, name: str) -> None:
    with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"delete:{name}"):
        st.markdown("Runs on it keep their results, but nobody can train on it any more.")
        st.button(
            f"Delete {name}",
            key=f"delete-now:{name}",
            type="primary",
            on_click=attempt,
            args=(class_set.delete_dataset, code, name),
        )


def _describe(code: str, info: DatasetInfo) -> str:
    with class_set.keeping(code):
        writers = own.read_facts(info.name).writers
    if not writers:
        return f"{info.train_size:,} images to learn from, {info.test_size:,} to test on."
    to_learn, to_test = {*writers[: info.train_size]}, {*writers[info.train_size :]}
    return (
        f"{info.train_size:,} images of {counted(len(to_learn), 'writer')} to learn from, "
        f"{info.test_size:,} of {counted(len(to_test), 'other')} to test on."
    )


# Writers


def _show_writers(viewer: Viewer) -> None:
    """How well a run reads writers whom it knows, and others."""
    code = viewer.room.code
    with class_set.keeping(code):
        facts = [own.read_facts(info.name) for info in own.list_own()]
    fingerprints = {each.fingerprint for each in facts if each.writers}
    if not fingerprints:
        return
    page.cell(
        "Known and new writers",
        "Validation images are of writers from whom the network has learnt, test images of others. "
        "Images of one writer are alike: the interval of new writers is over writers, not images.",
    )
    runs = {
        run.id: run
        for run in list_runs(bundled=False, limit=OFFERED)
        if run.record.data.fingerprint in fingerprints
        and run.record.measured
        and run.task == "classify"
    }
    if not runs:
        st.caption("Train a network on a dataset of the class's drawings; it is shown here.")
        return
    titles = {run_id: run_title(run.record) for run_id, run in runs.items()}
    run_id = url.choose("Run", titles, param="writers", default=next(iter(runs)))
    _show_writers_of(runs[run_id])


def _show_writers_of(run: Run) -> None:
    from digitlab.figures.contestants import contestants

    results = cached.of_run(requests.evaluate_writers, run)
    groups = ["Known writers" if result.known else "New writers" for result in results]
    show_chart(
        contestants(
            [f"Writer {result.writer}" for result in results],
            [result.right / result.count for result in results],
            [result.interval for result in results],
            groups,
            title="Accuracy for each writer",
            hovers=[f"Writer {each.writer}: {each.right} of {each.count}" for each in results],
        ),
        key="class-set:writers",
        alt="Accuracy on the images of each writer, with 95 % intervals (Wilson).",
    )
    st.markdown(f"**Known writers**: {_sum_up(summarize_known(results))}.")
    st.markdown(f"**New writers**: {_sum_up(summarize_new(results))}.")
    page.code_fold(snippets.writers(run.id))


def _sum_up(summary: WritersSummary | None) -> str:
    if summary is None:
        return "no images"
    accuracy = percent(summary.accuracy, 1)
    if summary.interval is None:
        return f"{accuracy} for one writer, who says nothing of others"
    writers = counted(summary.writers, "writer")
    return f"{accuracy} for {writers}, 95 % interval {interval(summary.interval, 1)}"
