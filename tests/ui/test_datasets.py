"""What a page says of a dataset that is not there."""

from __future__ import annotations

from tests.conftest import PATIENCE
from tests.pages.visit import AppTest


def page_without_images():
    from digitlab.data import collections
    from digitlab.errors import DatasetMissingError
    from digitlab.ui.datasets import explain_absence

    try:
        collections.require_entries("emptied")
    except DatasetMissingError as e:
        explain_absence("The images", e)


def test_a_collection_that_was_emptied_is_not_there_to_download():
    app = AppTest.from_function(page_without_images, default_timeout=PATIENCE).run()
    assert not app.exception
    assert "There is no collection 'emptied'" in app.info[0].value
