"""Where compute processes compute, the process that serves pages loads no torch."""

from __future__ import annotations

import subprocess
import sys

import digitlab as dl
from tests.conftest import ROOT

OPEN = """
import io, os, sys
os.environ |= {"DIGITLAB_HOSTED": "demo", "DIGITLAB_VISITOR_QUEUED": "9"}
del os.environ["DIGITLAB_COMPUTE_PROCESSES"]  # one, as in every hosted app
import numpy as np
from streamlit.testing.v1 import AppTest
from digitlab.drawing.strokes import rasterise
from digitlab.jobs import compute
from digitlab.runs.graph import find_graph
from digitlab.runs.run import open_run
from digitlab.jobs import queue
from digitlab.ui import exports
from digitlab.ui.drawing import source
from digitlab.ui.drawing.canvas import CanvasContent
from digitlab.ui.visitor import PROOF

strokes = [np.array([[140.0, 40.0], [140.0, 240.0]])]
paint = rasterise(strokes, (280, 280), 18)
paint[..., :3], paint[..., 3] = paint[..., 3:], 255
_, home_page, run_id, twin, vae = sys.argv
queue.launch_worker = lambda: None
app = AppTest.from_file(home_page, default_timeout=400)
app.session_state[PROOF] = "a" * 32
app.run()

def check(*what):
    heavy = {"torch", "torchvision", "captum", "cleanlab", "sklearn"} & set(sys.modules)
    assert not heavy, (what, heavy)
    errors = [each.value for each in (*app.exception, *app.error)]
    assert not errors, (what, errors)

def open_page(page, **choices):
    app.query_params.clear()
    for name, value in choices.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py").run()
    check(page, choices)

def click(label):
    next(button for button in app.button if button.label == label).click().run()
    check(label)

open_page("6_Draw")
source.drawing_canvas = lambda *_, **__: CanvasContent(paint, strokes)
open_page("6_Draw", show="steps")
assert not {"pandas", "pyarrow"} & set(sys.modules)  # 70 MB
for section in ("arena", "why", "challenge", "collect"):
    open_page("6_Draw", show=section)
assert "role='status'" in "".join(item.proto.body for item in app.get("html"))
open_page("6_Draw", run=run_id)  # whose graph a compute process writes
assert find_graph(open_run(run_id))
open_page("2_Architecture", preset="lenet-5")
open_page("3_Train", dataset="optdigits", model="lenet-5")
open_page("1_Data", dataset="optdigits", **{"changes-optdigits": "r0=x"})
open_page("1_Data", dataset="optdigits", section="classes")
open_page("1_Data", dataset="optdigits", section="changes")
click("Save as a new version")  # which is shown, and an experiment on both planned
open_page("4_Results", run="mlp")
open_page("4_Results", run="mlp", section="confusion")
for section, choices in {
    "mistakes": {"mistake": "3"},
    "activations": {"part": "weights"},
    "metrics": {},
    "learning": {},
}.items():
    open_page("4_Results", run="mlp", section=section, **choices)
for section in ("robustness", "label-issues"):
    open_page("4_Results", run=run_id, section=section)
for section in ("overview", "metrics", "latent", "novelty"):
    open_page("4_Results", run=vae, section=section)
open_page("5_Compare", runs="mlp,lenet")
open_page("5_Compare", runs=f"{run_id},{twin}", section="seeds")
click("Save as a run")
click("Run them")

images = np.random.default_rng(0).integers(0, 256, (40, 28, 28), np.uint8)
labelled, unlabelled = io.BytesIO(), io.StringIO()
np.savez(labelled, images=images, labels=np.arange(40) % 10)
header = ",".join(f"pixel{number}" for number in range(784))
np.savetxt(unlabelled, images.reshape(40, 784), "%d", ",", header=header, comments="")

def upload(label, name, content):
    uploader = next(each for each in app.file_uploader if label in each.label)
    uploader.upload(name, content, "application/octet-stream").run()
    check(label, name)

open_page("4_Results", run=run_id, data="upload")
upload("labelled images", "test.csv", unlabelled.getvalue().encode())
upload("labelled images", "mine.npz", labelled.getvalue())
open_page("1_Data")
upload("to add", "mine.npz", labelled.getvalue())
next(box for box in app.checkbox if box.key == "add:consent").check().run()
click("Add this dataset")
files = []
exports.button = lambda label, make, *_: files.append(make())
open_page("1_Data", dataset="mine", section="use")
assert len(files) == 2
assert compute.count_processes() == 1
compute.end_all()
print("light")
"""


def test_a_hosted_server_shows_and_does_everything_without_torch(run_id, train_tiny):
    dl.measure_robustness(dl.open_run(run_id), 10)
    twin, vae = train_tiny(), train_tiny("vae", loss="reconstruction", epochs=1)
    command = [sys.executable, "-c", OPEN, ROOT / "Home.py", run_id, twin.id, vae.id]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.strip().endswith("light"), done.stderr[-3000:]
