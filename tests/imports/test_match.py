"""Tensors of a file are fitted to a network's by name, then by shape and order."""

from __future__ import annotations

from digitlab.imports.match import match

NETWORK = {
    "conv1.weight": (8, 1, 3, 3),
    "conv1.bias": (8,),
    "bn.weight": (8,),
    "bn.bias": (8,),
    "bn.running_mean": (8,),
    "bn.running_var": (8,),
    "bn.num_batches_tracked": (),
    "fc.weight": (10, 1568),
    "fc.bias": (10,),
}


def test_equal_names_fit_in_any_order():
    fit = match(NETWORK, dict(reversed(NETWORK.items())))
    assert fit.whole
    assert {row.how for row in fit.rows} == {"name"}


def test_what_programs_put_around_a_network_is_taken_off():
    for front in ("module.", "_orig_mod.", "model.", "module._orig_mod.", "net.backbone."):
        given = {front + key: shape for key, shape in NETWORK.items()}
        fit = match(NETWORK, given)
        assert fit.whole, front
        assert fit.sources["fc.bias"] == f"{front}fc.bias"


def test_an_old_file_needs_no_count_of_batches():
    given = {key: shape for key, shape in NETWORK.items() if "num_batches" not in key}
    assert match(NETWORK, given).whole


def test_the_weights_of_a_recurrent_layer_fit_those_of_a_block_around_it():
    network = {"rnn.network.weight_ih_l0": (80, 28), "rnn.network.bias_ih_l0": (80,),
               "rnn.network.bias_hh_l0": (80,), "fc.weight": (10, 20)}  # fmt: skip
    given = {key.replace(".network", ""): shape for key, shape in network.items()}
    fit = match(network, given)
    assert fit.whole
    assert fit.sources["rnn.network.bias_hh_l0"] == "rnn.bias_hh_l0"


def test_other_names_fit_layer_by_layer_in_order():
    network = {"0.weight": (8, 8), "0.bias": (8,), "2.weight": (8, 8), "2.bias": (8,)}
    given = {"first.bias": (8,), "first.weight": (8, 8), "last.bias": (8,), "last.weight": (8, 8)}
    fit = match(network, given)
    assert fit.whole
    assert {row.how for row in fit.rows} == {"order"}
    assert fit.sources["2.bias"] == "last.bias"


def test_what_does_not_fit_is_named_on_both_sides():
    given = {**NETWORK, "fc.weight": (10, 784), "extra.weight": (3,)}
    fit = match(NETWORK, given)
    assert not fit.whole
    assert [(row.key, row.source, row.how) for row in fit.rows if not row.fits] == [
        ("fc.weight", "fc.weight", "other shape"),
        ("", "extra.weight", "unused"),
    ]
    assert "fc.weight is 10×1568 but 10×784 in the file" in fit.describe()
