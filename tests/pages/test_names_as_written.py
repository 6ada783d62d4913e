"""What strangers wrote (names of runs, classes, sweeps) is shown as written, not as markup."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import digitlab as dl
from digitlab.drawing.strokes import rasterise
from digitlab.runs import store
from digitlab.runs.record import Sweep
from digitlab.ui.compare.sections import SECTIONS as COMPARED
from digitlab.ui.drawing import source
from digitlab.ui.drawing.canvas import CanvasContent
from digitlab.ui.drawing.sections import SECTIONS as DRAWN
from digitlab.ui.markdown import plain
from digitlab.ui.results.sections import SECTIONS as RESULTS
from tests.pages.visit import find, healthy

HOSTILE = "**x** [y](http://z) :red[w] $a$ <b>"
STROKE = [np.array([[60.0, 60], [220, 60], [120, 220]])]
# Fields of Streamlit's messages that browsers read as Markdown. (Options of a selectbox and cells
# of a data frame are text.)
MARKDOWN = {"body", "label", "help", "tooltip", "caption", "text", "delta", "content"}


@pytest.fixture
def hostile_runs(home):
    return make_runs(HOSTILE)


def make_runs(hostile, tags=()):
    """Two finished runs of a sweep in which every name that a person gives is hostile."""
    optdigits = dl.load_dataset("optdigits")
    info = replace(optdigits.info, name=hostile, classes=(hostile, f"{hostile} 2"))
    splits = {name: optdigits.split(name) for name in dl.SPLITS}
    splits = {name: replace(split, labels=split.labels % 2) for name, split in splits.items()}
    data = replace(optdigits, info=info, **splits)
    layers = "layers: [Flatten, {Linear: {out_features: 2}}]"
    spec = dl.ModelSpec.from_yaml(f"name: '{hostile}'\ninput: [1, 28, 28]\n{layers}")
    runs = [
        dl.train(spec, data, dl.TrainConfig(epochs=1, seed=seed), name=hostile, progress=False)
        for seed in (0, 1)
    ]
    for run in runs:
        dl.label_run(run.id, tags=tags or [hostile], note=hostile)
        named = run.record.data.model_copy(update={"sweep": Sweep(id="hostile", name=hostile)})
        store.update_run(run.id, data=named.model_dump())
    return [run.id for run in runs]


def links(runs):
    """Page and parameters of every place that shows these runs."""
    first, both = runs[0], ",".join(runs)
    yield "Home", {}
    for section in RESULTS:
        yield "4_Results", {"run": first, "section": section.key, "true": "0", "mistake": "0"}
    for section in COMPARED:
        yield "5_Compare", {"runs": both, "section": section.key}
    for section in DRAWN:
        yield "6_Draw", {"run": first, "show": section, "readers": both}
    yield "3_Train", {"run": first}
    yield "3_Train", {"sweep": "hostile"}


def read_as_markdown(app):
    """Every text of the page that a browser reads as Markdown."""
    blocks = [app._tree]
    while blocks:
        node = blocks.pop()
        blocks += getattr(node, "children", {}).values()
        message = getattr(node, "proto", None)
        if message is not None and message.DESCRIPTOR.name != "Html":
            yield from _texts(message)


def _texts(message):
    for field, value in message.ListFields():
        for item in value if isinstance(value, list) or hasattr(value, "append") else [value]:
            if hasattr(item, "ListFields"):
                yield from _texts(item)
            elif isinstance(item, str) and field.name in MARKDOWN:
                yield item


def test_no_name_is_read_as_markup(open_page, hostile_runs, monkeypatch):
    paint = rasterise(STROKE, (280, 280), 18)
    paper = np.zeros_like(paint)
    paper[..., :3], paper[..., 3] = paint[..., 3:], 255
    content = CanvasContent(paper, STROKE)
    monkeypatch.setattr(source, "drawing_canvas", lambda *_, **__: content)
    seen, bad = 0, []
    for page, params in links(hostile_runs):
        texts = list(read_as_markdown(open_page(page, **params)))
        bad += [(page, params, text) for text in texts if "**x**" in text or "$a$" in text]
        seen += sum(plain("**x**") in text for text in texts)
    assert not bad
    assert seen > 40, "the names are on the pages"


def test_an_error_that_quotes_a_name_shows_it_as_written(open_page):
    app = open_page("6_Draw", show="collect", collection=" new")
    app = healthy(find(app.text_input, "Name of the collection").set_value(HOSTILE).run())
    assert plain(HOSTILE) in app.error[0].value
