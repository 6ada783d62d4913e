"""The recipe's form: every field of TrainConfig, with the defaults of the chosen preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import ConfigError
from digitlab.models.load import known_recipe
from digitlab.training.config import Augmentation, TrainConfig
from digitlab.ui import url
from digitlab.ui.model_picker import OWN
from digitlab.ui.train.augmentation import preview_augmentation
from digitlab.ui.train.recipe_fields import ask, form_of, is_asked, params, to_params

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

BASICS = "Basics"  # the group that is always open
OTHERS = "Optimisation"  # of fields that name no group and are of no kind in _GROUPS
_GROUPS = {"Data": ("data",), "Computation": ("compute", "watching")}


def recipe_form(model: str, spec: ModelSpec, *, classical: bool = False) -> TrainConfig | None:
    """The recipe as the visitor set it; None, and the error, if its settings cannot be combined.

    For a `classical` model only the fields that it uses are shown.
    """
    start = TrainConfig.from_dict(_known_recipe(model, spec))
    owner = (model, url.get("preset") if model == OWN else "")
    url.reset_on_change("recipe", owner, params(TrainConfig))  # another model, another recipe
    if classical:
        names = TrainConfig.names_for_classical()
        return start.changed(**_ask_all(names, start, start.model_dump()))
    groups = field_groups()
    values = _ask_all(groups.pop(BASICS), start, start.model_dump())
    with st.expander("More settings", icon=":material/tune:"):
        for title, names in groups.items():
            st.markdown(f"**{title}**")
            values |= _ask_all(names, start, start.model_dump() | values)
    try:
        return start.changed(**values)
    except ConfigError as e:
        st.error(str(e), icon=":material/error:")
        return None


def fill_recipe_form(config: TrainConfig) -> None:
    """Make the form show this recipe when it is next drawn."""
    url.drop("preset")
    keep_recipe(config)


def keep_recipe(config: TrainConfig) -> None:
    """Make the form show this recipe for the architecture that is being edited."""
    url.forget_owner("recipe")
    for param in params(TrainConfig):
        url.drop(param)
    for param, value in to_params(config):
        url.put(param, value)


def field_groups() -> dict[str, list[str]]:
    """Heading → names of the fields below it, in the order of the fields."""
    groups: dict[str, list[str]] = {}
    for name, field in TrainConfig.model_fields.items():
        of_kind = (title for title, kinds in _GROUPS.items() if name in TrainConfig.names(*kinds))
        title = form_of(field).group or next(of_kind, OTHERS)
        groups.setdefault(title, []).append(name)
    return groups


def _known_recipe(model: str, spec: ModelSpec) -> dict[str, Any]:
    """The preset's recipe; one's own network begins with that of the preset it was made from.

    The loss is one that the network can be trained with, whatever the preset was.
    """
    recipe = known_recipe(url.get("preset") if model == OWN else model)
    fits = (recipe.get("loss") == "reconstruction") == spec.gives_image
    loss = "reconstruction" if spec.gives_image else "cross-entropy"
    return recipe if fits else {**recipe, "loss": loss}


def _ask_all(
    names: Sequence[str], start: TrainConfig | Augmentation, known: Mapping[str, Any]
) -> dict[str, Any]:
    """Draw some fields in rows; their values by name.

    A field that has no effect, by the values `known` and those asked for before it, is shown but
    cannot be set: it has its default.
    """
    fields, values = type(start).model_fields, {}
    with_widget = [name for name in names if is_asked(fields[name])]
    width = 5 if len(with_widget) == 5 else 4
    for i, name in enumerate(with_widget):
        if i % width == 0:
            columns = st.columns(width, vertical_alignment="bottom")
        used = form_of(fields[name]).used({**known, **values})
        with columns[i % width]:
            value = ask(name, fields[name], getattr(start, name), disabled=not used)
        values[name] = value if used else fields[name].default
    if "augmentation" in names:
        inner = _ask_all(list(Augmentation.model_fields), start.augmentation, {})
        values["augmentation"] = Augmentation(**inner)
        preview_augmentation(values["augmentation"])
    return values
