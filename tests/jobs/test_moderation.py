"""An admin sees, publishes and deletes what visitors keep; nobody else does."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab import owners
from digitlab.data import collections, own
from digitlab.errors import DigitlabError
from digitlab.jobs.moderation import delete_thing, list_things, publish_thing
from digitlab.models import library

ANN, BOB = owners.owner_of("ann"), owners.owner_of("bob")
ADMIN = owners.Visitor(owners.owner_of("admin@example.org"), admin=True)


@pytest.fixture
def anns(optdigits):
    """A dataset, a collection and an architecture of Ann's, by their kind."""
    with owners.acting_for(ANN):
        own.add_version("mine", optdigits, [])
        drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
        collections.keep_drawing("digits", drawing)
        library.save_model(dl.load_model("logistic-regression"), "Net")
    with owners.acting_for(ADMIN):
        return {thing.kind: thing for thing in list_things()}


def names():
    """What whoever acts now may use."""
    return (
        [info.name for info in own.list_own()],
        list(collections.list_collections()),
        list(library.list_saved()),
    )


def test_what_an_admin_publishes_is_everybodys(anns):
    assert {(thing.owner, thing.name) for thing in anns.values()} == {
        (ANN, "mine"), (ANN, "digits"), (ANN, "Net")
    }  # fmt: skip
    with owners.acting_for(BOB):
        assert names() == ([], [], [])
    with owners.acting_for(ADMIN):
        for thing in anns.values():
            publish_thing(thing)
        assert list_things() == []
    for owner in (ANN, BOB):
        with owners.acting_for(owner):
            assert names() == (["mine"], ["digits"], ["Net"])
            with pytest.raises(DigitlabError, match="is not yours"):
                dl.delete_dataset("mine")


def test_an_admin_deletes_what_is_anothers(anns):
    with owners.acting_for(ADMIN):
        for thing in anns.values():
            delete_thing(thing)
        assert list_things() == []
    with owners.acting_for(ANN):
        assert names() == ([], [], [])


def test_a_name_that_everybody_has_is_not_taken(anns, optdigits):
    own.add_version("mine", optdigits, [])
    with owners.acting_for(ADMIN), pytest.raises(DigitlabError, match="dataset mine for everybody"):
        publish_thing(anns["datasets"])
    with owners.acting_for(ANN):
        assert names()[0] == ["mine"]


def test_nobody_else_does(anns):
    for owner in (ANN, BOB):
        with owners.acting_for(owner):
            for act in (list_things, *(
                lambda thing=thing, act=act: act(thing)
                for act in (publish_thing, delete_thing)
                for thing in anns.values()
            )):  # fmt: skip
                with pytest.raises(DigitlabError, match="Only an admin"):
                    act()
    with owners.acting_for(ANN):
        assert names() == (["mine"], ["digits"], ["Net"])
