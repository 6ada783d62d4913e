"""Limits hold before anything is allocated, name layer and setting, and let the known by."""

from __future__ import annotations

import resource
import time
import tracemalloc

import pytest

import digitlab as dl
from digitlab.errors import SpecError
from digitlab.execution.prepare import plan
from digitlab.models.build import build, check_fits, summarize
from digitlab.models.limits import check_limits, training_bytes
from digitlab.models.load import load_model
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec
from digitlab.runs.store import list_records
from digitlab.training.config import TrainConfig

RECIPE = dl.TrainConfig()
SMALL = load_model("lenet-5")
WIDE = {"Linear": {"out_features": 33_000}}
HUGE = ModelSpec(name="x", layers=["Flatten", WIDE, WIDE, {"Linear": {"out_features": 10}}])


def resident() -> int:
    """The most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_a_billion_parameters_are_refused_in_milliseconds_without_memory():
    summarize(SMALL)  # torch's own first use takes a second
    known = _seconds(lambda: check_fits(SMALL, (1, 28, 28), 10))
    before = resident()
    tracemalloc.start()
    start = time.process_time()
    for refused in (
        lambda: check_fits(HUGE, (1, 28, 28), 10),
        lambda: build(HUGE),
        lambda: plan(HUGE, "optdigits", RECIPE),
    ):
        with pytest.raises(SpecError, match="1,115,268,010 parameters, 98 % of them in Linear"):
            refused()
    took = time.process_time() - start
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < max(1, 40 * known)
    assert peak < 5_000_000
    assert resident() - before < 50_000_000  # its weights would be 4.5 GB


def _seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PARAMETERS", 61_705, "61,706 parameters, 78 % of them in Linear"),
        ("MULTIPLY_ADDS", 422_823, "422,824 multiply-adds"),
        ("MEMORY", 1_000_000, "would take about 1.05 MB"),
    ],
)
def test_each_limit_is_a_setting_and_is_named(monkeypatch, variable, value, words):
    monkeypatch.setenv(f"DIGITLAB_MAX_{variable}", str(value))
    with pytest.raises(SpecError, match=f"DIGITLAB_MAX_{variable}") as caught:
        check_fits(SMALL, (1, 28, 28), 10)
    assert caught.value.layer
    assert caught.value.path is not None


def test_at_its_limit_a_network_is_let_through(monkeypatch):
    summary = summarize(SMALL)
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", str(summary.parameters))
    monkeypatch.setenv("DIGITLAB_MAX_MULTIPLY_ADDS", str(summary.operations))
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", str(training_bytes(summary, 64)))
    assert check_fits(SMALL, (1, 28, 28), 10, batch_size=64) == summary
    with pytest.raises(SpecError, match="batch size to at most 64,"):
        check_fits(SMALL, (1, 28, 28), 10, batch_size=65)


def test_a_run_is_refused_for_its_batch_before_it_is_stored(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", "2000000")
    with pytest.raises(SpecError, match="A training step on 4,096 images"):
        dl.train(SMALL, "optdigits", dl.TrainConfig(batch_size=4096), progress=False)
    assert not list_records()


def test_without_a_batch_memory_is_not_asked(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", "1")
    check_limits(summarize(SMALL))
    build(SMALL)


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16", "vgg19_bn", "convnext_large"])
def test_published_networks_are_let_through(name):
    check_fits(load_model(f"torchvision/{name}"), (1, 28, 28), 10, batch_size=64)


def test_every_preset_is_let_through_with_its_batch():
    for preset in list_presets():
        recipe = TrainConfig.from_dict(preset.recipe)
        classes = 10 if recipe.task == "classify" else None
        check_fits(preset.spec, (1, 28, 28), classes, batch_size=recipe.batch_size)


def test_a_network_too_large_for_any_batch_is_told_to_shrink(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", "500000")
    with pytest.raises(SpecError, match=r"Use fewer channels or features, in particular in \w+"):
        check_fits(SMALL, (1, 28, 28), 10, batch_size=8)
