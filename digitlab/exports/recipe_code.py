"""A recipe as Python code: data, augmentation, optimizer, schedule and loop in plain PyTorch.

The code of the training is that of `digitlab.training`, with only the branches that the recipe
takes; so a field that is new there is carried over by itself. What it does not do, it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from digitlab.data.dataset import choose
from digitlab.exports.dataset_code import load_code
from digitlab.exports.function_source import Source, attributes, leave_out
from digitlab.runs.experiment import Experiment
from digitlab.training.config import Augmentation, Form, TrainConfig, summary
from digitlab.training.plain_loop import fit


class RecipeCode(NamedTuple):
    """Lines of import, the code, and sentences on what it does not do."""

    imports: set[str]
    code: str
    missing: list[str]


def recipe_code(experiment: Experiment) -> RecipeCode:
    """The code that trains `make_network()` by the recipe of an experiment, on its split.

    Raises DatasetError for an unknown dataset.
    """
    recipe, split = experiment.recipe, experiment.dataset
    names = {"config": recipe, "recipe": recipe.augmentation}  # as the functions call them
    source = Source(names, provided=("TrainConfig", "Augmentation")).add(choose).add(fit)
    train = _TRAIN.format(split_seed=split.split_seed)
    main = leave_out(train, names)
    load = load_code(split.name, _TORCHVISION, _ARRAYS, ".transpose(2, 3)")
    body = [load, _NORMALIZE[recipe.normalization], *source.parts.values(), main]
    text = "\n\n".join(part.strip("\n") + "\n" for part in body)
    known = source.attributes | attributes(train, names)
    head = _settings(recipe, attributes(text, names))
    missing = list(_missing(recipe, known))
    if experiment.start_from:
        missing.append(f"the weights of run {experiment.start_from!r}, from which the run started")
    return RecipeCode(source.imports, f"{head}\n\n{text}", missing)


def _settings(recipe: TrainConfig, read: set[str]) -> str:
    """The classes whose attributes are what the code reads of the recipe."""
    inner = {chain.partition(".")[2] for chain in read if chain.startswith("recipe.")}
    outer = [chain.split(".")[1:] for chain in read if chain.startswith("config.")]
    inner |= {path[1] for path in outer if len(path) > 1}
    text = "# The recipe\n"
    if inner:
        text += _class("Augmentation", recipe.augmentation, inner) + "\n\n"
    text += _class("TrainConfig", recipe, {path[0] for path in outer})
    return text + '\n\nDEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")\n'


def _class(name: str, recipe: TrainConfig | Augmentation, read: set[str]) -> str:
    fields = type(recipe).model_fields
    lines = [f"class {name}:"]
    for key in sorted(read, key=lambda key: ([*fields, key].index(key), key)):
        value = getattr(recipe, key)
        about = f"  # {summary(fields[key])}" if key in fields else ""
        if isinstance(value, Augmentation):
            lines.append(f"    {key} = Augmentation")
        else:
            written = f'"{value}"' if isinstance(value, str) else repr(value)
            lines.append(f"    {key} = {written}{about}")
    return "\n".join(lines) + "\n"


def _missing(recipe: TrainConfig, known: set[str]) -> Iterator[str]:
    """The fields of the recipe that would matter, and that the code knows nothing of."""
    kind = type(recipe)
    default, fields, values = kind(), kind.model_fields, recipe.model_dump()
    for name in kind.names("recipe", "data", "seed"):
        form = next((mark for mark in fields[name].metadata if isinstance(mark, Form)), Form())
        changed = getattr(recipe, name) != getattr(default, name) and form.used(values)
        if changed and f"config.{name}" not in known:
            yield f"{name} = {getattr(recipe, name)!r}: {summary(fields[name])}"
    for name, value in recipe.augmentation:
        if value and f"recipe.{name}" not in known:
            yield f"augmentation.{name} = {value!r}"


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
# digitlab makes FOLDER/data.npz: dl.export_dataset({dataset!r}, "data.npz")
def load(folder: str) -> tuple[torch.Tensor, ...]:
    """Training and test images, uint8 [N, 1, H, W], and labels, int64 [N], of FOLDER/data.npz."""
    with np.load(folder + "/data.npz") as arrays:
        names = ("train_images", "train_labels", "test_images", "test_labels")
        return tuple(torch.from_numpy(arrays[name]) for name in names)
'''


_SCALE = '''
def normalize(images: torch.Tensor) -> torch.Tensor:
    """Pixels from 0 to 255 as the numbers that the network sees, float32."""
    return images.float() * (1 / (255 * STD)) - MEAN / STD
'''
_NORMALIZE = {
    "dataset": "MEAN, STD = 0.0, 1.0  # of the training pixels; `train` sets them\n\n" + _SCALE,
    "half": "MEAN, STD = 0.5, 0.5\n\n" + _SCALE,
    "none": "MEAN, STD = 0.0, 1.0\n\n" + _SCALE,
}

_TRAIN = '''
def train(folder: str) -> nn.Module:
    """Train a network on the dataset in `folder`; prints its accuracies."""
    global MEAN, STD
    config = TrainConfig
    images, labels, test_images, test_labels = load(folder)
    held_out = torch.from_numpy(choose(labels.numpy(), config.val_fraction, {split_seed}))
    val_images, val_labels = images[held_out], labels[held_out]
    images, labels = images[~held_out], labels[~held_out]
    if config.subset:
        share = min(1, config.subset / len(labels))
        subset = torch.from_numpy(choose(labels.numpy(), share, config.seed))
        images, labels = images[subset], labels[subset]
    if config.normalization == "dataset":
        pixels = images.double() / 255
        MEAN, STD = pixels.mean().item(), max(pixels.std(correction=0).item(), 1e-6)
    torch.manual_seed(config.seed)
    network = make_network().to(DEVICE)
    splits = (images, labels, val_images, val_labels, test_images, test_labels)
    images, labels, val_images, val_labels, test_images, test_labels = (
        split.to(DEVICE) for split in splits
    )
    network = fit(network, images, labels, config, normalize, val_images, val_labels)
    accuracy, loss = evaluate(network, test_images, test_labels, config, normalize)
    tell("test", accuracy, loss, config)
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
