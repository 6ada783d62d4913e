"""The Train page: default recipes, errors in a sentence, and real runs."""

from __future__ import annotations

import re

import pytest
import streamlit as st

import digitlab as dl
from digitlab.data.registry import find_dataset
from digitlab.figures import training as figures
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import store
from digitlab.runs.run import list_bundled
from digitlab.ui import learning_curves
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import pack
from digitlab.ui.train import polling
from digitlab.ui.train.recipe import MORE
from digitlab.words import percent
from tests.conftest import wait_for
from tests.pages.visit import code_of, find, healthy, labels, open_link, words

PAGE = "3_Train"
TINY = "name: Tiny\nlayers:\n  - Flatten\n  - Linear: {out_features: 10}\n"


def value(app, label: str):
    return find([*app.number_input, *app.selectbox, *app.toggle], label).value


def start(app):
    return healthy(find(app.button, "Start training").click().run())


NETWORKS = [preset for preset in dl.list_presets() if not classical_kind(preset.spec)]


@pytest.mark.parametrize("preset", NETWORKS, ids=lambda preset: preset.name)
def test_a_preset_brings_its_own_recipe(open_page, preset):
    app = open_page(PAGE, more=True, model=preset.name)
    expected = dl.TrainConfig.from_dict(preset.recipe)
    assert value(app, "Learning rate") == expected.learning_rate
    assert value(app, "Batch size") == expected.batch_size
    assert value(app, "Optimizer") == expected.optimizer
    assert value(app, "Learning-rate schedule") == expected.schedule
    assert value(app, "Normalisation") == expected.normalization
    assert not app.error


def test_another_model_brings_its_recipe_but_for_what_the_visitor_has_set(open_page):
    app = open_page(PAGE, model="two-hidden-64-relu", batch="7")
    healthy(find(app.number_input, "Epochs").set_value(3).run())
    healthy(find(app.selectbox, "Model").select("cnn-small").run())
    assert (value(app, "Batch size"), value(app, "Epochs")) == (7, 3)
    assert value(app, "Optimizer") == "adamw"
    assert "Recipe of Small CNN with your epochs 3, batch size 7" in words(app)
    healthy(find(app.button, "Use its own").click().run())
    assert value(app, "Batch size") == dl.load_preset("cnn-small").recipe["batch_size"]
    assert not {"batch", "epochs"} & set(app.query_params)


def test_a_preset_has_more_epochs_where_there_are_fewer_images(open_page):
    app = open_page(PAGE, more=True, dataset="optdigits", model="logistic-regression")
    assert (value(app, "Epochs"), value(app, "Epochs between steps")) == (225, 45)
    published = "Published: 20 epochs of 60,000 images; here 225, as Optdigits is smaller"
    assert published in words(app)


def test_a_setting_goes_into_the_url_and_into_the_code(open_page):
    app = open_page(PAGE)
    healthy(find(app.number_input, "Epochs").set_value(3).run())
    healthy(find(app.number_input, "Learning rate").set_value(0.0125).run())
    assert app.query_params["epochs"] == "3"
    assert app.query_params["lr"] == "0.0125"
    again = open_page(PAGE, **app.query_params)
    assert value(again, "Epochs") == 3
    assert "learning_rate=0.0125" in code_of(again)[0]


def test_further_settings_count_while_their_fold_is_closed_and_stay_when_it_was_open(open_page):
    link = {"model": "two-hidden-64-relu", "decay": "0.1", "rotation": "15"}
    app = open_page(PAGE, **link)
    assert "Weight decay" not in labels(app.number_input)
    assert "More settings · 2 changed" in labels(app.expander)
    assert "weight_decay=0.1" in code_of(app)[0]
    assert "with your weight decay 0.1, rotation 15°" in words(app).replace("\\", "")
    app = open_page(PAGE, more=True, **link)
    assert value(app, "Weight decay") == 0.1
    assert "More settings" in labels(app.expander)
    healthy(find(app.number_input, "Warmup epochs").set_value(2.0).run())
    app.session_state[MORE] = False
    healthy(app.run())
    assert "More settings · 3 changed" in labels(app.expander)
    assert "warmup_epochs=2.0" in code_of(app)[0]


def test_a_custom_architecture_comes_with_the_link(open_page):
    app = open_page(PAGE, model="own", spec=pack(dl.ModelSpec.from_yaml(TINY)))
    assert "Tiny" in words(app)
    assert "7,850 parameters" in words(app)


