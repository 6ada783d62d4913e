"""Choosing an architecture: a preset, or one's own carried in the URL."""

from __future__ import annotations

import base64
import binascii
import json
import zlib

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.classical.catalog import list_estimators
from digitlab.models.library import list_saved
from digitlab.models.load import load_model
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec
from digitlab.models.torchvision_names import TORCHVISION_MODELS
from digitlab.ui import url

OWN = "own"
DEFAULT = "two-hidden-64-relu"
LARGEST = 200_000  # bytes of an architecture's text, unpacked
# Characters of one in a link. Proxies in front of a hosted app take about 8,000 in a whole address,
# and the page's other choices want room beside it.
LONGEST_LINK = 6_000


def pack(spec: ModelSpec) -> str:
    """An architecture as a short text that fits into a URL."""
    plain = json.dumps(spec.to_dict(), separators=(",", ":"), ensure_ascii=False)
    squeezed = zlib.compress(plain.encode(), level=9)
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
    """Make `spec` the visitor's own architecture, in the URL where it fits into one."""
    text = pack(spec)
    if len(text) <= LONGEST_LINK:
        url.put("spec", text)
    else:
        url.keep("spec", text)


def forget_own() -> None:
    """There is no architecture of the visitor's own."""
    url.drop("spec")


def own_link() -> str | None:
    """The visitor's own architecture as the text of a link, whether or not it fits into one."""
    return url.get("spec")


def fits_link(spec: ModelSpec) -> bool:
    """Whether an architecture is short enough for a link."""
    return len(pack(spec)) <= LONGEST_LINK


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


def model_options() -> dict[str, str]:
    """Every architecture with a name, and what people read: presets, saved, classical, whole."""
    presets = {preset.name: preset.title for preset in list_presets()}
    saved = {name: f"{name} (saved)" for name in list_saved() if name not in presets}
    whole = {name: f"{name.partition('/')[2]} (torchvision)" for name in TORCHVISION_MODELS}
    classical = {name: f"{name.partition('/')[2]} (scikit-learn)" for name in list_estimators()}
    return {**presets, **saved, **classical, **whole}


def pick_model() -> tuple[str, ModelSpec]:
    """The chosen architecture: its name (or `own`) and its spec."""
    own = own_spec()
    options = model_options()
    if own is not None:
        options = {OWN: f"Your own: {own.name}", **options}
    name = url.choose(
        "Model",
        options,
        param="model",
        default=DEFAULT,
        always=True,
        help="Known architectures, those saved on the Architecture page, and the networks of "
        "torchvision. Type to search.",
    )
    if name == OWN and own is not None:
        return name, own
    try:
        return name, load_model(name)
    except SpecError as e:  # the file of a saved one may be gone or broken
        st.error(str(e), icon=":material/error:")
        return DEFAULT, load_model(DEFAULT)
