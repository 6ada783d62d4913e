"""The architecture that a visitor is working on: what it is now, was before, and may be again.

One spec is behind all views of the page. Every change goes through `commit`, so that it can be
undone, and `publish` writes what came of it into the URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.edit import is_branch, layer_at
from digitlab.models.layer import Path
from digitlab.models.load import load_model
from digitlab.ui import url
from digitlab.ui.model_picker import DEFAULT, forget_own, own_link, own_spec, remember_own

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

Entry = tuple[str, "ModelSpec", Path | None]  # what it began as, what it is, what is chosen
MAX_HISTORY = 100  # changes that can be undone
_SPEC = "architecture:spec"
_START = "architecture:start"  # the preset, saved or whole model it began as
_PAST = "architecture:past"  # the oldest first
_FUTURE = "architecture:future"  # those undone, the last undone at the end
_SELECTED = "architecture:selected"
_LINK = "architecture:link"  # the link's text that the spec is from or was written to
_PROBLEM = "architecture:problem"
_REVISION = "architecture:revision"


def open_architecture(start: str) -> ModelSpec:
    """The architecture to show: the visitor's own, one from a link, or the one they start from.

    `start` is what the picker says; where it is another than before, the architecture is replaced
    by it (which can be undone).
    """
    link = own_link()
    arrived = bool(link) and link != st.session_state.get(_LINK)
    if _SPEC not in st.session_state:
        st.session_state[_START] = start
        st.session_state[_SPEC] = (own_spec() if arrived else None) or base(start)
    elif start != st.session_state[_START]:
        commit((own_spec() if arrived else None) or base(start), start=start)
    elif arrived:
        commit(own_spec() or current())
    publish()
    return current()


def publish() -> None:
    """Make the URL carry the architecture, or nothing where it is as it was started from."""
    spec = current()
    if spec == base(st.session_state[_START]):
        forget_own()
    else:
        remember_own(spec)
    st.session_state[_LINK] = own_link()


def base(start: str) -> ModelSpec:
    """The architecture of that name as it is without changes; the default where it is gone."""
    try:
        return load_model(start)
    except SpecError as e:
        say(str(e))
        return load_model(DEFAULT)


def current() -> ModelSpec:
    """The architecture as it is now."""
    return st.session_state[_SPEC]


def is_changed() -> bool:
    """Whether it differs from what it was started from."""
    return current() != base(st.session_state[_START])


def commit(spec: ModelSpec, *, select: Path | None = None, start: str | None = None) -> None:
    """Make `spec` the architecture; what it was can be brought back."""
    before = _now()
    if select is not None:
        st.session_state[_SELECTED] = select
    after = (start or before[0], spec, st.session_state.get(_SELECTED))
    if after[:2] == before[:2]:
        return
    past = st.session_state.setdefault(_PAST, [])
    past.append(before)
    del past[:-MAX_HISTORY]
    st.session_state[_FUTURE] = []
    _set(after)


def undo() -> None:
    """Back to before the last change."""
    _step(_PAST, _FUTURE)


def redo() -> None:
    """Forward again to what was undone."""
    _step(_FUTURE, _PAST)


def can_undo() -> bool:
    """Whether there is a change to undo."""
    return bool(st.session_state.get(_PAST))


def can_redo() -> bool:
    """Whether there is an undone change."""
    return bool(st.session_state.get(_FUTURE))


def revision() -> int:
    """How many times undo or redo was pressed: fields made anew then show what came back."""
    return st.session_state.get(_REVISION, 0)


def rebase(start: str) -> None:
    """Say that the architecture began as another one, and leave it as it is."""
    st.session_state[_START] = start
    url.put("preset", start)


def forget_start(name: str) -> None:
    """The saved architecture of that name is gone: what began as it is the visitor's own now."""
    for entry in (_PAST, _FUTURE):
        kept = st.session_state.get(entry, [])
        st.session_state[entry] = [(DEFAULT if s == name else s, *rest) for s, *rest in kept]
    rebase(DEFAULT)


def select(path: Path | None) -> None:
    """Choose a layer or branch, by its place."""
    st.session_state[_SELECTED] = path


def selected() -> Path | None:
    """The place of the chosen layer or branch; the first layer's where it is gone."""
    places = [path for path, _ in current().walk()]
    path = st.session_state.get(_SELECTED)
    if path in places or (is_branch(path) and _has_branch(path)):
        return path
    for shorter in (path[:n] for n in range(len(path) - 1, 0, -1)) if path else ():
        if shorter in places:
            return shorter
    if path and places and isinstance(path[0], int) and path[0] > 0:
        return (min(path[0], len(current().layers) - 1),)
    return places[0] if places else None


def say(problem: str) -> None:
    """Keep a sentence for the next run of the page."""
    st.session_state[_PROBLEM] = problem


def show_problem() -> None:
    """Show what was said, once."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        st.error(problem, icon=":material/error:")


def _has_branch(path: Path) -> bool:
    try:
        return path[-1] < len(layer_at(current(), path[:-2]).args.get("branches", ()))
    except SpecError:
        return False


def _step(source: str, target: str) -> None:
    if not st.session_state.get(source):
        return
    st.session_state.setdefault(target, []).append(_now())
    st.session_state[_REVISION] = revision() + 1
    _set(st.session_state[source].pop())


def _now() -> Entry:
    return st.session_state[_START], st.session_state[_SPEC], st.session_state.get(_SELECTED)


def _set(entry: Entry) -> None:
    start, spec, st.session_state[_SELECTED] = entry
    if start != st.session_state[_START]:
        rebase(start)
    st.session_state[_SPEC] = spec
