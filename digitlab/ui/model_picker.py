"""Choosing an architecture: a preset, or the visitor's own, which the URL carries."""

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
from digitlab.models.naming import distinct_name
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec
from digitlab.models.whole_model_names import list_whole_models
from digitlab.ui import page, url

OWN = "own"
DEFAULT = "two-hidden-64-relu"
# Networks to begin with, which learn well on every dataset in seconds.
_FIRST = (DEFAULT, "cnn-small", "lenet-5")
MAX_BYTES = 200_000  # of the text of an architecture, unpacked
# Characters of an architecture in a link. Proxies of hosted apps accept URLs of about 8,000, and
# the page's other choices need room, too.
LONGEST_LINK = 6_000


def pack(spec: ModelSpec) -> str:
    """An architecture as a short text that fits into a URL."""
    plain = json.dumps(spec.to_dict(), separators=(",", ":"), ensure_ascii=False)
    compressed = zlib.compress(plain.encode(), level=9)
    return base64.urlsafe_b64encode(compressed).decode().rstrip("=")


def unpack(text: str) -> ModelSpec:
    """The architecture in a text made by `pack`; raises SpecError if there is none."""
    try:
        decompressor = zlib.decompressobj()
        compressed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        plain = decompressor.decompress(compressed, MAX_BYTES)
        if decompressor.unconsumed_tail:
            raise SpecError(f"The architecture in the link is larger than {MAX_BYTES:,} bytes.")
        if not decompressor.eof:
            raise zlib.error("it ends too early")
        return ModelSpec.from_json(plain.decode())
    except (binascii.Error, zlib.error, ValueError) as e:
        raise SpecError(
            "The architecture in the link is incomplete: it was probably cut off when it was "
            "copied. Ask for the whole link, or start from a preset."
        ) from e


def remember_own(spec: ModelSpec) -> None:
    """Make `spec` the visitor's own architecture, in the URL if it is short enough."""
    text = pack(spec)
    if len(text) <= LONGEST_LINK:
        url.put("spec", text)
    else:
        url.put_for_visit("spec", text)


def forget_own() -> None:
    """Drop the visitor's own architecture."""
    url.drop("spec")


def own_link() -> str | None:
    """The visitor's own architecture as the text of a link, even if it is too long for one."""
    return url.get("spec")


def fits_link(spec: ModelSpec) -> bool:
    """Whether an architecture is short enough for a link."""
    return len(pack(spec)) <= LONGEST_LINK


def own_spec() -> ModelSpec | None:
    """The visitor's own architecture, if there is one; shows a warning for a broken link."""
    text = url.get("spec")
    if not text:
        return None
    try:
        return distinct_name(unpack(text))
    except SpecError as e:
        page.show_error(e, st.warning, ":material/link_off:")
        url.drop("spec")
        return None


def model_options() -> dict[str, str]:
    """Name → label of every architecture: presets, saved ones, those of libraries.

    Networks to begin with come first, then the other presets from the smallest idea on, then one
    group after the other: a list that can be searched has no headings, so labels begin with it.
    """
    titles = {preset.name: preset.title for preset in list_presets()}
    presets = {name: titles[name] for name in (*_FIRST, *titles)}
    saved = {name: f"Saved · {name}" for name in list_saved() if name not in presets}
    classical = {name: f"scikit-learn · {name.partition('/')[2]}" for name in list_estimators()}
    whole = {name: name.replace("/", " · ", 1) for name in list_whole_models()}
    return {**presets, **saved, **classical, **whole}


def pick_models() -> list[tuple[str, ModelSpec]]:
    """Several architectures: the name (or `own`) and the spec of each."""
    own = own_spec()
    options = {OWN: f"Your own: {own.name}"} if own else {}
    options |= model_options()
    names = url.choose_several(
        "Models",
        options,
        param="model",
        default=[DEFAULT],
        help="Each model is trained with each combination of the settings below.",
    )
    models = []
    for name in names:
        try:
            models.append((name, own if name == OWN and own else load_model(name)))
        except SpecError as e:
            page.show_error(e)
    return models


def pick_model() -> tuple[str, ModelSpec]:
    """The chosen architecture: its name (or `own`) and its spec."""
    own = own_spec()
    url.keep_first("model")
    options = model_options()
    if own is not None:
        options = {OWN: f"Your own: {own.name}", **options}
    name = url.choose(
        "Model",
        options,
        param="model",
        default=DEFAULT,
        always=True,
        help="Presets, architectures saved on the Architecture page, and models of scikit-learn, "
        "torchvision and timm. Type to search.",
    )
    if name == OWN and own is not None:
        return name, own
    try:
        return name, load_model(name)
    except SpecError as e:  # the file of a saved architecture may be gone or broken
        page.show_error(e)
        return DEFAULT, load_model(DEFAULT)
