"""Blocks that read a sequence step by step: the rows of an image through a recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument
from digitlab.models.blocks.block import Block, check_share, check_times
from digitlab.models.placement import Part, Placement, Shape, written

CELLS = ("LSTM", "GRU", "RNN")
MAX_STEPS = 1_024  # as many as the highest image has rows


class Rows(nn.Module):
    """An image row after row through `torch.nn.LSTM`, `GRU` or `RNN`, a row's channels at once.

    [N, C, H, W] or [N, T, D] → the last state [N, S], or with output "sequence" the states at all
    rows [N, H, S]. S is `hidden_size`, twice that where it reads in both directions.
    """

    def __init__(
        self,
        cell: str,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bidirectional: bool,
        dropout: float,
        output: str,
    ) -> None:
        super().__init__()
        self.cell, self.input_size, self.hidden_size = cell, input_size, hidden_size
        self.num_layers, self.bidirectional = num_layers, bidirectional
        self.dropout, self.output = dropout, output
        self.network = getattr(nn, cell)(
            input_size,
            hidden_size,
            num_layers,
            batch_first=True,
            dropout=dropout,
            bidirectional=bidirectional,
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() == 4:
            x = x.transpose(1, 2).flatten(2)
        states, last = self.network(x)
        if self.output == "sequence":
            return states
        last = last[0] if self.cell == "LSTM" else last
        return torch.cat([last[-2], last[-1]], dim=1) if self.bidirectional else last[-1]


def _rows(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    if len(shape) not in (2, 3):
        raise placement.error(
            f"needs an image or tokens, but {written(shape)} reaches it; put it before Flatten."
        )
    steps, size = (shape[1], shape[0] * shape[2]) if len(shape) == 3 else shape
    if steps > MAX_STEPS:
        raise placement.error(
            f"would read {steps:,} rows in sequence; at most {MAX_STEPS:,} are allowed."
        )
    layers = check_times(args, "num_layers", placement)
    dropout = check_share(args, "dropout", placement)
    if dropout and layers == 1:
        raise placement.error(
            "drops states between its layers, but has only one; leave dropout out or use "
            "num_layers of 2 or more.",
            argument="dropout",
        )
    placement.count(layers)
    with torch.device(placement.assembly.device):
        module = Rows(
            cell=args.get("cell", "LSTM"),
            input_size=size,
            hidden_size=args["hidden_size"],
            num_layers=layers,
            bidirectional=args.get("bidirectional", False),
            dropout=dropout,
            output=args.get("output", "last"),
        )
    weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
    states = module.hidden_size * (2 if module.bidirectional else 1)
    output_shape = (steps, states) if module.output == "sequence" else (states,)
    placement.check_values((steps, states))
    # every weight is used once a step; counted so, because running the steps would take seconds
    return Part(module, output_shape, (), steps * weights, layers * steps * states)


SEQUENCE = (
    Block(
        "Rows",
        "Reads an image row by row (or tokens one by one) with an LSTM, GRU or RNN; returns its "
        "last state, or the states at all rows.",
        (
            Argument("hidden_size", int, required=True, least=1),
            Argument("cell", str, default="LSTM", choices=CELLS),
            Argument("num_layers", int, default=1, least=1),
            Argument("bidirectional", bool, default=False),
            Argument("dropout", float, default=0.0),
            Argument("output", str, default="last", choices=("last", "sequence")),
        ),
        _rows,
    ),
)
