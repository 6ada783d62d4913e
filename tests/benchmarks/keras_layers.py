"""Keras's layers and their translation, compared: `python -m tests.benchmarks.keras_layers [WORD]`.

Needs Keras, for this alone: `pip install --target FOLDER keras`, then run with FOLDER on PYTHONPATH
and KERAS_BACKEND=torch. Makes some two hundred small models of Keras, reads each from its config,
gives both the same weights and images, and prints the parameters and the largest difference of the
answers, relative to the largest answer. A word runs the cases with it in their name.

Keras on torch pads a mean pooling by repeating the border where both ends differ; TensorFlow counts
no padding, and so does the translation: those cases are left out here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras import layers as L
from keras import ops
from torch import nn

from digitlab.models.build import build
from digitlab.models.paste.keras.config import ConfigNetwork, KerasParts, read_config
from digitlab.models.spec import ModelSpec

Arrays = list[np.ndarray]

# ---- weights ------------------------------------------------------------------------------------


def convolution(kernel: np.ndarray) -> np.ndarray:
    """[*sizes, in, out] as torch's [out, in, *sizes]; of a transposed one [in, out, *sizes]."""
    sides = range(kernel.ndim - 2)
    return kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *sides)


def depthwise(kernel: np.ndarray) -> np.ndarray:
    """[*sizes, channels, times] as torch's [channels · times, 1, *sizes]."""
    sides = range(kernel.ndim - 2)
    moved = kernel.transpose(kernel.ndim - 2, kernel.ndim - 1, *sides)
    return moved.reshape(-1, 1, *moved.shape[2:])


