"""The Learn page: lessons in order, predictions that stay, and goals checked on real runs."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.errors import DigitlabError
from digitlab.lessons import progress
from digitlab.lessons.glossary import list_terms
from digitlab.ui import page
from digitlab.ui.learn.pictures import find_picture
from tests.pages.visit import figures, find, healthy, words

PAGE = "7_Learn"
QUICK = dl.TrainConfig(epochs=3, batch_size=64, learning_rate=0.003)


def test_lessons_stand_in_their_order_with_minutes_and_what_is_done(open_page):
    text = words(open_page(PAGE)).replace("\\", "")
    lessons = dl.list_lessons()
    places = [text.find(lesson.about.split(",")[0].split(";")[0].rstrip(".")) for lesson in lessons]
    assert len(lessons) == 15
    assert -1 not in places
    assert places == sorted(places)
    assert "20 minutes" in text


def test_a_goal_is_missing_until_a_run_reaches_it_and_stays_reached(open_page, optdigits):
    app = open_page(PAGE, lesson="first-loss")
    assert "ln 10" in words(app)
    find(app.button, "Check my work").click().run()
    assert "You have no run yet" in words(app)
    run = dl.train("two-hidden-64-relu", optdigits, QUICK, progress=False)
    find(app.button, "Check my work").click().run()
    assert "reaches it" in words(app)
    dl.delete_run(run.id)
    app = open_page(PAGE, lesson="first-loss")
    assert "reaches it" in words(app), "what was reached stays"
    assert "2 goals" in words(healthy(open_page(PAGE)))


def test_the_first_prediction_counts_and_is_explained(open_page):
    app = open_page(PAGE, lesson="first-loss")
    assert find(app.button, "Answer").disabled
    app.radio[0].set_value("26").run()
    find(app.button, "Answer").click().run()
    assert "You said 26; it is 3" in words(app).replace("\\", "")
    find(app.button, "Check my work").click().run()
    assert "You made 1 prediction" in words(app)


def test_an_answer_that_cannot_be_kept_says_why(open_page, monkeypatch):
    app = open_page(PAGE, lesson="first-loss")
    app.radio[0].set_value("26").run()
    monkeypatch.setattr(progress, "_keep", refuse)
    find(app.button, "Answer").click().run()
    assert [error.value for error in healthy(app).error] == ["No room\\."]
    assert find(app.button, "Check my work"), "the page is whole"


def refuse(*_):
    raise DigitlabError("No room.")


def test_a_bar_leads_back_from_the_pages_and_can_be_left(open_page):
    app = healthy(open_page("6_Draw", lesson="own-drawings"))
    assert "Goal: Ten drawings" in words(app)
    app.switch_page(page.DATA).run()
    assert "Goal: Ten drawings" in words(app)
    find(app.button, "Leave the lesson").click().run()
    assert "Goal:" not in words(app)


def test_a_teachers_file_is_a_lesson_and_a_faulty_one_is_named(open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_LESSONS", str(tmp_path))
    text = "---\ntitle: Ours\nabout: Ours.\nminutes: 3\ngoals: [{says: A run, check: run}]\n---\n"
    (tmp_path / "ours.md").write_text(text + "## Do it\n\nNow.\n")
    (tmp_path / "bad.md").write_text(text.replace("check: run", "check: luck") + "## Do it\n")
    app = open_page(PAGE)
    assert "Ours" in words(app)
    assert "The head of the lesson bad is not valid" in app.warning[0].value
    assert "Now." in words(healthy(open_page(PAGE, lesson="ours")))
    assert "There is no lesson" in open_page(PAGE, lesson="nothing").error[0].value


@pytest.mark.parametrize("picture", sorted({term.picture for term in list_terms()} - {""}))
def test_a_word_has_a_picture_from_the_newest_run_that_shows_it(run_id, picture):
    drawn = find_picture(picture)
    assert drawn.figure.data
    assert drawn.alt.endswith(".")
    assert drawn.run.id == ("lenet" if picture == "kernels" else run_id)


def test_words_have_pictures_before_there_is_a_run():
    for picture in ("confusion", "losses", "weights", "kernels", "probabilities"):
        assert find_picture(picture).run.record.bundled
    assert find_picture("labels") is None, "MNIST is not on this machine"


def test_a_word_is_explained_where_the_link_says_so(open_page, run_id):
    app = open_page(PAGE, word="confusion matrix")
    assert "A table of true classes" in words(app).replace("\\", "")
    assert figures(app)[0]["data"]
    assert f"your run, “{dl.open_run(run_id).record.name}”" in words(app).replace("\\", "")
    assert not figures(open_page(PAGE, word="Adam"))
