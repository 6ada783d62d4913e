"""The event file: read as TensorBoard reads it, it holds the run's curves."""

from __future__ import annotations

import struct

import pytest
from tensorboardX.proto.event_pb2 import Event

import digitlab as dl
from digitlab.errors import ExportError
from digitlab.exports.export import formats_of, subject_of


def scalars(content):
    """Tag → [(step, value)], by the record format of event files."""
    found, place = {}, 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        event = Event.FromString(content[place + 12 : place + 12 + length])
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
        place += 12 + length + 4  # the length and its checksum, the event and its checksum
    return found


def test_every_step_and_epoch_is_in_it(train_tiny, tmp_path):
    run = train_tiny(test_curve=True)
    path = dl.export(run, "tensorboard", tmp_path)
    assert "tfevents" in path.name  # what TensorBoard looks for
    told, history = scalars(path.read_bytes()), run.history
    for tag, name, rows in (
        ("epochs/val_accuracy", "val_accuracy", history.epochs),
        ("epochs/test_accuracy", "test_accuracy", history.epochs),
        ("steps/loss", "loss", history.steps),
    ):
        assert told[tag] == [(row["step"], pytest.approx(row[name])) for row in rows]


def test_a_run_without_curves_has_no_such_file(add_record):
    import digitlab as dl

    run = dl.open_run(add_record(status="finished").id)
    assert "tensorboard" not in formats_of(subject_of(run))
    with pytest.raises(ExportError, match="not completed an epoch"):
        dl.export(run, "tensorboard")
