"""How Keras texts are read, by Keras: `python -m tests.benchmarks.keras_texts [TEXT...]`.

Needs Keras, for this alone: `pip install --target FOLDER keras`, then run with FOLDER on PYTHONPATH
and KERAS_BACKEND=torch. Runs each Keras text of the corpus as real Python, reads it with
`read_code`, gives both networks the same weights (layouts transposed) and the same images, and
prints the parameter counts and the largest difference of the answers. Name texts to run only them.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections import defaultdict
from itertools import permutations
from unittest.mock import MagicMock

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import torch

from tests.models.paste import real_python
from tests.models.paste.real_python import CORPUS, images_for, make_model, read_index, weights_for

TF_NAMES = {  # functions of tensorflow that models call, by those of Keras
    "reshape": "reshape", "concat": "concatenate", "reduce_mean": "mean", "reduce_sum": "sum",
    "matmul": "matmul", "transpose": "transpose", "expand_dims": "expand_dims", "add": "add",
    "squeeze": "squeeze", "multiply": "multiply", "shape": "shape", "sqrt": "sqrt", "tanh": "tanh",
    "sigmoid": "sigmoid", "maximum": "maximum",
}  # fmt: skip
built: list[keras.Layer] = []  # layers with weights, in the order of their first call
flattened: dict[int, tuple[int, ...]] = {}  # features after a Flatten: the shape before it
shaped: dict[int, tuple[int, ...]] = {}  # features before a Reshape: the shape after it
ORDERS = ((), ("columns",), ("rows",), ("columns", "rows"))  # of a Dense, as torch has them
reordered: tuple[str, ...] = ()


# tensorflow.keras, as keras


def stand_in_for_tensorflow():
    """Let `tensorflow.keras…` and the modules of older Keras be those of Keras."""
    keras.src.utils.module_utils.tensorflow._available = False
    for name, module in list(sys.modules.items()):
        if re.fullmatch(r"keras\.[a-z_]+(\.[a-z_]+)?", name):
            sys.modules[f"tensorflow.{name}"] = sys.modules[f"tensorflow.python.{name}"] = module
    tensorflow = MagicMock(name="tensorflow", __version__="2", __path__=[], nn=keras.ops)
    tensorflow.keras = keras
    for theirs, ours in TF_NAMES.items():
        setattr(tensorflow, theirs, getattr(keras.ops, ours))
    keras.backend.int_shape = lambda tensor: tuple(tensor.shape)
    sys.modules |= {"tensorflow": tensorflow, "tensorflow.keras": keras}
    for name in ("core", "convolutional", "normalization", "advanced_activations", "recurrent"):
        sys.modules[f"keras.layers.{name}"] = keras.layers
        sys.modules[f"tensorflow.keras.layers.{name}"] = keras.layers


def watch_keras():
    """Note which layers get weights, in order, and what is flattened."""
    add_weight, flatten = keras.Layer.add_weight, keras.layers.Flatten.call

    def add(self, *args, **kwargs):
        if not any(layer is self for layer in built):
            built.append(self)
        return add_weight(self, *args, **kwargs)

    def flat(self, inputs):
        shape = tuple(inputs.shape[1:])
        if self.data_format == "channels_first":  # Keras puts the channels last before it
            shape = (*shape[1:], shape[0])
        flattened[int(np.prod(shape))] = shape
        return flatten(self, inputs)

    def reshape(self, inputs):
        shaped[int(np.prod(inputs.shape[1:]))] = tuple(self.target_shape)
        return reshaped(self, inputs)

    reshaped = keras.layers.Reshape.call
    keras.Layer.add_weight, keras.layers.Flatten.call = add, flat
    keras.layers.Reshape.call = reshape
    keras.random.normal = lambda shape, *_, **__: keras.ops.zeros(shape)  # the mean of the noise
    blank = np.zeros((8, 28, 28), np.uint8), np.zeros(8, np.uint8)
    keras.datasets.mnist.load_data = lambda *_, **__: (blank, blank)


# Weights of Keras as those of torch


def fill(model):
    """Give each weight values that follow from its place and name."""
    for index, weight in enumerate(model.weights):
        shape, name = tuple(weight.shape), f"{index}.{weight.name}"
        values = weights_for(name, shape)
        if weight.name == "moving_variance":
            values = 0.5 + values.abs()
        elif weight.name == "gamma":
            values = 1 + values
        elif len(shape) > 1:
            values = torch.randn(shape, generator=torch.Generator().manual_seed(index))
            values = values * (2 / max(1, int(np.prod(shape[:-1])))) ** 0.5
        if "seed" not in weight.name:
            weight.assign(values.numpy())


def converted(layer):
    """A Keras layer's weights as those of one or more torch modules: [{name: tensor}, ...]."""
    w = {weight.name: torch.tensor(np.array(weight)) for weight in _variables(layer)}
    w = {name: values for name, values in w.items() if values.is_floating_point()}
    kind = type(layer).__name__
    bias = {"bias": w["bias"]} if "bias" in w else {}
    if kind == "Dense":
        return [
            {name: _reordered(values) for name, values in {"weight": w["kernel"].T, **bias}.items()}
        ]
    if kind.startswith(("Conv1D", "Conv2D")):  # the transposed ones, too
        return [{"weight": _channels_first(w["kernel"]), **bias}]
    if kind.startswith("DepthwiseConv"):
        return [{"weight": _depthwise(w["kernel"]), **bias}]
    if kind.startswith("SeparableConv"):
        point = _channels_first(w["pointwise_kernel"])
        return [{"weight": _depthwise(w["depthwise_kernel"])}, {"weight": point, **bias}]
    if kind in ("BatchNormalization", "LayerNormalization", "GroupNormalization"):
        names = {"gamma": "weight", "beta": "bias"}
        names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
        return [{names[name]: values for name, values in w.items()}]
    if kind == "PReLU":
        if sum(size > 1 for size in w["alpha"].shape) > 1:
            return [{"alpha": w["alpha"].permute(2, 0, 1)[None]}]
        return [{"weight": w["alpha"].flatten()}]
    if kind in ("LSTMCell", "GRUCell", "SimpleRNNCell"):
        return [_recurrent(kind, w)]
    if kind == "EinsumDense":
        return [{"kernel": w["kernel"], **bias}]
    raise NotImplementedError(kind)


