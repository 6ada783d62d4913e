"""The sections of the Results page: each opens by a link, and says what `run.evaluate` says."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import streamlit as st

import digitlab as dl
from digitlab.analysis import features
from digitlab.evaluation import calibrate, decline_below, one_vs_rest, rescale
from digitlab.runs import run_folder, store
from digitlab.ui.markdown import plain
from digitlab.ui.results.sections import SECTIONS
from tests.pages.visit import code_of, find, healthy, words

PAGE = "4_Results"
KEYS = [section.key for section in SECTIONS]


@pytest.fixture
def result(run_id):
    return dl.open_run(run_id).evaluate("test")


@pytest.mark.parametrize(
    ("key", "split"), [*((key, "test") for key in KEYS), ("mistakes", "train")]
)
def test_every_section_opens_by_a_link(open_page, run_id, key, split):
    app = open_page(PAGE, run=run_id, section=key, on=split)
    assert not app.error
    assert app.query_params["run"] == run_id
    assert code_of(app)  # each cell carries its lines of code


def test_choosing_a_section_puts_it_into_the_link(open_page, run_id):
    app = open_page(PAGE, run=run_id)
    healthy(find(app.segmented_control, "Section").set_value("calibration").run())
    assert app.query_params["section"] == "calibration"
    assert "Does the confidence match the accuracy?" in words(app)


def test_a_section_that_does_not_exist_is_the_overview(open_page, run_id):
    assert "Most often confused" in words(open_page(PAGE, run=run_id, section="nonsense"))


def test_the_metrics_allow_for_chance(open_page, run_id, result):
    app = open_page(PAGE, run=run_id, section="metrics")
    shown = {item.label: item for item in app.metric}
    assert shown["Balanced accuracy"].value == f"{100 * result.balanced_accuracy:.2f} %"
    assert shown["Top-2 accuracy"].value == f"{100 * result.top_k(2):.2f} %"
    assert shown["Cohen's kappa"].value == f"{result.cohen_kappa:.4f}"
    low, high = result.intervals["matthews"]
    assert shown["Matthews correlation"].delta == f"95 %: {low:.4f} to {high:.4f}"
    averages = app.dataframe[1].value
    assert averages["F1"].tolist() == pytest.approx(
        [100 * result.macro.f1, 100 * result.weighted.f1]
    )


@pytest.mark.parametrize("pair", [(3, 3), (8, None), (None, 1)])
def test_a_cell_a_row_and_a_column_show_how_many_images_they_hold(open_page, run_id, result, pair):
    true, read = ("all" if label is None else str(label) for label in pair)
    app = open_page(PAGE, run=run_id, section="confusion", true=true, read=read)
    count = len(result.positions(*pair))
    kind = "images, all read correctly" if pair == (3, 3) else "mistake"
    assert f"{count} {kind}" in words(app)
    assert "A closer look at one image" in words(app)


def test_the_pairs_confused_most_are_listed_and_can_be_opened(open_page, run_id, result):
    app = open_page(PAGE, run=run_id, section="confusion")
    pair = result.most_confused(1)[0]
    button = find(app.button, f"{pair.true} read as {pair.predicted}: {pair.count}×")
    healthy(button.click().run())
    assert app.query_params["true"] == str(pair.true)
    assert app.query_params["read"] == str(pair.predicted)
    assert f"{pair.count} mistakes" in words(app)
    healthy(find(app.button, "Clear the choice").click().run())
    assert "true" not in app.query_params
    assert "A closer look at one image" not in words(app)


def test_the_overview_opens_the_images_of_a_pair(open_page, run_id, result):
    app = open_page(PAGE, run=run_id)
    pair = result.most_confused(1)[0]
    healthy(find(app.button, f"{pair.true} read as {pair.predicted}").click().run())
    assert app.query_params["section"] == "confusion"
    assert f"{pair.count} mistakes" in words(app)


def test_the_matrix_has_modes_and_orders_in_the_link(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="confusion", matrix="errors", sorted="similarity")
    assert find(app.segmented_control, "Show").value == "errors"
    assert find(app.segmented_control, "Order").value == "similarity"


@pytest.mark.parametrize("by", ["confidence", "loss", "margin", "pair"])
def test_mistakes_come_in_the_order_asked_for(open_page, run_id, result, by):
    app = open_page(PAGE, run=run_id, section="mistakes", by=by)
    first = result.errors.ordered(by)[0]
    assert find(app.number_input, "Image number").value == first.position
    assert f"Number {first.position:,} is labelled **{first.true}**" in words(app)


def test_only_confident_mistakes(open_page, run_id, result):
    app = open_page(PAGE, run=run_id, section="mistakes", above="60")
    count = len(result.errors.where(above=0.6))
    assert f"{count} mistake" in words(app)


def test_a_link_to_an_image_shows_it_again(open_page, run_id, result):
    app = open_page(PAGE, run=run_id, section="mistakes", mistake="7")
    assert find(app.number_input, "Image number").value == 7
    true, read = result.labels[7], result.predictions[7]
    assert f"Number 7 is labelled **{true}** and was read" in words(app)
    assert app.query_params["mistake"] == "7"
    assert read in range(10)


def test_neighbours_are_offered_then_computed_and_saved(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="mistakes")
    run = dl.open_run(run_id)
    assert "Nearest training images" not in words(app)  # slow parts wait for a choice
    healthy(find(app.button, "Show more").click().run())
    assert not features.has_features(run)
    healthy(find(app.button, "Search the").click().run())
    assert features.has_features(run)
    assert "among 1,294 training images" in words(app)
    again = open_page(PAGE, **app.query_params)
    assert "among 1,294 training images" in words(again)


def test_the_predictions_of_other_runs_are_listed(open_page, run_id, result):
    other = dl.train(
        "logistic-regression", "optdigits", dl.TrainConfig(epochs=1, seed=5), progress=False
    )
    position = result.errors[0].position
    app = open_page(PAGE, run=run_id, section="mistakes", mistake=str(position))
    table = next(item.value for item in app.dataframe if "Read as" in item.value)
    answer = other.evaluate("test").predictions[position]
    assert table["Read as"].tolist() == [str(answer)]
    assert f"of 1 read the label's class, {result.labels[position]}" in words(app)


def test_the_areas_under_the_curves_are_those_of_the_evaluation(open_page, run_id, result):
    table = open_page(PAGE, run=run_id, section="ranking").dataframe[0].value
    curves = one_vs_rest(result)
    assert table["Area under ROC"].tolist() == pytest.approx([c.roc.area for c in curves])
    assert table["Support"].sum() == result.n


def test_calibration_tells_before_and_after_honestly(open_page, run_id, result):
    app = open_page(PAGE, run=run_id, section="calibration", bins="10", decline="50")
    found = rescale(dl.open_run(run_id).evaluate("val"), result, bins=10)
    table = app.dataframe[0].value
    assert table["NLL (nats)"].tolist() == pytest.approx([found.before.loss, found.after.loss])
    assert table["ECE, 10 bins"].tolist() == pytest.approx(
        [100 * found.before.ece, 100 * found.after.ece]
    )
    went = "falls" if found.after.ece < found.before.ece else "rises"
    assert f"the ECE {went} from {100 * found.before.ece:.2f} %" in words(app)
    abstention = decline_below(result, 0.5)
    assert f"Of the {abstention.declined} declined images" in words(app)
    assert calibrate(result, 10) == found.before


def test_without_validation_there_is_no_temperature_but_a_sentence(open_page, home):
    config = dl.TrainConfig(epochs=1, val_fraction=0)
    run = dl.train("logistic-regression", "optdigits", config, progress=False)
    app = open_page(PAGE, run=run.id, section="calibration", decline="15")
    assert plain("No temperature can be fitted: optdigits has no val split") in words(app)
    assert "declined images" in words(app)


def uploaded(optdigits, count: int = 40) -> bytes:
    buffer = io.BytesIO()
    test = optdigits.test
    np.savez(buffer, images=test.images[:count].numpy(), labels=test.labels[:count].numpy())
    return buffer.getvalue()


@pytest.mark.parametrize("key", ["overview", "confusion", "mistakes"])
def test_uploaded_images_are_shown_by_the_same_cells(open_page, run_id, result, optdigits, key):
    app = open_page(PAGE, run=run_id, data="upload", section=key)
    assert "Choose a file" in words(app)
    app.file_uploader[0].set_value(("mine.npz", uploaded(optdigits), "application/zip"))
    healthy(app.run())
    assert not app.error
    assert f"40 images from {plain('mine.npz')}" in words(app)
    if key == "overview":
        expected = (result.predictions[:40] == result.labels[:40]).mean()
        assert find(app.metric, "Accuracy").value == f"{100 * expected:.2f} %"


def test_images_of_one_class_only_are_taken_apart_without_curves(open_page, run_id, optdigits):
    test, buffer = optdigits.test, io.BytesIO()
    threes = (test.labels == 3).numpy()
    np.savez(buffer, images=test.images.numpy()[threes], labels=test.labels.numpy()[threes])
    app = open_page(PAGE, run=run_id, data="upload")
    app.file_uploader[0].set_value(("threes.npz", buffer.getvalue(), "application/zip"))
    healthy(app.run())
    for key in KEYS:
        healthy(find(app.segmented_control, "Section").set_value(key).run())
        assert not app.error
        if key == "ranking":
            assert "A curve needs images of the class and images of other classes" in words(app)


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(open_page, run_id):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("../7/a.png", b"x")
    app = open_page(PAGE, run=run_id, data="upload")
    app.file_uploader[0].set_value(("mine.zip", buffer.getvalue(), "application/zip"))
    healthy(app.run())
    assert "leads outside the folder" in app.error[0].value


def test_what_a_file_leaves_open_is_asked(open_page, run_id, optdigits):
    test = optdigits.test
    rows = [
        [*image.flatten().tolist(), int(label)]
        for image, label in zip(test.images[:40], test.labels[:40], strict=True)
    ]
    head = ",".join(f"column{i}" for i in range(785))
    content = "\n".join([head, *(",".join(map(str, row)) for row in rows)]).encode()
    app = open_page(PAGE, run=run_id, data="upload", section="overview")
    app.file_uploader[0].set_value(("mine.csv", content, "text/csv"))
    healthy(app.run())
    assert "Which column of mine" in words(app)
    healthy(find(app.selectbox, "label_column").set_value("column784").run())
    assert f"40 images from {plain('mine.csv')}" in words(app)


@pytest.mark.parametrize("classes", [2, 47])
def test_any_number_of_classes_can_be_taken_apart(open_page, home, optdigits, classes):
    names = tuple(f"class {i}" for i in range(classes))
    parts = {
        name: replace(optdigits.split(name), labels=optdigits.split(name).labels % classes)
        for name in dl.SPLITS
    }
    info = replace(optdigits.info, name="by-hand", classes=names)
    layers = f"  - Flatten\n  - Linear: {{out_features: {classes}}}\n"
    spec = dl.ModelSpec.from_yaml(f"name: any\ninput: [1, 28, 28]\nlayers:\n{layers}")
    data = replace(optdigits, info=info, **parts)
    run = dl.train(spec, data, dl.TrainConfig(epochs=1), progress=False)
    for key in KEYS:
        app = open_page(PAGE, run=run.id, section=key)
        assert not app.error
        if key == "mistakes":  # a dataset that no catalog knows cannot be read again
            assert "cannot be shown" in words(app)


@pytest.mark.parametrize("key", ["overview", "mistakes"])
def test_half_written_predictions_end_in_a_sentence(open_page, run_id, key):
    st.cache_resource.clear()
    path = run_folder.run_folder(run_id) / run_folder.PREDICTIONS
    path.write_bytes(path.read_bytes()[:200])
    app = open_page(PAGE, run=run_id, section=key)
    assert "damaged" in app.error[0].value


def test_a_run_deleted_while_it_is_looked_at_is_said_so(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="mistakes")
    dl.delete_run(run_id)
    healthy(app.run())
    assert "it may have been deleted" in words(app)


def test_a_run_without_predictions_reads_the_images_again(open_page, run_id, result):
    st.cache_resource.clear()
    (run_folder.run_folder(run_id) / run_folder.PREDICTIONS).unlink()
    app = open_page(PAGE, run=run_id)
    assert find(app.metric, "Accuracy").value == f"{100 * result.accuracy:.2f} %"


def test_a_run_of_other_data_keeps_its_figures_and_says_why_there_are_no_images(open_page, run_id):
    st.cache_resource.clear()
    record = store.get_record(run_id)
    store.update_run(run_id, data={**record.data.model_dump(), "fingerprint": "of other files"})
    app = open_page(PAGE, run=run_id, section="mistakes")
    assert "is not the data that run" in words(app)
    assert set(app.dataframe[0].value.columns) >= {"True class", "Read as", "Confidence"}


def test_a_file_without_labels_is_answered(open_page, run_id, optdigits):
    app = open_page(PAGE, run=run_id, data="upload")
    rows = [[f"pixel{i}" for i in range(784)], *optdigits.test.images[:30].flatten(1).tolist()]
    content = "\n".join(",".join(map(str, row)) for row in rows).encode()
    app.file_uploader[0].set_value(("test.csv", content, "text/csv"))
    healthy(app.run())
    assert "30 images from test\\.csv were read" in words(app)
    assert "submission.csv" in [button.label for button in app.get("download_button")]
