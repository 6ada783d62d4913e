"""The Draw page: what is drawn is read, taken apart, contested, kept and learnt from.

The canvas itself runs in a browser only, so here its place is taken by drawings from strokes.
"""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.data import collections
from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.drawing.strokes import rasterise
from digitlab.jobs import queue
from digitlab.runs import run_folder, store
from digitlab.ui import cached
from digitlab.ui.drawing import SECTIONS, sheet
from digitlab.ui.drawing.canvas import Drawn
from tests.pages.visit import find, healthy, words

PAGE = "6_Draw"
SEVEN = [np.array([[70, 70], [210, 70], [125, 225]])]
ONE = [np.array([[140, 60], [140, 220]])]
APART = [SEVEN[0] * [0.5, 0.9], ONE[0] * [0.5, 0.9] + [130, 0]]
HOUSE = [
    np.array([[60, 220], [60, 120], [140, 50], [220, 120], [220, 220], [60, 220]]),
    np.array([[60, 120], [220, 120]]),
    np.array([[120, 220], [120, 160], [160, 160], [160, 220]]),
]


@pytest.fixture
def draw(monkeypatch):
    """A function that puts strokes on the canvas of the pages that are opened from then on."""

    def put(strokes, width=18):
        drawn = Drawn(_on_paper(rasterise(strokes, (280, 280), width)), strokes)
        monkeypatch.setattr(sheet, "drawing_canvas", lambda *_, **__: drawn)

    return put


def _on_paper(paint):
    """White ink on the black paper of the canvas."""
    opaque = np.zeros_like(paint)
    opaque[..., :3], opaque[..., 3] = paint[..., 3:], 255
    return opaque


def answer(app):
    """What the page says was read."""
    bodies = [item.proto.body for item in app.get("html")]
    (said,) = [body for body in bodies if "role='status'" in body]
    return said.split("overflow-wrap: anywhere'>")[1].split("</div>")[0]


def buttons(app, label):
    return [button for button in app.button if button.label.startswith(label)]


def test_an_empty_canvas_says_so(open_page):
    assert "Draw a digit on the canvas" in words(open_page(PAGE))


def test_the_bundled_reader_reads_first(open_page, run_id):
    assert find(open_page(PAGE).selectbox, "Run").value == "reader"


def test_another_run_can_be_chosen_and_the_link_keeps_it(open_page, run_id):
    app = open_page(PAGE)
    healthy(find(app.selectbox, "Run").select(run_id).run())
    assert app.query_params["run"] == run_id
    assert find(open_page(PAGE, run=run_id).selectbox, "Run").value == run_id


@pytest.mark.parametrize("run", ["gone-00000000", "../../etc/passwd", ""])
def test_a_run_that_is_not_there_leaves_the_canvas(open_page, run):
    assert "Draw a digit on the canvas" in words(open_page(PAGE, run=run))


def test_without_any_run_the_way_to_one_is_shown(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path / "no assets")
    app = open_page(PAGE)
    assert find(app.page_link, "Train").proto.page == "Train"


@pytest.mark.parametrize("section", list(SECTIONS))
def test_every_section_waits_for_a_drawing_and_shows_one(open_page, draw, section, run_id):
    healthy(open_page(PAGE, show=section))
    draw(SEVEN)
    assert answer(open_page(PAGE, show=section)) == "7"


def test_a_step_switched_off_is_said_in_words(open_page, draw):
    draw([stroke * 0.4 + [0, 0] for stroke in SEVEN])
    app = open_page(PAGE)
    assert "With all of MNIST's steps it reads **7" in words(app)
    app = healthy(find(app.toggle, "Centre the mass").set_value(False).run())
    assert "Without centring the mass it reads" in words(app)
    assert app.query_params["centring"] == "0"
    assert "squeezed" in words(app)


def test_several_digits_are_boxed_and_each_can_be_looked_at(open_page, draw):
    draw(APART, 14)
    app = open_page(PAGE)
    assert answer(app) == "71"
    assert "Look at" in [group.label for group in app.get("button_group")]


def test_what_is_no_digit_is_declined_with_its_reason(open_page, draw):
    draw(HOUSE, 12)
    app = open_page(PAGE)
    assert answer(app) == "?"
    assert "This does not look like a digit. It comes nearest to" in words(app)


def test_the_arena_shows_agreement_and_keeps_its_runs_in_the_link(open_page, draw, run_id):
    draw(SEVEN)
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn")
    told = [item.value for item in app.success] + [item.value for item in app.warning]
    assert any("read **7**" in text for text in told)
    (table,) = app.dataframe
    assert len(table.value) == 2
    app = healthy(find(app.multiselect, "Runs that read").set_value(["reader", run_id]).run())
    assert app.query_params["readers"] == f"reader,{run_id}"


def test_the_arena_names_those_that_decline(open_page, draw):
    draw(HOUSE, 12)
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn")
    assert not app.success
    assert "declines, nearest to **" in app.warning[-1].value


