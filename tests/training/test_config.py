"""A recipe is checked at the door, and every refusal says what, why and what is allowed."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

import digitlab as dl
from digitlab.errors import ConfigError
from digitlab.training.config import Augmentation, TrainConfig, parse_assignments

BOUNDS = [  # field, a value that is just not allowed, what the message says of what is
    ("epochs", 0, "1"),
    ("epochs", 1001, "1000"),
    ("epochs", 2.5, "integer"),
    ("epochs", "many", "integer"),
    ("epochs", True, "yes or no"),
    ("batch_size", 0, "1"),
    ("batch_size", 8193, "8192"),
    ("optimizer", "sdg", "'sgd', 'adam', 'adamw', 'muon', 'rmsprop' or 'adadelta'"),
    ("learning_rate", 0, "greater than 0"),
    ("learning_rate", 100.1, "100"),
    ("learning_rate", float("nan"), "finite"),
    ("learning_rate", float("inf"), "finite"),
    ("momentum", -0.1, "0"),
    ("momentum", 1, "less than 1"),
    ("nesterov", "perhaps", "boolean"),
    ("weight_decay", -0.1, "0"),
    ("weight_decay", 1.1, "1"),
    ("schedule", "linear", "'constant', 'step', 'cosine' or 'one-cycle'"),
    ("step_epochs", 0, "1"),
    ("step_epochs", 1001, "1000"),
    ("step_factor", 0, "greater than 0"),
    ("step_factor", 1.1, "1"),
    ("warmup_epochs", -0.1, "0"),
    ("warmup_epochs", 101, "100"),
    ("loss", "hinge", "'cross-entropy'"),
    ("focal_gamma", -0.1, "0"),
    ("focal_gamma", 20.1, "20"),
    ("pixel_loss", "ssim", "'binary' or 'mse'"),
    ("kl_weight", -0.1, "0"),
    ("kl_weight", 1001, "1000"),
    ("label_smoothing", -0.1, "0"),
    ("label_smoothing", 1, "less than 1"),
    ("normalization", "minmax", "'dataset', 'half' or 'none'"),
    ("augmentation", 5, "Augmentation"),
    ("val_fraction", -0.1, "0"),
    ("val_fraction", 0.6, "0.5"),
    ("seed", -1, "0"),
    ("seed", 2**63, str(2**63)),
    ("device", "tpu", "'auto', 'cpu', 'cuda', 'cuda:0', 'mps'"),
    ("devices", 0, "1"),
    ("devices", 65, "64"),
    ("early_stopping", 0, "1"),
    ("early_stopping", 1001, "1000"),
    ("early_stopping", True, "yes or no"),
    ("keep", "first", "'last' or 'best'"),
    ("gradient_clip", 0, "greater than 0"),
    ("gradient_clip", 2e6, "1000000"),
    ("subset", 0, "10"),
    ("precision", "float16", "'auto', 'float32' or 'bfloat16'"),
    ("channels_last", 5, "boolean"),
    ("threads", 0, "1"),
    ("threads", 300, "256"),
    ("compile", 5, "boolean"),
    ("average", -0.1, "0"),
    ("average", 1, "less than 1"),
    ("test_curve", 5, "boolean"),
    ("restarts", 5, "tuple"),
]


@pytest.mark.parametrize(("field", "value", "allowed"), BOUNDS)
def test_a_refusal_names_the_field_the_value_and_what_is_allowed(field, value, allowed):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**{field: value})
    message = str(caught.value)
    assert caught.value.field == field
    assert message.startswith(field)
    assert repr(value) in message
    assert allowed in message.removesuffix(f"not {value!r}.")
    assert "pydantic" not in message
    assert "\n" not in message


def test_every_field_has_a_bound_that_is_tested():
    assert {field for field, _, _ in BOUNDS} == set(TrainConfig.model_fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rotation", 181),
        ("shift", 0.6),
        ("scale", 1.0),
        ("shear", 61),
        ("thickness", 1.1),
        ("rotation", -1),
    ],
)
def test_a_refused_augmentation_is_named_with_its_place(field, value):
    with pytest.raises(ConfigError) as caught:
        TrainConfig(augmentation={field: value})
    assert caught.value.field == f"augmentation.{field}"
    assert "augmentation" in str(caught.value)
    assert field in str(caught.value)
    assert repr(value) in str(caught.value)
    with pytest.raises(ConfigError, match=field):
        Augmentation(**{field: value})


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 1, "batch_size": 1, "learning_rate": 1e-12, "momentum": 0, "val_fraction": 0},
        {"epochs": 1000, "batch_size": 8192, "learning_rate": 100, "val_fraction": 0.5},
        {"seed": 2**63 - 1, "step_factor": 1, "weight_decay": 1, "gradient_clip": 1e6},
        {"augmentation": {"rotation": 180, "shift": 0.5, "scale": 0.9, "shear": 60}},
        {"device": "cuda:1"},
    ],
)
def test_the_bounds_themselves_are_allowed(values):
    config = TrainConfig(**values)
    assert config.model_dump() == {
        **TrainConfig().model_dump(),
        **config.model_dump(),
        **{key: value for key, value in values.items() if key != "augmentation"},
    }


def test_an_unknown_field_suggests_the_one_that_was_meant():
    with pytest.raises(ConfigError, match=r"no field 'learning_rat'.*Did you mean 'learning_rate'"):
        TrainConfig(learning_rat=0.1)
    with pytest.raises(
        ConfigError, match=r"no field 'rotatoin'.*Did you mean 'rotation'"
    ) as caught:
        TrainConfig(augmentation={"rotatoin": 3})
    assert caught.value.field == "augmentation.rotatoin"


def test_an_unknown_field_like_no_other_lists_all():
    with pytest.raises(ConfigError, match=r"Known are epochs, batch_size, optimizer"):
        TrainConfig(zzz=1)


def test_recipes_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        TrainConfig().epochs = 3
    with pytest.raises(ValidationError, match="frozen"):
        TrainConfig().augmentation.rotation = 3


def test_changed_gives_a_copy_that_is_checked_anew():
    config = TrainConfig(epochs=3, augmentation={"rotation": 10})
    copy = config.changed(seed=4, augmentation=dl.Augmentation(shift=0.1))
    assert (config.seed, config.augmentation.rotation) == (0, 10)
    assert (copy.epochs, copy.seed, copy.augmentation.shift) == (3, 4, 0.1)
    with pytest.raises(ConfigError, match="epochs"):
        config.changed(epochs=0)
    with pytest.raises(ConfigError, match="nesterov"):
        TrainConfig(optimizer="sgd", momentum=0.9, nesterov=True).changed(optimizer="adam")


def test_a_recipe_survives_dict_and_json():
    config = TrainConfig(
        epochs=3,
        optimizer="sgd",
        momentum=0.9,
        nesterov=True,
        schedule="one-cycle",
        val_fraction=0.2,
        seed=2**62 + 1,
        early_stopping=2,
        keep="best",
        gradient_clip=0.5,
        augmentation={"rotation": 7.5, "thickness": 0.3},
    )
    assert TrainConfig.from_dict(config.model_dump()) == config
    assert TrainConfig.from_dict(json.loads(json.dumps(config.model_dump()))) == config
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config
    assert TrainConfig.from_dict(config.differing()) == config
    assert TrainConfig().differing() == {}


def test_what_is_no_mapping_is_no_recipe():
    with pytest.raises(ConfigError, match=r"mapping.*\[1\]"):
        TrainConfig.from_dict([1])


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"nesterov": True}, "nesterov needs optimizer 'sgd' with a momentum"),
        ({"nesterov": True, "optimizer": "sgd"}, "nesterov needs optimizer 'sgd' with a momentum"),
        ({"momentum": 0.9}, "'adam' has its own"),
        ({"momentum": 0.9, "optimizer": "adadelta"}, "'sgd' and 'rmsprop'"),
        ({"epochs": 2, "warmup_epochs": 2.5}, "warmup_epochs .2.5. must not exceed epochs .2."),
        ({"val_fraction": 0, "early_stopping": 3}, "val_fraction must be above 0"),
        ({"val_fraction": 0, "keep": "best"}, "val_fraction must be above 0"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(values, reason):
    with pytest.raises(ConfigError, match=reason):
        TrainConfig(**values)


def test_momentum_is_for_sgd_and_rmsprop():
    assert TrainConfig(optimizer="sgd", momentum=0.9, nesterov=True).nesterov
    assert TrainConfig(optimizer="rmsprop", momentum=0.9).momentum == 0.9


def test_assignments_become_nested_values_of_their_types():
    assert parse_assignments(
        [
            "epochs=3",
            "learning-rate=1e-2",
            "optimizer=sgd",
            "nesterov=true",
            "early_stopping=null",
            "val_fraction=None",
            "augmentation.rotation=10",
            "augmentation.shift = 0.1",
        ]
    ) == {
        "epochs": 3,
        "learning_rate": 0.01,
        "optimizer": "sgd",
        "nesterov": True,
        "early_stopping": None,
        "val_fraction": None,
        "augmentation": {"rotation": 10, "shift": 0.1},
    }
    assert parse_assignments([]) == {}
    assert parse_assignments(["epochs=3", "epochs=4"]) == {"epochs": 4}
    assert parse_assignments(['augmentation={"shift": 0.2}', "augmentation.scale=0.1"]) == {
        "augmentation": {"shift": 0.2, "scale": 0.1}
    }


@pytest.mark.parametrize("text", ["epochs", "", "=3", " = 3", "epochs:3"])
def test_an_assignment_without_key_or_value_is_refused(text):
    with pytest.raises(ConfigError, match="key=value"):
        parse_assignments([text])


@pytest.mark.parametrize(
    "texts",
    [
        ["augmentation=5", "augmentation.rotation=1"],
        ["augmentation.rotation=1", "augmentation=5"],
    ],
)
def test_a_field_set_in_two_ways_is_refused_in_either_order(texts):
    with pytest.raises(ConfigError, match="'augmentation' is set in two ways"):
        parse_assignments(texts)


def test_the_recipes_of_all_presets_are_recipes():
    for preset in dl.list_presets():
        assert TrainConfig.from_dict(preset.recipe)


def test_a_subset_is_a_number_of_images():
    with pytest.raises(ConfigError, match="subset"):
        dl.TrainConfig(subset=3)


def test_a_scikit_learn_model_uses_the_data_the_seed_and_the_normalisation():
    names = TrainConfig.names_for_classical()
    assert names == ("val_fraction", "subset", "seed", "normalization")
