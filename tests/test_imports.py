"""Imports point one way, streamlit stays in its rooms, and what must be quick imports no torch."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

from digitlab.settings import VERSION

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "digitlab").rglob("*.py"))
PAGES = [ROOT / "Home.py", *sorted((ROOT / "pages").glob("*.py"))]
FILES = PACKAGE + PAGES

# What each room may import, also inside functions. `api` is digitlab/__init__.py: the public API,
# which reaches every room and is imported by none but those that stand above them all.
GROUND = {
    *("errors", "settings", "files", "words", "sandbox"),
    *("owners", "visitors", "quotas"),
}
DRAWING = GROUND
DATA = GROUND | {"drawing"}  # which may rasterise strokes as a drawing is read
MODELS = GROUND | {"drawing"}
EVALUATION = GROUND | {"drawing"}
TRAINING = GROUND | {"models", "data", "evaluation", "drawing"}
RUNS = TRAINING | {"training"}
EXECUTION = ANALYSIS = IMPORTS = RUNS | {"runs"}  # these and `exports` never import each other
FIGURES = GROUND | {"drawing", "data", "models", "evaluation"}  # their plain results
SNIPPETS = GROUND | {"models", "data", "evaluation", "training"}
EXPORTS = RUNS | {"runs", "figures", "snippets"}  # a report has figures, a notebook has code
LESSONS = RUNS | {"runs", "analysis", "snippets"}  # a notebook has code
CLASSROOM = LESSONS | {"lessons", "exports"}  # a room leaves as one ZIP
JOBS = EXPORTS | CLASSROOM | {"execution", "imports", "classroom"}  # whose training a room pauses
SWEEPS = JOBS | {"jobs"}
UI = SWEEPS | {"sweeps"}
ALLOWED = {
    "errors": set(),
    "settings": {"errors"},
    "files": {"errors", "settings", "words"},
    "words": set(),
    "owners": {"errors", "settings"},
    "visitors": {"errors", "settings", "files", "owners"},
    "quotas": {"errors", "settings", "words", "owners", "visitors"},
    "sandbox": {"errors"},
    "drawing": DRAWING,
    "data": DATA,
    "models": MODELS,
    "evaluation": EVALUATION,
    "training": TRAINING,
    "runs": RUNS,
    "execution": EXECUTION,
    "analysis": ANALYSIS,
    "imports": IMPORTS,
    "exports": EXPORTS,
    "jobs": JOBS,
    "sweeps": SWEEPS,
    "lessons": LESSONS,
    "classroom": CLASSROOM,
    "figures": FIGURES,
    "snippets": SNIPPETS,
    "ui": UI,
    "pages": UI | {"ui"},
    "api": UI,
    # Thin over the public API; what only a person at a terminal needs comes from its own room.
    "cli": UI | {"api", "bench"},
    "bench": UI | {"api"},
    "__main__": {"cli", "sweeps"},
    "assets": JOBS | {"api"},
}
MAY_IMPORT_STREAMLIT = {"ui", "pages"}


def room(path):
    """The room that a file belongs to."""
    if path in PAGES:
        return "pages"
    inner = path.relative_to(ROOT / "digitlab").with_suffix("").parts
    return "api" if inner == ("__init__",) else inner[0]


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE
}
NAMES = {path: name for name, path in MODULES.items()}
STUB = ROOT / "digitlab" / "__init__.pyi"  # from which the public API is imported when it is used


class Import(NamedTuple):
    """A module, or a name in one, that a file imports; `at_start` when it is itself imported."""

    name: str
    line: int
    at_start: bool = False
    for_types: bool = False
    by_name: bool = False

    @property
    def module(self):
        """The module that is loaded, or None for one that is not ours."""
        inner = self.name if self.name in MODULES else self.name.rpartition(".")[0]
        return inner if inner in MODULES else None


@cache
def imports(path):
    """All that a file imports, in functions, for type checkers and by name too, with the lines."""
    found = list(_imports(ast.parse(path.read_text(encoding="utf-8")), path, {"at_start": True}))
    return found + (imports(STUB) if path == MODULES["digitlab"] else [])


def _imports(node, path, how):
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, node.lineno, **how) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level or path == STUB, f"{path}:{node.lineno}: write imports in full"
        module = f"digitlab.{node.module}" if node.level else node.module
        how = {} if path == STUB else how
        for alias in node.names:  # `from digitlab import drawing` imports a room, too
            yield Import(f"{module}.{alias.name}", node.lineno, **how)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # A string that names a module of ours is imported or run: launch("digitlab.jobs.pool").
        named = Import(node.value, node.lineno, by_name=True)
        if named.module not in (None, "digitlab"):
            yield named
    else:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            how = {}
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            how = {"for_types": True}
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, path, how)


def imported_rooms(path):
    """The rooms of digitlab that a file imports, with their lines."""
    rooms = {entry.stem for entry in (ROOT / "digitlab").iterdir()}
    for imported in imports(path):
        first, _, rest = imported.name.partition(".")
        if first == "digitlab":
            inner = rest.partition(".")[0]
            yield (inner if inner in rooms else "api"), imported.line


@cache
def loaded_with(name):
    """The modules of ours and the top-level packages of others that importing a module loads."""
    loaded = set()
    todo = [name]
    while todo:
        parts = todo.pop().split(".")
        for parent in {".".join(parts[:end]) for end in range(1, len(parts) + 1)} - loaded:
            loaded.add(parent)
            for imported in imports(MODULES[parent]) if parent in MODULES else ():
                if imported.at_start and imported.module:
                    todo.append(imported.module)
                elif imported.at_start:
                    loaded.add(imported.name.partition(".")[0])
    return loaded


def relative(path):
    return str(path.relative_to(ROOT))


def test_imports_point_down():
    for path in FILES:
        here = room(path)
        assert here in ALLOWED, f"a new room: say in ALLOWED what {here} may import"
        wrong = [
            f"{relative(path)}:{line} imports {there}"
            for there, line in imported_rooms(path)
            if there != here and there not in ALLOWED[here]
        ]
        assert not wrong, f"{here} may import {', '.join(sorted(ALLOWED[here])) or 'no room'}"


def test_no_two_rooms_import_each_other():
    for here, below in ALLOWED.items():
        for there in below:
            assert here not in ALLOWED[there], f"{here} and {there}"


def test_streamlit_is_imported_in_ui_and_pages_only():
    for path in FILES:
        if room(path) not in MAY_IMPORT_STREAMLIT:
            for name, line, *_ in imports(path):
                assert not name.startswith("streamlit"), f"{relative(path)}:{line} imports {name}"


@pytest.mark.parametrize(
    ("rooms", "packages"),
    [
        ({"drawing"}, {"torch", "torchvision", "sklearn"}),
        ({"figures"}, {"torch", "torchvision", "sklearn"}),
        ({"evaluation"}, {"torch", "torchvision"}),
        ({"errors", "settings"}, {"torch", "numpy", "pydantic"}),
        (
            {"drawing", "evaluation", "data", "models", "training", "runs", "execution", "jobs"},
            {"plotly"},
        ),
    ],
    ids=lambda names: "+".join(sorted(names)),
)
def test_rooms_keep_out_what_is_not_theirs(rooms, packages):
    for path in PACKAGE:
        if room(path) in rooms:
            found = {imported.name.partition(".")[0] for imported in imports(path)}
            assert not found & packages, relative(path)


def test_no_circle_between_files():
    graph = {
        name: {each.module for each in imports(path) if not each.by_name} - {name, None}
        for name, path in MODULES.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names a circle


# What takes some 20 ms or more to load.
SLOW = {
    *("numpy", "scipy", "torch", "torchvision", "sklearn", "captum", "cleanlab", "pandas"),
    *("plotly", "streamlit", "pydantic", "sqlalchemy", "alembic", "jinja2", "nbformat"),
    *("onnx", "onnxscript", "optuna", "tensorboardX", "rich", "typer", "h5py", "pyarrow"),
}


def test_functions_import_only_what_would_slow_the_start():
    for path in FILES:
        known = [imported for imported in imports(path) if imported.module]
        loaded = loaded_with(NAMES[path]) if path in NAMES else set()
        loaded = loaded.union(*(loaded_with(each.module) for each in known if each.at_start))
        for each in known:
            if not (each.at_start or each.for_types or each.by_name or path == MODULES["digitlab"]):
                assert (loaded_with(each.module) - loaded) & SLOW, (
                    f"{relative(path)}:{each.line} imports {each.name} in a function, which saves "
                    "nothing: import it at the top"
                )


def test_pages_stay_thin():
    for path in PAGES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 120, f"{relative(path)} has {lines} lines: move what it does to digitlab/ui"


def test_a_file_says_what_it_holds():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        said = ast.get_docstring(ast.parse(text))
        assert said, relative(path)
        assert said[0] != "\n", relative(path)


def test_functions_stay_short():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = node.body[0] if ast.get_docstring(node) else None
                words = said.end_lineno - said.lineno + 1 if said else 0
                lines = node.end_lineno - node.lineno + 1 - words
                assert lines <= 50, (
                    f"{relative(path)}: {node.name} has {lines} lines; 50 is the limit"
                )


def module_level(path):
    """Modules that a file imports when it is itself imported, without those for type checkers."""
    names = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module)
            names += [
                f"{node.module}.{alias.name}"
                for alias in node.names
                if (ROOT / f"{node.module}.{alias.name}".replace(".", "/"))
                .with_suffix(".py")
                .is_file()
            ]
    return [name for name in names if name != "__future__"]


def loaded_by(modules):
    """The top-level packages in memory of a fresh Python that imported `modules`."""
    code = f"""
