"""The recipe's form: every field of TrainConfig, with the defaults of the chosen preset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.errors import ConfigError
from digitlab.models.classical.catalog import classical_kind
from digitlab.training.config import Augmentation, TrainConfig, form_of, param
from digitlab.ui import page, url
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import OWN
from digitlab.ui.train.augmentation import preview_augmentation
from digitlab.ui.train.default_recipe import default_recipe, describe_epochs
from digitlab.ui.train.recipe_fields import (
    ask,
    ask_several,
    describe,
    is_asked,
    params,
    to_params,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from digitlab.models.spec import ModelSpec
    from digitlab.ui.train.field_search import FieldSearch

BASICS = "Basics"  # the group that is always open
OTHERS = "Optimisation"  # of fields that name no group and are of no kind in _GROUPS
MORE = "more-settings"  # in the session: whether the fold of all other groups is open
_FILLED = "recipe-filled"  # the model whose whole recipe a run or a pasted text filled in
_FORMER = "recipe-model"  # the model that the form was last drawn for
_GROUPS = {"Data": ("data",), "Computation": ("compute", "watching")}


def recipe_form(
    model: str,
    spec: ModelSpec,
    dataset: str,
    *,
    classical: bool = False,
    search: FieldSearch | None = None,
) -> TrainConfig | None:
    """The recipe as the visitor set it; None, and the error, if its settings cannot be combined.

    What the visitor has set stays when another model is chosen; the other fields are those of the
    model's own recipe. For a `classical` model only the fields that it uses are shown. With
    `search` each field may be searched.
    """
    start = default_recipe(model, spec, dataset)
    _forget_what_does_not_fit(model, spec)
    for key in params(TrainConfig):
        url.keep_first(key)
    if classical:
        names = TrainConfig.names_for_classical()
        return start.changed(**_ask_all(names, start, start.model_dump(), search))
    note = st.container()
    groups = field_groups()
    values = _ask_all(groups.pop(BASICS), start, start.model_dump(), search)

    def ask_more(names: Sequence[str], shown: bool) -> int:
        before = len(search.space) if search else 0
        more = _ask_all(names, start, start.model_dump() | values, search, shown=shown)
        values.update(more)
        return len(_set_fields(start, more)) + (len(search.space) - before if search else 0)

    _show_more(groups, ask_more, "changed or searched" if search else "changed")
    try:
        config = start.changed(**values)
    except ConfigError as e:
        page.show_error(e)
        config = None
    with note:
        _describe(model, start, config, dataset)
    return config


def several_form(
    models: Sequence[tuple[str, ModelSpec]], dataset: str
) -> tuple[list[TrainConfig], dict[str, list[Any]]]:
    """The recipe that each model begins with, and the values of the fields that were chosen.

    A field that is not among these has the value of each model's own recipe. Raises ConfigError
    for a text that is no number.
    """
    starts = [default_recipe(model, spec, dataset) for model, spec in models]
    flat = [_flat(start) for start in starts]
    if all(classical_kind(spec) is not None for _, spec in models):
        groups = {BASICS: list(TrainConfig.names_for_classical())}
    else:
        groups = field_groups()
    problems: list[ConfigError] = []
    values = _ask_several(groups.pop(BASICS), flat, {}, problems)

    def ask_more(names: Sequence[str], shown: bool) -> int:
        more = _ask_several(names, flat, values, problems, shown=shown)
        values.update(more)
        return len(more)

    if groups:
        _show_more(groups, ask_more)
    if problems:
        raise problems[0]
    return starts, values


def _show_more(
    groups: Mapping[str, Sequence[str]],
    ask_group: Callable[[Sequence[str], bool], int],
    counted: str = "changed",
) -> None:
    """A fold with groups of fields, which are drawn while it is open: a page that draws all of them
    is slow. Where it is closed, its title says how many values are not the recipe's own.

    `ask_group` asks for some fields, or without `shown` reads them, and counts such values.
    """

    def keep() -> None:  # for the visit: a widget's own state ends with the page, or its title
        st.session_state[MORE] = st.session_state[key]

    key, title = f"{MORE}:fold", "More settings"
    is_open = st.session_state.get(MORE, False)
    if not is_open and (count := sum(ask_group(names, False) for names in groups.values())):
        title = f"{title} · {count} {counted}"
    st.session_state[key] = is_open
    with st.expander(title, icon=":material/tune:", key=key, on_change=keep):
        for heading, names in groups.items() if is_open else ():
            st.markdown(f"**{heading}**")
            ask_group(names, True)


def _flat(recipe: TrainConfig | Mapping[str, Any]) -> dict[str, Any]:
    """Its fields, those of the augmentation by their dotted names."""
    fields = dict(recipe)
    inner = dict(fields.pop("augmentation", {}))
    return fields | {f"augmentation.{name}": value for name, value in inner.items()}


def _ask_several(
    names: Sequence[str],
    starts: Sequence[Mapping[str, Any]],
    chosen: Mapping[str, list[Any]],
    problems: list[ConfigError],
    *,
    shown: bool = True,
) -> dict[str, list[Any]]:
    """Draw some fields in rows, each for several values; those that differ from the recipes'.

    A text that is no number is added to the `problems`. Without `shown` they are only read.
    """
    if "augmentation" in names:
        names = [f"augmentation.{name}" for name in Augmentation.model_fields]
    values: dict[str, list[Any]] = {}
    fields = {name: _field(name) for name in names if is_asked(_field(name))}
    for (name, field), place in zip(fields.items(), _places(len(fields), shown), strict=True):
        known = [{**start, **{key: v[0] for key, v in {**chosen, **values}.items()}}
                 for start in starts]  # fmt: skip
        used = any(form_of(field).used(recipe) for recipe in known) or any(
            len(options) > 1 for options in values.values()
        )
        own = [start[name] for start in starts]
        with place:
            try:
                several = ask_several(name, field, own, disabled=not used, shown=shown)
            except ConfigError as e:  # the other fields are asked for, too
                problems.append(e)
                continue
        if used and several and any(several != [value] for value in own):
            values[name] = several
    return values


def _places(count: int, shown: bool) -> Iterator[AbstractContextManager[Any]]:
    """Where each of so many fields is drawn: rows of columns, or nowhere if they are not shown."""
    width = 5 if count == 5 else 4
    for i in range(count):
        if shown and i % width == 0:
            columns = st.columns(width, vertical_alignment="bottom")
        yield columns[i % width] if shown else nullcontext()


def _field(name: str) -> FieldInfo:
    outer, _, inner = name.partition(".")
    return Augmentation.model_fields[inner] if inner else TrainConfig.model_fields[outer]


def _forget_what_does_not_fit(model: str, spec: ModelSpec) -> None:
    """Drop settings that belong to another model: those of a run or a pasted text that was shown,
    and a loss that this model cannot be trained with. (One that a link asks for is refused.)
    """
    owner = (model, url.get("preset") if model == OWN else "")
    filled_for = st.session_state.get(_FILLED)
    if filled_for == "":
        st.session_state[_FILLED] = owner
    elif filled_for not in (None, owner):
        del st.session_state[_FILLED]
        _take_own_recipe()
    former = st.session_state.get(_FORMER, owner)
    st.session_state[_FORMER] = owner
    loss = url.get("loss")
    if former != owner and loss and (loss == "reconstruction") != spec.gives_image:
        url.drop("loss")


def _take_own_recipe() -> None:
    for key in params(TrainConfig):
        url.drop(key)


def _set_fields(start: TrainConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the visitor, or a link, has set to others than those of `start`.

    The fields of the augmentation have their dotted names.
    """
    own = _flat(start)
    return {
        name: value
        for name, value in _flat(values).items()
        if value != own[name] and url.get(param(name.rpartition(".")[2], _field(name))) is not None
    }


