"""An autoencoder's run on every page: results of its own, and a sentence where there are none."""

from __future__ import annotations

import pytest

from tests.pages.visit import open_link

RESULTS, TRAIN = "4_Results", "3_Train"
RUN = "the run's title"


@pytest.fixture
def autoencoder(train_tiny):
    return train_tiny("vae", loss="reconstruction", epochs=1)


def headings(app):
    titles = [item.value for item in app.header]
    return [RUN if title.startswith("Variational autoencoder") else title for title in titles]


@pytest.mark.parametrize(
    ("section", "cells"),
    [
        ("overview", [RUN, "Originals and reconstructions"]),
        (
            "latent",
            ["Latent map", "From one image to another", "A plane of images", "New images"],
        ),
        ("novelty", ["The error as a measure of what is no digit", "All kinds"]),
        ("learning", ["Learning curves"]),
        ("download", ["The whole run", "Results as tables", "The network"]),
        ("confusion", [RUN, "Originals and reconstructions"]),  # a link of a classifier's section
    ],
)
def test_each_section_of_the_results(section, cells, autoencoder):
    app = open_link(RESULTS, run=autoencoder.id, section=section)
    assert headings(app) == cells
    assert not app.error


def test_the_overview_shows_the_error(autoencoder):
    app = open_link(RESULTS, run=autoencoder.id)
    assert {item.label: item.value for item in app.metric}["Error"] == (
        f"{autoencoder.record.test_loss:.4f}"
    )


def test_the_train_page_shows_the_run_and_starts_with_the_right_loss(autoencoder):
    app = open_link(TRAIN, more=True, run=autoencoder.id, model="vae", data="optdigits")
    labels = [item.label for item in app.metric]
    assert labels == ["Test error"]
    loss = next(item for item in app.selectbox if item.label == "Loss")
    assert loss.value == "reconstruction"
    assert any("an autoencoder" in item.value for item in app.caption)
    assert not app.error


def test_a_classifier_with_that_loss_is_told_what_is_wrong():
    app = open_link(TRAIN, model="lenet-5", data="optdigits", loss="reconstruction")
    assert "needs the image itself" in app.error[0].value


def test_draw_and_compare_say_why_they_leave_it_out(autoencoder, train_tiny):
    train_tiny()
    app = open_link("6_Draw", run=autoencoder.id)
    assert "is an autoencoder" in app.warning[0].value
    app = open_link("5_Compare", runs=autoencoder.id)
    assert any("an autoencoder has no accuracy" in item.value for item in app.info)


def test_the_architecture_page_takes_it_as_it_is():
    app = open_link("2_Architecture", preset="autoencoder-conv")
    assert not app.error
    assert not app.warning


def test_a_network_that_learnt_nothing_is_not_praised(autoencoder):
    app = open_link(RESULTS, run=autoencoder.id)
    assert "learnt next to nothing" in app.warning[0].value
    assert not any("accuracy" in item.value for item in app.markdown)
    app = open_link(RESULTS, run=autoencoder.id, section="latent")
    assert "learnt next to nothing" in app.warning[0].value
    assert not any("one class" in item.value for item in app.markdown)
    app = open_link(RESULTS, run=autoencoder.id, section="learning")
    assert any("reconstruction error" in item.value for item in app.markdown)