def test_it_says_how_many_images_validation_leaves_to_train_on(open_page):
    train = find_dataset("optdigits").train_size
    app = open_page(PAGE, dataset="optdigits")
    assert f"{train - round(train * 0.1):,} training images of" in words(app)
    app = open_page(PAGE, dataset="optdigits", val="0.25")
    assert f"{train - round(train * 0.25):,} training images of" in words(app)


def test_a_network_that_does_not_fit_cannot_be_started(open_page):
    seven = dl.ModelSpec.from_yaml(TINY.replace("10", "7"))
    app = open_page(PAGE, model="own", spec=pack(seven))
    assert len(app.error) == 1
    assert "10" in app.error[0].value
    assert "Start training" not in labels(app.button)
    assert find(app.page_link, "Fix it").proto.page == "Architecture"


def test_settings_that_do_not_fit_together_are_refused_in_a_sentence(open_page):
    app = open_page(PAGE, val="0", keep="best")
    assert len(app.error) == 1
    assert plain("val_fraction must be above 0") in app.error[0].value
    assert "Start training" not in labels(app.button)


def test_a_refused_recipe_does_not_hide_the_runs(open_page, run_id):
    app = open_page(PAGE, val="0", keep="best", run=run_id)
    assert "Your runs" in words(app)
    assert find(app.metric, "Test accuracy")


@pytest.mark.parametrize("damaged", [False, True])
def test_training_uses_optdigits_where_the_dataset_is_not_usable(open_page, data_folder, damaged):
    for file in find_dataset("mnist").files if damaged else ():
        (data_folder / file).parent.mkdir(parents=True, exist_ok=True)
        (data_folder / file).write_bytes(b"broken")
    app = open_page(PAGE, dataset="mnist")
    assert any(label.startswith("Download MNIST") for label in labels(app.button))
    assert len(app.error) == damaged
    assert "Optdigits" in words(app)
    assert "Start training" in labels(app.button)


def test_a_run_is_started_watched_and_stopped(open_page):
    app = open_page(PAGE, model="cnn-small", epochs="1000", seed="5")
    start(app)
    run_id = app.query_params["run"]
    (record,) = store.list_records()
    assert record.id == run_id
    assert (record.model, record.dataset, record.seed) == ("cnn-small", "optdigits", 5)
    assert record.config["epochs"] == 1000

    wait_for(lambda: store.get_record(run_id).step > 0)
    stranger = open_link(PAGE, run=run_id)  # a second tab, or a reload: only the link is known
    assert any("Epoch" in bar.proto.text for bar in stranger.get("progress"))
    assert "Training and waiting" in words(stranger)
    assert open_link("Home").page_link  # Home shows it too
    assert run_id in {link.proto.query_string.split("=")[-1] for link in stranger.page_link}

    healthy(find(stranger.button, "Stop").click().run())
    wait_for(lambda: store.get_record(run_id).status == "stopped")
    wait_for(lambda: store.get_record(run_id).test_accuracy is not None)  # which takes a moment
    after = open_link(PAGE, run=run_id)
    assert "Stopped · " in words(after)
    assert find(after.metric, "Test accuracy").value.endswith("%")
    assert "Stop" not in labels(after.button)
    assert "Your runs" in words(after)


def test_a_second_run_waits_in_the_queue_and_can_be_stopped_there(open_page):
    app = open_page(PAGE, model="cnn-small", epochs="1000")
    first = start(app).query_params["run"]
    wait_for(lambda: store.get_record(first).status == "running")
    assert start(app).query_params["run"] == first, "two clicks on Start are one"
    store.update_run(first, created=store.get_record(first).created - 60)
    assert "The same experiment is training already" in words(start(app))
    second = healthy(find(app.button, "Start with seed 1").click().run()).query_params["run"]
    assert [store.get_record(run_id).seed for run_id in (first, second)] == [0, 1]
    assert len(store.list_records()) == 2
    assert "Waiting · " in words(app)
    assert any("1 run is ahead" in bar.proto.text for bar in app.get("progress"))
    healthy(app.button(key=f"stop:{second}").click().run())
    assert store.get_record(second).status == "stopped"
    assert store.get_record(first).status == "running"


