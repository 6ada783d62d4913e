"""A layer holds others at any depth: each is met with its path, and replaced with the rest kept."""

from __future__ import annotations

from digitlab.models.layer import Layer

CONV = Layer("Conv2d", {"out_channels": 4, "kernel_size": (3, 3)})
INNER = Layer("Repeat", {"times": 2, "layers": [CONV, "ReLU"]})
BLOCK = Layer("Parallel", {"join": "sum", "branches": [["Tanh"], [], [INNER]]})


def test_a_block_knows_its_lists_and_the_layers_in_them():
    assert INNER.lists == ((("layers",), (CONV, Layer("ReLU"))),)
    assert [steps for steps, _ in BLOCK.lists] == [("branches", n) for n in range(3)]
    assert BLOCK.children == ((("branches", 0, 0), Layer("Tanh")), (("branches", 2, 0), INNER))
    assert CONV.lists == CONV.children == ()


def test_a_walk_meets_a_block_before_the_layers_inside_it():
    assert [(path, layer.type) for path, layer in BLOCK.walk((4,))] == [
        ((4,), "Parallel"),
        ((4, "branches", 0, 0), "Tanh"),
        ((4, "branches", 2, 0), "Repeat"),
        ((4, "branches", 2, 0, "layers", 0), "Conv2d"),
        ((4, "branches", 2, 0, "layers", 1), "ReLU"),
    ]


def test_map_replaces_every_layer_the_innermost_first_and_keeps_all_else():
    seen = []

    def doubled(layer: Layer) -> Layer:
        seen.append(layer.type)
        if layer.type == "Repeat":  # what is inside has been replaced already
            assert layer.args["layers"][0].args["out_channels"] == 8
        return layer.with_args(out_channels=8) if layer.type == "Conv2d" else layer

    changed = BLOCK.map(doubled)
    assert seen == ["Tanh", "Conv2d", "ReLU", "Repeat", "Parallel"]
    convolution = CONV.with_args(out_channels=8)
    inner = Layer("Repeat", {"times": 2, "layers": [convolution, "ReLU"]})
    assert changed == Layer("Parallel", {"join": "sum", "branches": [["Tanh"], [], [inner]]})
    assert BLOCK.map(lambda layer: layer) == BLOCK


def test_arguments_are_set_and_left_out_in_a_copy():
    assert CONV.with_args(bias=False).without_args("kernel_size", "stride") == Layer(
        "Conv2d", {"out_channels": 4, "bias": False}
    )
    assert BLOCK.plain_args == {"join": "sum"}
    assert INNER.plain_args == {"times": 2}
    assert Layer("Zork", {"self": 1}).map(lambda layer: layer.with_args(self=2)).args["self"] == 2
