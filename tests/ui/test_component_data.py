"""What a component is told: tables as tables, and all else as it is, without pandas."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.BidiComponent_pb2 import BidiComponent

from digitlab.ui import page  # noqa: F401 - every page imports it


def told(data):
    proto = BidiComponent()
    serialization.serialize_mixed_data(data, proto)
    return proto


def test_plain_values_pass_as_they_are_and_nobody_examines_them(monkeypatch):
    def examine(value):
        raise AssertionError(f"{value} was examined")

    monkeypatch.setattr("streamlit.dataframe_util.determine_data_format", examine)
    data = {"charts": [{"name": "a"}], "drawing": {"objects": [], "background": "#000"}, "n": 1}
    assert json.loads(told(data).json) == data


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"a": [1]}), pd.Series([1]), {"a": pd.Series([1]), "b": pd.Series([2])}]
)
def test_a_table_is_still_one(table):
    assert len(told({"table": table}).mixed.arrow_blobs) == 1
