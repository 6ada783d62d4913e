"""Choosing an architecture: a preset, or one's own carried in the URL."""

from __future__ import annotations

import base64
import binascii
import zlib

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.presets import list_presets, load_preset
from digitlab.models.spec import ModelSpec
from digitlab.ui import url

OWN = "own"
DEFAULT = "two-hidden-64-relu"
LARGEST = 200_000  # bytes of an architecture's text, unpacked


def pack(spec: ModelSpec) -> str:
    """An architecture as a short text that fits into a URL."""
    squeezed = zlib.compress(spec.to_json().encode(), level=9)
    return base64.urlsafe_b64encode(squeezed).decode().rstrip("=")


def unpack(text: str) -> ModelSpec:
    """The architecture that `pack` made into a text; SpecError where it is none."""
    try:
        expander = zlib.decompressobj()
        squeezed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = expander.decompress(squeezed, LARGEST)
        if expander.unconsumed_tail:
            raise SpecError(f"The architecture in the link is larger than {LARGEST:,} bytes.")
        if not expander.eof:
            raise zlib.error("it ends too early")
        return ModelSpec.from_json(plain.decode())
    except (binascii.Error, zlib.error, ValueError) as e:
        raise SpecError(
            "The architecture in the link is incomplete: it was probably cut off when it was "
            "copied. Ask for the whole link, or start from a preset."
        ) from e


def remember_own(spec: ModelSpec) -> None:
    """Make `spec` the visitor's own architecture, in the URL."""
    url.put("spec", pack(spec))


def own_spec() -> ModelSpec | None:
    """The visitor's own architecture, if there is one; a broken link is said so."""
    text = url.get("spec")
    if not text:
        return None
    try:
        return unpack(text)
    except SpecError as e:
        st.warning(str(e), icon=":material/link_off:")
        url.drop("spec")
        return None


def pick_model() -> tuple[str, ModelSpec]:
    """The chosen architecture: its preset's name (or `own`) and its spec."""
    own = own_spec()
    options = {preset.name: preset.title for preset in list_presets()}
    if own is not None:
        options = {OWN: f"Your own: {own.name}", **options}
    name = url.choose("Model", options, param="model", default=DEFAULT, always=True)
    return name, own if name == OWN and own is not None else load_preset(name).spec
