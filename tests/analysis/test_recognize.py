"""`dl.recognize` reads a drawing with a run, always as that run is now."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

import digitlab as dl
from digitlab import files
from digitlab.analysis.recognize import (
    default_reader,
    find_calibrated_predictor,
    find_predictor,
)
from digitlab.drawing.recognition import recognize_drawing
from digitlab.errors import DrawingError, EmptyDrawingError, RunError, RunNotFoundError
from digitlab.runs import run_folder
from digitlab.runs.abstention import find_abstention


@pytest.fixture
def drawings(optdigits):
    """Forty test digits as dark strokes on white paper, uint8 [280, 280], with their labels."""
    images = 255 - optdigits.test.images[:40, 0].numpy()
    large = [np.asarray(Image.fromarray(image).resize((280, 280))) for image in images]
    return large, optdigits.test.labels[:40].tolist()


def test_most_drawings_are_read_as_what_they_are(tiny, drawings):
    images, labels = drawings
    read = [dl.recognize(image, tiny) for image in images]
    assert np.mean([one.text == str(label) for one, label in zip(read, labels, strict=True)]) > 0.7


def test_a_recognition_is_the_runs_calibrated_prediction_of_the_framed_digit(tiny, drawings):
    image = drawings[0][0]
    read = dl.recognize(image, tiny.id)
    (digit,) = read.digits
    assert digit.probabilities == pytest.approx(
        find_calibrated_predictor(tiny)(digit.framed.image[None, None])[0], abs=1e-6
    )
    assert digit.confidence == max(digit.probabilities)
    assert digit.label == int(np.argmax(digit.probabilities))
    assert read.text == str(digit.label)
    assert (
        read.to_dict()
        == recognize_drawing(image, tiny.predict, abstention=find_abstention(tiny)).to_dict()
    )


def test_the_bundled_readers_graph_gives_the_answers_of_its_network(drawings):
    framed = [dl.recognize(image).digits[0].framed.image for image in drawings[0]]
    images, reader = np.stack(framed)[:, None], default_reader()
    images = np.concatenate([images, 255 - images])  # digits, and what is none
    logits = reader.predict_logits(torch.from_numpy(images))
    expected = torch.cat([logits, torch.zeros(len(logits), 1)], 1).softmax(1)[:, :-1]
    assert np.abs(find_predictor(reader)(images) - expected.numpy()).max() < 1e-4


def test_a_drawing_is_read_without_torch(drawings, tmp_path):
    Image.fromarray(drawings[0][0]).save(tmp_path / "digit.png")
    code = (
        "import sys, digitlab as dl; print(dl.recognize(sys.argv[1]).text, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, tmp_path / "digit.png"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(drawings[1][0]), "False"]


def test_reading_tells_nobody_and_leaves_nothing_in_the_persons_folder(drawings, home, tmp_path):
    """ONNX Runtime would send how it is used, and keep it in the cache until it can."""
    path, person = tmp_path / "digit.png", tmp_path / "person"
    Image.fromarray(drawings[0][0]).save(path)
    person.mkdir()
    passed = ("PATH", "DIGITLAB_HOME")  # tests that run at GitHub set one that silences it, too
    environment = {name: os.environ[name] for name in passed} | {"HOME": str(person)}
    command = [sys.executable, "-c", f"import digitlab as dl; dl.recognize({str(path)!r})"]
    subprocess.run(command, check=True, env=environment)
    assert not list(person.rglob("*"))


def test_files_pictures_and_arrays_are_read_alike(tiny, drawings, tmp_path):
    image = drawings[0][3]
    path = tmp_path / "digit.png"
    Image.fromarray(image).save(path)
    rgba = np.dstack([np.zeros_like(image)] * 3 + [255 - image])  # as a canvas gives it
    read = [dl.recognize(source, tiny).text for source in (image, path, str(path), rgba)]
    assert len(set(read)) == 1


def test_latest_is_the_latest_each_time(train_tiny, drawings):
    image = drawings[0][0]
    untrained = train_tiny(learning_rate=1e-12)
    before = dl.recognize(image, "latest").digits[0].probabilities
    trained = train_tiny()
    after = dl.recognize(image, "latest").digits[0].probabilities
    assert before == dl.recognize(image, untrained).digits[0].probabilities
    assert after == dl.recognize(image, trained).digits[0].probabilities
    assert before != after


def test_new_weights_of_a_run_are_read_anew(train_tiny, drawings):
    image = drawings[0][0]
    run, other = train_tiny(learning_rate=1e-12), train_tiny()
    first = dl.recognize(image, run.id).digits[0].probabilities
    files.write_atomically(
        run.folder / run_folder.WEIGHTS, (other.folder / run_folder.WEIGHTS).read_bytes()
    )
    assert dl.recognize(image, run.id).digits[0].probabilities != first


def test_a_deleted_run_reads_no_more(tiny, drawings):
    dl.recognize(drawings[0][0], tiny.id)
    dl.delete_run(tiny.id)
    with pytest.raises(RunNotFoundError):
        dl.recognize(drawings[0][0], tiny.id)


def test_what_cannot_be_read_is_one_clear_error(tiny, tmp_path, add_record, drawings):
    with pytest.raises(EmptyDrawingError):
        dl.recognize(np.full((100, 100), 255, np.uint8), tiny)
    with pytest.raises(DrawingError, match="nowhere"):
        dl.recognize(tmp_path / "nowhere.png", tiny)
    with pytest.raises(RunNotFoundError, match="nobody"):
        dl.recognize(drawings[0][0], "nobody")
    with pytest.raises(RunError, match="no weights yet"):
        dl.recognize(drawings[0][0], add_record().id)
