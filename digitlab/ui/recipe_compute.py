"""The recipe's fields for how it is computed, and for what else is measured on the way."""

from __future__ import annotations

from typing import Any

import streamlit as st

from digitlab.training.config import TrainConfig
from digitlab.ui import url

PRECISIONS = {
    "auto": "Automatic",
    "float32": "float32",
    "bfloat16": "bfloat16 where it can",
}
PARAMS = ("precision", "threads", "average", "testcurve", "compile")


def compute_fields(start: TrainConfig) -> dict[str, Any]:
    """Precision, threads, a mean of the weights, test figures along the way."""
    columns = st.columns(5)
    values = _speed_fields(start, columns[:2])
    with columns[2]:
        values["average"] = url.real(
            "Mean of the weights (decay)",
            param="average",
            default=start.average,
            low=0,
            high=0.99999,
            step=0.01,
            format="%.5g",
            help="A running mean over the steps, as 0.999, often reads better than the last "
            "weights. 0: none.",
        )
    with columns[3]:
        values["test_curve"] = url.switch(
            "Test after every epoch",
            param="testcurve",
            default=start.test_curve,
            help="To look at, never to choose by: then it would no longer be a test.",
        )
    with columns[4]:
        values["compile"] = url.switch(
            "torch.compile",
            param="compile",
            default=start.compile,
            help="Compiles the network first, which takes up to a minute; for long trainings.",
        )
    return values


def _speed_fields(start: TrainConfig, columns: list[Any]) -> dict[str, Any]:
    with columns[0]:
        precision = url.choose(
            "Precision",
            PRECISIONS,
            param="precision",
            default=start.precision,
            help="bfloat16 makes convolutions about twice as fast on processors and GPUs that "
            "multiply it in hardware; weights stay float32. Automatic takes it where it pays.",
        )
    with columns[1]:
        threads = url.number(
            "Threads (0: automatic)",
            param="threads",
            default=start.threads or 0,
            low=0,
            high=256,
            help="Small networks are faster on one: waking others takes longer than the work.",
        )
    return {"precision": precision, "threads": threads or None}
