"""The Draw page: a drawing is read, explained, compared, saved and trained on.

The canvas itself runs in a browser only; here, rasterised strokes replace it.
"""

from __future__ import annotations

import base64
import gc

import numpy as np
import pytest

import digitlab as dl
from digitlab.data import collections
from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.drawing.strokes import rasterise
from digitlab.jobs import queue
from digitlab.runs import run_folder, store
from digitlab.ui import cached
from digitlab.ui.drawing import reader, source
from digitlab.ui.drawing.canvas import CanvasContent
from digitlab.ui.drawing.sections import SECTIONS
from digitlab.ui.markdown import plain
from tests.pages.visit import figures, find, healthy, words

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
    return answer.split("aria-live='polite'>")[1].split("</div>")[0]


def buttons(app, label):
    return [button for button in app.button if button.label.startswith(label)]


def test_an_empty_canvas_says_so(open_page):
    assert "Draw a digit on the canvas" in words(open_page(PAGE))


def test_without_a_run_of_ones_own_the_bundled_reader_reads(open_page):
    assert find(open_page(PAGE).selectbox, "Read by").value == "reader"


def test_the_network_just_trained_reads_first_and_its_limits_are_told(
    open_page, run_id, monkeypatch
):
    app = open_page(PAGE)
    assert find(app.selectbox, "Read by").value == run_id
    assert "Trained on Optdigits: 1,294 images of 8×8 pixels. It may read drawings badly." in words(
        app
    )
    monkeypatch.setattr(reader, "POOR", 1)
    app = open_page(PAGE)
    assert "of its own test images right, and drawings hardly more" in words(app)
    app = healthy(buttons(app, "Use the bundled reader")[0].click().run())
    assert find(app.selectbox, "Read by").value == "reader"
    assert not buttons(app, "Use the bundled reader")


def test_where_visitors_are_strangers_the_bundled_reader_reads_first(
    open_page, run_id, monkeypatch
):
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    assert find(open_page(PAGE).selectbox, "Read by").value == "reader"


def test_another_run_can_be_chosen_and_the_link_keeps_it(open_page, run_id):
    app = open_page(PAGE)
    healthy(find(app.selectbox, "Read by").select(run_id).run())
    assert app.query_params["run"] == run_id
    assert find(open_page(PAGE, run=run_id).selectbox, "Read by").value == run_id


@pytest.mark.parametrize("run", ["gone-00000000", "../../etc/passwd", ""])
def test_a_run_that_is_not_there_leaves_the_canvas(open_page, run):
    assert "Draw a digit on the canvas" in words(open_page(PAGE, run=run))


def test_without_any_run_the_way_to_one_is_shown(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path / "no assets")
    app = open_page(PAGE)
    assert find(app.page_link, "Train").proto.page == "Train"


@pytest.mark.parametrize("section", list(SECTIONS))
def test_every_section_waits_for_a_drawing_and_shows_one(open_page, draw, section, run_id):
    healthy(open_page(PAGE, show=section, run="reader"))
    draw(SEVEN)
    assert answer(open_page(PAGE, show=section, run="reader")) == "7"


def test_a_step_switched_off_is_described(open_page, draw):
    draw([stroke * 0.4 + [0, 0] for stroke in SEVEN])
    app = open_page(PAGE)
    assert "With all of MNIST's steps, it reads **7" in words(app)
    app = healthy(find(app.toggle, "Centre the mass").set_value(False).run())
    assert "Without centring the mass, it reads **" in words(app)
    assert app.query_params["centring"] == "0"
    assert "only resize the whole canvas" in words(app)


def test_the_digit_is_shown_once_for_each_step_with_how_it_is_read(open_page, draw):
    draw(SEVEN)
    (pictures,) = [
        item.proto.body for item in open_page(PAGE).get("html") if "<img" in item.proto.body
    ]
    for heading, phrase in (("MNIST's way", "with MNIST's steps"), ("Resized", "with the whole")):
        assert f"<figcaption>{heading}<br>" in pictures
        assert f'alt="The digit {phrase}' in pictures
    assert pictures.count("data:image/png") == pictures.count(": read as ") == 6


def test_a_session_keeps_no_drawings_of_before(open_page, draw):
    app = open_page(PAGE)
    for shift in range(4):
        draw([SEVEN[0] + [shift, 0]])
        app = healthy(app.run())
    gc.collect()
    kept = [thing for thing in gc.get_objects() if type(thing) is source.Drawing]
    assert len(kept) <= 2  # of the two last runs


def test_an_example_is_written_and_read_and_undone_stroke_by_stroke(open_page):
    app = open_page(PAGE)
    app = healthy(find(app.text_input, "Write digits for me").input("47").run())
    assert answer(app) == "47"
    app = healthy(buttons(app, "Undo")[0].click().run())
    assert answer(app) == "4"
    app = healthy(buttons(app, "Clear")[0].click().run())
    assert "Draw a digit on the canvas" in words(app)
    app = healthy(buttons(app, "Show me an example")[0].click().run())
    assert answer(app) in source.EXAMPLES
    app = healthy(find(app.text_input, "Write digits for me").input("seven").run())
    assert "type 1 to 8 digits from 0 to 9" in words(app)


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
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn", run="reader")
    sentences = [item.value for item in (*app.success, *app.warning)]
    assert any("read **7**" in sentence for sentence in sentences)
    (table,) = app.table
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
    app = open_page(
        PAGE, show="challenge", challenge="asked", readers="reader,reader-cnn", run="reader"
    )
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


def test_one_number_tells_how_sure_an_answer_is(open_page, draw):
    draw([np.array([[70, 100], [190, 60], [170, 140], [160, 225]])])
    app = open_page(PAGE, show="arena", readers="reader,reader-cnn")
    bars, strip = (figure["data"][0] for figure in figures(app))
    label = int(np.argmax(bars["x"]))
    (headline,) = [
        item.proto.body for item in app.get("html") if "role='status'" in item.proto.body
    ]
    said = bars["text"][label]
    assert said.replace("> ", "more than ") in headline
    (table,) = app.table
    assert table.value["Probability"][0] == plain(said)
    cells = np.frombuffer(base64.b64decode(strip["z"]["bdata"]), strip["z"]["dtype"])
    assert cells[label] == pytest.approx(bars["x"][label])
    assert (bars["y"][-1], sum(bars["x"])) == ("no digit", pytest.approx(100))


def test_the_view_for_other_sites_has_only_the_pad_and_the_answer(open_page, draw, run_id):
    draw(SEVEN)
    app = open_page(PAGE, view="draw")
    assert app.title[0].value == "Reader of drawings"
    assert answer(app) == "7"
    assert [len(app.selectbox), len(app.header), len(app.sidebar)] == [0, 0, 0]
    assert "Trained on Optdigits" in words(open_page(PAGE, view="draw", run=run_id))


def test_the_view_says_that_a_run_is_not_there(open_page):
    app = open_page(PAGE, view="draw", run="gone-00000000")
    assert app.title[0].value == "Nothing to show"
    assert "There is no run 'gone-00000000'" in app.error[0].value.replace("\\", "")


def test_a_network_is_shared_by_a_link_to_the_view(open_page):
    app = open_page(PAGE, run="reader")
    app.session_state["share"] = True
    app = healthy(app.run())
    link, frame = (item.value for item in app.code[:2])
    assert link.endswith("?run=reader&view=draw")
    assert "&amp;embed=true" in frame
