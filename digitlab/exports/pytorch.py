"""A network and its recipe as one Python file of plain PyTorch, which needs no digitlab.

The network is written out from what `build` would make, so that the keys of its state_dict are the
same; the source of the blocks' classes is included. `recipe_code` writes what trains it.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from digitlab.exports.recipe_code import recipe_code
from digitlab.exports.scikit import scikit_script
from digitlab.models.build import sketch
from digitlab.models.classical.catalog import classical_kind
from digitlab.training.loss import scoring_spec

if TYPE_CHECKING:
    from torch import nn

    from digitlab.models.placement import Part, Row
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment

_HEAD = '''"""{title} as plain PyTorch, written by digitlab; needs {needs}.

    python {file} [FOLDER]     trains by the recipe below, with the dataset in FOLDER
    from {module} import load_network, make_network, normalize

`load_network("weights.safetensors")(normalize(images))` gives, for images uint8 [N, …],
{outputs}.
It trains in float32, whatever precision, layout or compilation a run had.
"""
{missing}
from __future__ import annotations

{imports}

# What the network was written from; digitlab reads it back when this file is pasted into it.
ARCHITECTURE = {architecture}
'''

_IMPORTS = {
    "math": "import math",
    "sys": "import sys",
    "OrderedDict": "from collections import OrderedDict",
    "np": "import numpy as np",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "safe_open": "from safetensors import safe_open",
    "save_file": "from safetensors.torch import save_file",
    "nn": "from torch import nn",
}
_OUTPUTS = {
    "binary": "a score for each class; its sigmoid says how likely the image is of that class",
    "mse": "an estimate of 1 for the image's class and of 0 for the others",
}
_INITS = {
    "kaiming": 'nn.init.kaiming_normal_(module.weight, nonlinearity="relu")',
    "xavier": "nn.init.xavier_uniform_(module.weight)",
    "orthogonal": "nn.init.orthogonal_(module.weight)",
    "normal": "nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))",
}


def standalone(experiment: Experiment) -> str:
    """A Python file with `make_network()` and the recipe that trains it on the same images.

    A classical model gives the scikit-learn script that fits it. The state_dict has the keys of
    digitlab's own network, so its weights can be loaded. Raises SpecError where the spec cannot be
    built, DatasetError for an unknown dataset.
    """
    spec = experiment.spec
    if classical_kind(spec):
        file = (re.sub(r"\W+", "_", spec.name.lower()).strip("_") or "model") + ".py"
        words = {"file": file, "title": _plain(spec.name), "text": _quoted(spec.to_yaml())}
        return scikit_script(experiment, **words)
    network = scoring_spec(spec, experiment.config)
    part = sketch(network)
    module = re.sub(r"\W+", "_", spec.name.lower()).strip("_") or "network"
    module = f"net_{module}" if module[0].isdigit() else module
    sections = [*_classes(part.module), _make_network(network, part), _initialise(spec)]
    recipe = recipe_code(experiment)
    sections.append(recipe.code)
    timm = ("timm",) if any("import timm" in section for section in sections) else ()
    head = _HEAD.format(
        imports=_imports("".join(sections), recipe.imports),
        missing="".join(f"\n# This file trains without {field}." for field in recipe.missing),
        needs=", ".join(("torch", "torchvision", *timm, "safetensors")),
        outputs=_OUTPUTS.get(experiment.config.loss, "logits: their softmax are probabilities"),
        title=_plain(spec.name),
        file=f"{module}.py",
        module=module,
        architecture=_quoted(spec.to_yaml()),
    )
    return "\n\n".join(section.strip("\n") + "\n" for section in [head, *sections] if section)


def _imports(code: str, more: Iterable[str]) -> str:
    """The import lines that `code` uses and some more: Python's own, then the libraries'."""
    lines = {line for word, line in _IMPORTS.items() if re.search(rf"\b{word}\b", code)} | {*more}
    members: dict[str, list[str]] = {}  # "from torch import" → what is imported from there
    for line in sorted(lines, key=lambda line: (line.startswith("from"), line)):
        start, _, name = line.rpartition(" ") if line.startswith("from") else (line, "", "")
        members.setdefault(start, []).append(name)
    own: list[str] = []
    others: list[str] = []
    for start, names in members.items():
        package = start.split()[1].partition(".")[0]
        block = own if package in sys.stdlib_module_names else others
        block.append(f"{start} {', '.join(names)}".strip())
    return "\n".join([*own, "", *others] if own else others)


def _make_network(spec: ModelSpec, part: Part) -> str:
    rows = {row.key: row for row in part.rows}
    body = _Writer(rows).module(part.module, "", 1)
    more = "initialise(network)\n    " if spec.init != "default" else ""
    shape = ", ".join(map(str, spec.input))
    output = ", ".join(map(str, part.output_shape))
    return (
        f"def make_network() -> nn.Module:\n"
        f'    """float32 [N, {shape}] → [N, {output}], with weights drawn anew."""\n'
        f"    network = {body}\n    {more}return network\n"
    )


class _Writer:
    """Writes modules as the calls that make them."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self.rows = rows

    def module(self, module: nn.Module, key: str, depth: int) -> str:
        """The call that makes a module; `key` is its place in the network."""
        from torch import nn

        row = self.rows.get(key)
        if type(module) is nn.Sequential:
            return self.sequential(module, key, depth)
        if isinstance(module, nn.ModuleList):
            return self.several("[", module, "]", key, depth)
        if row is not None and row.kind != "block":
            return _torch_layer(row)
        if isinstance(module, nn.Identity):
            return "nn.Identity()"
        return self.block(module, key, depth)

    def sequential(self, module: nn.Module, key: str, depth: int) -> str:
        names = [name for name, _ in module.named_children()]
        if names == [str(index) for index in range(len(names))]:
            return self.several("nn.Sequential(", module, ")", key, depth)
        lines = [
            f'("{name}", {self.module(child, f"{key}.{name}", depth + 2)})'
            for name, child in module.named_children()
        ]
        return _spread("nn.Sequential(OrderedDict([", lines, "]))", depth)

    def several(self, opening: str, module: nn.Module, closing: str, key: str, depth: int) -> str:
        lines = [
            self.module(child, f"{key}.{name}" if key else name, depth + 1)
            for name, child in module.named_children()
        ]
        return _spread(opening, lines, closing, depth)

    def block(self, module: nn.Module, key: str, depth: int) -> str:
        """A block's class, called with the attributes that have its arguments' names."""
        from torch import nn

        lines = []
        for name in _argument_names(type(module)):
            value = getattr(module, name)
            if isinstance(value, nn.Module):
                written = self.module(value, f"{key}.{name}", depth + 1)
            else:
                written = _literal(value)
            lines.append(f"{name}={written}")
        if not any("\n" in line for line in lines):
            return f"{type(module).__name__}({', '.join(lines)})"
        return _spread(f"{type(module).__name__}(", lines, ")", depth)