def _describe(model: str, start: TrainConfig, config: TrainConfig | None, dataset: str) -> None:
    """Say whose recipe it is, what of it the visitor has set, and offer the model's own."""
    decisive = TrainConfig.names("recipe", "data")  # of what is learnt
    own = {name: value for name, value in _set_fields(start, config or {}).items()
           if name.partition(".")[0] in decisive}  # fmt: skip
    if not own and config:
        if reason := describe_epochs(model, config, dataset):
            st.caption(reason)
        return
    if model == OWN and config:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        words = [text[:1].lower() + text[1:] for text in describe(own, type(start))]
        yours = f" with your {', '.join(words)}." if words else ", with your settings."
        st.caption(f"Recipe of {plain(model_title(model))}{plain(yours)}", width="content")
        st.button(
            "Use its own",
            icon=":material/undo:",
            type="tertiary",
            on_click=_take_own_recipe,
            help="Takes the recipe that this model was published with.",
        )


def fill_recipe_form(config: TrainConfig) -> None:
    """Make the form show this recipe when it is next drawn."""
    url.drop("preset")
    keep_recipe(config)


def keep_recipe(config: TrainConfig) -> None:
    """Make the form show this recipe for the architecture that is being edited."""
    st.session_state[_FILLED] = ""  # of the model that is shown next
    _take_own_recipe()
    for key, value in to_params(config):
        url.put(key, value)


def field_groups() -> dict[str, list[str]]:
    """Heading → names of the fields below it, in the order of the fields."""
    groups: dict[str, list[str]] = {}
    for name, field in TrainConfig.model_fields.items():
        of_kind = (title for title, kinds in _GROUPS.items() if name in TrainConfig.names(*kinds))
        title = form_of(field).group or next(of_kind, OTHERS)
        groups.setdefault(title, []).append(name)
    return groups


def _ask_all(
    names: Sequence[str],
    start: TrainConfig | Augmentation,
    known: Mapping[str, Any],
    search: FieldSearch | None = None,
    *,
    shown: bool = True,
) -> dict[str, Any]:
    """Draw some fields in rows; their values by name. Without `shown` they are only read.

    A field that has no effect, by the values `known` and those asked for before it, is shown but
    cannot be set: it has its default. One that is searched has its values in its place.
    """
    prefix = "augmentation." if isinstance(start, Augmentation) else ""
    fields, values = type(start).model_fields, {}
    visible = [name for name in names if is_asked(fields[name])]
    for name, place in zip(visible, _places(len(visible), shown), strict=True):
        used = form_of(fields[name]).used({**known, **values})
        with place:
            own, as_value = getattr(start, name), shown
            if search:
                as_value = shown and not search.is_searched(prefix + name)
            value = ask(name, fields[name], own, disabled=not used, shown=as_value)
            if search:
                search.ask(prefix + name, fields[name], value, shown=shown)
        values[name] = value if used else fields[name].default
    if "augmentation" in names:
        inner_names = list(Augmentation.model_fields)
        inner = _ask_all(inner_names, start.augmentation, {}, search, shown=shown)
        values["augmentation"] = Augmentation(**inner)
        if shown:
            preview_augmentation(values["augmentation"])
    return values
