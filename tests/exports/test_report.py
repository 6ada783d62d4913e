"""Report and model card: the run's own numbers, escaped, whole in one file."""

from __future__ import annotations

import re

import pytest
import yaml

import digitlab as dl
from digitlab.exports.model_card import write_model_card

NASTY = '<script>alert(1)</script> | **b** `c` [x](javascript:1) "q"'


@pytest.fixture
def run(run_id):
    return dl.label_run(run_id, name=NASTY, note=NASTY)


def test_a_report_is_one_file_with_the_runs_figures(run, tmp_path):
    path = dl.export(run, "report", tmp_path / "report.html")
    text, result = path.read_text(), run.evaluate("test")
    assert path.stat().st_size < 8_000_000
    assert text.count("plotly.js v") == 1
    own = text[text.index("</script>") :]  # behind plotly.js
    assert f"{100 * result.accuracy:.2f} %" in own
    assert "<script>alert" not in text
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", own)
    assert own.count("data:image/png;base64") == min(60, len(result.errors))
    for title in ("Confusion", "Calibration", "Mistakes", "Recipe", "Architecture", "Machine"):
        assert f"<h2>{title}</h2>" in own
    assert "Learning curves" in own
    assert "Expected calibration error" in own
    assert run.record.data.fingerprint in own


def test_a_report_does_without_images_and_curves(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    text = dl.export(dl.open_run("reader-cnn"), "report", tmp_path / "r.html").read_text()
    assert "Their images are not on this machine" in text


def test_a_model_card_has_the_numbers_and_how_they_were_measured(run, tmp_path):
    text = dl.export(run, "card", tmp_path).read_text()
    result = run.evaluate("test")
    _, head, body = text.split("---\n", 2)
    about = yaml.safe_load(head)
    metric = about["model-index"][0]["results"][0]["metrics"][0]
    assert metric == {"type": "accuracy", "value": round(result.accuracy, 6)}
    assert about["model-index"][0]["name"] == run.record.name
    assert f"{100 * result.accuracy:.2f} %" in body
    assert "none of which was trained on" in body
    assert "<script>" not in body
    assert "](javascript" not in body.replace("\\]", "")
    for row in result.per_class:
        assert f"| {row.name} |" in body
    assert "not stated" in body  # a licence is not made up


def test_a_note_begins_no_list_and_holds_no_entity(run_id):
    for note, shown in (
        ("- a", "\\- a"),
        ("12. a", "12\\. a"),
        ("---", "\\---"),
        ("&lt;", "\\&lt;"),
    ):
        assert f"\n{shown}\n" in write_model_card(dl.label_run(run_id, note=note))


def test_an_ensemble_has_both(run_id, tmp_path):
    twin = dl.train("logistic-regression", "optdigits", dl.TrainConfig(epochs=1), progress=False)
    joined = dl.ensemble([run_id, twin.id])
    assert run_id in dl.export(joined, "card", tmp_path).read_text()
    assert "runs together" in dl.export(joined, "report", tmp_path).read_text()