def test_charts_are_drawn_once_for_all_visitors(run_id, monkeypatch):
    drawn, draw, shown = [], figures.loss_curve, []
    monkeypatch.setattr(
        figures, "loss_curve", lambda *rows, **words: drawn.append(rows) or draw(*rows, **words)
    )
    show = lambda key, charts: shown.append(charts)  # noqa: E731
    monkeypatch.setattr(learning_curves, "show_live_charts", show)
    st.cache_resource.clear()
    for _ in range(2):
        healthy(open_link(PAGE, run=run_id))
    assert len(drawn) == 1
    names = [[chart.name for chart in charts] for charts in shown]
    assert names[:2] == [["accuracy", "loss"], ["rate", "speed", "gradient"]]
    assert shown[:2] == shown[2:]


def test_a_run_whose_process_died_is_shown_as_interrupted(open_page, run_id):
    store.update_run(run_id, status="running", started=0.0)
    app = open_page(PAGE, run=run_id)
    assert "Interrupted · " in words(app)
    assert "Training and waiting" not in words(app)
    assert store.get_record(run_id).status == "interrupted"


def test_a_missing_run_is_reported_and_the_form_stays(open_page):
    app = open_page(PAGE, run="no-such-run-00000000")
    assert plain("no-such-run-00000000") in words(app)
    assert "Start training" in labels(app.button)


def test_the_lists_tell_bundled_runs_from_ones_own(open_page, run_id):
    app = open_page(PAGE)
    assert "Your runs" in words(app)
    (fold,) = [fold for fold in app.expander if "came with digitlab" in fold.label]
    assert len(fold.get("page_link")) == len(list_bundled())


def test_a_run_used_on_another_page_is_not_watched_here(open_page):
    app = open_page("6_Draw")
    app.query_params = {}  # what a click in the sidebar does
    healthy(app.switch_page("pages/3_Train.py").run())
    assert "Test accuracy" not in labels(app.metric)


def test_what_was_chosen_on_another_page_is_trained_and_nothing_else(open_page):
    app = open_page("1_Data", dataset="optdigits", shuffle="1", order="77")
    app.query_params = {}  # what a click in the sidebar does
    healthy(app.switch_page("pages/3_Train.py").run())
    assert find(app.selectbox, "Dataset").value == "optdigits"
    assert find(app.number_input, "Seed").value == 0  # the shuffle's seed is none of training's
    assert "optdigits" in app.query_params["dataset"]


def test_augmentation_is_previewed_and_reshuffled(open_page):
    app = open_page(PAGE, more=True, dataset="optdigits", rotation="15", elastic="1")
    assert "dl.Augmentation(rotation=15.0, elastic=1.0)" in "\n".join(code_of(app))
    assert "seed=0" in "\n".join(code_of(app))
    healthy(find(app.button, "Reshuffle").click().run())
    assert app.query_params["preview"] == "1"
    assert "seed=1" in "\n".join(code_of(app))
    plain = open_page(PAGE, more=True, dataset="optdigits", model="lenet-5")
    assert "Reshuffle" not in labels(plain.button)


def test_published_figures_are_shown_with_the_accuracy_of_runs(open_page):
    (row,) = dl.reproduce(["one-hidden-linear"], "optdigits", progress=False)
    app = open_page(PAGE, dataset="optdigits")
    assert "Published and reproduced" in labels(app.expander)
    assert not app.dataframe  # before the fold is opened
    app.session_state["published"] = True
    healthy(app.run())
    (table,) = [frame.value for frame in app.dataframe if "Source" in frame.value]
    classifiers = [preset.title for preset in dl.list_presets() if preset.classifies]
    assert list(table["Preset"]) == classifiers
    table = table.set_index("Preset")
    line = table.loc[dl.load_preset("one-hidden-linear").title]
    assert line["Test"] == f"92 → {row.mean('test_accuracy'):.2f}"
    assert line["Train"] == f"{row.mean('train_accuracy'):.2f}"
    assert (line["Seeds"], line["Next"]) == (1, "Train seed 1")
    assert table.loc[dl.load_preset("tiny").title, "Test"] == "≥ 99.4 → –"


