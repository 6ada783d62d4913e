"""The lines of a script that read a dataset, by torchvision or from an .npz file."""

from __future__ import annotations

from digitlab.data.registry import find_dataset
from digitlab.errors import DatasetError


def load_code(dataset: str, torchvision: str, arrays: str, turned: str) -> str:
    """The script's `load`: by the template `torchvision`, or by `arrays` where the dataset is not
    torchvision's as it is. `turned` is the code that turns transposed images.
    """
    try:
        info = find_dataset(dataset)
    except DatasetError:  # one's own, which is gone: whoever has its images can still run the code
        return arrays.format(dataset=dataset)
    if (
        not info.torchvision or info.name == "usps" or info.first_label
    ):  # digitlab gives these another form first
        return arrays.format(dataset=info.name)
    train, test = (
        ", ".join(f"{k}={v!r}" for k, v in a.items()) for a in (info.train_args, info.test_args)
    )
    turned = turned if info.transposed else ""
    return torchvision.format(name=info.torchvision, train=train, test=test, turned=turned)
