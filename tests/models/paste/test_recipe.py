"""What a script trains with is offered as a recipe: only what it says and what a recipe can do."""

from __future__ import annotations

import ast

import pytest

from digitlab.models.paste.read import read_code
from digitlab.models.paste.recipe import read_recipe
from digitlab.training.config import TrainConfig

TORCH_SCRIPT = """\
import argparse
import torch
import torch.nn.functional as F
from torch import optim
from torch.optim.lr_scheduler import StepLR
from torchvision import datasets, transforms

parser = argparse.ArgumentParser()
parser.add_argument('--batch-size', type=int, default=64)
parser.add_argument('--test-batch-size', type=int, default=1000)
parser.add_argument('--epochs', type=int, default=14)
parser.add_argument('--lr', type=float, default=1.0)
parser.add_argument('--gamma', type=float, default=0.7)

def train(args, model, loader, optimizer, epoch):
    for data, target in loader:
        optimizer.zero_grad()
        loss = F.nll_loss(model(data), target)
        loss.backward()
        optimizer.step()

def main():
    args = parser.parse_args()
    transform = transforms.Compose([
        transforms.RandomRotation(10),
        transforms.RandomAffine(0, translate=(0.1, 0.05), scale=(0.85, 1.1), shear=8),
        transforms.ToTensor(),
        transforms.Normalize((0.1307,), (0.3081,)),
    ])
    train_loader = torch.utils.data.DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    test_loader = torch.utils.data.DataLoader(test_set, batch_size=args.test_batch_size)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(args, model, train_loader, optimizer, epoch)
        scheduler.step()
"""
KERAS_SCRIPT = """\
from tensorflow import keras
from tensorflow.keras.preprocessing.image import ImageDataGenerator

EPOCHS = 30
BATCH = 86
x_train = x_train.reshape(-1, 28, 28, 1) / 255.0
datagen = ImageDataGenerator(rotation_range=10, zoom_range=0.1, width_shift_range=0.1,
                             height_shift_range=0.08)
datagen.fit(x_train)
stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True),
              loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(datagen.flow(x_train, y_train, batch_size=BATCH), epochs=EPOCHS, callbacks=[stop])
"""


def recipe_of(text, **options):
    return read_recipe(ast.parse(text).body, {}, **options)


def test_a_script_of_pytorch():
    assert recipe_of(TORCH_SCRIPT) == {
        "optimizer": "adadelta",
        "learning_rate": 1.0,
        "batch_size": 64,
        "epochs": 14,
        "schedule": "step",
        "step_epochs": 1,
        "step_factor": 0.7,
        "loss": "nll",
        "normalization": "dataset",
        "augmentation": {"rotation": 10.0, "shift": 0.1, "scale": 0.15, "shear": 8.0},
    }


