"""An exported page reads in a browser, from disk and offline, what `recognize` reads."""

from __future__ import annotations

import base64
import json
from itertools import chain
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from playwright.sync_api import Browser, Page, expect

import digitlab as dl
from digitlab.data.pendigits import FILE, digits_of
from digitlab.drawing.compose import apart, single
from digitlab.drawing.handwriting import write
from digitlab.drawing.strokes import rasterise
from digitlab.exports.onnx import to_onnx
from digitlab.exports.web_page.graph import pack_graph
from digitlab.exports.web_page.write import FOLDER
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from digitlab.settings import read_settings
from digitlab.training.normalize import Normalization

READ = """drawings => drawings.map(([width, height, bytes]) => {
  const data = Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0));
  return readDrawing({ width, height, data }, predict).map(line => line.map(digit =>
    ({ text: digit.declined ? "?" : facts.classes[digit.label],
       probabilities: digit.probabilities })));
})"""
PENS = [((0.1, 0.2), (0.3, 0.2), (0.2, 0.9)), ((0.7, 0.2), (0.7, 0.9))]  # a 7 and a 1
PRESETS = ("resnet-mini", "inception-mini", "vit-tiny", "lstm-rows", "densenet-mini", "mlp-mixer")


@pytest.fixture(scope="module")
def exported(browser: Browser, tmp_path_factory):
    """The bundled reader's page, opened from disk without a network."""
    path = dl.export("reader", "page", tmp_path_factory.mktemp("page") / "reader.html")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    page.problems, page.requests = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    page.goto(path.as_uri())
    yield page
    context.close()


def draw(page: Page, strokes) -> None:
    box = page.locator("#pad").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=8)
        page.mouse.up()


@pytest.mark.parametrize("width", [1280, 390])
def test_digits_are_drawn_and_read_offline(exported, width):
    exported.set_viewport_size({"width": width, "height": 844})
    draw(exported, PENS)
    expect(exported.locator("#answer")).to_have_text("71")
    expect(exported.locator("#answer")).to_be_in_viewport()
    seen = exported.get_by_role("button", name="Digit 2: 1")
    seen.click()
    expect(seen).to_have_attribute("aria-pressed", "true")
    assert exported.evaluate("document.documentElement.scrollWidth") <= width
    exported.get_by_role("button", name="Undo").click()
    expect(exported.locator("#answer")).to_have_text("7")
    exported.get_by_role("button", name="Clear").click()
    expect(exported.get_by_text("Draw a digit, or several side by side.")).to_be_visible()
    assert not exported.problems
    assert [url[:5] for url in exported.requests] == ["file:"]  # the page itself


def test_what_is_no_digit_is_declined(exported):
    draw(exported, [[(0.1, 0.5), (0.3, 0.1), (0.3, 0.9), (0.1, 0.1), (0.2, 0.9), (0.05, 0.3)]])
    expect(exported.locator("#answer")).to_have_text("?")
    exported.get_by_role("button", name="Clear").click()


def test_the_page_reads_as_the_app_reads(exported):
    drawings = []
    for seed in range(40):
        text = str(np.random.default_rng(seed).integers(10 ** (1 + seed % 4)))
        strokes, brush = write(text, (600, 240), brush=6 + seed % 20, seed=seed)
        drawings.append((rasterise(strokes, (600, 240), brush), text))
    agree, apart_by = compare(exported, [canvas for canvas, _ in drawings])
    assert agree == 1
    assert apart_by < 0.01


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_page_reads_a_thousand_pen_drawings_as_the_app_does(exported):
    digits = digits_of(read_settings().data / FILE, "test")
    rng = np.random.default_rng(7)
    drawings = [(apart if k % 4 == 0 else single)(digits, rng).canvas for k in range(1_000)]
    agree, apart_by = compare(exported, drawings)
    print(f"{agree:.2%} read alike; probabilities differ by {apart_by:.4f} at most")
    assert agree >= 0.995
    assert apart_by < 0.01


def compare(page: Page, canvases) -> tuple[float, float]:
    """The share of drawings with the same text, and the largest difference of a probability."""
    given = [
        (canvas.shape[1], canvas.shape[0], base64.b64encode(canvas[..., 3].tobytes()).decode())
        for canvas in canvases
    ]
    same, differences = [], [0.0]
    reads = [page.evaluate(READ, given[k : k + 50]) for k in range(0, len(given), 50)]
    for canvas, lines in zip(canvases, chain.from_iterable(reads), strict=True):
        recognition = dl.recognize(canvas, "reader")
        same.append(
            recognition.text == "\n".join("".join(d["text"] for d in line) for line in lines)
        )
        if same[-1]:
            pairs = zip(recognition.digits, chain.from_iterable(lines), strict=True)
            differences += [
                np.abs(np.subtract(here.probabilities, there["probabilities"])).max()
                for here, there in pairs
            ]
    return float(np.mean(same)), float(max(differences))


# Layers that no preset has, in one network of 8×12×12 and then 2×24×24.
UNUSUAL = [
    {"Conv2d": {"out_channels": 8, "kernel_size": 5, "stride": 2}},
    {"GroupNorm": {"num_groups": 2}},
    {"Softshrink": {"lambd": 0.1}},
    "Hardshrink",
    {"PixelShuffle": {"upscale_factor": 2}},
    {"AdaptiveAvgPool2d": {"output_size": 10}},
    {"Upsample": {"size": [17, 23], "mode": "nearest-exact"}},
    {"Upsample": {"size": [19, 21], "mode": "bilinear", "align_corners": True}},
    {"Upsample": {"scale_factor": 2, "mode": "bicubic"}},
    {"LPPool2d": {"norm_type": 2, "kernel_size": 2}},
    {"Unfold": {"kernel_size": 3, "stride": 2}},
    "Flatten",
    {"Linear": {"out_features": 10}},
]


@pytest.mark.parametrize(
    "model",
    [*PRESETS, ModelSpec(name="unusual", layers=UNUSUAL)],
    ids=lambda model: getattr(model, "name", model),
)
def test_a_graph_computes_what_onnx_runtime_computes(browser, model):
    spec = dl.load_model(model)
    model = to_onnx(build(spec, seed=1).eval(), Normalization(0.13, 0.31), spec.input, {})
    image = np.random.default_rng(3).integers(0, 256, (1, *spec.input), dtype=np.uint8)
    expected = onnxruntime.InferenceSession(model).run(["logits"], {"images": image})[0][0]
    page = browser.new_page()
    page.add_script_tag(content=(Path(FOLDER) / "network.js").read_text("utf-8"))
    logits = page.evaluate(
        """([graph, shape, data]) => Array.from(openNetwork(JSON.parse(graph))(
             {images: {shape, data: Uint8Array.from(data)}}).logits.data)""",
        [json.dumps(pack_graph(model, ("logits",))), image.shape, image.ravel().tolist()],
    )
    page.close()
    np.testing.assert_allclose(logits, expected, atol=2e-3 * max(1, np.abs(expected).max()))
