"""The Draw page: a drawing is read, explained, compared, saved and trained on.

The canvas itself runs in a browser only; here, rasterised strokes replace it.
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
from digitlab.ui.drawing import source
from digitlab.ui.drawing.canvas import CanvasContent
from digitlab.ui.drawing.sections import SECTIONS
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
        content = CanvasContent(_on_paper(rasterise(strokes, (280, 280), width)), strokes)
        monkeypatch.setattr(source, "drawing_canvas", lambda *_, **__: content)

    return put


def _on_paper(paint):
    """White ink on the black paper of the canvas."""
    opaque = np.zeros_like(paint)
    opaque[..., :3], opaque[..., 3] = paint[..., 3:], 255
    return opaque


def answer(app):
    """What the page says was read."""
    bodies = [item.proto.body for item in app.get("html")]
    (answer,) = [body for body in bodies if "role='status'" in body]
    return answer.split("overflow-wrap: anywhere'>")[1].split("</div>")[0]


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


def test_a_step_switched_off_is_described(open_page, draw):
    draw([stroke * 0.4 + [0, 0] for stroke in SEVEN])
    app = open_page(PAGE)
    assert "With all of MNIST's steps, it reads **7" in words(app)
    app = healthy(find(app.toggle, "Centre the mass").set_value(False).run())
    assert "Without centring the mass, it reads **" in words(app)
    assert app.query_params["centring"] == "0"
    assert "only resize the whole canvas" in words(app)


def test_several_digits_are_boxed_and_each_can_be_selected(open_page, draw):
    draw(APART, 14)
    app = open_page(PAGE)
    assert answer(app) == "71"
    assert "Selected digit" in [group.label for group in app.get("button_group")]


def test_what_is_no_digit_is_declined_with_its_reason(open_page, draw):
    draw(HOUSE, 12)
    app = open_page(PAGE)
    assert answer(app) == "?"
    assert "This does not look like a digit. The most likely class is" in words(app)


def test_the_arena_shows_agreement_and_keeps_its_runs_in_the_link(open_page, draw, run_id):
    draw(SEVEN)
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn")
    sentences = [item.value for item in (*app.success, *app.warning)]
    assert any("read **7**" in sentence for sentence in sentences)
    (table,) = app.dataframe
    assert len(table.value) == 2
    app = healthy(find(app.multiselect, "Runs that read").set_value(["reader", run_id]).run())
    assert app.query_params["readers"] == f"reader,{run_id}"


def test_the_arena_names_those_that_decline(open_page, draw):
    draw(HOUSE, 12)
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn")
    assert not app.success
    assert "declines (most likely **" in app.warning[-1].value


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


def test_as_many_networks_are_cached_as_may_read_at_once(open_page, draw):
    draw(SEVEN)
    app = open_page(PAGE, show="arena")
    box = find(app.multiselect, "Runs that read")
    assert 0 < len(box.value) <= cached.MAX_READERS
    assert box.proto.max_selections == cached.MAX_READERS


def test_drawing_a_given_digit_counts_for_every_run(open_page, draw, run_id):
    draw(SEVEN)
    app = open_page(PAGE, show="challenge", challenge="asked", readers="reader,reader-cnn")
    app.session_state["challenge"]["asked"]["task"] = "7"
    app = healthy(app.run())
    assert "2 of 2 read it as a 7" in words(app)
    app = healthy(buttons(app, "Count it")[0].click().run())
    assert app.session_state["challenge"]["asked"]["task"] != "7"
    (table,) = app.dataframe
    assert table.value["Right"].tolist() == ["1 of 1", "1 of 1"]


def test_a_corrected_drawing_is_saved_with_its_strokes(open_page, draw):
    draw(SEVEN)
    app = open_page(PAGE, show="collect")
    label = next(g for g in app.get("button_group") if g.label == "Correct label")
    assert label.value == "7"
    app = healthy(buttons(app, "Save as 7 in my-drawings")[0].click().run())
    assert "my-drawings has 1 drawing." in "".join(item.value for item in app.success)
    (drawing,) = collections.read_drawings("my-drawings")
    assert (drawing.label, drawing.read, len(drawing.strokes)) == (7, 7, 1)
    assert np.allclose(drawing.strokes[0], SEVEN[0], atol=0.1)
    assert buttons(app, "Save as 7 in my-drawings")[0].disabled


def test_hosted_asks_for_consent_first(open_page, draw, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    draw(SEVEN)
    app = open_page(PAGE, show="collect")
    assert all(button.disabled for button in buttons(app, "Save as"))
    for box in [box for box in app.checkbox if box.label.startswith("I agree")]:
        box.check()
    app = healthy(app.run())
    assert not any(button.disabled for button in buttons(app, "Save as"))


@pytest.fixture
def mine(optdigits):
    """A collection of 40 digits."""
    images, labels = optdigits.train.images[:40, 0].numpy(), optdigits.train.labels[:40].tolist()
    drawings = [NewDrawing(np.array(image), n) for image, n in zip(images, labels, strict=True)]
    keep_drawings("mine", drawings)
    return "mine"


def test_a_collection_can_be_browsed_evaluated_and_trained_on(open_page, run_id, mine, monkeypatch):
    healthy(open_page("1_Data", dataset="collection:mine"))
    for split in ("val", "test"):
        healthy(open_page("1_Data", dataset="collection:mine", split=split))
    shown = open_page("4_Results", run=run_id, data="collection:mine")
    assert find(shown.selectbox, "Evaluated on").value == "collection:mine"

    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr("digitlab.jobs.queue.relaunch_worker", lambda: None)
    app = open_page(PAGE, run=run_id, show="collect", collection="mine")
    healthy(buttons(app, "Fine-tune on mine")[0].click().run())
    (queued,) = store.list_records(("queued",))
    assert (queued.parent, queued.dataset) == (run_id, "mix:mine+optdigits")


def test_before_and_after_are_shown(open_page, run_id, mine):
    tuned = dl.finetune(run_id, mine, progress=False).after
    app = open_page(PAGE, run=run_id, show="collect", collection=mine, tuned=tuned.id)
    metrics = {metric.label: metric.value for metric in app.metric}
    held_out = next(
        value for label, value in metrics.items() if label.startswith("Your held-out drawings")
    )
    assert "→" in held_out


def test_a_bad_name_of_a_collection_is_refused(open_page):
    app = open_page(PAGE, show="collect", collection=" new")
    app = healthy(find(app.text_input, "Name of the collection").set_value("../up").run())
    assert "cannot be named" in "".join(item.value for item in app.error)
    app = healthy(find(app.text_input, "Name of the collection").set_value("my-sevens").run())
    assert app.query_params["collection"] == "my-sevens"


def test_a_link_with_rubbish_shows_the_page(open_page, draw, run_id):
    draw(SEVEN)
    open_page(PAGE, show="nonsense", readers="gone,../x", source="x", collection="../up", tuned="x")
