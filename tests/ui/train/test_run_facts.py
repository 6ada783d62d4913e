"""What a run was computed on."""

from __future__ import annotations

from tests.conftest import PATIENCE
from tests.pages.visit import AppTest


def facts_of_an_imported_run():
    from digitlab.models.load import load_model
    from digitlab.runs.record import RunRecord
    from digitlab.ui.train.run_facts import show_facts

    described = {"device": 7, "precision": "float32", "threads": "few", "devices": "many"}
    spec = load_model("logistic-regression").to_dict()
    show_facts(RunRecord.model_construct(tags=[], note="", spec=spec, environment=described))


def test_what_a_strangers_zip_says_of_its_devices_may_be_any_text():
    app = AppTest.from_function(facts_of_an_imported_run, default_timeout=PATIENCE).run()
    assert not app.exception
    assert "many devices, 7, float32, few threads" in app.caption[0].value
