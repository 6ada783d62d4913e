"""FILE:NAME, a person's own network: `my_model.py:Net`. The file is run, because they named it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import digitlab as dl
from digitlab.errors import SpecError

if TYPE_CHECKING:
    from torch import nn

_FORM = re.compile(r"(?P<file>.+\.py):(?P<name>[A-Za-z_]\w*)")


def own_model(model: str) -> str | nn.Module | dl.ModelSpec:
    """What `FILE.py:NAME` names, after running the file; any other text as it is.

    NAME is a class or function that needs no arguments, or what it would give: an nn.Module or a
    ModelSpec. Raises SpecError for a missing file or name and for an error in the file.
    """
    match = _FORM.fullmatch(model)
    if match is None:
        return model
    path, name = Path(match["file"]), match["name"]
    value = getattr(_run(path), name, None)
    if value is None:
        raise SpecError(f"{path} has no {name}.")
    return _network(value, model)


def _run(path: Path) -> Any:
    if not path.is_file():
        raise SpecError(f"There is no file {path}.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # as an import does; what is defined there may ask for it
    sys.path.insert(0, str(path.resolve().parent))  # its neighbours can be imported
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # any error of a person's own code
        raise _failed(f"Running {path}", error) from error
    finally:
        sys.path.pop(0)
    return module


def _network(value: Any, model: str) -> Any:
    from torch import nn

    if not isinstance(value, nn.Module | dl.ModelSpec) and callable(value):
        try:
            value = value()
        except Exception as error:
            raise _failed(f"Calling {model} without arguments", error) from error
    if not isinstance(value, nn.Module | dl.ModelSpec):
        raise SpecError(
            f"{model} gives {type(value).__name__}; it must be an nn.Module or a ModelSpec, or a "
            f"class or function that makes one without arguments."
        )
    return value


def _failed(what: str, error: Exception) -> SpecError:
    return SpecError(f"{what} fails ({type(error).__name__}: {error}).")
