"""The challenge: what is asked, handing in, the leaderboard, and its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Any

import streamlit as st

from digitlab.classroom import challenge as challenges
from digitlab.classroom import class_set, submissions
from digitlab.classroom.challenge import Challenge, DamagedError
from digitlab.classroom.room import Room, find_room
from digitlab.classroom.submissions import Rank
from digitlab.data.registry import is_available, list_datasets
from digitlab.errors import DigitlabError
from digitlab.evaluation.intervals import wilson_interval
from digitlab.runs.run import Run, list_runs
from digitlab.snippets import classroom as snippets
from digitlab.ui import page
from digitlab.ui.chart import show_chart
from digitlab.ui.classroom.attempt import attempt
from digitlab.ui.classroom.viewer import Viewer
from digitlab.ui.compute import compute
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import OFFERED
from digitlab.words import ago, counted, hundred, interval, percent

REFRESH_SECONDS = 5.0
_OWN = " the class's drawings"  # no name of a dataset begins with a space
_SENT = "challenge:sent"


def show(viewer: Viewer) -> None:
    """The cells of the challenge, for a learner or a teacher."""
    page.cell(
        "Challenge",
        "Whose network reads best what nobody has seen? Hand in a run: its answers for hidden "
        "images are computed here, and nobody is told which were wrong.",
    )
    try:
        challenge = challenges.find_challenge(viewer.room.code)
    except DamagedError as e:
        page.show_error(e)
        if viewer.teaches:
            _offer_beginning(viewer)
        return
    if challenge is None:
        _offer_beginning(viewer)
        return
    _explain(challenge)
    if viewer.member and not challenge.ended:
        _show_handing_in(viewer, challenge)
    _show_ranks(viewer, challenge)
    if viewer.member:
        _show_own(viewer.room.code, viewer.member.number)
    elif challenge.ended:
        _offer_beginning(viewer)
    else:
        _offer_end(viewer.room.code)
    page.code_fold(snippets.challenge(viewer.room.code))


def _explain(challenge: Challenge) -> None:
    state, hidden = "Ended" if challenge.ended else "Running", challenge.ranking + challenge.final
    st.markdown(
        f"**{state}** · {hidden:,} hidden images of {plain(challenge.source)} · train on "
        f"**{plain(challenge.dataset)}**, the room's dataset, and on nothing else."
    )
    if not challenge.ended:
        st.markdown(
            f"The leaderboard counts {challenge.ranking:,} of them; the other "
            f"{challenge.final:,} are counted once, at the end, as whoever hands in often gets "
            "lucky on the first half only. One submission a minute."
        )
    if challenge.writers:
        halves = (
            "different ones in each half"
            if challenge.parted
            else "the same in both halves, which so share some of that luck"
        )
        st.caption(
            f":material/groups: They are of {counted(len(challenge.writers), 'writer')}, {halves}. "
            "Images of one writer are alike: for other writers the intervals are too narrow."
        )
    if challenge.known:
        st.caption(f":material/visibility: {plain(challenge.known)}")


# Beginning and ending


def _offer_beginning(viewer: Viewer) -> None:
    if viewer.member:
        st.info("There is no challenge yet: your teacher begins one.", icon=":material/trophy:")
        return
    number = challenges.next_number(viewer.room.code)
    title = "Begin another challenge" if number > 1 else "Begin a challenge"
    with st.expander(title, icon=":material/trophy:", expanded=number == 1):
        titles = {info.name: info.title for info in list_datasets() if is_available(info.name)}
        titles = {_OWN: "The class's drawings", **titles}
        source = st.selectbox("About", list(titles), format_func=titles.get)
        usual = f"{viewer.room.code.lower()}-challenge"  # as who is in two rooms has two of them
        usual += f"-{number}" * (number > 1)
        name = st.text_input("Name of the dataset to train on", usual, key=f"challenge:{number}")
        if source == _OWN:
            hidden, images = _choose_hidden(viewer.room.code), None
        else:
            hidden, images = None, _choose_images()
        if st.button("Begin", type="primary", icon=":material/play_arrow:"):
            _begin(viewer.room.code, name, source, hidden, images)


def _choose_hidden(code: str) -> list[int]:
    writers = sorted({drawing.writer for drawing in class_set.list_drawings(code)})
    return st.multiselect(
        "Writers whose drawings are hidden",
        writers,
        default=class_set.choose_writers(writers),
        format_func=lambda writer: f"Writer {writer}",
        help="The others' drawings become the dataset to train on.",
    )


def _choose_images() -> int:
    return st.number_input(
        "Images to train on",
        min_value=100,
        max_value=challenges.MOST_TRAIN,
        value=2_000,
        step=100,
        help="Few make a training short, and a good recipe count. The dataset's test images are "
        f"hidden, {challenges.MOST_HIDDEN:,} at most.",
    )


def _begin(
    code: str, name: str, source: str, hidden: Sequence[int] | None, images: int | None
) -> None:
    try:
        if source == _OWN:
            compute(challenges.hold_class_challenge, code, name, hidden)
        else:
            compute(challenges.hold_challenge, code, name, source, train_images=images)
    except DigitlabError as e:
        page.show_error(e)
    else:
        st.rerun()


def _offer_end(code: str) -> None:
    with st.popover("End the challenge", icon=":material/flag:"):
        st.markdown("The final half is shown to everybody, and nothing more is counted.")
        st.button(
            "End it now", type="primary", on_click=attempt, args=(challenges.end_challenge, code)
        )


# Handing in


def _show_handing_in(viewer: Viewer, challenge: Challenge) -> None:
    code, number = viewer.room.code, viewer.member.number
    submitted_runs = {each.run for each, *_ in submissions.list_submissions(code, number)}
    runs = {run.id: run for run in list_runs(bundled=False, limit=OFFERED) if _fits(run, challenge)}
    with st.container(horizontal=True):
        st.page_link(
            page.TRAIN,
            label=f"Train on {plain(challenge.dataset)}",
            icon=page.ICONS[page.TRAIN],
            query_params={"dataset": challenge.dataset},
        )
        st.page_link(
            page.DATA,
            label="Look at its images",
            icon=page.ICONS[page.DATA],
            query_params={"dataset": challenge.dataset},
        )
    options = [run_id for run_id in runs if run_id not in submitted_runs]
    if not options:
        more = "another run" if submitted_runs else "a run"
        st.caption(f"Train {more} on {plain(challenge.dataset)} to hand it in.")
        return
    run_id = st.selectbox(
        "Run to hand in", options, format_func=lambda run_id: _title(runs[run_id]), width=480
    )
    waits = submissions.seconds_to_wait(code, number) > 0
    st.fragment(_show_button, run_every=1.0 if waits else None)(viewer, run_id, waits)


@page.guard()
def _show_button(viewer: Viewer, run_id: str, waited: bool) -> None:
    """The button, which counts down the minute after a submission."""
    wait = submissions.seconds_to_wait(viewer.room.code, viewer.member.number)
    if waited and not wait:
        st.rerun()
    if st.button(
        f"Hand in again in {wait} s" if wait else "Hand it in",
        key="challenge:hand-in",
        type="primary",
        icon=":material/hourglass_top:" if wait else ":material/send:",
        disabled=bool(wait),
    ):
        try:
            with st.spinner("Your network reads the hidden images …"):
                compute(submissions.hand_in, viewer.room.code, viewer.member.number, run_id)
        except DigitlabError as e:
            st.session_state[_SENT] = str(e)
        st.rerun()
    if problem := st.session_state.pop(_SENT, None):
        page.show_error(problem, st.warning, ":material/hourglass_top:")


def _fits(run: Run, challenge: Challenge) -> bool:
    record = run.record
    return submissions.is_done(record) and record.data.fingerprint == challenge.fingerprint


def _title(run: Run) -> str:
    accuracy = run.record.val_accuracy
    more = "" if accuracy is None else f" · validation {percent(accuracy, 1)}"
    return f"{run_title(run.record)}{more}"


def _show_own(code: str, number: int) -> None:
    own = submissions.list_submissions(code, number)
    if not own:
        return
    page.cell("What you handed in", "Figures of the half that ranks, the newest first.")
    st.dataframe(
        [
            {
                "Run": each.name,
                "Right": hundred(right / count),
                "95 % interval": interval(wilson_interval(right, count), 1),
                "Parameters": each.parameters,
                "When": ago(each.when),
            }
            for each, right, count in own
        ],
        hide_index=True,
        column_config={
            "Right": st.column_config.NumberColumn(format="%.1f %%"),
            "Parameters": st.column_config.NumberColumn(format="localized"),
        },
    )


# The leaderboard


def _show_ranks(viewer: Viewer, challenge: Challenge) -> None:
    page.cell(
        "Final leaderboard" if challenge.ended else "Leaderboard",
        "The line through a point is its 95 % interval. Learners whose interval overlaps that of "
        "the best of a place share it: chance alone could change their order. Each learner's best "
        "submission on the half that ranks counts.",
    )
    every = None if challenge.ended else REFRESH_SECONDS
    st.fragment(_show_board, run_every=every)(viewer, challenge)


@page.guard()
def _show_board(viewer: Viewer, challenge: Challenge) -> None:
    room, ended = find_room(viewer.room.code), challenge.ended is not None
    if challenges.find_challenge(room.code) != challenge:
        st.rerun()
    ranks = submissions.rank_members(room.code, final=ended)
    if not ranks:
        st.caption("Nobody has handed in a run yet.")
        return
    own = viewer.member.number if viewer.member else None
    show_ranks(room, ranks, key="challenge:ranks", own=own)
    before = {rank.member: rank for rank in submissions.rank_members(room.code)}
    if ended:
        chosen, final = (_mean(halves) for halves in (before.values(), ranks))
        st.markdown(
            f"These submissions read {percent(chosen, 1)} of the half that they were chosen by and "
            f"{percent(final, 1)} of this one, which nobody had chosen by."
        )
    with st.expander("As a table", icon=":material/table:"):
        st.dataframe(
            [_row(room, rank, before[rank.member] if ended else None) for rank in ranks],
            hide_index=True,
            column_config={
                name: st.column_config.NumberColumn(format="%.1f %%")
                for name in ("Right", "Half that ranked")
            },
        )
        st.caption(
            "p-value: McNemar's test against the first, on the same images. For one pair it is "
            "sharper than two intervals; of many pairs some are below 0.05 by luck."
        )


def _mean(ranks: Iterable[Rank]) -> float:
    return mean(rank.right / rank.count for rank in ranks)


def show_ranks(room: Room, ranks: Sequence[Rank], key: str, own: int | None = None) -> None:
    """The leaderboard as a chart: places, names as the room shows them, and intervals.

    The learner of the number `own` is the one who looks.
    """
    from digitlab.figures.contestants import contestants

    names = ["You" if rank.member == own else room.name_of(rank.member) for rank in ranks]
    show_chart(
        contestants(
            [f"{rank.place}. {name}" for rank, name in zip(ranks, names, strict=True)],
            [rank.right / rank.count for rank in ranks],
            [rank.interval for rank in ranks],
            ["First place" if rank.place == 1 else "Others" for rank in ranks],
            title=f"Right of {ranks[0].count:,} hidden images",
            hovers=[
                f"{name}: {rank.right} of {rank.count}, {counted(rank.submissions, 'submission')}"
                for rank, name in zip(ranks, names, strict=True)
            ],
        ),
        key=key,
        bar=False,
        alt="Learners by how many hidden images their best submission read rightly, with 95 % "
        "intervals (Wilson).",
    )


def _row(room: Room, rank: Rank, before: Rank | None) -> dict[str, Any]:
    return {
        "Place": rank.place,
        "Learner": room.name_of(rank.member),
        "Right": hundred(rank.right / rank.count),
        "95 % interval": interval(rank.interval, 1),
        **({"Half that ranked": hundred(before.right / before.count)} if before else {}),
        "p-value": f"{rank.p_value:.3f}" if rank.p_value >= 0.001 else "< 0.001",
        "Submissions": rank.submissions,
        "Parameters": rank.submission.parameters,
    }
