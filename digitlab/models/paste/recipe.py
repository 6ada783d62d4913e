"""The recipe in a text: optimizer, learning rate, batch size, epochs, augmentation and the like.

Found in the syntax tree alone, for PyTorch and Keras. Only what a text says, or what the library
does where it says nothing, and only what a recipe here can do; the names are TrainConfig's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from digitlab.models.paste.constants import Constants, dotted

# Bounds of the fields: a value outside is not offered.
_BOUNDS: dict[str, tuple[float, float]] = {
    "epochs": (1, 1000),
    "batch_size": (1, 8192),
    "learning_rate": (1e-12, 100),
    "momentum": (0, 0.999_999),
    "weight_decay": (0, 1),
    "step_epochs": (1, 1000),
    "step_factor": (1e-12, 1),
    "label_smoothing": (0, 0.999),
    "focal_gamma": (0, 20),
    "early_stopping": (1, 1000),
    "gradient_clip": (1e-12, 1e6),
    "val_fraction": (0, 0.5),
}
_AUGMENTATION = {
    "rotation": 180, "shift": 0.5, "scale": 0.9, "shear": 60, "noise": 1, "erasing": 1,
}  # fmt: skip
_WHOLE = ("epochs", "batch_size", "step_epochs", "early_stopping")
_TAKE_MOMENTUM = ("sgd", "rmsprop")
_TAKE_SMOOTHING = ("cross-entropy", "nll", "focal")


@dataclass(frozen=True)
class _Optimizer:
    """Parameters in order after the first (PyTorch's is what it trains), and the defaults."""

    parameters: str
    defaults: Mapping[str, float]


_TORCH = {
    "sgd": _Optimizer("lr momentum dampening weight_decay nesterov", {"lr": 1e-3}),
    "adam": _Optimizer("lr betas eps weight_decay amsgrad", {"lr": 1e-3}),
    "adamw": _Optimizer("lr betas eps weight_decay amsgrad", {"lr": 1e-3, "weight_decay": 0.01}),
    "muon": _Optimizer("lr weight_decay momentum", {"lr": 1e-3, "weight_decay": 0.1}),
    "rmsprop": _Optimizer("lr alpha eps weight_decay momentum", {"lr": 1e-2}),
    "adadelta": _Optimizer("lr rho eps weight_decay", {"lr": 1.0}),
}
_KERAS = {
    "sgd": _Optimizer("lr momentum nesterov", {"lr": 1e-2}),
    "adam": _Optimizer("lr beta_1 beta_2 epsilon", {"lr": 1e-3}),
    "adamw": _Optimizer("lr weight_decay", {"lr": 1e-3, "weight_decay": 0.004}),
    "muon": _Optimizer("", {}),
    "rmsprop": _Optimizer("lr rho momentum", {"lr": 1e-3}),
    "adadelta": _Optimizer("lr rho epsilon", {"lr": 1e-3}),
}
_AS_ADAMW = "match_rms_adamw"  # how Muon is scaled in training/muon.py
_LOSSES = {
    **dict.fromkeys(("CrossEntropyLoss", "cross_entropy"), "cross-entropy"),
    **dict.fromkeys(("categorical_crossentropy", "CategoricalCrossentropy"), "cross-entropy"),
    "sparse_categorical_crossentropy": "cross-entropy",
    "SparseCategoricalCrossentropy": "cross-entropy",
    **dict.fromkeys(("NLLLoss", "nll_loss"), "nll"),
    **dict.fromkeys(("MSELoss", "mse_loss", "mse", "mean_squared_error"), "mse"),
    "MeanSquaredError": "mse",
    **dict.fromkeys(("MultiMarginLoss", "multi_margin_loss"), "multi-margin"),
    **dict.fromkeys(("BCEWithLogitsLoss", "BCELoss", "binary_crossentropy"), "binary"),
    **dict.fromkeys(("BinaryCrossentropy", "binary_cross_entropy_with_logits"), "binary"),
    **dict.fromkeys(("CategoricalFocalCrossentropy", "FocalLoss"), "focal"),
}


def read_recipe(
    body: Sequence[ast.stmt], values: Mapping[str, Any], *, classifier: bool = True
) -> dict[str, Any]:
    """The fields of a TrainConfig that a text names; `values` are its names as they were read.

    A loss is left out where the network is no `classifier`: there it compares images.
    """
    recipe = _Recipe(Constants(body, values))
    fields = recipe.fields
    for call in recipe.calls():
        recipe.take(call)
    recipe.take_epochs(body)
    recipe.take_normalization(body)
    if not classifier or len(recipe.losses) != 1:
        fields.pop("label_smoothing", None)
        fields.pop("focal_gamma", None)
    else:
        fields["loss"] = next(iter(recipe.losses))
    return _valid(fields, recipe.augmentation)


def notes_on(recipe: Mapping[str, Any]) -> list[str]:
    """What `read_recipe` left out that a person would miss."""
    if recipe.get("optimizer") != "muon" or "learning_rate" in recipe:
        return []
    return [
        "Muon's learning rate is left out, as its steps are of another size here: 0.002 is usual."
    ]


def read_losses(body: Sequence[ast.stmt], values: Mapping[str, Any]) -> set[str]:
    """The losses that a text names, by the recipe's words for them."""
    recipe = _Recipe(Constants(body, values))
    for call in recipe.calls():
        recipe.take(call)
    return recipe.losses


class _Recipe:
    """What was found so far."""

    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self.fields: dict[str, Any] = {}
        self.augmentation: dict[str, float] = {}
        self.losses: set[str] = set()
        self.keras = constants.imports("keras", "tensorflow", "tf_keras")
        self.torch = constants.imports("torch", "torchvision", "pytorch_lightning", "lightning")
        if not self.keras and not self.torch:
            self.keras = any(name == "compile" for name, _ in self.calls())

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """All calls in the order of the text, each with the last part of its name."""
        for node in self.constants.nodes:
            if isinstance(node, ast.Call):
                yield dotted(node.func).rpartition(".")[2], node

    def take(self, named_call: tuple[str, ast.Call]) -> None:
        """Take in what one call says."""
        name, call = named_call
        if name.lower() in _TORCH and name[:1].isupper():
            self._optimizer(name.lower(), call)
        elif name in _TAKES:
            _TAKES[name](self, call)
        elif name in _LOSSES:
            self._loss(name, call)

    # ---- optimizer, loss, schedule

    def _optimizer(self, name: str, call: ast.Call) -> None:
        if self.fields.get("optimizer") == "muon" != name:
            return  # for the parameters that Muon does not take, as here
        first = call.args[0] if call.args else None
        trains = isinstance(first, ast.Call) and dotted(first.func).endswith("parameters")
        of_torch = trains or (self.torch and not self.keras)
        optimizer = (_TORCH if of_torch else _KERAS)[name]
        args = call.args[1:] if of_torch else call.args
        arguments = dict(zip(optimizer.parameters.split(), args, strict=False))
        arguments |= {word.arg: word.value for word in call.keywords if word.arg}
        rate = arguments.get("learning_rate", arguments.get("lr"))
        self.fields["optimizer"] = name
        for field in ("momentum", "nesterov", "weight_decay", "learning_rate"):
            self.fields.pop(field, None)
        if "weight_decay" in optimizer.defaults:
            self.fields["weight_decay"] = optimizer.defaults["weight_decay"]
        if name == "muon" and self.constants.value(arguments.get("adjust_lr_fn")) != _AS_ADAMW:
            pass  # its steps are of another size than here
        elif rate is None:
            self.fields["learning_rate"] = optimizer.defaults["lr"]
        else:
            self._rate(rate)
        for field in ("momentum", "weight_decay", "nesterov"):
            self._put(field, arguments.get(field))
        self._put("gradient_clip", arguments.get("clipnorm", arguments.get("global_clipnorm")))

    def _rate(self, node: ast.expr) -> None:
        """A learning rate: a number, or a schedule of Keras's that begins with one."""
        made = self.constants.call_of(node)
        if made is None:
            self._put("learning_rate", node)
            return
        name = dotted(made.func).rpartition(".")[2]
        words = {word.arg: word.value for word in made.keywords}
        start = words.get("initial_learning_rate", made.args[0] if made.args else None)
        self._put("learning_rate", start)
        if name.startswith("CosineDecay") and "Restarts" not in name:
            self.fields["schedule"] = "cosine"

    def compile(self, call: ast.Call) -> None:
        """`model.compile(optimizer, loss)`."""
        arguments = dict(zip(("optimizer", "loss"), call.args, strict=False))
        arguments |= {word.arg: word.value for word in call.keywords if word.arg}
        optimizer = self.constants.value(arguments.get("optimizer"))
        if isinstance(optimizer, str) and optimizer.lower() in _KERAS:
            bare = ast.Call(ast.Name(optimizer, ast.Load()), [], [])
            self.keras, before = True, self.torch
            self.torch = False
            self._optimizer(optimizer.lower(), bare)
            self.torch = before
        loss = arguments.get("loss")
        word = self.constants.value(loss)
        word = word if isinstance(word, str) else dotted(loss).rpartition(".")[2] if loss else ""
        if word in _LOSSES:
            self.losses.add(_LOSSES[word])

    def _loss(self, name: str, call: ast.Call) -> None:
        self.losses.add(_LOSSES[name])
        words = {word.arg: word.value for word in call.keywords}
        self._put("label_smoothing", words.get("label_smoothing"))
        if name.startswith(("CategoricalFocal", "FocalLoss")):
            self._put("focal_gamma", words.get("gamma"))

    def step(self, call: ast.Call) -> None:
        """`StepLR(optimizer, step_size, gamma=0.1)`."""
        arguments = self._arguments(call, "optimizer step_size gamma")
        self.fields |= {"schedule": "step", "step_factor": 0.1}
        self._put("step_epochs", arguments.get("step_size"))
        self._put("step_factor", arguments.get("gamma"))

    def exponential(self, call: ast.Call) -> None:
        """`ExponentialLR(optimizer, gamma)`: a step after each epoch."""
        arguments = self._arguments(call, "optimizer gamma")
        self._put("step_factor", arguments.get("gamma"))
        if "step_factor" in self.fields:
            self.fields |= {"schedule": "step", "step_epochs": 1}

    def cosine(self, call: ast.Call) -> None:
        """`CosineAnnealingLR(optimizer, T_max)`."""
        self.fields["schedule"] = "cosine"

    def one_cycle(self, call: ast.Call) -> None:
        """`OneCycleLR(optimizer, max_lr)`."""
        self.fields["schedule"] = "one-cycle"
        self._put("learning_rate", self._arguments(call, "optimizer max_lr").get("max_lr"))

    def clip(self, call: ast.Call) -> None:
        """`clip_grad_norm_(parameters, max_norm)`."""
        arguments = self._arguments(call, "parameters max_norm")
        self._put("gradient_clip", arguments.get("max_norm"))

    def early_stopping(self, call: ast.Call) -> None:
        """Keras's `EarlyStopping(monitor, min_delta, patience)`."""
        arguments = self._arguments(call, "monitor min_delta patience")
        self._put("early_stopping", arguments.get("patience"))
        if self.constants.value(arguments.get("restore_best_weights")) is True:
            self.fields["keep"] = "best"

    # ---- data

    def fit(self, call: ast.Call) -> None:
        """`model.fit(x, y, batch_size, epochs)`; of Keras, where a batch is 32 unless it says."""
        arguments = self._arguments(call, "x y batch_size epochs")
        epochs = arguments.get("epochs", arguments.get("nb_epoch"))
        if epochs is None and not {"batch_size", "validation_data"} & set(arguments):
            return  # fit of a scaler or an image generator
        self.fields.pop("epochs", None)
        self._put("epochs", epochs)
        if "batch_size" in arguments:
            self._put("batch_size", arguments["batch_size"])
        elif "y" in arguments:
            self.fields.setdefault("batch_size", 32)
        self._put("val_fraction", arguments.get("validation_split"))

    def flow(self, call: ast.Call) -> None:
        """`generator.flow(x, y, batch_size=32)`."""
        self._put("batch_size", self._arguments(call, "x y batch_size").get("batch_size"))

    def loader(self, call: ast.Call) -> None:
        """`DataLoader(dataset, batch_size, shuffle)`: the one that shuffles is the training's."""
        arguments = self._arguments(call, "dataset batch_size shuffle")
        shuffles = self.constants.value(arguments.get("shuffle")) is True
        if shuffles or "batch_size" not in self.fields:
            self._put("batch_size", arguments.get("batch_size"))

    def batch(self, call: ast.Call) -> None:
        """`dataset.batch(64)` of tf.data; the first is the training's."""
        if self.keras and call.args and "batch_size" not in self.fields:
            self._put("batch_size", call.args[0])

    def trainer(self, call: ast.Call) -> None:
        """Lightning's `Trainer(max_epochs, gradient_clip_val)`."""
        arguments = self._arguments(call, "")
        self._put("epochs", arguments.get("max_epochs"))
        self._put("gradient_clip", arguments.get("gradient_clip_val"))

    # ---- augmentation

    def rotation(self, call: ast.Call) -> None:
        """torchvision's RandomRotation(degrees); of Keras it is a layer, read with the network."""
        if self.torch:
            self._augment("rotation", self._arguments(call, "degrees").get("degrees"))

    def affine(self, call: ast.Call) -> None:
        """torchvision's RandomAffine(degrees, translate, scale, shear)."""
        arguments = self._arguments(call, "degrees translate scale shear")
        self._augment("rotation", arguments.get("degrees"))
        self._augment("shift", arguments.get("translate"))
        self._augment("scale", arguments.get("scale"), lambda size: size - 1)
        self._augment("shear", arguments.get("shear"))

    def crop(self, call: ast.Call) -> None:
        """torchvision's RandomCrop(28, padding=2): a shift of up to so many pixels."""
        arguments = self._arguments(call, "size padding")
        size, padding = (self.constants.value(arguments.get(name)) for name in ("size", "padding"))
        size = size[0] if isinstance(size, list | tuple) and size else size
        if type(size) is int and type(padding) is int and size > 0:
            self.augmentation["shift"] = round(padding / size, 4)

    def erasing(self, call: ast.Call) -> None:
        """torchvision's RandomErasing(p=0.5)."""
        if self.torch:
            share = self.constants.value(self._arguments(call, "p").get("p"))
            self.augmentation["erasing"] = share if type(share) in (int, float) else 0.5

    def generator(self, call: ast.Call) -> None:
        """Keras's ImageDataGenerator."""
        arguments = self._arguments(call, "")
        self._augment("rotation", arguments.get("rotation_range"))
        for name in ("width_shift_range", "height_shift_range"):
            self._augment("shift", arguments.get(name))
        self._augment("scale", arguments.get("zoom_range"), lambda size: size - 1)
        self._augment("shear", arguments.get("shear_range"))
        self._put("val_fraction", arguments.get("validation_split"))

    def _augment(
        self, field: str, node: ast.expr | None, change: Callable[[float], float] = lambda x: x
    ) -> None:
        """Either a number, ± of which is meant, or its two ends."""
        value = self.constants.value(node)
        ends = value if isinstance(value, list | tuple) else (value,)
        numbers = [n for n in ends if type(n) in (int, float)]
        if numbers and len(ends) == len(numbers):
            alone = field == "scale" and not isinstance(value, list | tuple)
            sizes = [abs(n if alone else change(n)) for n in numbers]
            self.augmentation[field] = max(self.augmentation.get(field, 0), round(max(sizes), 6))

    # ---- what is no call of its own

    def take_epochs(self, body: Sequence[ast.stmt]) -> None:
        """`for epoch in range(epochs)`, or a name such as EPOCHS."""
        for node in self.constants.nodes:
            if "epochs" not in self.fields and isinstance(node, ast.For):
                target = node.target
                target = target.elts[0] if isinstance(target, ast.Tuple) and target.elts else target
                word = getattr(target, "id", "").lower()
                if "epoch" in word or word in ("ep", "e"):
                    self._put("epochs", self._count(node.iter))
        for field, words in _NAMES.items():
            for word in words:
                if field not in self.fields:
                    self._put(field, ast.Name(word, ast.Load()))

    def _count(self, node: ast.expr) -> ast.expr | None:
        """How often a loop runs: `range(n)`, `range(1, n + 1)`, `tqdm(range(n))`, `trange(n)`."""
        name = dotted(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
        if name in ("tqdm", "enumerate", "notebook", "progress_bar", "track") and node.args:
            return self._count(node.args[0])
        if name not in ("range", "trange", "arange") or not node.args:
            return None
        if len(node.args) == 1:
            return node.args[0]
        return ast.BinOp(node.args[1], ast.Sub(), node.args[0])

    def take_normalization(self, body: Sequence[ast.stmt]) -> None:
        """torchvision's Normalize(mean, std), a lone ToTensor, or pixels divided by 255."""
        names = {name for name, _ in self.calls()}
        for name, call in self.calls():
            mean = self._arguments(call, "mean std").get("mean") if name == "Normalize" else None
            value = self.constants.value(mean)
            value = value[0] if isinstance(value, list | tuple) and value else value
            if type(value) is float:
                self.fields["normalization"] = "half" if value == 0.5 else "dataset"
        divided = any(
            isinstance(node, ast.Div)
            and isinstance(above, ast.BinOp | ast.AugAssign)
            and self.constants.value(getattr(above, "right", getattr(above, "value", None))) == 255
            for above in self.constants.nodes
            for node in [getattr(above, "op", None)]
        )
        if "normalization" not in self.fields and ("ToTensor" in names or divided):
            self.fields["normalization"] = "none"

    # ---- values

    def _arguments(self, call: ast.Call, parameters: str) -> dict[str, ast.expr]:
        """The arguments of a call by name."""
        arguments = dict(zip(parameters.split(), call.args, strict=False))
        return arguments | {word.arg: word.value for word in call.keywords if word.arg}

    def _put(self, field: str, node: ast.expr | None) -> None:
        value = self.constants.value(node)
        if field in _WHOLE and type(value) is float and value.is_integer():
            value = int(value)
        if type(value) in (int, float) or (field == "nesterov" and isinstance(value, bool)):
            self.fields[field] = value


_TAKES: dict[str, Callable[[_Recipe, ast.Call], None]] = {
    "compile": _Recipe.compile,
    "fit": _Recipe.fit,
    "fit_generator": _Recipe.fit,
    "flow": _Recipe.flow,
    "DataLoader": _Recipe.loader,
    "batch": _Recipe.batch,
    "Trainer": _Recipe.trainer,
    "StepLR": _Recipe.step,
    "ExponentialLR": _Recipe.exponential,
    "CosineAnnealingLR": _Recipe.cosine,
    "OneCycleLR": _Recipe.one_cycle,
    "EarlyStopping": _Recipe.early_stopping,
    "clip_grad_norm_": _Recipe.clip,
    "RandomRotation": _Recipe.rotation,
    "RandomAffine": _Recipe.affine,
    "RandomCrop": _Recipe.crop,
    "RandomErasing": _Recipe.erasing,
    "ImageDataGenerator": _Recipe.generator,
}
# Names that tell a field where no call does.
_NAMES = {
    "epochs": ("EPOCHS", "epochs", "NUM_EPOCHS", "num_epochs", "n_epochs", "N_EPOCHS", "EPOCH",
               "nb_epoch", "max_epochs"),
    "batch_size": ("BATCH_SIZE", "batch_size", "train_batch_size", "BATCH", "bs"),
}  # fmt: skip


def _valid(fields: Mapping[str, Any], augmentation: Mapping[str, float]) -> dict[str, Any]:
    """The fields within their bounds that may stand together."""
    recipe = {}
    for name, value in fields.items():
        low, high = _BOUNDS.get(name, (None, None))
        if low is None or low <= value <= high:
            recipe[name] = value
    for name in _WHOLE:
        if name in recipe and type(recipe[name]) is not int:
            del recipe[name]
    if recipe.get("optimizer") not in _TAKE_MOMENTUM or not recipe.get("momentum"):
        recipe.pop("momentum", None)
    if recipe.get("optimizer") != "sgd" or "momentum" not in recipe or not recipe.get("nesterov"):
        recipe.pop("nesterov", None)
    if recipe.get("loss", "cross-entropy") not in _TAKE_SMOOTHING:
        recipe.pop("label_smoothing", None)
    if recipe.get("schedule") != "step":
        recipe.pop("step_epochs", None)
        recipe.pop("step_factor", None)
    changes = {
        name: float(value)
        for name, value in augmentation.items()
        if 0 < value <= _AUGMENTATION[name]
    }
    return recipe | ({"augmentation": changes} if changes else {})
