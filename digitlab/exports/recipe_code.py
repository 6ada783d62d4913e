"""A recipe as Python code: data, augmentation, optimizer, schedule and loop in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digitlab.exports.augmentation_code import AUGMENTED, augmentation_code

# How a training computes, not what: a plain loop in float32 has no use for it.
_ELSEWHERE = {"device", "precision", "channels_last", "threads", "compile", "test_curve"}
_CARRIED = {
    *("epochs", "batch_size", "optimizer", "learning_rate", "momentum", "nesterov"),
    *("weight_decay", "schedule", "step_epochs", "step_factor", "label_smoothing"),
    *("normalization", "augmentation", "val_fraction", "seed", "early_stopping", "keep"),
    *("gradient_clip", "average", "subset"),
}


def recipe_code(config: Mapping[str, Any], dataset: str, image: Sequence[int]) -> str:
    """The code that trains `make_network()` on a dataset by a recipe (fields of a TrainConfig).

    `image` is the shape [C, H, W]. Raises ConfigError for a wrong recipe, DatasetError for an
    unknown dataset. Fields that the code does not carry over are named in a comment.
    """
    from digitlab.training.config import TrainConfig

    recipe = TrainConfig.from_dict(config)
    fields = recipe.model_dump()
    sections = [
        _settings(fields),
        _data(dataset),
        _NORMALIZE[fields["normalization"]],
        augmentation_code(fields["augmentation"]),
        _schedule(fields),
        _LOOP.format(
            optimizer=_optimizer(fields),
            augmented="augment(given)" if recipe.augmentation.active else "given",
            clip=_clip(fields["gradient_clip"]),
            **_average(fields["average"]),
        ),
        _train(fields),
    ]
    return "\n\n".join(section.strip("\n") + "\n" for section in sections if section)


def _settings(fields: Mapping[str, Any]) -> str:
    lines = [
        "# The recipe",
        f"EPOCHS = {fields['epochs']}",
        f"BATCH_SIZE = {fields['batch_size']}",
        f"LEARNING_RATE = {fields['learning_rate']!r}",
        f"LABEL_SMOOTHING = {fields['label_smoothing']!r}",
        f"VAL_FRACTION = {0.1 if fields['val_fraction'] is None else fields['val_fraction']!r}",
        f"SEED = {fields['seed']}",
        'DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")',
    ]
    lines += [f"# Not carried over: {name}" for name in _left(fields)]
    return "\n".join(lines)


def _left(fields: Mapping[str, Any]) -> list[str]:
    """The fields in use that this code knows nothing of."""
    from digitlab.training.config import TrainConfig

    default = TrainConfig().model_dump()
    known = _CARRIED | _ELSEWHERE
    left = [f"{k} = {v!r}" for k, v in fields.items() if k not in known and v != default[k]]
    more = fields["augmentation"].items()
    return left + [f"augmentation.{k} = {v!r}" for k, v in more if k not in AUGMENTED and v]


# ---- data --------------------------------------------------------------------------------------

_TORCHVISION = '''
def load(folder: str) -> tuple[torch.Tensor, ...]:
    """Training and test images, uint8 [N, 1, H, W], and labels, int64 [N]."""
    from torchvision import datasets

    train = datasets.{name}(folder, download=True, {train})
    test = datasets.{name}(folder, download=True, {test})
    parts = []
    for part in (train, test):
        images = torch.as_tensor(np.array(part.data)).to(torch.uint8).unsqueeze(1){turned}
        labels = torch.as_tensor(np.array(part.targets)).long()
        parts += [images.contiguous(), labels if labels.dim() == 1 else labels[:, 0]]
    return tuple(parts)
'''
_ARRAYS = '''
def load(folder: str) -> tuple[torch.Tensor, ...]:
    """Training and test images, uint8 [N, 1, H, W], and labels, int64 [N], of FOLDER/data.npz.

    digitlab makes that file: np.savez("data.npz", train_images=…, train_labels=…, test_images=…,
    test_labels=…) of the splits of dl.load_dataset({dataset!r}).
    """
    with np.load(folder + "/data.npz") as arrays:
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return tuple(torch.from_numpy(arrays[name]) for name in names)
'''


def _data(dataset: str) -> str:
    from digitlab.data.registry import find_dataset

    info = find_dataset(dataset)
    if not info.torchvision or info.name == "usps":  # digitlab gives these another form first
        return _ARRAYS.format(dataset=info.name)
    given = [
        ", ".join(f"{k}={v!r}" for k, v in a.items()) for a in (info.train_args, info.test_args)
    ]
    return _TORCHVISION.format(
        name=info.torchvision,
        train=given[0],
        test=given[1],
        turned=".transpose(2, 3)" if info.transposed else "",
    )


_SCALE = '''
def normalize(images: torch.Tensor) -> torch.Tensor:
    """Pixels from 0 to 255 as the numbers that the network sees, float32."""
    return (images.float() / 255 - MEAN) / STD
'''
_NORMALIZE = {
    "dataset": "MEAN, STD = 0.0, 1.0  # of the training pixels; `train` sets them\n\n" + _SCALE,
    "half": "MEAN, STD = 0.5, 0.5\n\n" + _SCALE,
    "none": "MEAN, STD = 0.0, 1.0\n\n" + _SCALE,
}

# ---- optimizer and schedule --------------------------------------------------------------------


def _optimizer(fields: Mapping[str, Any]) -> str:
    names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop"}
    more = f", weight_decay={fields['weight_decay']!r}"
    if fields["momentum"]:
        more += f", momentum={fields['momentum']!r}"
    if fields["nesterov"]:
        more += ", nesterov=True"
    name = names.get(fields["optimizer"], "Adadelta")
    return f"torch.optim.{name}(network.parameters(), lr=LEARNING_RATE{more})"


_RATES = {
    "constant": "    return LEARNING_RATE",
    "step": "    return LEARNING_RATE * {step_factor!r} ** (epoch // {step_epochs})",
    "cosine": "    return LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / total))",
    "one-cycle": """\
    rise = max(1, round(0.3 * total))
    if step < rise:
        return LEARNING_RATE * (0.04 + 0.96 * step / rise)
    fallen = (step - rise) / max(1, total - rise)
    return LEARNING_RATE * max(0.5 * (1 + math.cos(math.pi * fallen)), 1e-5)""",
}


def _schedule(fields: Mapping[str, Any]) -> str:
    body = _RATES[fields["schedule"]].format(**fields)
    return (
        "def learning_rate(step: int, total: int, epoch: int) -> float:\n"
        f'    """The step size at a step of all, both counted from 0: {fields["schedule"]}."""\n'
        f"{body}\n"
    )


def _clip(limit: float | None) -> str:
    if limit is None:
        return ""
    return f"\n            nn.utils.clip_grad_norm_(network.parameters(), {limit!r})"


# ---- the loop ----------------------------------------------------------------------------------

_LOOP = '''
def accuracy(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of images that the network reads as they are labelled."""
    network.eval()
    with torch.inference_mode():
        parts = [network(normalize(part)).argmax(1) for part in images.split(500)]
    network.train()
    return (torch.cat(parts) == labels).float().mean().item()


