"""`read_code`: pasted PyTorch or Keras code, or the print of a model, as a ModelSpec."""

from __future__ import annotations

from digitlab.models.paste.network import read_pasted_network
from digitlab.models.paste.notebook import code_of
from digitlab.models.paste.reading import CodeReading
from digitlab.models.spec import ModelSpec


def read_code(text: str, *, model: str | None = None) -> CodeReading:
    """The architecture in a text, found by reading alone; nothing in it is executed.

    Takes classes of PyTorch and Keras, Sequentials, functional models, whole scripts and notebook
    cells, what `print(model)` wrote, and the files that digitlab exports. Of several networks
    `model` names the one to read. Raises SpecError, with the line, where there is none that can
    be read.
    """
    text = code_of(text)
    pasted = read_pasted_network(text, model)
    if pasted.yaml:
        spec = ModelSpec.from_yaml(pasted.yaml)
        lines, names = (None,) * len(spec.layers), (spec.name,)
        return CodeReading(spec, lines=lines, models=names, model=spec.name, text=text)
    spec = ModelSpec(
        name=pasted.name,
        input=pasted.input,
        init=pasted.init,
        layers=[layer for layer, _ in pasted.layers],
    )
    lines = tuple(line for _, line in pasted.layers)
    recipe = dict(pasted.recipe)
    return CodeReading(spec, pasted.notes, lines, recipe, pasted.models, pasted.model, text)