def test_a_script_of_keras():
    assert recipe_of(KERAS_SCRIPT) == {
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "momentum": 0.9,
        "nesterov": True,
        "batch_size": 86,
        "epochs": 30,
        "loss": "cross-entropy",
        "early_stopping": 3,
        "keep": "best",
        "normalization": "none",
        "augmentation": {"rotation": 10.0, "shift": 0.1, "scale": 0.1},
    }


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("import keras\nmodel.compile('adam', 'mse')\nmodel.fit(x, y, epochs=5)",
         {"optimizer": "adam", "learning_rate": 1e-3, "loss": "mse", "epochs": 5,
          "batch_size": 32}),
        ("import keras\nmodel.compile(optimizer='sgd', loss=keras.losses.CategoricalCrossentropy("
         "from_logits=True, label_smoothing=0.1))",
         {"optimizer": "sgd", "learning_rate": 0.01, "loss": "cross-entropy",
          "label_smoothing": 0.1}),
        ("from keras.optimizers import RMSprop\nfrom keras.optimizers.schedules import *\n"
         "opt = RMSprop(lr=1e-4, rho=0.9, clipnorm=1.0)\nmodel.fit(x, y, 128, 4)",
         {"optimizer": "rmsprop", "learning_rate": 1e-4, "gradient_clip": 1.0, "batch_size": 128,
          "epochs": 4}),
        ("import tensorflow as tf\nrate = tf.keras.optimizers.schedules.CosineDecay(0.1, 1000)\n"
         "opt = tf.keras.optimizers.Adam(rate)\ntrain = train.shuffle(1000).batch(256)\n"
         "test = test.batch(1000)",
         {"optimizer": "adam", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 256}),
        ("import torch\nconfig = dict(lr=0.02, wd=5e-4, bs=32)\n"
         "opt = torch.optim.SGD(net.parameters(), config['lr'], 0.9, weight_decay=config['wd'])",
         {"optimizer": "sgd", "learning_rate": 0.02, "momentum": 0.9, "weight_decay": 5e-4,
          "batch_size": 32}),
        ("import torch\nclass CFG:\n    lr = 3e-4\n    epochs = 8\n"
         "opt = torch.optim.AdamW(model.parameters(), lr=CFG.lr)\n"
         "for epoch in tqdm(range(CFG.epochs)):\n    pass",
         {"optimizer": "adamw", "learning_rate": 3e-4, "weight_decay": 0.01, "epochs": 8}),
        ("import torch\nadam = torch.optim.AdamW(others, lr=3e-4)\n"
         "muon = torch.optim.Muon(matrices, lr=0.02, adjust_lr_fn='match_rms_adamw')",
         {"optimizer": "muon", "learning_rate": 0.02, "weight_decay": 0.1}),
        ("import torch\nmuon = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.05)\n"
         "adam = torch.optim.AdamW(others, lr=3e-4)",
         {"optimizer": "muon", "weight_decay": 0.05}),
        ("import keras\nopt = keras.optimizers.Muon(0.01)", {"optimizer": "muon"}),
        ("import torch\ndef fit(model, loader, epochs=3, lr=0.1):\n"
         "    opt = torch.optim.Adam(model.parameters(), lr=lr)\n"
         "    for epoch in range(epochs):\n        pass",
         {"optimizer": "adam", "learning_rate": 0.1, "epochs": 3}),
        ("import torch\ncriterion = torch.nn.CrossEntropyLoss(label_smoothing=0.05)\n"
         "sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.3, total_steps=9)\n"
         "torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)",
         {"loss": "cross-entropy", "label_smoothing": 0.05, "schedule": "one-cycle",
          "learning_rate": 0.3, "gradient_clip": 1.0}),
        ("from torchvision import transforms\nt = transforms.Compose([transforms.RandomCrop(28, "
         "padding=2), transforms.ToTensor(), transforms.Normalize(0.5, 0.5),"
         " transforms.RandomErasing(p=0.25)])\nnum_epochs, batch_size = 5, 100",
         {"augmentation": {"shift": 0.0714, "erasing": 0.25}, "normalization": "half",
          "epochs": 5, "batch_size": 100}),
        ("import pytorch_lightning as pl\ntrainer = pl.Trainer(max_epochs=4, accelerator='cpu')",
         {"epochs": 4}),
    ],
)  # fmt: skip
def test_forms_in_which_scripts_say_it(text, fields):
    assert recipe_of(text) == fields
    TrainConfig.from_dict(fields)


@pytest.mark.parametrize(
    "text",
    [
        "opt = torch.optim.LBFGS(model.parameters(), lr=0.1)",
        "import torch\nfor epoch in range(10**9):\n    pass",
        "import torch\nloader = DataLoader(data, batch_size=len(data))",
        "import torch\nEPOCHS = int(input())\nwhile epoch < EPOCHS: pass",
        "import torch\nEPOCHS = EPOCHS\nbatch_size = 2 ** 9999 ** 9999",
        "import torch\na = nn.NLLLoss()\nb = nn.MSELoss()",
        "import torch\nx = " + "(" * 50 + "1" + ")" * 50,
        "transforms.RandomHorizontalFlip()",
    ],
)
def test_what_is_not_said_or_not_possible_is_left_out(text):
    assert recipe_of(text) == {}


def test_a_learning_rate_of_muon_that_is_left_out_is_told():
    network = "from torch import nn, optim\nnet = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n"
    for scale, notes in (("", 1), (", adjust_lr_fn='match_rms_adamw'", 0)):
        reading = read_code(f"{network}opt = optim.Muon([net[1].weight], lr=0.02{scale})")
        assert reading.recipe["optimizer"] == "muon"
        assert sum("Muon's learning rate" in note for note in reading.notes) == notes


def test_a_network_that_gives_images_has_no_loss_of_classes():
    text = "import torch\nloss = nn.MSELoss()\nopt = torch.optim.Adam(net.parameters())"
    assert recipe_of(text, classifier=False) == {"optimizer": "adam", "learning_rate": 1e-3}


@pytest.mark.parametrize("text", [TORCH_SCRIPT, KERAS_SCRIPT])
def test_what_is_offered_is_a_recipe(text):
    config = TrainConfig.from_dict(recipe_of(text))
    assert config.augmentation.active
