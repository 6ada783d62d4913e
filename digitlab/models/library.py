"""Architectures saved under a name: one YAML file each in $DIGITLAB_HOME/architectures, or in a
visitor's folder.

What is saved is a spec and nothing else; it is read by the same bounded reader as any text. This
module does not import torch.
"""

from __future__ import annotations

import re
from pathlib import Path

from digitlab import quotas, visitors
from digitlab.errors import SpecError, StoreError
from digitlab.files import write_atomically
from digitlab.models.layer import shown
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec

KIND = "architectures"
MAX_SAVED = 200
MAX_NAME = 60
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_NAME - 1}}}")
_RESERVED = ("own", "con", "prn", "aux", "nul")  # a word of links; devices of Windows


def list_saved() -> tuple[str, ...]:
    """The names of all saved architectures, in alphabetical order."""
    names = {path.stem for folder in visitors.folders(KIND) for path in folder.glob("*.yaml")}
    return tuple(sorted(filter(_NAME.fullmatch, names), key=str.casefold))


def is_saved(name: str) -> bool:
    """Whether there is an architecture of exactly that name."""
    return _well_named(name) and name in list_saved()


def load_saved(name: str) -> ModelSpec:
    """The architecture saved as `name`. Raises SpecError where there is none, or no longer one."""
    if not is_saved(name):
        raise SpecError(f"There is no saved architecture {shown(name)}.")
    return ModelSpec.from_file(_path(name)).renamed(name)


def save_model(spec: ModelSpec, name: str, *, overwrite: bool = False) -> ModelSpec:
    """Save `spec` as `name`, whole or not at all; gives the spec under that name.

    A name has 1 to 60 letters, digits, - and _. Raises SpecError for another one, for that of a
    preset, for one that is taken (also in other capitals) unless `overwrite`, and when
    `MAX_SAVED` are saved; StoreError where the file cannot be written.
    """
    check_name(name)
    alike = [other for other in list_saved() if other.casefold() == name.casefold()]
    if alike and alike[0] != name:
        raise SpecError(
            f"{alike[0]} differs from {name} only in capital letters. Some file systems do not "
            f"distinguish them; choose another name."
        )
    if alike and not overwrite:
        raise SpecError(f"There is an architecture {name} already; overwrite it or rename yours.")
    folder = visitors.folders(KIND)[0]
    quotas.check_count(KIND, sum(1 for _ in folder.glob("*.yaml")) - bool(alike), SpecError)
    if not alike and len(list_saved()) >= MAX_SAVED:
        raise SpecError(
            f"{MAX_SAVED} architectures are saved, and no more are allowed; delete one."
        )
    renamed = spec.renamed(name)
    quotas.check_disk(0, 0, SpecError)
    write_atomically(folder / _path(name).name, renamed.to_yaml())
    return renamed


def delete_saved(name: str) -> None:
    """Delete a saved architecture. Raises SpecError where there is none; runs made of it stay."""
    if not is_saved(name):
        raise SpecError(f"There is no saved architecture {shown(name)}.")
    try:
        owned = visitors.find_own(KIND, f"{name}.yaml", SpecError, f"The architecture {name}")
        owned.unlink(missing_ok=True)
    except OSError as e:
        raise StoreError(f"{name} could not be deleted ({e.strerror or e}).") from e


def check_name(name: str) -> None:
    """Raise SpecError for what cannot name a saved architecture."""
    if not _well_named(name):
        raise SpecError(
            f"A name has 1 to {MAX_NAME} letters, digits, - and _, and begins with a letter or "
            f"digit, such as {suggest_name(name)}; not {shown(name)}."
        )
    presets = {preset.name for preset in list_presets()}
    if name.casefold() in presets or name.casefold() in _RESERVED:
        raise SpecError(f"{name} is the name of something else already; choose another.")


def suggest_name(text: object) -> str:
    """A name that may be saved under, made of any text: "My net (2)" gives "My-net-2"."""
    parts = re.findall(r"[A-Za-z0-9_]+", text if isinstance(text, str) else "")
    return "-".join(parts).strip("_-")[:MAX_NAME].rstrip("-") or "my-network"


def _well_named(name: object) -> bool:
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def _path(name: str) -> Path:
    assert _well_named(name)
    return visitors.find(KIND, f"{name}.yaml")
