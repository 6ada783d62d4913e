"""One's own photos in a real browser: previewed, added, trained on, corrected and compared."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import digitlab as dl
from tests.browser.look import look
from tests.browser.visitor import Visitor

PHOTOS, WRONG = 30, 7  # photos, and the one whose label is wrong


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A ZIP of photos of real digits, dark ink on uneven light paper, in a folder for each, one in
    a wrong one; and its right label.
    """
    path, rng = tmp_path_factory.mktemp("photos") / "Our class.zip", np.random.default_rng(0)
    test = dl.load_dataset("optdigits").test
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(PHOTOS):
            ink = Image.fromarray(test.images[number, 0].numpy()).resize((84, 84))
            paper = 225 + rng.normal(0, 3, (120, 160)) + np.linspace(-15, 15, 160)
            paper[18:102, 38:122] -= 0.75 * np.asarray(ink)
            photo = io.BytesIO()
            Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(photo, "JPEG")
            label = (int(test.labels[number]) + (number == WRONG)) % 10
            archive.writestr(f"{label}/{number}.jpg", photo.getvalue())
    return path, int(test.labels[WRONG])


def where_is(image, lab) -> tuple[str, int]:
    """The split of our-class that holds the image, and its position there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(lab.home))
        data = dl.load_dataset("our-class")
    for name in dl.SPLITS:
        hits = (data.split(name).images.numpy() == image).all((1, 2, 3)).nonzero()[0]
        if len(hits):
            return name, int(hits[0])
    raise AssertionError("the image is in no split")


def test_photos_become_a_dataset_that_is_learnt_from_corrected_and_compared(visit, lab, photos):
    photos, right = photos
    tab: Visitor = visit("/Data?dataset=optdigits")
    tab.page.get_by_text("Add your own images", exact=True).click()
    tab.page.locator("input[type=file]").set_input_files(photos)
    tab.sees(re.compile(f"^{PHOTOS} images of 28×28 pixels"))
    tab.sees(f"{PHOTOS} of {PHOTOS} images are larger than 64 pixels")
    tab.sees(re.compile(r"^The bundled reader agrees with (100|9\d|8\d) %"))
    tab.settle()
    assert not look(tab.page)

    tab.choose("Orientation", "Upside down")  # every choice can be changed before anything is kept
    tab.sees(re.compile(r"^The bundled reader agrees with [1-6]?\d %"))
    tab.choose("Orientation", "Automatic")
    tab.sees(re.compile(r"^The bundled reader agrees with (100|9\d|8\d) %"))
    tab.enter("Name of the dataset", "our-class")
    tab.settle()
    tab.button("Add this dataset").click()
    tab.sees("our-class is a dataset now.")
    tab.is_at(r"\bdataset=our-class\b")
    tab.sees(re.compile("of your own, read from Our class.zip"))

    tab.page.get_by_role("radio", name="Use", exact=True).click()
    tab.sees("How it came about")
    _train(tab)
    _correct_and_compare(tab, *where_is(dl.read_images(photos).images[WRONG], lab), right)
    tab.is_well()


def _train(tab: Visitor) -> None:
    tab.page.get_by_role("link", name="Train on our-class").click()
    tab.is_at(r"/Train\?.*dataset=our-class")
    tab.sees(re.compile(r"training images of our-class"))
    tab.enter("Epochs", "100")  # of one step each
    tab.is_at(r"\bepochs=100\b")
    tab.settle()
    tab.button("Start training").click()
    tab.sees(re.compile("^Finished · "))
    accuracy = tab.page.get_by_test_id("stMetric").filter(has_text="Test accuracy")
    expect(accuracy.first).to_contain_text(re.compile(r"\d\d\.\d\d %"))
    tab.button("Take it apart").click()
    tab.is_at(r"/Results\?.*run=")
    tab.sees(re.compile("our-class"))


def _correct_and_compare(tab: Visitor, split: str, position: int, right: int) -> None:
    """The wrong label is corrected in a version, on which and on the first the same is trained."""
    tab.open(f"/Data?dataset=our-class&split={split}&sample={position}")
    tab.sees(f"Label {(right + 1) % 10} (")
    tab.button("Fix").click()
    tab.choose("Label", str(right))
    tab.sees("1 change, not saved yet")
    tab.settle()
    tab.page.get_by_role("button", name="1 change, not saved yet").click()  # in the popover
    tab.is_at(r"\bsection=changes\b")
    tab.sees("1 label changed, 0 images dropped")
    tab.settle()
    tab.button("Save as a new version").click()
    tab.is_at(r"\bdataset=our-class-v2\b")
    tab.sees("Is it better than our-class, or is it chance?")
    tab.enter("Seeds", "1")
    tab.settle()
    tab.button("Train on both").click()
    tab.page.get_by_role("link", name="Compare them image by image").click()
    tab.is_at(r"/Compare\?.*runs=")
    tab.sees("our-class-v2")