def gates(values: np.ndarray, cell: str, units: int) -> np.ndarray:
    """The gates of a cell in torch's order."""
    parts = np.split(values, values.shape[-1] // units, axis=-1)
    order = (1, 0, 2) if cell == "GRU" else range(len(parts))
    return np.concatenate([parts[index] for index in order], axis=-1)


def recurrent(cell: str, units: int, arrays: Arrays, ending: str = "") -> dict[str, np.ndarray]:
    """A cell's weights by torch's names; Keras's one bias is torch's first."""
    weights = {
        f"weight_ih_l0{ending}": gates(arrays[0], cell, units).T,
        f"weight_hh_l0{ending}": gates(arrays[1], cell, units).T,
    }
    if len(arrays) == 2:
        return weights
    bias = arrays[2] if arrays[2].ndim == 2 else np.stack([arrays[2], np.zeros_like(arrays[2])])
    first, second = gates(bias, cell, units)
    return {**weights, f"bias_ih_l0{ending}": first, f"bias_hh_l0{ending}": second}


def attention(parts: KerasParts, arrays: Arrays) -> dict[str, np.ndarray]:
    """The four projections, as torch's one module or as Linears of their own."""
    kernels = [k.reshape(k.shape[0], -1).T for k in arrays[:6:2]]
    output = arrays[6].reshape(-1, arrays[6].shape[-1]).T
    biases = [bias.reshape(-1) for bias in arrays[1::2]]
    if "" not in parts.layers:
        names = ("query", "key", "value", "output")
        pairs = zip(names, [*kernels, output], biases, strict=True)
        found = {}
        for name, weight, bias in pairs:
            found |= {f"{parts.layers[name]}.weight": weight, f"{parts.layers[name]}.bias": bias}
        return found
    own = parts.layers[""]
    return {
        f"{own}.in_proj_weight": np.concatenate(kernels),
        f"{own}.in_proj_bias": np.concatenate(biases[:3]),
        f"{own}.out_proj.weight": output,
        f"{own}.out_proj.bias": biases[3],
    }


def normalisation(parts: KerasParts, arrays: Arrays) -> dict[str, np.ndarray]:
    """Scale, shift and running statistics, where the layer has them."""
    left, found = iter(arrays), {}
    main = parts.layers.get("", parts.layers.get("norm", ""))
    for option, word, part in (("scale", "weight", "gamma"), ("center", "bias", "beta")):
        if parts.options[option]:
            found[parts.layers.get(part, f"{main}.{word}")] = next(left)
    if parts.type == "BatchNormalization":
        found |= {f"{main}.running_mean": next(left), f"{main}.running_var": next(left)}
    return found


def weights_of(parts: KerasParts, arrays: Arrays) -> dict[str, np.ndarray]:
    """The weights of a layer of Keras by their keys here."""
    kind, own = parts.type, parts.layers.get("", "")
    if kind.endswith("Normalization"):
        return normalisation(parts, arrays)
    if kind == "MultiHeadAttention":
        return attention(parts, arrays)
    if kind == "PReLU":
        key = parts.layers.get("alpha", f"{own}.weight")
        slopes = arrays[0].transpose(2, 0, 1)[None] if arrays[0].ndim == 3 else arrays[0]
        return {key: slopes if "alpha" in parts.layers else arrays[0].reshape(-1)}
    if kind.startswith("SeparableConv"):
        point = {"weight": convolution(arrays[1]), "bias": arrays[2]}
        named = {f"{parts.layers['pointwise']}.{key}": value for key, value in point.items()}
        return {f"{parts.layers['depthwise']}.weight": depthwise(arrays[0]), **named}
    if kind in ("LSTM", "GRU", "SimpleRNN"):
        found = recurrent(kind, parts.options["units"], arrays)
    elif kind == "Bidirectional":
        cell, half = parts.options["layer"], len(arrays) // 2
        cell = (cell.type.name, cell["units"])
        found = recurrent(*cell, arrays[:half]) | recurrent(*cell, arrays[half:], "_reverse")
    else:
        shape = {"Dense": np.transpose}.get(kind, convolution)
        shape = depthwise if kind.startswith("Depthwise") else shape
        found = {"weight": shape(arrays[0]), **({"bias": arrays[1]} if len(arrays) > 1 else {})}
    return {f"{own}.{key}": value for key, value in found.items()}


def layer_at(model: Any, path: tuple[str, ...]) -> Any:
    """A layer by the names of the models and wrappers in which it stands."""
    for name in path:
        model = model.get_layer(name) if hasattr(model, "get_layer") else model.layer
    return model


def copy_weights(model: Any, reading: ConfigNetwork, network: nn.Module) -> None:
    """Give the network the weights of the Keras model."""
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    with torch.no_grad():
        for parts in reading.parts:
            layer = layer_at(model, parts.path)
            arrays = [ops.convert_to_numpy(weight) for weight in layer.weights]
            arrays = [array for array in arrays if array.dtype.kind == "f"]
            for key, value in weights_of(parts, arrays).items():
                value = torch.tensor(np.ascontiguousarray(value))
                tensors[key].copy_(value.reshape(tensors[key].shape))


# ---- comparing -----------------------------------------------------------------------------------


def compare(model: Any) -> tuple[int, int, float]:
    """Trainable parameters in Keras and here (without the second biases that torch's cells have),
    and the largest difference of the answers."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if "float" in weight.dtype:
            values = random.normal(size=weight.shape, scale=0.3).astype("float32")
            weight.assign(np.abs(values) if "variance" in weight.path else values)
    images = random.random((3, *model.input_shape[1:])).astype("float32")
    theirs = ops.convert_to_numpy(model(images, training=False))
    reading = read_config(json.loads(model.to_json()))
    layers = [layer for layer, _ in reading.network.layers]
    network = build(ModelSpec(name="K", input=reading.network.input, layers=layers)).eval()
    copy_weights(model, reading, network)
    inputs = torch.tensor(images)
    if images.ndim == 4 and images.shape[1:] != reading.network.input:
        inputs = inputs.permute(0, 3, 1, 2)
    inputs = inputs.reshape(3, *reading.network.input)
    scaling = {"none": (255, 0), "half": (127.5, 1)}.get(
        reading.recipe.get("normalization"), (1, 0)
    )
    with torch.no_grad():
        mine = network(inputs / scaling[0] - scaling[1])
    said = " ".join(reading.notes)
    mine = mine.softmax(1) if "softmax at the end" in said else mine
    mine = (mine.sigmoid() if "sigmoid at the end" in said else mine).numpy()
    mine = mine.transpose(0, 2, 3, 1) if mine.ndim == 4 and theirs.ndim == 4 else mine
    difference = np.abs(mine.reshape(theirs.shape) - theirs).max() / max(1, np.abs(theirs).max())
    cells = [m for m in network.modules() if isinstance(m, nn.LSTM | nn.RNN)]
    second = [p for m in cells for name, p in m.named_parameters() if name.startswith("bias_hh")]
    count = sum(p.numel() for p in network.parameters()) - sum(p.numel() for p in second)
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights), count, float(difference)


def sequential(*layers: Any, shape: tuple[int, ...] = (28, 28, 1)) -> Any:
    """A Sequential of these layers, for images of that shape."""
    return keras.Sequential([keras.Input(shape), *layers])


def windows() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Each kernel, stride and padding of convolutions and poolings."""
    for kernel, stride, padding in product((1, 2, 3, 4, 5), (1, 2, 3), ("same", "valid")):
        options = {"strides": stride, "padding": padding}
        kinds = {
            "Conv2D": lambda k=kernel, o=options: L.Conv2D(4, k, activation="relu", **o),
            "DepthwiseConv2D": lambda k=kernel, o=options: L.DepthwiseConv2D(
                k, depth_multiplier=2, **o
            ),
            "Conv2DTranspose": lambda k=kernel, o=options: L.Conv2DTranspose(4, k, **o),
            "MaxPooling2D": lambda k=kernel, o=options: L.MaxPooling2D(k, **o),
            "AveragePooling2D": lambda k=kernel, o=options: L.AveragePooling2D(k, **o),
        }
        total = max((-(-26 // stride) - 1) * stride + kernel - 26, 0)
        for kind, make in kinds.items():
            if kind == "AveragePooling2D" and padding == "same" and total % 2:
                continue
            name = f"{kind} {kernel} {stride} {padding}"
            yield (
                name,
                lambda make=make: sequential(L.Conv2D(3, 3), make(), L.Flatten(), L.Dense(3)),
            )


END = (L.Flatten, lambda: L.Dense(3))
IMAGES: dict[str, Callable[[], list[Any]]] = {
    "dilated": lambda: [L.Conv2D(4, 3, dilation_rate=2, padding="same"), L.Conv2D(4, 3)],
    "groups": lambda: [L.Conv2D(6, 3), L.Conv2D(4, 3, groups=2)],
    "rectangle": lambda: [L.Conv2D(4, (3, 5), strides=(2, 1)), L.MaxPooling2D((1, 2))],
    "separable": lambda: [L.SeparableConv2D(5, 3, 2, "same", depth_multiplier=2)],
    "upsampling": lambda: [L.UpSampling2D((2, 3), interpolation="bilinear"), L.UpSampling2D(2)],
    "borders": lambda: [L.ZeroPadding2D(((1, 2), (3, 0))), L.Cropping2D(((2, 1), (0, 3)))],
    "batch norm": lambda: [L.Conv2D(3, 3), L.BatchNormalization()],
    "batch norm, scale": lambda: [L.Conv2D(3, 3), L.BatchNormalization(center=False)],
    "batch norm, shift": lambda: [L.Conv2D(3, 3), L.BatchNormalization(scale=False)],
    "batch norm, rows": lambda: [L.Conv2D(3, 3), L.BatchNormalization(axis=1)],
    "layer norm": lambda: [L.Conv2D(3, 3), L.LayerNormalization()],
    "layer norm, all": lambda: [L.Conv2D(3, 3), L.LayerNormalization(axis=[1, 2, 3])],
    "group norm": lambda: [L.Conv2D(6, 3), L.GroupNormalization(3), L.GroupNormalization(-1)],
    "activations": lambda: [L.LeakyReLU(), L.ELU(0.7), L.ReLU(0.5), L.ReLU(negative_slope=0.1)],
    "slopes": lambda: [L.Conv2D(3, 3), L.PReLU(), L.PReLU(shared_axes=[1, 2])],
    "dense of channels": lambda: [L.Conv2D(3, 3), L.Dense(5, "relu"), L.Conv2D(2, 3)],
    "reshape, mixing": lambda: [L.Conv2D(4, 3), L.Reshape((13, 52, 4)), L.Conv2D(2, 3)],
    "to steps": lambda: [L.Conv2D(4, 3), L.Reshape((676, 4)), L.Conv1D(3, 3)],
    "volume": lambda: [L.Reshape((28, 28, 1, 1)), L.Conv3D(3, (3, 3, 1), 2, "same")],
    "global": lambda: [L.Conv2D(3, 3), L.GlobalMaxPooling2D(keepdims=True), L.Conv2D(4, 1)],
    "scaling": lambda: [L.Rescaling(1 / 127.5, offset=-1), L.Conv2D(3, 3)],
    "sizes": lambda: [L.Resizing(20, 14), L.Conv2D(3, 3), L.CenterCrop(9, 9)],
    "training only": lambda: [L.GaussianNoise(0.1), L.SpatialDropout2D(0.2), L.AlphaDropout(0.1)],
}
ROWS: dict[str, Callable[[], list[Any]]] = {
    "dense of rows": lambda: [L.Dense(5, activation="relu")],
    "LSTM": lambda: [L.LSTM(7, return_sequences=True), L.LSTM(5)],
    "GRU": lambda: [L.GRU(7, return_sequences=True), L.GRU(5, go_backwards=True)],
    "SimpleRNN": lambda: [L.SimpleRNN(5, activation="relu", use_bias=False)],
    "both ways": lambda: [L.Bidirectional(L.LSTM(4, return_sequences=True)), L.GRU(3)],
    "both ways, last": lambda: [L.Bidirectional(L.GRU(3))],
    "both ways, sum": lambda: [L.Bidirectional(L.LSTM(4), merge_mode="sum")],
    "both ways, mean": lambda: [L.Bidirectional(L.SimpleRNN(4), merge_mode="ave")],
    "causal": lambda: [L.Conv1D(4, 3, padding="causal"), L.MaxPooling1D(2)],
    "steps": lambda: [L.SeparableConv1D(5, 3), L.UpSampling1D(2), L.GlobalMaxPooling1D()],
    "each step": lambda: [L.TimeDistributed(L.Dense(2)), L.Permute((2, 1))],
    "repeated": lambda: [L.LSTM(4), L.RepeatVector(3), L.LSTM(2, return_sequences=True)],
}


def attending(size: int, dropout: float = 0.0, causal: bool = False) -> Any:
    """Self-attention of two heads of that size."""
    inputs = keras.Input((28, 28))
    x = L.Dense(8)(inputs)
    x = L.Add()([x, L.MultiHeadAttention(2, size, dropout=dropout)(x, x, use_causal_mask=causal)])
    return keras.Model(inputs, L.Dense(3)(L.GlobalAveragePooling1D()(x)))


def joining() -> Any:
    """A residual, a gate, and joins of all kinds."""
    inputs = keras.Input((28, 28, 1))
    a = L.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = L.ReLU()(L.add([a, L.Conv2D(4, 3, padding="same")(a)]))
    gate = L.Dense(4, activation="sigmoid")(L.Reshape((1, 1, 4))(L.GlobalAveragePooling2D()(x)))
    x = L.multiply([x, gate])
    x = L.Concatenate()([L.MaxPooling2D()(x), L.AveragePooling2D(2)(x)])
    x = L.Maximum()([x, L.Average()([x, L.Subtract()([x, x])])])
    x = L.concatenate([L.Flatten()(x), L.GlobalAveragePooling2D()(x)])
    return keras.Model(inputs, L.Dense(10, activation="softmax")(x))


def sharing() -> Any:
    """One convolution three times."""
    inputs = keras.Input((28, 28, 1))
    conv, x = L.Conv2D(3, 3, padding="same"), L.Conv2D(3, 3)(inputs)
    return keras.Model(inputs, L.Dense(3)(L.Flatten()(conv(conv(conv(x))))))


def nesting() -> Any:
    """An encoder and a decoder, each a model."""
    encoder = keras.Sequential(
        [keras.Input((28, 28, 1)), L.Conv2D(4, 3, 2), L.Flatten(), L.Dense(5)], name="encoder"
    )
    code = keras.Input((5,))
    x = L.Reshape((7, 7, 2))(L.Dense(98)(code))
    decoder = keras.Model(code, L.Conv2DTranspose(1, 4, 4, "same")(x), name="decoder")
    inputs = keras.Input((28, 28, 1))
    return keras.Model(inputs, decoder(encoder(inputs)))


def computing() -> Any:
    """Functions and operators between layers."""
    inputs = keras.Input((28, 28, 1))
    x = ops.relu(L.Conv2D(4, 3)(inputs)) * 2.0 + 1.0
    x = ops.mean(x, axis=(1, 2))
    x = ops.reshape(ops.concatenate([x, x], axis=-1), (-1, 2, 4))
    return keras.Model(inputs, L.Dense(3)(x[:, 0] - x[:, 1] / 3.0))


def cases() -> Iterator[tuple[str, Callable[[], Any]]]:
    """All models, by name."""
    yield from windows()
    for table, shape in ((IMAGES, (28, 28, 1)), (ROWS, (28, 28))):
        for name, make in table.items():
            yield (
                name,
                lambda make=make, shape=shape: sequential(
                    *make(), *(end() for end in END), shape=shape
                ),
            )
    for word in ("elu", "selu", "gelu", "silu", "softplus", "tanh", "relu6", "mish", "softmax"):
        yield word, lambda word=word: sequential(L.Dense(6, word), L.Dense(3), shape=(784,))
    yield "joins", joining
    yield "shared", sharing
    yield "nested", nesting
    yield "functions", computing
    yield "attention, even", lambda: attending(4)
    yield "attention, wide", lambda: attending(6)
    yield "attention, dropout", lambda: attending(6, dropout=0.1)
    yield "attention, causal", lambda: attending(4, causal=True)


def main(words: list[str]) -> None:
    torch.set_num_threads(1)
    names = []
    for name, make in cases():
        if words and not any(word in name for word in words):
            continue
        keras.backend.clear_session()
        theirs, mine, difference = compare(make())
        agrees = theirs == mine and difference < 1e-5
        names += [] if agrees else [name]
        print(f"{name:30} {theirs:>9,} {mine:>9,} {difference:.1e} {'' if agrees else 'DIFFERS'}")
    print(f"{len(names)} differ: {', '.join(names)}" if names else "all agree")


if __name__ == "__main__":
    main(sys.argv[1:])
