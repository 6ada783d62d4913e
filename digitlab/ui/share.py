"""Sharing what a page shows: a link, a QR code for phones, and lines for another site."""

from __future__ import annotations

import html
import io
import ipaddress
import urllib.parse

import streamlit as st

from digitlab.runs.edit import share_run, unshare_run
from digitlab.runs.run import Run
from digitlab.ui import page
from digitlab.ui.labels import run_title

IFRAME = (420, 640)  # width and height in pixels for which views are made
QR_WIDTH = 180  # pixels


def link_to(**params: str) -> str:
    """The address of this page as the visitor's browser knows it, with these parameters."""
    base = (st.context.url or "").partition("?")[0]
    return f"{base}?{urllib.parse.urlencode(params)}"


def who_can_open(link: str) -> str:
    """A sentence where not everybody can open the link; else empty."""
    host = urllib.parse.urlsplit(link).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host in ("", "localhost") or (address and address.is_loopback):
        return "This app runs on your computer: only there can the link be opened."
    if (address and address.is_private) or host.endswith(".local") or "." not in host:
        return "Only computers in this network can open the link."
    return ""


def run_params(run: Run) -> dict[str, str]:
    """What a link needs to show the run to somebody else."""
    key = run.record.share
    return {"run": run.id, "key": key} if key else {"run": run.id}


def public_link(run: Run, view: str) -> str:
    """The link to this page's view of the run, if everybody can open it; else empty."""
    link = link_to(**run_params(run), view=view)
    return "" if who_can_open(link) else link


def offer_sharing(run: Run, view: str, sentence: str, **params: str) -> None:
    """A menu with the link to a view of the run; `sentence` tells what the link shows."""
    with st.container(width="content"):  # a fragment would take the rest of its row
        _show_menu(run, view, sentence, params)


@st.fragment
@page.guard()
def _show_menu(run: Run, view: str, sentence: str, params: dict[str, str]) -> None:
    """The menu; what is in it is made when it is opened."""
    menu = st.popover("Share", icon=":material/share:", key="share", on_change="rerun")
    if menu.open:
        run = run.refresh()
        with menu:
            if run.record.owner is None or run.record.share:
                _show_link(run, link_to(**run_params(run), view=view, **params), sentence)
            if run.record.owner is not None and run.record.changeable:
                _show_switch(run)


def _show_switch(run: Run) -> None:
    """The button that lets links show a visitor's run to others, or no longer."""
    if run.record.share:
        if st.button("Stop sharing", icon=":material/link_off:"):
            unshare_run(run.id)
            st.rerun(scope="fragment")
        return
    st.markdown("Only you can see this run. Whoever has its link sees it, and cannot change it.")
    if st.button("Make a link", icon=":material/add_link:"):
        share_run(run.id)
        st.rerun(scope="fragment")


def _show_link(run: Run, link: str, sentence: str) -> None:
    st.markdown(sentence)
    st.code(link, language=None, wrap_lines=True)
    if warning := who_can_open(link):
        instead = "Everybody can open a web page: Results, Download."
        st.info(f"{warning} {instead}", icon=":material/lan:")
    picture = qr_code(link)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.image(picture, width=QR_WIDTH, alt="QR code of the link")
        st.download_button(
            "QR code",
            picture,
            f"{run.id}-qr.svg",
            "image/svg+xml",
            icon=":material/download:",
            on_click="ignore",
        )
        st.link_button("Open", link, icon=":material/open_in_new:")
    st.markdown("For another site:")
    st.code(iframe(link, run_title(run.record)), language=None, wrap_lines=True)


def qr_code(link: str) -> str:
    """The link as an SVG, black on white with the margin that readers need."""
    import segno

    picture = io.BytesIO()
    segno.make(link, micro=False).save(
        picture, kind="svg", scale=4, dark="#000", light="#fff", xmldecl=False
    )
    return picture.getvalue().decode()


def iframe(link: str, title: str) -> str:
    """HTML that shows the link's view within another page."""
    width, height = IFRAME
    source = html.escape(f"{link}&embed=true")
    return (
        f'<iframe src="{source}" title="{html.escape(title)}" width="{width}" height="{height}" '
        'style="border: 0; max-width: 100%" loading="lazy"></iframe>'
    )