import importlib, sys
for name in {sorted(modules)!r}:
    importlib.import_module(name)
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


HEAVY = {"torch", "torchvision", "sklearn"}


def test_importing_digitlab_costs_nothing():
    loaded = loaded_by(["digitlab"])
    assert not loaded & (HEAVY | {"streamlit", "numpy", "pydantic", "sqlalchemy", "pandas"})


def test_everything_that_home_imports_leaves_torch_alone():
    modules = module_level(ROOT / "Home.py")
    assert any(name.startswith("digitlab.ui") for name in modules)
    assert not loaded_by(modules) & HEAVY


def test_reading_a_drawing_and_drawing_figures_leave_torch_alone():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in PACKAGE
        if room(path) in ("drawing", "figures", "snippets") and path.name != "__init__.py"
    ]
    assert len(modules) > 8
    assert not loaded_by(modules) & (HEAVY | {"streamlit"})


def test_the_public_api_is_whole():
    import digitlab as dl

    assert len(dl.__all__) > 30
    for name in dl.__all__:
        assert getattr(dl, name) is not None
        assert name in dir(dl)
    assert dl.__version__ == VERSION
    with pytest.raises(AttributeError, match="nosuch"):
        _ = dl.nosuch


def test_no_module_hides_a_public_name():
    # Importing digitlab.export, if there were such a module, would put it where dl.export is.
    import digitlab as dl

    modules = {entry.stem for entry in (ROOT / "digitlab").iterdir()}
    assert "exports" in modules
    assert not modules & set(dl.__all__)


