"""The leaderboard counts what is fair, and ranks nobody by chance."""

from __future__ import annotations

import time

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import challenge as challenges
from digitlab.classroom import room, submissions, teachers
from digitlab.classroom.room import RoomError
from digitlab.data.load import load_dataset
from digitlab.runs import store
from tests.classroom.conftest import RECIPE, TEACHER, hand_in, learner, train


def test_a_submission_too_soon_is_refused_with_the_seconds_to_wait(code, held, monkeypatch):
    first, second = train(1), train(1, seed=1)
    assert submissions.PAUSE_SECONDS == 60
    monkeypatch.setattr(submissions, "PAUSE_SECONDS", 600.0)  # for a slow machine
    hand_in(code, 1, first)
    assert 0 < submissions.seconds_to_wait(code, 1) <= 600
    with pytest.raises(RoomError, match=r"wait \d+ seconds"):
        hand_in(code, 1, second)
    assert submissions.seconds_to_wait(code, 2) == 0, "each learner has a minute of their own"
    monkeypatch.setattr(submissions, "PAUSE_SECONDS", 0.0)
    hand_in(code, 1, second)
    with pytest.raises(RoomError, match="already"):
        hand_in(code, 1, first)
    newest, oldest = submissions.list_submissions(code, 1)
    assert (newest[0].run, oldest[0].run) == (second.id, first.id)
    assert 0 <= oldest[1] <= oldest[2] == held.ranking


def test_only_what_a_learner_trained_on_the_rooms_images_counts(code, held, tmp_path):
    run, elsewhere = train(1), train(1, "optdigits")
    with pytest.raises(RoomError, match="was trained on optdigits"):
        hand_in(code, 1, elsewhere)
    with owners.acting_for(learner(2)), pytest.raises(dl.DigitlabError, match="not yours"):
        submissions.hand_in(code, 2, run)
    with owners.acting_for(learner(2)), pytest.raises(RoomError, match="somebody else"):
        submissions.hand_in(code, 1, run)
    with pytest.raises(RoomError, match="not yours"):
        hand_in(code, 1, "reader")
    with owners.acting_for(learner(1)):
        imported = dl.import_run(dl.export(run, "zip", tmp_path))
        with pytest.raises(RoomError, match="came from a file"):
            submissions.hand_in(code, 1, imported)
        longer = dl.train(
            run.spec, load_dataset("optdigits"), RECIPE, progress=False, start_from=run.id
        )
        begun = dl.train(
            run.spec, load_dataset("challenge"), RECIPE, progress=False, start_from=longer.id
        )
        with pytest.raises(RoomError, match="was trained on optdigits"):
            submissions.hand_in(code, 1, begun)
    assert not submissions.rank_members(code)
    assert submissions.seconds_to_wait(code, 1) == 0, "what does not count takes no minute"


def test_a_run_that_was_stopped_after_the_rooms_seconds_counts(code, held):
    run = train(1)
    for status in ("paused", "failed", "interrupted"):
        store.update_run(run.id, status=status)
        with pytest.raises(RoomError, match="has not finished"):
            hand_in(code, 1, run.id)
    store.update_run(run.id, status="stopped")
    hand_in(code, 1, run.id)
    assert [rank.member for rank in submissions.rank_members(code)] == [1]


def submit_answers(code, number, wrong, when):
    """Keep a submission that reads all hidden images but those rows."""
    count = len(challenges.read_hidden(code)[1])
    right = ~np.isin(np.arange(count), wrong)
    bits = submissions.base64.b64encode(np.packbits(right).tobytes()).decode()
    entry = submissions._Answered(run=f"run-{when}", name="A", parameters=1, when=when, right=bits)
    with room.filling(code):
        before = submissions._read(code, number)[1]
        submissions._write(code, number, when, [*before, entry])


def test_those_whose_intervals_overlap_share_a_place(code, held):
    ranking = challenges.rows_of(code, final=False)
    submit_answers(code, 1, ranking[:40], 1.0)
    submit_answers(code, 2, ranking[:2], 2.0)
    submit_answers(code, 3, ranking[2:5], 3.0)
    submit_answers(code, 3, ranking[:100], 4.0)
    ranks = submissions.rank_members(code)
    assert [(rank.member, rank.place, rank.right) for rank in ranks] == [
        (2, 1, held.ranking - 2),
        (3, 1, held.ranking - 3),
        (1, 3, held.ranking - 40),
    ]
    assert ranks[1].submissions == 2
    assert ranks[1].interval.high > ranks[0].interval.low > ranks[2].interval.high
    assert ranks[0].p_value == 1.0
    assert ranks[2].p_value < 0.001


def test_the_final_half_is_shown_at_the_end_and_nothing_counts_after(code, held):
    final = challenges.rows_of(code, final=True)
    submit_answers(code, 1, final[:50], 1.0)
    submit_answers(code, 2, challenges.rows_of(code, final=False)[:50], 2.0)
    assert [rank.member for rank in submissions.rank_members(code)] == [1, 2]
    with owners.acting_for(TEACHER):
        with pytest.raises(RoomError, match="running in this room"):
            challenges.hold_challenge(code, "second", "optdigits")
        with pytest.raises(RoomError, match="when the teacher ends"):
            submissions.rank_members(code, final=True)
    with owners.acting_for(learner(1)), pytest.raises(RoomError, match="Only a teacher"):
        challenges.end_challenge(code)
    run = train(3)
    with owners.acting_for(TEACHER):
        challenges.end_challenge(code)
    assert [rank.member for rank in submissions.rank_members(code, final=True)] == [2, 1]
    with pytest.raises(RoomError, match="has ended"):
        hand_in(code, 3, run)
    with owners.acting_for(TEACHER):
        assert challenges.hold_challenge(code, "second", "optdigits").number == 2
    assert not submissions.rank_members(code)


def meanwhile(monkeypatch, end, code):
    """Let the teacher `end` something while a run answers."""
    predict = dl.Run.predict_logits

    def predict_after_the_end(self, images):
        with owners.acting_for(TEACHER):
            end(code)
        return predict(self, images)

    monkeypatch.setattr(dl.Run, "predict_logits", predict_after_the_end)


def test_a_submission_that_comes_while_the_challenge_ends_does_not_count(code, held, monkeypatch):
    run = train(1)
    meanwhile(monkeypatch, challenges.end_challenge, code)
    with pytest.raises(RoomError, match="ended while"):
        hand_in(code, 1, run)
    assert not submissions.rank_members(code)
    assert time.time() >= challenges.find_challenge(code).ended


def test_a_run_that_answers_while_the_room_ends_is_told_so(code, held, monkeypatch):
    run = train(1)
    meanwhile(monkeypatch, teachers.end_room, code)
    with pytest.raises(RoomError, match="has ended"):
        hand_in(code, 1, run)
    assert not room.room_folder(code).exists()


def test_a_learners_damaged_submissions_keep_nobody_else_from_the_leaderboard(code, held):
    submit_answers(code, 1, [], 1.0)
    submit_answers(code, 2, [], 2.0)
    submissions._member_file(code, 1).write_text("{}")
    assert [rank.member for rank in submissions.rank_members(code)] == [2]
