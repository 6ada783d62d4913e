"""A network and its recipe as one Python file of plain PyTorch, which needs no digitlab.

The network is written out from what `build` would make, so that the keys of its state_dict are the
same; the source of the blocks' classes is included. `recipe_code` writes what trains it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from digitlab.exports.graph_code import module_writer
from digitlab.exports.module_code import block_classes
from digitlab.exports.recipe_code import recipe_code
from digitlab.exports.scikit import scikit_script
from digitlab.models.build import sketch
from digitlab.models.classical.catalog import classical_kind
from digitlab.training.loss import scoring_spec

if TYPE_CHECKING:
    from digitlab.exports.module_code import ModuleWriter
    from digitlab.models.placement import Part
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.training.config import TrainConfig

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
_PIXELS = {
    "binary": "a score for each pixel; its sigmoid is the pixel, from 0 (paper) to 1 (ink)",
    "mse": "the pixels of the reconstruction, from 0 (paper) to 1 (ink)",
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
    recipe = recipe_code(experiment)
    blocks = block_classes(part.module)
    writer = module_writer({row.key: row for row in part.rows}, "".join([*blocks, recipe.code]))
    made = _make_network(network, part, writer)
    sections = [*blocks, *writer.sources(), made, _initialise(spec), recipe.code]
    timm = ("timm",) if any("import timm" in section for section in sections) else ()
    head = _HEAD.format(
        imports=_imports("".join(sections), recipe.imports),
        missing="".join(f"\n# This file trains without {field}." for field in recipe.missing),
        needs=", ".join(("torch", "torchvision", *timm, "safetensors")),
        outputs=_outputs(experiment.config),
        title=_plain(spec.name),
        file=f"{module}.py",
        module=module,
        architecture=_quoted(spec.to_yaml()),
    )
    return "\n\n".join(section.strip("\n") + "\n" for section in [head, *sections] if section)


def _outputs(config: TrainConfig) -> str:
    """What the network of the file gives."""
    if config.task == "reconstruct":
        return _PIXELS[config.pixel_loss]
    return _OUTPUTS.get(config.loss, "logits: their softmax are probabilities")


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


def _make_network(spec: ModelSpec, part: Part, writer: ModuleWriter) -> str:
    body = writer.module(part.module, "", 1)
    more = "initialise(network)\n    " if spec.init != "default" else ""
    shape = ", ".join(map(str, spec.input))
    output = ", ".join(map(str, part.output_shape))
    return (
        f"def make_network() -> nn.Module:\n"
        f'    """float32 [N, {shape}] → [N, {output}], with weights drawn anew."""\n'
        f"    network = {body}\n    {more}return network\n"
    )


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