def test_importing_digitlab_lets_openmp_wait_asleep_unless_somebody_chose():
    code = "import digitlab, os; print(os.environ['OMP_WAIT_POLICY'])"
    plain = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    for given, kept in ({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=plain | given,
            capture_output=True,
            text=True,
        )
        assert done.stdout.strip() == kept


def test_no_source_file_can_pickle():
    forbidden = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    for path in [*ROOT.glob("digitlab/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "Home.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = set()
            if isinstance(node, ast.Import):
                names = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {(node.module or "").partition(".")[0]}
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called == "torch.load" and path.name == "torch_file.py":
                    # state dicts from outside, in a process of its own
                    called += " weights_only=True" * ("weights_only=True" in ast.unparse(node))
                assert called not in ("torch.load", "torch.save", "eval", "exec"), path
                allowed = [word for word in node.keywords if word.arg == "allow_pickle"]
                assert all(ast.unparse(word.value) == "False" for word in allowed), path
            assert not names & forbidden, path


def test_every_name_that_is_imported_is_there():
    """Those of imports in functions, too, which fail only when the function is called."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {
            inner
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            ours = isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] == "digitlab"
            if ours and node not in for_types:
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")


def test_every_request_of_pages_is_a_function():
    """`jobs.compute.requests` names functions of a module that it does not load."""
    requests = importlib.import_module("digitlab.jobs.requests")
    names = {
        node.attr
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "requests"
    }
    assert len(names) > 30
    assert not [name for name in names if not callable(getattr(requests, name, None))]