def epochs(network: nn.Module, images: torch.Tensor, labels: torch.Tensor):
    """Train epoch after epoch; yields the number of each when it is done."""
    optimizer = {optimizer}
{averaging}    steps = max(1, -(-len(labels) // BATCH_SIZE))
    for epoch in range(EPOCHS):
        order = torch.randperm(len(labels)).to(DEVICE)
        for index, rows in enumerate(order.split(BATCH_SIZE)):
            if len(rows) == 1 and index:
                continue  # batch normalisation needs two
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(epoch * steps + index, EPOCHS * steps, epoch)
            given = images[rows]
            logits = network(normalize(AUGMENTED))
            loss = F.cross_entropy(logits, labels[rows], label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad()
            loss.backward(){clip}
            optimizer.step(){averaged}
{swapped}        yield epoch + 1{restored}
'''.replace("AUGMENTED", "{augmented}")

_AVERAGE = {
    "averaging": """\
    weights = {k: v for k, v in network.state_dict().items() if v.is_floating_point()}
    average, taken = {k: v.clone() for k, v in weights.items()}, 0
""",
    "averaged": """
            taken += 1
            share = min(DECAY, (1 + taken) / (10 + taken))
            for name, value in weights.items():
                average[name].lerp_(value, 1 - share)""",
    "swapped": """\
        present = {k: v.clone() for k, v in weights.items()}
        network.load_state_dict(average, strict=False)  # judged, and kept at the end
""",
    "restored": """
        if epoch + 1 < EPOCHS:
            network.load_state_dict(present, strict=False)""",
}


def _average(decay: float) -> dict[str, str]:
    """What a running mean of the weights adds to the loop."""
    if not decay:
        return dict.fromkeys(_AVERAGE, "")
    return {name: code.replace("DECAY", repr(decay)) for name, code in _AVERAGE.items()}


_TRAIN = '''
def train(folder: str) -> nn.Module:
    """Train a network on the dataset in `folder`; prints its accuracies."""
    global MEAN, STD
    torch.manual_seed(SEED)
    images, labels, test_images, test_labels = (part.to(DEVICE) for part in load(folder))
    order = torch.randperm(len(labels)).to(DEVICE)
    held_out = round(len(labels) * VAL_FRACTION)
    val, rest = order[:held_out], order[held_out:]{subset}
{measure}    network = make_network().to(DEVICE)
{before}    for epoch in epochs(network, images[rest], labels[rest]):
        score = accuracy(network, images[val], labels[val]) if held_out else float("nan")
        print(f"epoch {{epoch}}: validation accuracy {{score:.4f}}")
{during}{after}    print(f"test accuracy {{accuracy(network, test_images, test_labels):.4f}}")
    return network


def save_network(network: nn.Module, path: str) -> None:
    """Its weights and normalisation, as `load_network` reads them."""
    about = {{"mean": repr(MEAN), "std": repr(STD)}}
    weights = {{name: value.contiguous().clone() for name, value in network.state_dict().items()}}
    save_file(weights, path, about)


def load_network(path: str) -> nn.Module:
    """The trained network from such a file, or from the one that digitlab exports."""
    global MEAN, STD
    network = make_network()
    with safe_open(path, "pt") as file:
        MEAN, STD = (float(file.metadata()[name]) for name in ("mean", "std"))
        network.load_state_dict({{name: file.get_tensor(name) for name in file.keys()}})
    return network.eval()


if __name__ == "__main__":
    save_network(train(sys.argv[1] if len(sys.argv) > 1 else "data"), "weights.safetensors")
'''
_MEASURE = """\
    pixels = images[rest].double() / 255
    MEAN, STD = pixels.mean().item(), max(pixels.std(correction=0).item(), 1e-6)
"""


def _train(fields: Mapping[str, Any]) -> str:
    keep, patience = fields["keep"] == "best", fields["early_stopping"]
    before = during = after = ""
    if keep or patience:
        before = "    best, best_epoch, weights = -1.0, 0, {}\n"
        during = (
            "        if score > best:\n"
            "            best, best_epoch = score, epoch\n"
            "            weights = {k: v.clone() for k, v in network.state_dict().items()}\n"
        )
    if patience:
        during += f"        if epoch - best_epoch >= {patience}:\n            break\n"
    if keep:
        after = "    network.load_state_dict(weights)\n"
    subset = f"[:{fields['subset']}]" if fields["subset"] else ""
    measure = _MEASURE if fields["normalization"] == "dataset" else ""
    return _TRAIN.format(subset=subset, measure=measure, before=before, during=during, after=after)
