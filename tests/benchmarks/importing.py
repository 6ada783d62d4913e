"""Ten networks trained in plain PyTorch, imported in ten forms, and tried on drawings.

    python -m tests.benchmarks.importing

For each: how many of MNIST's test images it reads where it was trained and as an imported run,
which must be equal, and how many of 100 digits by Pendigits' test writers, drawn on canvases.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

import digitlab as dl
from digitlab.bench.drawing import _draw, _read_exactly
from digitlab.data.pendigits import FILE, digits_of
from digitlab.imports.inputs import InputForm
from digitlab.settings import another_home, read_settings

DRAWINGS = 100
TRAIN = 4_000  # images, so that all ten take a few minutes


class Rows(nn.Module):
    """An LSTM over the rows of an image."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc = nn.LSTM(28, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x):
        return self.fc(self.rnn(x.squeeze(1))[0][:, -1])


def convolutional(channels=1, side=28):
    """Two convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(channels, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * ((side - 4) // 2 // 2 - 2) ** 2, 10),
    )  # fmt: skip


def dense():
    """One hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


MNIST = InputForm(0.1307, 0.3081)
# how it is called: the network, how it is fed, the image that it reads, and how it is saved
CASES = {
    "state dict, 0 to 1": (dense(), InputForm(), (1, 28, 28), "pt"),
    "state dict, MNIST's mean": (convolutional(), MNIST, (1, 28, 28), "pt"),
    "Lightning checkpoint, -1 to 1": (convolutional(), InputForm(0.5, 0.5), (1, 28, 28), "ckpt"),
    "safetensors, dark ink": (dense(), InputForm(inverted=True), (1, 28, 28), "safetensors"),
    "safetensors, transposed": (
        convolutional(), InputForm(transposed=True), (1, 28, 28), "safetensors"),
    "ONNX of 32 × 32, padded": (
        convolutional(side=32), InputForm(0.1307, 0.3081, sizing="pad"), (1, 32, 32), "onnx"),
    "ONNX of 3 channels": (convolutional(3), InputForm(0.5, 0.5), (3, 28, 28), "onnx"),
    "ONNX of an LSTM": (Rows(), InputForm(), (1, 28, 28), "onnx"),
    "ONNX by the newer exporter": (convolutional(), MNIST, (1, 28, 28), "dynamo"),
    "ONNX, softmax at its end": (
        nn.Sequential(dense(), nn.Softmax(1)), InputForm(0, 1 / 255), (1, 28, 28), "onnx"),
}  # fmt: skip


def train(network, form, shape, data):
    """Three epochs of Adam on images that are fed by `form`."""
    torch.manual_seed(0)
    images, labels = data.train.images[:TRAIN], data.train.labels[:TRAIN]
    optimizer = torch.optim.Adam(network.parameters(), 2e-3 if form.std > 0.1 else 3e-4)
    ends_in_softmax = isinstance(network[-1] if isinstance(network, nn.Sequential) else None,
                                 nn.Softmax)  # fmt: skip
    for _ in range(3):
        for rows in torch.randperm(len(images)).split(100):
            optimizer.zero_grad()
            outputs = network(form.apply(images[rows], shape))
            scores = (outputs + 1e-9).log() if ends_in_softmax else outputs
            F.cross_entropy(scores, labels[rows]).backward()
            optimizer.step()
    network.eval()


def correct(network, form, shape, data):
    """How many test images it reads."""
    with torch.inference_mode():
        answers = [network(form.apply(part, shape)).argmax(1)
                   for part in data.test.images.split(1_000)]  # fmt: skip
    return int((torch.cat(answers) == data.test.labels).sum())


def save(network, shape, kind, folder):
    """The path of the network's file."""
    path = folder / f"net.{'onnx' if kind == 'dynamo' else kind}"
    weights = network.state_dict()
    if kind == "pt":
        torch.save(weights, path)
    elif kind == "ckpt":
        torch.save({"state_dict": {f"model.{k}": v for k, v in weights.items()}}, path)
    elif kind == "safetensors":
        save_file(weights, path)
    else:
        torch.onnx.export(
            network, (torch.zeros(2, *shape),), path, dynamo=kind == "dynamo", input_names=["x"],
            **({"external_data": False, "dynamic_shapes": ({0: torch.export.Dim("N")},)}
               if kind == "dynamo" else {"dynamic_axes": {"x": {0: "N"}}}),
        )  # fmt: skip
    return path


def main():
    """Train, save, import, measure and draw."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    data = dl.load_dataset("mnist")
    drawings = _draw("single", digits_of(read_settings().data / FILE, "test"), DRAWINGS, 0)
    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder) / "home"):
        for name, (network, form, shape, kind) in CASES.items():
            train(network, form, shape, data)
            path = save(network, shape, kind, Path(folder))
            model = None
            if path.suffix != ".onnx":
                model = dl.ModelSpec.from_code(repr(network))  # as print(network) shows it
            run = dl.import_network(path, model, data, name=name)
            there = correct(network, form, shape, data)
            here = round(run.record.test_accuracy * len(data.test))
            read = sum(_read_exactly(drawings, run))
            print(f"{name:32} {there:,} {here:,} of 10,000; {read} of {DRAWINGS} drawings; "
                  f"{run.record.message.partition('; ')[2]}", flush=True)  # fmt: skip
            assert there == here, name


if __name__ == "__main__":
    main()