def _argument_names(kind: type) -> list[str]:
    """The names of the arguments of a block's class."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def _spread(opening: str, lines: list[str], closing: str, depth: int) -> str:
    if not lines:
        return opening + closing
    indent = "    " * (depth + 1)
    inside = "".join(f"{indent}{line},\n" for line in lines)
    return f"{opening}\n{inside}{'    ' * depth}{closing}"


def _torch_layer(row: Row) -> str:
    """`nn.Conv2d(1, 8, 3, padding=1)`: required arguments by position, others by name."""
    from torch import nn

    arguments = []
    for name, parameter in inspect.signature(getattr(nn, row.label).__init__).parameters.items():
        if name not in row.made:
            continue
        value = _literal(row.made[name])
        if parameter.default is parameter.empty:
            arguments.append(value)
        elif row.made[name] != parameter.default:
            arguments.append(f"{name}={value}")
    return f"nn.{row.label}({', '.join(arguments)})"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(tuple(value)) if isinstance(value, tuple) else repr(value)


def _classes(network: nn.Module) -> list[str]:
    """The source of every block's class in the network, in the order in which they come."""
    kinds = dict.fromkeys(type(module) for module in network.modules())
    ours = [kind for kind in kinds if kind.__module__.startswith("digitlab.")]
    return [inspect.getsource(kind) for kind in ours]


def _initialise(spec: ModelSpec) -> str:
    """The function that initialises the weights, unless the spec leaves that to torch."""
    if spec.init == "default":
        return ""
    kinds = "nn.Linear" if spec.init == "normal" else "nn.Linear | nn.modules.conv._ConvNd"
    return (
        f"def initialise(network: nn.Module) -> None:\n"
        f'    """First weights drawn by the rule called {spec.init}."""\n'
        f"    for module in network.modules():\n"
        f"        inside = isinstance(module, nn.modules.linear.NonDynamicallyQuantizableLinear)\n"
        f"        if isinstance(module, {kinds}) and not inside:\n"
        f"            {_INITS[spec.init]}\n"
        f"            if module.bias is not None:\n"
        f"                nn.init.zeros_(module.bias)\n"
    )


def _quoted(text: str) -> str:
    """A text as a Python literal, over several lines where nothing in it needs escaping."""
    if "\\" in text or '"""' in text or text.endswith('"'):
        return repr(text)
    return f'"""\\\n{text}"""'


def _plain(text: str) -> str:
    """A name that cannot end a docstring."""
    return text.replace("\\", "/").replace('"', "'")
