"""What visitors keep beside their runs, for an admin: to look at, publish and delete."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from digitlab import owners
from digitlab.data import collections
from digitlab.errors import DigitlabError
from digitlab.jobs.moderation import KINDS, Thing, delete_thing, list_things, publish_thing
from digitlab.models import library
from digitlab.ui import cached, page
from digitlab.ui.chart import show_chart
from digitlab.ui.markdown import plain
from digitlab.words import shorten, size

SHOWN = 20  # images


def show_moderation() -> None:
    """A cell with each of them; nothing for whoever is no admin."""
    visitor = owners.acting()
    if visitor is None or not visitor.admin:
        return
    page.cell(
        "What visitors keep",
        "As an admin you may look at each dataset, collection and architecture, delete it, or "
        "publish it: everybody may use it then. Runs are on the Train page.",
    )
    things = list_things()
    if not things:
        st.caption("Nothing but runs, so far.")
        return
    thing = st.selectbox(
        "Dataset, collection or architecture",
        things,
        index=None,
        format_func=_describe,
        placeholder=f"Choose one of {len(things):,}",
    )
    if thing is None:  # nothing is read for a page that is opened for something else
        return
    with page.guard():
        _show(thing)
    with st.container(horizontal=True):
        if st.button("Publish", icon=":material/public:", key="publish-thing"):
            _act(publish_thing, thing)
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete **{plain(thing.name)}** of this visitor for good?")
            if st.button("Delete for good", icon=":material/delete_forever:", key="delete-thing"):
                _act(delete_thing, thing)


def _describe(thing: Thing) -> str:
    return f"{KINDS[thing.kind]} {thing.name}, {size(thing.bytes)}, of {thing.owner[:6]}"


def _show(thing: Thing) -> None:
    from digitlab.figures.images import describe_grid

    with owners.acting_for(thing.owner):  # whose thing of this name it is
        if thing.kind == library.KIND:
            st.code(library.load_saved(thing.name).to_yaml(), language="yaml", height=240)
            return
        prefix = f"{collections.KIND}:" * (thing.kind == collections.FOLDER)
        data = cached.dataset(f"{prefix}{thing.name}")
    labels = data.train.labels[:SHOWN]
    names = [shorten(data.classes[label], 9) for label in labels]
    show_chart(
        describe_grid(data.train.images[:SHOWN], captions=names, columns=10, tile=60),
        key=f"kept:{thing.owner}:{thing.kind}:{thing.name}",
        bar=False,
        alt=f"The first images of {thing.name} with their labels: {', '.join(names)}.",
    )


def _act(action: Callable[[Thing], None], thing: Thing) -> None:
    try:
        action(thing)
    except DigitlabError as e:
        page.show_error(e)
    else:
        st.rerun()
