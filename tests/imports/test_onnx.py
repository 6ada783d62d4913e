"""ONNX graphs come back as architectures with equal logits, whoever wrote them."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import digitlab as dl
from digitlab.errors import NetworkFileError
from digitlab.imports.read import read_network


class Net(nn.Module):
    """Layers of this class are called as its attributes are."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.run = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x):
        return self.run(self, x)


def _plain(net, x):
    x = F.relu(net.bn1(net.conv1(x)))
    x = F.max_pool2d(F.relu(net.conv2(x)), 2)
    return F.log_softmax(net.fc(torch.flatten(x, 1)), dim=1)


def _residual(net, x):
    x = F.relu(net.bn(net.stem(x)))
    x = F.relu(x + net.b(F.relu(net.a(x))))
    return net.fc(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1))


def _squeeze(net, x):
    x = F.hardswish(net.conv(x))
    gate = torch.sigmoid(net.second(F.gelu(net.first(x.mean((2, 3))))))
    first, second = F.avg_pool2d(x * gate[:, :, None, None], 4).chunk(2, 1)
    return net.fc(torch.cat([second, first.clamp(0, 6)], 1).flatten(1))


def _rows(net, x):
    states, _ = net.rnn(x.squeeze(1))
    return net.fc(states[:, -1, :])


def _last_state(net, x):
    _, last = net.rnn(x.squeeze(1))
    return net.fc(last[-1])


def _tokens(net, x):
    x = net.patches(x).flatten(2).transpose(1, 2)
    x = torch.cat([net.token.expand(x.shape[0], -1, -1), x], 1) + net.position
    x = net.norm(x)
    q, k, v = net.qkv(x).reshape(-1, 17, 3, 4, 4).permute(2, 0, 3, 1, 4)
    x = x + (((q @ k.transpose(-2, -1)) * 0.5).softmax(-1) @ v).transpose(1, 2).reshape(-1, 17, 16)
    return net.fc(x[:, 0])


NETS = {
    "plain": lambda: Net(_plain, conv1=nn.Conv2d(1, 4, 3), bn1=nn.BatchNorm2d(4),
                         conv2=nn.Conv2d(4, 4, 3), fc=nn.Linear(576, 10)),
    "residual": lambda: Net(_residual, stem=nn.Conv2d(1, 4, 3, 2, 1, bias=False),
                            bn=nn.BatchNorm2d(4), a=nn.Conv2d(4, 4, 3, padding=1),
                            b=nn.Conv2d(4, 4, 3, padding=1), fc=nn.Linear(4, 10)),
    "squeeze": lambda: Net(_squeeze, conv=nn.Conv2d(1, 8, 3, padding=1), first=nn.Linear(8, 4),
                           second=nn.Linear(4, 8), fc=nn.Linear(8 * 49, 10)),
    "lstm": lambda: Net(_rows, rnn=nn.LSTM(28, 6, 2, batch_first=True), fc=nn.Linear(6, 10)),
    "both ways": lambda: Net(_rows, rnn=nn.LSTM(28, 6, batch_first=True, bidirectional=True),
                             fc=nn.Linear(12, 10)),
    "gru": lambda: Net(_last_state, rnn=nn.GRU(28, 6, batch_first=True), fc=nn.Linear(6, 10)),
    "rnn": lambda: Net(_rows, rnn=nn.RNN(28, 6, batch_first=True), fc=nn.Linear(6, 10)),
    "tokens": lambda: Net(_tokens, patches=nn.Conv2d(1, 16, 7, 7), norm=nn.LayerNorm(16),
                          token=nn.Parameter(torch.randn(1, 1, 16)), qkv=nn.Linear(16, 48),
                          position=nn.Parameter(torch.randn(1, 17, 16)), fc=nn.Linear(16, 10)),
    "upsampled": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, 2, 1), nn.ConvTranspose2d(4, 4, 2, 2), nn.PixelShuffle(2), nn.PReLU(),
        nn.Upsample(scale_factor=0.5), nn.AvgPool2d(3, 2, 1), nn.Flatten(), nn.Linear(196, 10)),
}  # fmt: skip


