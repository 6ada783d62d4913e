"""The same configuration: runs that differ in nothing but their seed and what changes nothing."""

from __future__ import annotations

import digitlab as dl
from digitlab.runs.configuration import one_per_seed, same_configuration


def test_a_configuration_is_all_but_seed_and_device(add_record):
    config = dl.TrainConfig()
    first = add_record(config=config.model_dump())
    twin = config.changed(seed=7, device="cuda", threads=3).model_dump()
    assert same_configuration(first, add_record(config=twin, name="renamed"))
    other_data = {"classes": list("0123456789"), "val_fraction": 0.2, "split_seed": 0}
    for other in (
        add_record(config=config.changed(learning_rate=0.5).model_dump()),
        add_record(dataset="usps"),
        add_record(spec=dl.load_model("cnn-small").to_dict()),
        add_record(data=other_data, config=config.model_dump()),
        add_record(data={**first.data.model_dump(), "start_from": "another-0001"}),
    ):
        assert not same_configuration(first, other)


def test_a_run_that_has_not_read_its_data_yet_may_be_the_same(add_record):
    waiting = add_record()
    read = add_record(data={**waiting.data.model_dump(), "fingerprint": "a" * 64})
    changed = add_record(data={**waiting.data.model_dump(), "fingerprint": "b" * 64})
    assert same_configuration(waiting, read)
    assert not same_configuration(read, changed)


def test_a_run_of_a_later_version_is_no_other_ones_twin(add_record):
    later = add_record(config={"epochs": 3, "something_new": 1})
    assert not same_configuration(later, add_record())


def test_the_same_seed_twice_counts_once(add_record):
    done = {"status": "finished"}
    records = [
        add_record(id="new-00000002", created=2.0, **done),
        add_record(id="s-1", seed=1, **done),
        add_record(id="old-00000003", created=1.0, **done),
        add_record(id="s-2", seed=2, status="stopped"),
    ]
    assert [record.id for record in one_per_seed(records)] == ["new-00000002", "s-1"]
