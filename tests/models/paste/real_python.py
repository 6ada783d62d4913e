"""Pasted texts run as real Python: `python -m tests.models.paste.real_python RESULT TEXT...`.

For tests only, in a process of its own. Of each text of the corpus the statements that make its
model are run (no download, no training), the model is filled with weights that follow from their
names, and what it answers to the same images is written down: {text: Answer as a dict}.
"""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.machinery
import json
import os
import re
import sys
import textwrap
import traceback
import types
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import torch
import yaml
from torch import nn

CORPUS = Path(__file__).parent / "corpus"
IMAGES = 5  # a size that no layer of the texts has, so that none passes for the batch
GROWS = {"add", "add_module", "append", "apply", "extend", "insert", "update"}
GROWS |= {"build", "pop", "register_buffer", "set_image_data_format"}
PRELUDE = "import torch, numpy as np\nfrom torch import nn\nfrom torch.nn import functional as F"
# Imported by texts, not needed by their models.
ABSENT = "cv2 d2l lightning matplotlib pandas pytorch_lightning seaborn sklearn tensorflow"
ABSENT += " torchmetrics torchsummary torchinfo tqdm wandb IPython google mnist"


def read_index() -> dict[str, dict[str, Any]]:
    """What is known of each text: how its model is made, what it takes, how large it is."""
    return yaml.safe_load((CORPUS / "index.yaml").read_text(encoding="utf-8"))


def images_for(shape: tuple[int, ...] | list[int]) -> torch.Tensor:
    """The same random images each time, float32 [IMAGES, *shape]."""
    return torch.rand(IMAGES, *shape, generator=torch.Generator().manual_seed(7))


