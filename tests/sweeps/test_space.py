"""What is searched is read, or refused in a sentence."""

from __future__ import annotations

import pytest

from digitlab.errors import ConfigError
from digitlab.sweeps.space import read_dimension


@pytest.mark.parametrize(
    "values",
    [
        [{"low": 1}],
        [[{"low": 1}]],
        {},
        "-1e308 to 1e308 step 1",
        {"low": 0, "high": 10**400},
        f"0 to 1 step {'1' * 400}",
    ],
)
def test_what_holds_no_values_is_refused(values):
    with pytest.raises(ConfigError, match="learning_rate"):
        read_dimension("learning_rate", values)


def test_a_range_of_more_steps_than_can_be_counted_has_no_list_of_values():
    assert read_dimension("learning_rate", {"low": 0, "high": 1, "step": 1e-320}).values is None
    assert read_dimension("seed", "0 to 3").values == (0, 1, 2, 3)
