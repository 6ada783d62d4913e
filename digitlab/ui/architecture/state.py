"""The architecture that a visitor edits, with its history for undo and redo.

All views of the page show one spec. Every change goes through `commit`, so that it can be undone,
and `update_url` writes the result into the URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.edit import is_branch, layer_at
from digitlab.models.layer import Path
from digitlab.models.load import load_model
from digitlab.models.naming import distinct_name
from digitlab.ui import page, url
from digitlab.ui.architecture.outline import is_group
from digitlab.ui.model_picker import DEFAULT, forget_own, own_link, own_spec, remember_own

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

# The start, the spec, the path of the selection, and the pasted text that it began as.
Entry = tuple[str, "ModelSpec", Path | None, str]
MAX_HISTORY = 100  # changes that can be undone
_SPEC = "architecture:spec"
_START = "architecture:start"  # the name of the preset or other model that it started from
_PAST = "architecture:past"  # the oldest first
_FUTURE = "architecture:future"  # undone ones, the last undone at the end
_TEXT = "architecture:began-as"
_SELECTED = "architecture:selected"
_LINK = "architecture:link"  # the text of the link that the spec was read from or written to
_PROBLEM = "architecture:problem"
_REVISION = "architecture:revision"


def open_architecture(start: str) -> ModelSpec:
    """The architecture to show: the visitor's own, the one in a link, or the start.

    `start` is the picker's choice. A new choice replaces the architecture, which can be undone.
    """
    link = own_link()
    is_new = bool(link) and link != st.session_state.get(_LINK)
    if _SPEC not in st.session_state:
        st.session_state[_START] = start
        st.session_state[_SPEC] = (own_spec() if is_new else None) or load_start(start)
    elif start != st.session_state[_START]:
        commit((own_spec() if is_new else None) or load_start(start), start=start)
    elif is_new:
        commit(own_spec() or current(), text="")
    update_url()
    return current()


def update_url() -> None:
    """Write the architecture into the URL, unless it equals the start."""
    spec = current()
    if spec == load_start(st.session_state[_START]):
        forget_own()
    else:
        remember_own(spec)
    st.session_state[_LINK] = own_link()


def load_start(start: str) -> ModelSpec:
    """The unchanged architecture of that name; the default if it no longer exists."""
    try:
        return load_model(start)
    except SpecError as e:
        report(str(e))
        return load_model(DEFAULT)


def current() -> ModelSpec:
    """The architecture with all changes."""
    return st.session_state[_SPEC]


def start_name() -> str:
    """The name of the architecture that the current one started from."""
    return load_start(st.session_state[_START]).name


def is_changed() -> bool:
    """Whether the architecture differs from its start."""
    return current() != load_start(st.session_state[_START])


def commit(
    spec: ModelSpec,
    *,
    select: Path | None = None,
    start: str | None = None,
    text: str | None = None,
) -> None:
    """Make `spec` the architecture; the change can be undone.

    Where it is still named after its start, its name tells how many changes were made. With a
    `start` or a pasted `text` it begins anew; otherwise it is what it was, edited.
    """
    before = _now()
    spec = distinct_name(spec, load_start(start or before[0]))
    if select is not None:
        st.session_state[_SELECTED] = select
    text = ("" if start else before[3]) if text is None else text
    after = (start or before[0], spec, st.session_state.get(_SELECTED), text)
    if after[:2] == before[:2]:
        st.session_state[_TEXT] = text
        return
    past = st.session_state.setdefault(_PAST, [])
    past.append(before)
    del past[:-MAX_HISTORY]
    st.session_state[_FUTURE] = []
    _set(after)


def began_as() -> str:
    """The pasted text that the architecture was read from, perhaps edited since; or nothing."""
    return st.session_state.get(_TEXT, "")


def undo() -> None:
    """Undo the last change."""
    _step(_PAST, _FUTURE)


def redo() -> None:
    """Redo the last undone change."""
    _step(_FUTURE, _PAST)


def can_undo() -> bool:
    """Whether there is a change to undo."""
    return bool(st.session_state.get(_PAST))


def can_redo() -> bool:
    """Whether there is an undone change."""
    return bool(st.session_state.get(_FUTURE))


def revision() -> int:
    """How often undo or redo was used; in the keys of fields, so that they show restored values."""
    return st.session_state.get(_REVISION, 0)


def set_start(start: str) -> None:
    """Name another start, and leave the architecture unchanged."""
    st.session_state[_START] = start
    url.put("preset", start)


def forget_start(name: str) -> None:
    """Replace the start of that name, which was deleted, by the default."""
    for key in (_PAST, _FUTURE):
        entries = st.session_state.get(key, [])
        st.session_state[key] = [
            (DEFAULT if start == name else start, *rest) for start, *rest in entries
        ]
    set_start(DEFAULT)


def select(path: Path | None) -> None:
    """Select a layer or branch by its path."""
    st.session_state[_SELECTED] = path


def selected() -> Path | None:
    """The path of the selected layer or branch; if that is gone, of the nearest layer."""
    paths = [path for path, _ in current().walk()]
    path = st.session_state.get(_SELECTED)
    if path in paths or is_group(path) or (is_branch(path) and _has_branch(path)):
        return path
    for shorter in (path[:n] for n in range(len(path) - 1, 0, -1)) if path else ():
        if shorter in paths:
            return shorter
    if path and paths and isinstance(path[0], int) and path[0] > 0:
        return (min(path[0], len(current().layers) - 1),)
    return paths[0] if paths else None


def report(problem: str) -> None:
    """Keep an error message for the next rerun of the page."""
    st.session_state[_PROBLEM] = problem


def show_problem() -> None:
    """Show the reported error message, once."""
    problem = st.session_state.pop(_PROBLEM, None)
    if problem:
        page.show_error(problem)


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
    return (
        st.session_state[_START],
        st.session_state[_SPEC],
        st.session_state.get(_SELECTED),
        began_as(),
    )


def _set(entry: Entry) -> None:
    start, spec, st.session_state[_SELECTED], st.session_state[_TEXT] = entry
    if start != st.session_state[_START]:
        set_start(start)
    st.session_state[_SPEC] = spec