def weights_for(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Values for a parameter or buffer that follow from its name, unlike those of a fresh one."""
    random = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    values = torch.randn(tuple(shape), generator=random)
    if name.endswith("running_var"):
        return 0.5 + values.abs()
    if name.endswith("weight") and len(shape) == 1:
        return 1 + 0.2 * values
    if len(shape) < 2:
        return 0.1 * values
    inputs = values[0].numel() if shape[0] > 1 else shape[-1]
    return values * (2 / inputs) ** 0.5


# Text to model


def python_of(text: str) -> str:
    """The Python in a text: the fenced part where there are fences, without % and ! lines."""
    if text.startswith("{"):  # a notebook's file
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        text = "\n".join("".join(cell["source"]) for cell in cells)
    fenced = re.findall(r"^```(?:python|py|\{\.python[^\n]*)\n(.*?)^```", text, re.M | re.S)
    if fenced:
        text = "\n".join(fenced)
    prompt = re.compile(r"^(?:In ?\[[ \d]*\]: ?|>>> |\.\.\. ?|\s+\.\.\.: )")
    if re.search(r"^(?:In ?\[[ \d]*\]:|>>> )", text, re.M):
        lines = [line for line in text.splitlines() if prompt.match(line)]
        text = "\n".join(prompt.sub("", line, count=1) for line in lines)
    return _without_prose(textwrap.dedent(re.sub(r"^[ \t]*[%!?][^\n]*$", "", text, flags=re.M)))


def _without_prose(text: str) -> str:
    """The text without the lines that are no Python."""
    lines = text.splitlines()
    for _ in lines:
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            lines[(error.lineno or 1) - 1] = ""
    return "\n".join(lines)


def make_model(text: str, expression: str) -> Any:
    """What `expression` gives after those statements of the text that it needs."""
    module = sys.modules["pasted"] = types.ModuleType("pasted")
    exec(PRELUDE, module.__dict__)
    statements = ast.parse(python_of(text)).body
    code = ast.Module(_needed(statements, expression), type_ignores=[])
    exec(compile(code, "pasted", "exec", dont_inherit=True), module.__dict__)
    return eval(expression, module.__dict__)


def _needed(statements: list[ast.stmt], expression: str) -> list[ast.stmt]:
    """The statements, in their order, that bind or change a name that the expression needs."""
    bound = set(dir(builtins)).union(*map(_gives, statements))
    statements = [s for s in statements if not isinstance(s, ast.For) or _reads(s.iter) <= bound]
    wanted = _reads(ast.parse(expression)) | {"*"}
    chosen: set[int] = set()
    while True:
        more = {
            index
            for index, statement in enumerate(statements)
            if index not in chosen and _gives(statement) & wanted
        }
        if not more:
            return [statements[index] for index in sorted(chosen)]
        chosen |= more
        for index in more:
            wanted |= _reads(statements[index])


def _reads(tree: ast.AST) -> set[str]:
    """The names that a statement needs of those around it; a function's own are its own."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own: set[str] = set()
    if isinstance(tree, ast.FunctionDef | ast.ClassDef):
        own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        heads = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        bases = [b for n in heads if isinstance(n, ast.ClassDef) for b in (*n.bases, *n.keywords)]
        defaults = [d for n in heads if isinstance(n, ast.FunctionDef) for d in n.args.defaults]
        own -= set().union(*map(_reads, [*bases, *defaults]))
        own -= {name for n in ast.walk(tree) if isinstance(n, ast.Global) for name in n.names}
    return {node.id for node in names if isinstance(node.ctx, ast.Load)} - own


def _gives(statement: ast.stmt) -> set[str]:
    """The names that a statement binds or changes."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        names = {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
        return names | ({"*"} if "*" in names else set())
    if isinstance(statement, ast.For | ast.With | ast.If | ast.Try | ast.While):
        parts = [*statement.body, *getattr(statement, "orelse", [])]
        return set().union(*map(_gives, parts)) if parts else set()
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return set().union(*map(_bound, targets))
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        if isinstance(function, ast.Attribute) and function.attr in GROWS:
            return {_root(function.value)}
    return set()


def _bound(target: ast.expr) -> set[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return set().union(*map(_bound, target.elts))
    return {_root(target)}


def _root(expression: ast.expr) -> str:
    while isinstance(expression, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        expression = expression.func if isinstance(expression, ast.Call) else expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


# What is not installed


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives an empty stand-in for each of `ABSENT` that a text imports."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ABSENT.split():
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__path__, module.__spec__, module.__name__ = [], spec, spec.name
        module.__all__ = []
        if spec.name.startswith("d2l"):
            module.Classifier = module.torch.Classifier = TextbookClassifier
        if "lightning" in spec.name:
            module.LightningModule = module.pl.LightningModule = LightningModule
        if spec.name == "tensorflow" and "keras" in sys.modules:
            module.keras = sys.modules["keras"]
        return module

    def exec_module(self, module):
        pass


class LightningModule(nn.Module):
    """What a text needs of Lightning's class to make and run its model."""

    def save_hyperparameters(self, *_, **__):
        names = sys._getframe(1).f_locals
        self.hparams = types.SimpleNamespace(
            **{name: value for name, value in names.items() if name not in ("self", "__class__")}
        )

    def log(self, *_, **__):
        pass


class TextbookClassifier(LightningModule):
    """The textbook's base class: it runs `net`."""

    def forward(self, x):
        return self.net(x)


@contextmanager
def without_noise():
    """Sampling gives the mean, as the network does when it is evaluated."""
    kept = torch.randn_like, torch.randn, torch.Tensor.normal_, nn.functional.dropout
    torch.randn_like, torch.randn = torch.zeros_like, torch.zeros
    nn.functional.dropout = lambda tensor, *_, **__: tensor
    torch.Tensor.normal_ = lambda tensor, *_, **__: tensor.zero_()
    try:
        yield
    finally:
        torch.randn_like, torch.randn, torch.Tensor.normal_, nn.functional.dropout = kept


def stay_on_the_cpu() -> None:
    """Texts that ask for a GPU get the CPU."""
    for kind in (torch.Tensor, nn.Module):
        kind.cuda = lambda self, *_, **__: self
        kind.to = _to_cpu(kind.to)
    for name in ("zeros", "ones", "randn", "arange"):
        setattr(torch, name, _to_cpu(getattr(torch, name)))


def _to_cpu(function: Any) -> Any:
    """A function of torch that takes "cpu" where it is given a GPU."""

    def call(*places: Any, **options: Any) -> Any:
        places = tuple("cpu" if _is_gpu(place) else place for place in places)
        if _is_gpu(options.get("device")):
            options["device"] = "cpu"
        return function(*places, **options)

    return call


def _is_gpu(place: Any) -> bool:
    return isinstance(place, str | torch.device) and str(place).startswith("cuda")


# Model to answer


def ask(model: nn.Module, inputs: torch.Tensor, output: int = 0) -> dict[str, Any]:
    """The sizes and the answer of a model, once its tensors are filled.

    Parameters that no output depends on are left out: a specification has no unused layers.
    """
    model.eval()
    with without_noise():
        model(inputs)  # lazy layers learn their sizes
        tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    with torch.no_grad():
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and name not in constants(model):
                tensor.copy_(weights_for(name, tuple(tensor.shape)))
    with without_noise():
        for parameter in model.parameters():
            parameter.requires_grad_(True)
            parameter.grad = None
        answer = _pick(model(inputs), output)
        answer.sum().backward()
    parameters = {n: tuple(p.shape) for n, p in model.named_parameters() if p.grad is not None}
    unused = {n for n, p in model.named_parameters() if p.grad is None}
    buffers = {n: tuple(b.shape) for n, b in model.named_buffers() if b.is_floating_point()}
    return {
        "parameters": sum(p.numel() for p in model.parameters() if p.grad is not None),
        "unused": sorted(unused),
        "tensors": {**parameters, **buffers},
        "constants": sorted(constants(model)),
        "logits": answer.detach(),
    }


def constants(model: nn.Module) -> set[str]:
    """Buffers that an author computed (a table of positions, a mask), which nobody loads."""
    known = {"running_mean", "running_var", "num_batches_tracked"}
    return {name for name, _ in model.named_buffers() if name.rsplit(".", 1)[-1] not in known}


def _pick(answer: Any, output: int) -> torch.Tensor:
    if isinstance(answer, dict):
        answer = list(answer.values())
    return answer[output] if isinstance(answer, tuple | list) else answer


def feed(images: torch.Tensor, form: str) -> torch.Tensor:
    """The images as the text's own loop hands them over: "image", "rows" [N, 28, 28], "flat"."""
    if form == "image":
        return images
    return images.squeeze(1) if form == "rows" else images.flatten(1)


def answer_for(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Make the model of one text of the corpus and ask it."""
    torch.manual_seed(0)
    model = make_model((CORPUS / name).read_text(encoding="utf-8"), facts["make"])
    images = images_for(facts.get("input", (1, 28, 28)))
    return ask(model, feed(images, facts.get("feed", "image")), facts.get("output", 0))


def main(result: str, names: list[str]) -> None:
    torch.set_num_threads(1)
    os.environ["MPLBACKEND"] = "agg"
    sys.meta_path.insert(0, Absent())
    stay_on_the_cpu()
    index, answers = read_index(), {}
    for name in names:
        try:
            answers[name] = answer_for(name, index[name])
        except Exception:
            answers[name] = {"error": traceback.format_exc(limit=-3)}
    torch.save(answers, result)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
