"""One lesson: its questions, its steps, and its goals, which are checked when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from digitlab.data.registry import dataset_title, is_available
from digitlab.errors import DigitlabError
from digitlab.lessons.catalog import list_lessons
from digitlab.lessons.criteria import Outcome
from digitlab.lessons.lesson import Lesson, Link, Question, Step
from digitlab.lessons.progress import Progress, answer, check_lesson, read_progress
from digitlab.lessons.work import Work
from digitlab.lessons.write import WRITERS
from digitlab.runs.run import open_run
from digitlab.snippets import lessons as snippets
from digitlab.ui import lesson_bar, page
from digitlab.ui.learn.glossary import show_words
from digitlab.ui.learn.links import show_link
from digitlab.ui.markdown import plain
from digitlab.ui.train.selected_run import deselect_run, deselect_sweep
from digitlab.ui.visitor import for_visitor
from digitlab.words import ago, counted

_FILES = (
    ("Notebook", ":material/note:", ".ipynb", "application/x-ipynb+json"),
    ("Sheet to print", ":material/print:", ".html", "text/html"),
)


def show_lesson(lesson: Lesson) -> None:
    """The lesson from its title to the next one."""
    deselect_run()  # links into Train open its form, not the run that was watched last
    deselect_sweep()
    st.page_link(page.LEARN, label="All lessons", icon=":material/arrow_back:")
    page.cell(plain(lesson.title), plain(lesson.about))
    source = f" · After {plain(lesson.source)}" if lesson.source else ""
    st.caption(f"{lesson.minutes} minutes{source}")
    _show_needs(lesson)
    show_words(lesson)
    for question in lesson.questions:
        _show_question(lesson, question)
    with st.container(key="lesson-steps"):
        for number, step in enumerate(lesson.steps, start=1):
            _show_step(lesson, number, step)
    _show_goals(lesson)


def _show_step(lesson: Lesson, number: int, step: Step) -> None:
    st.subheader(f"{number}. {plain(step.title)}", anchor=False)
    for part in step.parts:
        if isinstance(part, Link):
            show_link(part, lesson.id)
        else:
            st.markdown(part)


def _show_needs(lesson: Lesson) -> None:
    for name in lesson.needs:
        try:
            title, is_there = plain(dataset_title(name)), is_available(name)
        except DigitlabError:  # a dataset of one's own that is not here
            title, is_there = plain(name), False
        if not is_there:
            needed = f"This lesson needs {title}, which is not on this machine yet."
            page.missing(needed, page.DATA, f"Get {title}", dataset=name)


def _show_question(lesson: Lesson, question: Question) -> None:
    """A prediction, and after it was made whether it was right, and why."""
    with st.container(border=True):
        st.markdown(f"**Predict.** {plain(question.ask)}")
        choice = read_progress(lesson).answers.get(question.ask)
        if choice is None:
            key = f"answer:{lesson.id}:{question.ask}"
            chosen = st.radio(
                question.ask, question.choices, index=None, key=key, label_visibility="collapsed"
            )
            if st.button("Answer", key=f"give:{key}", disabled=chosen is None):
                try:
                    answer(lesson, question.ask, chosen)
                except DigitlabError as e:
                    page.show_error(e)
                else:
                    st.rerun()
            return
        is_right = choice == question.answer
        text = "Right" if is_right else f"You said {plain(choice)}; it is {plain(question.answer)}"
        icon = ":material/check_circle:" if is_right else ":material/info:"
        (st.success if is_right else st.info)(f"{text}. {plain(question.because)}", icon=icon)


def _show_goals(lesson: Lesson) -> None:
    page.cell("Goals", "They are checked on what you have made; checking changes nothing.")
    outcomes: Sequence[Outcome | None] = [None] * len(lesson.goals)
    if st.button("Check my work", type="primary", icon=":material/fact_check:", key="check"):
        with st.spinner("Looking at your runs …"):
            outcomes = check_lesson(lesson)
        if training := Work().training:
            runs = f"{counted(training, 'run')} of yours"
            st.caption(f"{runs} did not end yet: check again when that is done.")
    progress = read_progress(lesson)
    for goal, outcome in zip(lesson.goals, outcomes, strict=True):
        _show_goal(goal.says, outcome, progress)
    page.code_fold(snippets.check(lesson.id))
    _offer_files(lesson)
    if progress.is_done(lesson):
        _show_next(lesson)


def _offer_files(lesson: Lesson) -> None:
    with st.container(horizontal=True):
        for label, icon, end, kind in _FILES:
            st.download_button(
                label,
                for_visitor(partial(WRITERS[end], lesson)),
                f"{lesson.id}{end}",
                kind,
                icon=icon,
                on_click="ignore",
            )


def _show_goal(says: str, outcome: Outcome | None, progress: Progress) -> None:
    reached = progress.reached.get(says)
    icon = ":material/check_circle:" if reached else ":material/radio_button_unchecked:"
    st.markdown(f"{icon} **{plain(says)}**")
    if outcome is not None and (outcome.reached or not reached):
        st.caption(plain(outcome.sentence))
    elif reached:
        sentence, when = reached
        st.caption(f"{plain(sentence)} Reached {ago(when)}.")
    for run in outcome.runs[:3] if outcome is not None else ():
        st.page_link(
            page.RESULTS,
            label=f"Look at {plain(_name(run))}",
            icon=page.ICONS[page.RESULTS],
            query_params={"run": run, lesson_bar.PARAM: st.query_params.get(lesson_bar.PARAM, "")},
        )


def _name(run_id: str) -> str:
    try:
        return f"“{open_run(run_id).record.name}”"
    except DigitlabError:  # deleted just now
        return "the run"


def _show_next(lesson: Lesson) -> None:
    lessons = list_lessons()
    place = [other.id for other in lessons].index(lesson.id)
    st.success("All goals are reached.", icon=":material/school:")
    if place + 1 < len(lessons):
        following = lessons[place + 1]
        st.page_link(
            page.LEARN,
            label=f"Next: {plain(following.title)}",
            icon=":material/arrow_forward:",
            query_params={lesson_bar.PARAM: following.id},
        )
