"""What a run needs is estimated from its architecture and recipe; alike runs need the same."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.execution.prepare import new_record, plan
from digitlab.jobs import resources
from digitlab.jobs.resources import Resources, resources_of
from digitlab.training import compute

MACHINE = Resources(cpus=16, gpus=1, memory=128)
WITHOUT_GPU = Resources(cpus=2, gpus=0, memory=16)


def record(model, **recipe):
    config = dl.TrainConfig(**{"device": "cpu", **recipe})
    return new_record(plan(model, "optdigits", config), status="queued", executor="process")


def test_a_small_step_takes_one_processor_and_a_large_one_several():
    assert resources_of(record("logistic-regression"), MACHINE) == Resources(1, 0, 1)
    large = record("cnn-small", batch_size=512)
    assert resources_of(large, MACHINE) == Resources(resources.THREADS, 0, 2)
    assert resources_of(large, WITHOUT_GPU).cpus == 2  # no machine has more
    assert resources_of(record("logistic-regression", threads=3), MACHINE).cpus == 3
    assert resources.THREADED == compute.MIN_THREADED


@pytest.mark.parametrize(
    ("device", "machine", "gpus"),
    [
        ("cpu", MACHINE, 0),
        ("auto", MACHINE, 2),  # more than there are: it waits for another machine
        ("auto", WITHOUT_GPU, 0),
        ("cuda", WITHOUT_GPU, 2),
    ],
)
def test_a_recipe_says_how_many_gpus_or_processes_are_needed(device, machine, gpus, monkeypatch):
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "ray")  # so that it may ask for what is not here
    needed = resources_of(record("logistic-regression", device=device, devices=2), machine)
    assert (needed.cpus, needed.gpus) == (2, gpus)


def test_a_run_that_began_needs_the_kind_of_device_that_it_began_on():
    begun = record("logistic-regression", device="auto").changed(step=9)
    on_gpu = begun.changed(environment={"device": "cuda:0"})
    on_cpu = begun.changed(environment={"device": "cpu"})
    assert [resources_of(each, WITHOUT_GPU).gpus for each in (on_gpu, on_cpu)] == [1, 0]
    assert [resources_of(each, MACHINE).gpus for each in (on_gpu, on_cpu)] == [1, 0]


def test_each_device_takes_a_process_of_its_own(monkeypatch):
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "ray")
    assert resources_of(record("lenet-5", devices=4), MACHINE) == Resources(4, 0, 4)
    assert resources_of(record("lenet-5", devices=4, threads=3), MACHINE) == Resources(12, 0, 4)


def test_memory_grows_with_the_network_and_the_batch_in_powers_of_two():
    small, large = (record("resnet-mini", batch_size=size) for size in (8, 1024))
    memory = [resources_of(each, MACHINE).memory for each in (small, large)]
    assert memory[0] < memory[1]
    assert all(each.bit_count() == 1 for each in memory)


def test_a_classical_model_takes_no_gpu():
    assert resources_of(record("svm", device="auto"), MACHINE) == Resources(4, 0, 2)


def test_a_need_fits_a_machine_that_has_as_much_of_everything():
    assert Resources(2, 0, 16).fits(WITHOUT_GPU)
    assert not Resources(1, 1, 1).fits(WITHOUT_GPU)
    assert str(Resources(2, 1, 4)) == "2 CPUs, 1 GPU, 4 GB of memory"
