"""What two architectures have and lack against each other, in words that follow the numbers."""

from __future__ import annotations

import subprocess
import sys

from digitlab.models.build import summarize
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.models.summary import contrast

LENET = summarize(load_model("lenet-5"))  # 61,706 parameters, 422,824 multiply-adds
SMALL = summarize(load_model("cnn-small"))  # 32,090 parameters, 4.7 million multiply-adds


def test_costs_are_compared_as_a_person_would_say_it():
    first, *_ = contrast(LENET, SMALL)
    assert first.startswith("lenet-5 has 92 % more parameters, 11 times fewer multiply-adds")
    assert first.endswith("compared with cnn-small.")
    assert contrast(SMALL, LENET)[0].startswith(
        "cnn-small has 48 % fewer parameters, 11 times more"
    )


def test_a_common_network_is_described_and_trained_without_what_compiles():
    """Seconds, and 150 MB of each process that does it."""
    code = (
        "import sys, digitlab as dl, torch; from digitlab.models.build import summarize; "
        "state = torch.get_rng_state(); summarize(dl.load_model('cnn-small')); "
        "assert torch.equal(state, torch.get_rng_state()); "
        "[dl.train('logistic-regression', 'optdigits', dl.TrainConfig(epochs=1, optimizer=name), "
        "progress=False) for name in ('adam', 'muon')]; "
        "print({'sympy', 'torch._dynamo', 'triton'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_layers_in_common_are_counted():
    assert "It has 5 layers with weights and cnn-small has 9" in contrast(LENET, SMALL)[1]
    alike = contrast(LENET, LENET)
    assert "as many parameters" in alike[0]
    assert "all their layers are the same" in alike[1]


def test_what_comes_out_differently_is_said():
    letters = summarize(load_model("lenet-5").for_data((1, 28, 28), 26))
    assert any("different numbers of outputs" in sentence for sentence in contrast(LENET, letters))
    larger = summarize(load_model("lenet-5").for_data((3, 32, 32), 10))
    assert any("different sizes" in sentence for sentence in contrast(LENET, larger))


def test_graphs_that_differ_in_what_is_read_differ():
    def net(source, name="a"):
        return summarize(
            ModelSpec(
                name=f"{source} {name}",
                layers=[
                    {"ReLU": {"name": name}},
                    {"Tanh": {"name": "b"}},
                    {"Sigmoid": {"name": "c"}},
                    {"Add": {"from": ["c", source]}},
                    {"Reuse": {"layer": name}},
                ],
            )
        )

    assert "all their layers are the same" in contrast(net("a"), net("z", "z"))[1]
    assert "4 of the 5 layers" in contrast(net("a"), net("b"))[1]
