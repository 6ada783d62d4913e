"""What a constructor's arguments usually are for digits, where a text leaves them open."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from digitlab.models.paste.native import Function, Native, Unknown
from digitlab.models.paste.tuner import HyperParameters

# What a constructor's argument usually is for digits, by its name.
USUAL: dict[str, Any] = {
    **dict.fromkeys(
        ("num_classes", "n_classes", "classes", "num_class", "nb_classes", "output_size", "n_out",
         "output_dim", "out_dim", "dim_out", "n_class", "output_features", "outputs", "num_labels",
         "out_features", "number_of_classes", "num_outputs", "n_output", "num_output", "nclass",
         "class_num", "out_size"),
        10,
    ),
    **dict.fromkeys(
        ("in_channels", "input_channels", "num_channels", "channels", "n_channels", "in_channel",
         "in_ch", "in_chans", "img_channels", "image_channels", "nc", "input_channel", "c",
         "inchannel", "in_planes", "color_channels", "num_input_channels", "n_input_channels"),
        1,
    ),
    **dict.fromkeys(
        ("input_size", "input_dim", "dim_in", "in_features", "in_dim", "n_in", "inputs", "n_inputs",
         "input_features", "num_inputs", "n_input", "num_input", "in_size", "x_dim", "num_features",
         "n_features"),
        784,
    ),
    **dict.fromkeys(
        ("hidden_size", "hidden_dim", "hidden", "n_hidden", "hidden_units", "num_hidden",
         "h_dim", "d_model", "embed_dim", "dim", "hidden_features", "dim_hidden", "n_hid", "nhid",
         "embed_size", "embedding_dim", "hid_dim", "rnn_hidden", "fc_dim"),
        128,
    ),
    **dict.fromkeys(("image_size", "img_size"), 28),
    "patch_size": 7,
    **dict.fromkeys(
        ("num_filters", "n_filters", "filters", "nf", "base_channels", "hidden_channels"), 32
    ),
    **dict.fromkeys(("kernel_size", "filter_size"), 3),
    **dict.fromkeys(("mlp_dim", "dim_feedforward", "ff_dim"), 256),
    **dict.fromkeys(("dropout", "dropout_rate", "drop_rate", "p", "drop_prob"), 0.5),
    **dict.fromkeys(("num_layers", "n_layers", "depth"), 2),
    **dict.fromkeys(("num_heads", "n_heads", "heads", "nhead"), 4),
    **dict.fromkeys(("latent_dim", "z_dim", "latent_size", "zdim", "latent_dims"), 20),
    **dict.fromkeys(("sequence_length", "seq_len", "seq_length"), 28),
    "device": "cpu",
    "hp": HyperParameters(),
}  # fmt: skip
# Of networks that read images row by row.
_RECURRENT = {name: 28 for name, value in USUAL.items() if value == 784}
# What texts call an object that holds all their settings, and its parts.
SETTINGS = (
    *("args", "arg", "config", "cfg", "conf", "opt", "opts", "options", "params", "hparams"),
    *("hyperparams", "hyperparameters", "settings", "flags", "configs"),
)
_PARTS = ("model", "net", "network", "data", "dataset", "arch", "architecture", "params", "train")


def usual_values(node: ast.AST) -> Mapping[str, Any]:
    """The usual values by lower-case name for what a class or function makes."""
    names = {getattr(inner, "attr", getattr(inner, "id", "")) for inner in ast.walk(node)}
    return {**USUAL, **_RECURRENT} if names & {"LSTM", "GRU", "RNN"} else USUAL


class Settings(Native):
    """`args` or `config` that the text does not give: its values are the usual ones of their names,
    each with a note. Names that the text itself sets on it (`changed`) have none."""

    kind = "settings that the text does not give"

    def __init__(
        self, name: str, usual: Mapping[str, Any], changed: frozenset = frozenset()
    ) -> None:
        self.name, self.usual, self.changed = name, usual, changed

    def attribute(self, name: str, run: Any) -> Any:
        if name == "get":
            return Function("get", "key default=None", self._get)
        if name in _PARTS:
            return Settings(f"{self.name}.{name}", self.usual, self.changed)
        if name.lower() not in self.usual or name in self.changed:
            return Unknown(f"uses {self.name}.{name}, which the text does not give", run.line)
        value = self.usual[name.lower()]
        run.note(f"The text leaves {self.name}.{name} open; {value} is taken.")
        return value

    def _get(self, run: Any, key: Any, default: Any) -> Any:
        return self.item(key, run) if default is None else default

    def item(self, index: Any, run: Any) -> Any:
        if not isinstance(index, str):
            run.refuse(f"indexes {self.kind} by something other than a name")
        return self.attribute(index, run)

    def compare(self, operator: str, other: Any, run: Any) -> Any:
        return Unknown(f"compares {self.name}, which the text does not give", run.line)

    def truth(self, run: Any) -> bool:
        run.refuse(f"has a condition on {self.name}, which the text does not give")