def _reordered(values):
    """A Dense after Flatten reads height, width, channels, and one before Reshape gives them: its
    columns or rows as torch has them, channels first."""
    columns = flattened.get(values.shape[-1]) if values.ndim == 2 else None
    if "columns" in reordered and columns and len(columns) == 3:
        values = values.reshape(-1, *columns).permute(0, 3, 1, 2).reshape(values.shape)
    rows = shaped.get(values.shape[0])
    if "rows" in reordered and rows and len(rows) == 3:
        values = values.reshape(*rows, -1).permute(2, 0, 1, 3).reshape(values.shape)
    return values


def _channels_first(kernel):
    """[*size, in, out] as [out, in, *size]."""
    return kernel.permute(-1, -2, *range(kernel.ndim - 2))


def _depthwise(kernel):
    size, (channels, times) = kernel.shape[:-2], kernel.shape[-2:]
    return kernel.permute(-2, -1, *range(len(size))).reshape(channels * times, 1, *size)


def _recurrent(kind, w):
    """Gates in torch's order; Keras has one bias where torch has two (but for the GRU)."""
    size = w["recurrent_kernel"].shape[0]
    order = [1, 0, 2] if kind == "GRUCell" else range(w["kernel"].shape[1] // size)

    def gates(values):
        return torch.cat([values[..., k * size : (k + 1) * size] for k in order], -1)

    weights = {
        "weight_ih_l0": gates(w["kernel"]).T,
        "weight_hh_l0": gates(w["recurrent_kernel"]).T,
    }
    if "bias" not in w:
        return weights
    bias = gates(w["bias"])
    first, second = bias if kind == "GRUCell" else (bias, torch.zeros_like(bias))
    return weights | {"bias_ih_l0": first, "bias_hh_l0": second}


def _variables(layer):
    """A layer's own weights, without those of layers inside it."""
    return [*layer._trainable_variables, *layer._non_trainable_variables]


def modules_of_keras(model):
    """[(name, {tensor name: values})] in the order in which Keras calls the layers."""
    mine = {id(weight) for weight in model.weights}
    layers = [layer for layer in built if any(id(v) in mine for v in _variables(layer))]
    parts: list[tuple[str, dict]] = []
    for layer in layers:
        parts += [(layer.name, part) for part in converted(layer)]
    parts = _attentions(model, parts)
    return _both_ways(model, parts)


def _both_ways(model, parts):
    """The two cells of a Bidirectional as one module."""
    for layer in model._flatten_layers():
        if not isinstance(layer, keras.layers.Bidirectional):
            continue
        names = [rnn.cell.name for rnn in (layer.forward_layer, layer.backward_layer)]
        cells = [converted(rnn.cell)[0] for rnn in (layer.forward_layer, layer.backward_layer)]
        both = cells[0] | {f"{name}_reverse": values for name, values in cells[1].items()}
        at = next(
            i for i, (name, part) in enumerate(parts)
            if name == names[0] and torch.equal(part["weight_ih_l0"], cells[0]["weight_ih_l0"])
        )  # fmt: skip
        parts = [p for i, p in enumerate(parts) if i not in (at, at + 1)]
        parts.insert(at, (layer.name, both))
    return parts


def _attentions(model, parts):
    """The four projections of a MultiHeadAttention as torch's one module."""
    for layer in model._flatten_layers():
        if not isinstance(layer, keras.layers.MultiHeadAttention):
            continue
        dense = [layer._query_dense, layer._key_dense, layer._value_dense]
        weights = [torch.tensor(np.array(d.kernel)) for d in dense]
        out = torch.tensor(np.array(layer._output_dense.kernel))
        module = {
            "in_proj_weight": torch.cat([k.reshape(k.shape[0], -1).T for k in weights]),
            "in_proj_bias": torch.cat([torch.tensor(np.array(d.bias)).flatten() for d in dense]),
            "out_proj.weight": out.reshape(-1, out.shape[-1]).T,
            "out_proj.bias": torch.tensor(np.array(layer._output_dense.bias)),
        }
        at = next(
            i for i, (_, part) in enumerate(parts)
            if "kernel" in part and any(torch.equal(part["kernel"], k) for k in weights)
        )  # fmt: skip
        same = [*weights, out]
        parts = [
            p for p in parts
            if not ("kernel" in p[1] and any(
                p[1]["kernel"].shape == k.shape and torch.equal(p[1]["kernel"], k) for k in same
            ))
        ]  # fmt: skip
        parts.insert(at, (layer.name, module))
    return parts


def modules_of_torch(model):
    """[(name, {tensor name: tensor})] in the order of the specification's layers."""
    groups: dict[str, dict] = defaultdict(dict)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_floating_point():
            prefix, _, last = name.rpartition(".")
            if prefix.endswith("out_proj"):
                prefix, last = prefix[: -len(".out_proj")], f"out_proj.{last}"
            groups[prefix][last] = tensor
    return list(groups.items())


def load(ours, theirs):
    """Copy the weights of Keras, by name and else by shapes in order, into torch's modules."""
    left = list(theirs)
    for name, tensors in ours:
        shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
        fits = [
            part for part in left
            if {k: tuple(v.shape) for k, v in part[1].items()} == shapes
        ]  # fmt: skip
        if not fits:
            have = [(n, {k: tuple(v.shape) for k, v in p.items()}) for n, p in left[:4]]
            raise AssertionError(f"{name} {shapes} fits none of {have} …")
        part = next((p for p in fits if p[0] == name), fits[0])
        left = [p for p in left if p is not part]
        with torch.no_grad():
            for key, tensor in tensors.items():
                tensor.copy_(part[1][key])
    assert not left, f"left over: {[name for name, _ in left]}"


# One text


def keras_answer(text, facts):
    """(the Keras model, filled; the images; its answer)."""
    built.clear(), flattened.clear(), shaped.clear()
    keras.backend.set_image_data_format("channels_last")
    if "set_image_data_format('channels_first')" in text:
        keras.backend.set_image_data_format("channels_first")
    model = make_model(text, facts["make"])
    images = images_for(facts.get("input", (1, 28, 28)))
    inputs = {"rows": images[:, 0], "flat": images.flatten(1)}.get(facts.get("feed"))
    if inputs is None:
        first = keras.backend.image_data_format() == "channels_first"
        inputs = images if first else images.permute(0, 2, 3, 1)
    inputs = inputs * (255 if "Rescaling(1./255)" in text else 1)  # images here are in 0 to 1
    model(inputs.numpy(), training=False)
    fill(model)
    answer = model(inputs.numpy(), training=False).detach().cpu()
    return model, images, answer


def difference(logits, answer):
    """The largest, where the axes of a map may stand in another order; a last softmax is no layer
    here, since the loss takes logits."""
    if answer.ndim == 2 and bool((answer.sum(1) - 1).abs().max() < 1e-4):
        probabilities = bool((logits.sum(1) - 1).abs().max() < 1e-4) and bool((logits >= 0).all())
        logits = logits if probabilities else logits.softmax(1)
    logits, answer = logits.squeeze(1), answer.squeeze(1)
    orders = permutations(range(1, answer.ndim))
    shown = [answer.permute(0, *order) for order in orders]
    return min(float((logits - x).abs().max()) if x.shape == logits.shape else 9.9 for x in shown)


def compare(name, text, facts):
    """What is to be said of one text: counts, and the largest difference of the answers."""
    global reordered
    model, images, answer = keras_answer(text, facts)
    count = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    line = f"{name:40} {count:>9,}"
    if count != facts.get("parameters"):
        line += f" (the index has {facts.get('parameters')})"
    try:
        from digitlab.models.build import build
        from digitlab.models.paste.read import read_code
    except ImportError:
        return f"{line}, no reader yet"
    spec = read_code(text, model=facts.get("model")).spec
    ours = build(spec).eval()
    differences = {}
    for reordered in ORDERS:
        load(modules_of_torch(ours), modules_of_keras(model))
        with torch.no_grad():
            logits = ours(images.reshape(-1, *spec.input))
        differences[reordered] = difference(logits, answer)
    best = min(differences, key=differences.get)
    said = "agrees" if differences[best] < 1e-5 else "DIFFERS"
    columns = f", {' and '.join(best)} reordered" if best else ""
    spread = answer.std(0).mean()
    return f"{line}, {said} within {differences[best]:.1e}{columns} (spread {spread:.3f})"


def main(names):
    sys.meta_path.insert(0, real_python.Absent())
    stand_in_for_tensorflow()
    watch_keras()
    for name, facts in read_index().items():
        if (
            name.startswith("keras")
            and "make" in facts
            and "needs" not in facts
            and (not names or name in names)
        ):
            try:
                print(compare(name, (CORPUS / name).read_text("utf-8"), facts), flush=True)
            except Exception as error:
                if os.environ.get("TRACE"):
                    traceback.print_exc(limit=-6)
                print(f"{name:40} {type(error).__name__}: {str(error)[:300]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
