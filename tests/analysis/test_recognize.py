"""`dl.recognize` reads a drawing with a run, always as that run is now."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import digitlab as dl
from digitlab import files
from digitlab.analysis.abstention import find_abstention
from digitlab.drawing.recognition import recognize_drawing
from digitlab.errors import DrawingError, EmptyDrawingError, RunError, RunNotFoundError
from digitlab.runs import run_folder


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


def test_a_recognition_is_the_runs_prediction_of_the_framed_digit(tiny, drawings):
    image = drawings[0][0]
    read = dl.recognize(image, tiny.id)
    (digit,) = read.digits
    assert digit.probabilities == pytest.approx(
        tiny.predict(digit.framed.image[None, None])[0], abs=1e-6
    )
    assert digit.label == int(np.argmax(digit.probabilities))
    assert read.text == str(digit.label)
    assert (
        read.to_dict()
        == recognize_drawing(image, tiny.predict, abstention=find_abstention(tiny)).to_dict()
    )


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