def test_a_row_queues_the_next_seed_by_the_presets_recipe(home, monkeypatch):
    from types import SimpleNamespace

    import streamlit as st

    from digitlab.ui.train import reproduce

    monkeypatch.setattr(st, "session_state", {reproduce._KEY: SimpleNamespace(row=1)})
    monkeypatch.setattr(reproduce, "select_run", lambda run_id: None)
    reproduce._queue(["lenet-5", "one-hidden-linear"], [0, 3], "optdigits")
    (record,) = store.list_records()
    recipe = dl.load_preset("one-hidden-linear").recipe
    assert (record.model, record.seed, record.dataset) == ("one-hidden-linear", 3, "optdigits")
    assert record.config == dl.TrainConfig(**{**recipe, "seed": 3}).model_dump(mode="json")
    reproduce._queue(["lenet-5", "one-hidden-linear"], [0, None], "optdigits")  # in progress
    assert len(store.list_records()) == 1


def test_a_run_that_ended_can_be_changed_and_rerun_named_and_deleted(open_page, run_id):
    app = open_page(PAGE, run=run_id)
    healthy(find(app.button, "Change and rerun").click().run())
    assert app.query_params["model"] == "own"
    assert value(app, "Learning rate") == 0.01
    assert value(app, "Batch size") == 128
    find(app.text_input, "Name").set_value("Lesson *3*")
    healthy(find(app.button, "Save").click().run())
    assert store.get_record(run_id).name == "Lesson *3*"
    healthy(find(app.button, "Delete for good").click().run())
    assert run_id not in [run.id for run in dl.list_runs()]


def test_a_paused_run_can_be_resumed_and_says_how_it_was_computed(open_page, run_id):
    store.update_run(run_id, status="paused", notices=["Something is *odd*."])
    app = open_page(PAGE, run=run_id)
    assert "Resume" in labels(app.button)
    assert "Something is *odd*." in [box.value.replace("\\", "") for box in app.warning]
    assert "Computed on cpu, float32" in words(app)
    healthy(find(app.button, "Rerun with another seed").click().run())
    new = store.get_record(app.query_params["run"])
    assert (new.parent, new.seed) == (run_id, 1)


def test_a_run_that_ended_is_summed_up_and_leads_on(open_page, run_id):
    app = open_page(PAGE, run=run_id)
    result = dl.open_run(run_id).evaluate()
    assert find(app.metric, "Test accuracy").value == percent(result.accuracy)
    wrong = re.search(r"reads \*\*(\d+) of 359 test images\*\* as labelled. (\d+) are", words(app))
    assert int(wrong[1]) == result.n - len(result.errors) == round(359 * result.accuracy)
    assert int(wrong[2]) == len(result.errors)
    assert len(app.get("image")) == 3
    assert primary(app) == ["Take it apart"]
    healthy(find(app.button, "Take it apart").click().run())
    assert app.title[0].value == "Results"
    assert app.query_params["run"] == run_id


def test_a_run_that_learnt_nothing_says_so_and_offers_what_to_try(open_page, train_tiny):
    run = train_tiny("two-hidden-16-relu", learning_rate=20.0)
    app = open_page(PAGE, run=run.id)
    (warning,) = (box.value.replace("\\", "") for box in app.warning)
    assert "20 is too high: divide it by 20,000" in warning
    assert "Finished, learnt next to nothing" in words(app)
    assert primary(app) == ["Try a learning rate of 0.001"]
    healthy(find(app.button, "Try a learning rate of 0.001").click().run())
    assert "run" not in app.query_params
    assert value(app, "Learning rate") == 0.001
    assert value(app, "Batch size") == 128
    assert primary(app) == ["Start training"]


def test_a_run_that_diverged_offers_a_lower_rate_before_resume(open_page, train_tiny):
    run = train_tiny("two-hidden-16-relu", optimizer="sgd", learning_rate=100.0)
    store.update_run(run.id, status="failed", train_loss=None, test_accuracy=None)
    app = open_page(PAGE, run=run.id)
    assert primary(app) == ["Try a learning rate of 0.05"]
    assert "Resume" in labels(app.button)


def primary(app) -> list[str]:
    return [button.label for button in app.button if button.proto.type == "primary"]


def test_only_what_somebody_does_keeps_a_worker_waiting_for_longer(open_page):
    app = open_page(PAGE)
    touched, by_itself = polling._TOUCHED, polling._BY_ITSELF
    app.session_state[touched], app.session_state[by_itself] = 1.0, True
    assert healthy(app.run()).session_state[touched] == 1.0
    assert healthy(app.run()).session_state[touched] > 1.0