@pytest.mark.parametrize("part", ["pixels", "runner-up", "layers"])
def test_why(open_page, draw, part):
    draw(SEVEN)
    app = open_page(PAGE, show="why", ask=part)
    if part == "runner-up":
        assert "The runner-up is **" in words(app)


def test_fooling_counts_for_the_best_score(open_page, draw, monkeypatch):
    monkeypatch.setattr("random.choice", lambda tasks: tasks[0])  # a 4 that is read as 9
    draw(SEVEN)
    app = open_page(PAGE, show="challenge", challenge="fool")
    app.session_state["challenge"]["fool"]["task"] = "71"
    app = healthy(app.run())
    assert "Draw a 7 that" in words(app)
    app = healthy(find(app.checkbox, "A person would read it as 7").check().run())
    assert "**Your best:** 7 as 1:" in words(app)
    healthy(buttons(app, "Reset scores")[0].click().run())
    assert "Your best" not in words(app)


def test_as_many_networks_are_kept_as_may_read_at_once(open_page, draw):
    draw(SEVEN)
    app = open_page(PAGE, show="arena")
    box = find(app.multiselect, "Runs that read")
    assert 0 < len(box.value) <= cached.AT_ONCE
    assert box.proto.max_selections == cached.AT_ONCE


def test_drawing_what_is_asked_counts_for_every_run(open_page, draw, run_id):
    draw(SEVEN)
    app = open_page(PAGE, show="challenge", challenge="asked", readers="reader,reader-cnn")
    app.session_state["challenge"]["asked"]["task"] = "7"
    app = healthy(app.run())
    assert "2 of 2 read it as a 7" in words(app)
    app = healthy(buttons(app, "Count it")[0].click().run())
    assert app.session_state["challenge"]["asked"]["task"] != "7"
    (table,) = app.dataframe
    assert table.value["Right"].tolist() == ["1 of 1", "1 of 1"]


def test_a_corrected_drawing_is_kept_with_its_strokes(open_page, draw):
    draw(SEVEN)
    app = open_page(PAGE, show="collect")
    label = next(g for g in app.get("button_group") if g.label == "What it really is")
    assert label.value == "7"
    app = healthy(buttons(app, "Keep it as 7 in my-drawings")[0].click().run())
    assert "my-drawings holds 1 drawings" in "".join(item.value for item in app.success)
    (kept,) = collections.read_drawings("my-drawings")
    assert (kept.label, kept.read, len(kept.strokes)) == (7, 7, 1)
    assert np.allclose(kept.strokes[0], SEVEN[0], atol=0.1)
    assert buttons(app, "Keep it as 7 in my-drawings")[0].disabled


def test_hosted_asks_for_consent_first(open_page, draw, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    draw(SEVEN)
    app = open_page(PAGE, show="collect")
    assert all(button.disabled for button in buttons(app, "Keep it"))
    for box in [box for box in app.checkbox if box.label.startswith("I agree")]:
        box.check()
    app = healthy(app.run())
    assert not any(button.disabled for button in buttons(app, "Keep it"))


@pytest.fixture
def mine(optdigits):
    """A collection of 40 digits."""
    images, labels = optdigits.train.images[:40, 0].numpy(), optdigits.train.labels[:40].tolist()
    drawn = [NewDrawing(np.array(image), n) for image, n in zip(images, labels, strict=True)]
    keep_drawings("mine", drawn)
    return "mine"


def test_a_collection_can_be_browsed_measured_and_learnt_from(open_page, run_id, mine, monkeypatch):
    healthy(open_page("1_Data", dataset="collection:mine"))
    for split in ("val", "test"):
        healthy(open_page("1_Data", dataset="collection:mine", split=split))
    shown = open_page("4_Results", run=run_id, data="collection:mine")
    assert find(shown.selectbox, "Measured on").value == "collection:mine"

    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr("digitlab.jobs.queue.relaunch_worker", lambda: None)
    app = open_page(PAGE, run=run_id, show="collect", collection="mine")
    healthy(buttons(app, "Fine-tune on mine")[0].click().run())
    (queued,) = store.list_records(("queued",))
    assert (queued.parent, queued.dataset) == (run_id, "mix:mine+optdigits")


def test_before_and_after_are_shown(open_page, run_id, mine):
    tuned = dl.finetune(run_id, mine, progress=False).after
    app = open_page(PAGE, run=run_id, show="collect", collection=mine, tuned=tuned.id)
    shown = {metric.label: metric.value for metric in app.metric}
    held_out = next(value for label, value in shown.items() if label.startswith("Your drawings"))
    assert "→" in held_out


def test_a_bad_name_of_a_collection_is_refused(open_page):
    app = open_page(PAGE, show="collect", collection=" new")
    app = healthy(find(app.text_input, "Its name").set_value("../up").run())
    assert "cannot be named" in "".join(item.value for item in app.error)
    app = healthy(find(app.text_input, "Its name").set_value("my-sevens").run())
    assert app.query_params["collection"] == "my-sevens"


def test_a_link_with_rubbish_shows_the_page(open_page, draw, run_id):
    draw(SEVEN)
    open_page(PAGE, show="nonsense", readers="gone,../x", source="x", collection="../up", tuned="x")
