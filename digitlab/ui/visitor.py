"""Who looks at the pages, where visitors are strangers: each has things of their own, see `owners`.

A visitor without an account is known by 128 random bits that the browser keeps as a cookie. Where
it keeps none, as in a frame of another site, they are in the frame's address, encrypted with a key
of this server: an address that it did not make is nobody's, nor is one in another kind of browser,
or from another IP address. What came from an address never becomes a cookie, and outside a frame
the page forgets it and begins anew: a link makes nobody another visitor. Whoever signs in, where
the host configured that, is known by their verified address on every device.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from filelock import FileLock
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from digitlab import owners, visitors
from digitlab.errors import DigitlabError, StoreError
from digitlab.files import write_atomically, writing
from digitlab.settings import read_settings
from digitlab.ui import url
from digitlab.ui.markdown import plain
from digitlab.words import counted

COOKIE = "digitlab_visitor"
PARAM = "visitor"
KEY = "key"  # of a run that its owner shares
PROOF = "visitor:proof"  # of who they are, in the session
_SECRET = "visitor:secret"
_AWAY = "visitor:away"  # in the session: seconds since the visit before
_LONG_AGO = 10_000  # days: nobody was here before
_LINKED = "visitor:linked"  # in the session: whether the secret came from the address
_KEYS = "visitor:keys"
_FORM = re.compile(r"[0-9a-f]{32}")
_KEY_BYTES = 32
_NOBODY = owners.Visitor(secrets.token_hex(16))

_SCRIPT = """
export default function ({ data }) {
  const pair = `${data.name}=${data.secret}`, framed = window.top !== window.self;
  const kept = () => document.cookie.split("; ").includes(pair);
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const more = framed && secure ? "; SameSite=None; Partitioned" : "; SameSite=Lax";
  const told = () => {
    const address = new URL(location.href);
    if (kept() || !framed) address.searchParams.delete(data.param);
    else address.searchParams.set(data.param, data.masked);
    return address;
  };
  if (data.linked && !framed) {
    location.replace(told());
    return;
  }
  if (!data.linked) {  // anew by each visit, or it would go a year after the first
    document.cookie = `${pair}; Path=/; Max-Age=31536000${secure}${more}`;
  }
  const write = () => {
    const address = told();
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  };
  write();
  if (kept() || !framed) return;
  const timer = setInterval(write, 500);  // pages write the address, too, and know nothing of it
  return () => clearInterval(timer);
}
"""


@cache
def _component() -> Any:
    return st.components.v2.component("digitlab-visitor", js=_SCRIPT)


def find_visitor() -> owners.Visitor | None:
    """Who looks at the page that is made now; None where nobody is a stranger.

    In a thread of the server that belongs to no page it is somebody who has nothing: what acts for
    the server itself, or for the visitor of a page, says so by `owners.acting_for`.
    """
    if not read_settings().hosted:
        return None
    if get_script_run_ctx(suppress_warning=True) is None:
        return _NOBODY if runtime.exists() else None
    if PROOF not in st.session_state:  # signing in and out begin another session
        st.session_state[PROOF] = _signed_in() or _secret()
    proof = st.session_state[PROOF]
    admin = proof in read_settings().admins
    return owners.Visitor(owners.owner_of(proof), admin, frozenset(_keys().values()))


owners.ask_for_visitors(find_visitor)


def for_visitor(make: Callable[[], Any]) -> Callable[[], Any]:
    """`make`, which acts for who looks at the page now, whenever and wherever it is called.

    Streamlit calls what makes a download's file in a thread that belongs to no page.
    """
    return owners.acting_for(owners.acting())(make)


def _signed_in() -> str:
    """The verified address of whoever signed in, else how the provider names them; or empty."""
    known = st.user.to_dict()
    if not known.get("is_logged_in"):
        return ""
    address = str(known.get("email") or "").lower()
    verified = known.get("email_verified") is True and "@" in address
    return address if verified else f"{known.get('iss')} {known.get('sub')}"


def _secret() -> str:
    """The bits that the browser keeps; new ones on a first visit."""
    if _SECRET not in st.session_state:
        cookie = str(st.context.cookies.get(COOKIE))
        own_secret = cookie if _FORM.fullmatch(cookie) else None
        linked = None if own_secret else _unmask(str(st.query_params.get(PARAM)))
        st.session_state[_LINKED] = linked is not None
        st.session_state[_SECRET] = own_secret or linked or secrets.token_hex(16)
    return st.session_state[_SECRET]


def _mask(secret: str) -> str:
    """The bits as they may stand in an address: a tag, by which they are encrypted."""
    tag = _digest("tag", secret)
    return tag + _xor(secret, _digest("mask", tag))


def _unmask(masked: str) -> str | None:
    """The bits of an address that this server made for this browser; None of any other."""
    tag, encrypted = masked[:32], masked[32:]
    if not (_FORM.fullmatch(tag) and _FORM.fullmatch(encrypted)):
        return None
    secret = _xor(encrypted, _digest("mask", tag))
    return secret if hmac.compare_digest(tag, _digest("tag", secret)) else None


def _xor(first: str, second: str) -> str:
    return f"{int(first, 16) ^ int(second, 16):032x}"


def _digest(purpose: str, text: str) -> str:
    """32 hexadecimal digits that only this server can tell, others in each browser and network."""
    message = f"{purpose} {text} {_place()}".encode()
    return hmac.digest(_key(read_settings().home), message, "sha256").hex()[:32]


def _place() -> str:
    return f"{st.context.ip_address} {st.context.headers.get('User-Agent')}"


@lru_cache(maxsize=4)
def _key(home: Path) -> bytes:
    """32 random bytes, kept in the home, or as long as the server runs where nothing is written."""
    path = home / "visitor.key"
    try:
        with writing(path):
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / "visitor.lock"):  # another server of this home may begin, too
                if not path.is_file() or path.stat().st_size != _KEY_BYTES:
                    write_atomically(path, secrets.token_bytes(_KEY_BYTES), private=True)
                return path.read_bytes()
    except StoreError:
        return secrets.token_bytes(_KEY_BYTES)


def _keys() -> dict[str, str]:
    """The keys of links that were opened in this visit, by the runs that they show."""
    run_id, key = st.query_params.get("run"), st.query_params.get(KEY)
    keys = st.session_state.setdefault(_KEYS, {})
    if run_id and key and key not in keys.values():
        keys[run_id] = key[:80]
    return keys


def show_visitor() -> None:
    """How long things are kept, and a way to sign in; nothing where nobody is a stranger.

    The browser is asked to keep who its visitor is, and the URL to show a shared run again.
    """
    visitor, settings = owners.acting(), read_settings()
    if visitor is None:
        return
    _note_visit(visitor)
    key = _keys().get(url.get("run") or "")
    if key:
        st.query_params[KEY] = key
    else:
        st.query_params.pop(KEY, None)
    with st.sidebar.container(gap="small"):
        if visitor.admin:
            st.caption("You are an admin: you see and may change what any visitor made.")
        elif settings.keep_days:
            st.caption(
                "What you make here is yours alone until you share it, and stays for "
                f"{counted(settings.keep_days, 'day')} after your last visit."
            )
        _show_account()
        _ask_browser()


def note_visitor() -> None:
    """`show_visitor` where nothing is shown of it: whoever keeps something here was here."""
    visitor = owners.acting()
    if visitor is not None and visitors.has_things(visitor.owner):
        _note_visit(visitor)
        _ask_browser()


def _note_visit(visitor: owners.Visitor) -> None:
    away = time.time() - visitors.last_visit(visitor.owner)
    st.session_state.setdefault(_AWAY, away)
    visitors.note_visit(visitor.owner)
    _clear_hourly(str(read_settings().home))


def _ask_browser() -> None:
    """Ask the browser to keep who its visitor is."""
    secret = _secret()
    data = {"name": COOKIE, "param": PARAM, "secret": secret, "masked": _mask(secret)}
    data["linked"] = st.session_state[_LINKED]
    _component()(key="visitor", data=data, height=1)


def warn_of_loss() -> None:
    """Say where what a visitor made may go: the disk fills up, or they were away for long."""
    visitor, settings = owners.acting(), read_settings()
    if visitor is None or visitor.admin or not visitors.has_things(visitor.owner):
        return
    if _clear_hourly(str(settings.home))["filling up"]:
        st.warning(
            "The disk here is nearly full: what visitors made goes, first that of those who never "
            "came back on another day, then rooms that no class used today, then that of those who "
            "came last for the first time. Download the runs that you want to keep.",
            icon=":material/hard_drive:",
        )
    days = st.session_state.get(_AWAY, 0.0) / visitors.DAY
    if settings.keep_days and settings.keep_days / 2 < days < _LONG_AGO:
        st.warning(
            f"You were away for {counted(round(days), 'day')}. What you made here, your runs too, "
            f"goes {counted(settings.keep_days, 'day')} after your last visit: come back in time, "
            "or download what you want to keep.",
            icon=":material/event:",
        )


@st.cache_resource(ttl=3_600.0, max_entries=1, show_spinner=False)
def _clear_hourly(_home: str) -> dict[str, bool]:
    """Delete what visitors left behind, beside the pages; whether the disk fills up, once known."""
    from digitlab.jobs import retention

    state = {"filling up": False}

    def clear() -> None:
        state["filling up"] = retention.is_filling_up()
        retention.clear()

    threading.Thread(target=clear, daemon=True).start()
    return state


def _adopt(before: str) -> None:
    from digitlab.classroom.members import move_rooms
    from digitlab.runs.edit import adopt

    try:
        count = adopt(before, owners.acting().owner)
        move_rooms(before, owners.acting().owner)
    except DigitlabError as e:
        st.toast(plain(str(e)), icon=":material/error:")
    else:
        st.toast(f"{counted(count, 'run')} became yours.", icon=":material/move_down:")


def _show_account() -> None:
    """A button to sign in or out, where the host configured that."""
    known = st.user.to_dict()
    if known.get("is_logged_in"):
        before = owners.owner_of(_secret())
        if visitors.has_things(before):
            st.button(
                "Take over what I made",
                key="adopt",
                icon=":material/move_down:",
                help="Runs, data and architectures that were made in this browser before signing "
                "in become those of your account.",
                on_click=_adopt,
                args=(before,),
            )
        st.button("Sign out", key="sign-out", icon=":material/logout:", on_click=st.logout)
    elif "is_logged_in" in known:
        st.button("Sign in", key="sign-in", icon=":material/login:", on_click=st.login)