def exported(network, example, opset):
    """The bytes that torch's older exporter writes, in evaluation mode, for any batch."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), (example,), buffer, dynamo=False, opset_version=opset,
            input_names=["x"], dynamic_axes={"x": {0: "N"}},
        )  # fmt: skip
    return buffer.getvalue()


def _alike(content, network, images):
    imported = read_network(content)
    with torch.inference_mode():
        expected = network.eval()(images)
        given = dl.build(imported.spec).eval()
        given.load_state_dict({**given.state_dict(), **imported.weights})
        torch.testing.assert_close(given(images), expected, atol=1e-5, rtol=1e-4)
    return imported.spec


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("name", NETS)
def test_what_torch_exports_comes_back_with_equal_logits(name, opset):
    torch.manual_seed(0)
    network = NETS[name]()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean)
    images = torch.randn(3, 1, 28, 28)
    content = exported(network, images[:2], opset)
    _alike(content, network, images)


def test_layers_are_called_as_the_author_called_them():
    spec = read_network(exported(NETS["residual"](), torch.zeros(2, 1, 28, 28), 17)).spec
    assert {layer.name for layer in spec.layers} >= {"stem", "a", "b", "fc"}


def test_the_newer_exporter_and_a_fixed_batch_are_read():
    network = NETS["squeeze"]().eval()
    images = torch.randn(3, 1, 28, 28)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(network, (images[:1],), dynamo=True, verbose=False)
    _alike(program.model_proto.SerializeToString(), network, images)


def test_pixels_that_the_graph_scales_itself_become_the_normalisation():
    network = Net(
        lambda net, x: net.fc(((x.float() / 255 - 0.1307) / 0.3081).flatten(1)),
        fc=nn.Linear(784, 10),
    )
    imported = read_network(exported(network, torch.zeros(2, 1, 28, 28, dtype=torch.uint8), 17))
    assert imported.normalization == pytest.approx((0.1307, 0.3081))
    assert [layer.type for layer in imported.spec.layers] == ["Flatten", "Linear"]


def test_what_digitlab_exports_comes_back_as_the_spec_that_it_was(optdigits, tmp_path):
    layers = [{"Conv2d": {"out_channels": 4, "kernel_size": 3}}, "BatchNorm2d", "ReLU",
              {"Dropout": {"p": 0.3}}, {"AvgPool2d": {"kernel_size": 2}}, "Flatten",
              {"Linear": {"out_features": 10}}]  # fmt: skip
    spec = dl.ModelSpec(name="Mine", layers=layers)
    run = dl.train(spec, optdigits, dl.TrainConfig(epochs=1, device="cpu"), progress=False)
    path = dl.export(run, "onnx", tmp_path / "own.onnx")
    back = dl.import_network(path, data=optdigits)
    images = optdigits.test.images
    assert back.spec == spec
    assert torch.equal(back.predict_logits(images), run.predict_logits(images))
    assert back.record.test_accuracy == run.record.test_accuracy
    model = onnx.load(path)
    del model.metadata_props[:]  # as another program would have written the same graph
    other = dl.import_network(model.SerializeToString(), data=optdigits)
    torch.testing.assert_close(
        other.predict_logits(images), run.predict_logits(images), atol=1e-4, rtol=1e-4
    )


# ---- graphs of other programs -------------------------------------------------------------------


def graph(nodes, constants, *, shape=("N", 28, 28, 1), output=("N", 10)):
    """The bytes of a graph from x to y."""
    model = helper.make_model(
        helper.make_graph(
            nodes, "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, output)],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 13)],
    )  # fmt: skip
    return model.SerializeToString()


def test_channels_last_as_tensorflow_has_them():
    torch.manual_seed(0)
    conv, fc = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(4 * 196, 10)
    weights = conv.weight.detach().numpy()
    dense = fc.weight.detach().numpy().reshape(10, 4, 196).transpose(2, 1, 0).reshape(784, 10)
    node = helper.make_node
    content = graph(
        [
            node("Transpose", ["x"], ["a"], perm=[0, 3, 1, 2]),
            node("Conv", ["a", "sequential/first/Conv2D/ReadVariableOp:0"], ["b"],
                 auto_pad="SAME_UPPER", kernel_shape=[3, 3]),
            node("Transpose", ["b"], ["c"], perm=[0, 2, 3, 1]),
            node("Add", ["c", "sequential/first/BiasAdd/ReadVariableOp:0"], ["d"]),
            node("Relu", ["d"], ["e"]),
            node("Transpose", ["e"], ["f"], perm=[0, 3, 1, 2]),
            node("MaxPool", ["f"], ["g"], kernel_shape=[2, 2], strides=[2, 2]),
            node("Transpose", ["g"], ["h"], perm=[0, 2, 3, 1]),
            node("Reshape", ["h", "flat"], ["i"]),
            node("MatMul", ["i", "sequential/dense/MatMul/ReadVariableOp:0"], ["j"]),
            node("Add", ["j", "sequential/dense/BiasAdd/ReadVariableOp:0"], ["k"]),
            node("Softmax", ["k"], ["y"]),
        ],
        {
            "sequential/first/Conv2D/ReadVariableOp:0": weights,
            "sequential/first/BiasAdd/ReadVariableOp:0": conv.bias.detach().numpy(),
            "flat": np.array([-1, 784]),
            "sequential/dense/MatMul/ReadVariableOp:0": dense,
            "sequential/dense/BiasAdd/ReadVariableOp:0": fc.bias.detach().numpy(),
        },
    )  # fmt: skip
    network = nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), fc, nn.Softmax(1))
    spec = _alike(content, network, torch.randn(3, 1, 28, 28))
    assert [layer.name for layer in spec.layers if layer.name] == ["first", "dense"]
    assert spec.layers[0].args.get("bias", True)  # the bias that was added behind it


def test_a_graph_that_is_no_list_of_layers_is_refused_with_its_operator():
    node = helper.make_node
    flat = {"w": np.zeros((784, 10), np.float32)}
    cases = {
        "Where": [node("Where", ["x", "x", "x"], ["y"])],
        "across the images": [node("ReduceMean", ["x"], ["y"], axes=[0])],
        "which the graph does not give": [node("MatMul", ["nothing", "w"], ["y"])],
        "an operator of its own": [node("Fancy", ["x"], ["y"], domain="my.own")],
        "not as many values": [node("Reshape", ["x", "bad"], ["y"])],
    }
    for words, nodes in cases.items():
        with pytest.raises(NetworkFileError, match=words):
            read_network(graph(nodes, {**flat, "bad": np.array([-1, 5])}))


def test_weights_in_another_file_and_huge_constants_are_refused():
    tensor = numpy_helper.from_array(np.zeros((784, 10), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    model = onnx.load_from_string(graph(nodes, {"w": np.zeros((784, 10), np.float32)}))
    onnx.external_data_helper.set_external_data(tensor, "/etc/passwd")
    model.graph.initializer[0].CopyFrom(tensor)
    with pytest.raises(NetworkFileError, match="in another file"):
        read_network(model.SerializeToString())
    bomb = [
        helper.make_node("ConstantOfShape", ["s"], ["c"]),
        helper.make_node("Add", ["c", "c"], ["d"]),
        helper.make_node("Add", ["x", "d"], ["y"]),
    ]
    with pytest.raises(NetworkFileError, match="constant of"):
        read_network(graph(bomb, {"s": np.array([10**6, 10**6])}))
    lying = onnx.load_from_string(graph(nodes, {"w": np.zeros((784, 10), np.float32)}))
    lying.graph.initializer[0].dims[0] = 10**9
    with pytest.raises(NetworkFileError):
        read_network(lying.SerializeToString())


def _spread(*nodes):
    """A graph of a few hundred bytes that spreads a number over s values and goes on from there."""
    make = helper.make_node
    constants = {"s": np.array([2**16, 2**16]), "one": np.float32([1]), "at": np.array([0, 0])}
    return graph([make("ConstantOfShape", ["s"], ["c"]), *nodes], constants)


@pytest.mark.parametrize(("op", "inputs"), [
    ("Neg", ["c"]), ("Exp", ["c"]), ("Not", ["c"]), ("Div", ["c", "one"]), ("Pow", ["one", "c"]),
    ("Add", ["c", "one"]), ("Gather", ["c", "at"]), ("ReduceProd", ["c"]), ("Concat", ["c", "c"]),
    ("Where", ["c", "c", "c"]), ("MatMul", ["c", "c"]),
])  # fmt: skip
def test_what_would_fill_the_memory_is_not_computed(op, inputs):
    make = helper.make_node
    nodes = [make(op, inputs, ["d"]), make("Add", ["x", "d"], ["y"])]
    with pytest.raises(NetworkFileError, match=r"constant of [\d,]+ values"):
        read_network(_spread(*nodes))


def test_constants_that_two_numbers_make_large_are_not_computed():
    make = helper.make_node
    shape = {"a": np.array([1, 2**18]), "b": np.array([2**18, 1])}
    both = [make("ConstantOfShape", ["a"], ["c"]), make("ConstantOfShape", ["b"], ["d"])]
    for op in ("Div", "Pow", "Mod"):
        with pytest.raises(NetworkFileError, match="constant of"):
            read_network(graph([*both, make(op, ["c", "d"], ["y"])], shape))


def test_many_small_constants_are_not_more_than_one_large():
    make = helper.make_node
    chain = [make("Neg", [f"c{i}"], [f"c{i + 1}"]) for i in range(40)]
    nodes = [make("ConstantOfShape", ["s"], ["c0"]), *chain, make("Add", ["x", "c40"], ["y"])]
    with pytest.raises(NetworkFileError, match="constant of"):
        read_network(graph(nodes, {"s": np.array([2**20])}))


@pytest.mark.parametrize("op", ["Conv", "Gemm", "MatMul", "Add", "Mul", "Concat"])
def test_weights_that_take_no_memory_are_not_copied(op):
    make = helper.make_node
    flat = [make("Flatten", ["x"], ["f"])] if op in ("Gemm", "MatMul") else []
    sides = {"Conv": [2**24, 28, 3, 3], "Gemm": [784, 2**23], "MatMul": [784, 2**23]}
    fill = make("ConstantOfShape", ["s"], ["c"])
    nodes = [fill, *flat, make(op, ["f" if flat else "x", "c"], ["y"],
             **({"axis": 1} if op == "Concat" else {}))]  # fmt: skip
    with pytest.raises(NetworkFileError, match="constant of"):
        read_network(graph(nodes, {"s": np.array(sides.get(op, [1, 28, 28, 2**20]))}))


def test_a_step_of_zero_and_too_many_values_without_memory_are_refused():
    make = helper.make_node
    numbers = {name: np.array(value) for name, value in (("a", 0), ("b", 5), ("z", 0))}
    with pytest.raises(NetworkFileError, match="contradicts itself"):
        read_network(graph([make("Range", ["a", "b", "z"], ["y"])], numbers))
    with pytest.raises(NetworkFileError, match="constant of"):
        read_network(graph([make("ConstantOfShape", ["s"], ["y"])], {"s": np.array([2**40])}))
