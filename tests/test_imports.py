"""Imports point one way, streamlit stays in its rooms, and what must be quick imports no torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digitlab.settings import VERSION

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "digitlab").rglob("*.py"))
PAGES = [ROOT / "Home.py", *sorted((ROOT / "pages").glob("*.py"))]
FILES = PACKAGE + PAGES

# What each room may import, also inside functions. `api` is digitlab/__init__.py: the public API,
# which reaches every room and is imported by none but those that stand above them all.
GROUND = {"errors", "settings", "files", "words"}
DRAWING = GROUND
DATA = GROUND | {"drawing"}  # which may rasterise strokes as a drawing is read
MODELS = GROUND | {"drawing"}
EVALUATION = GROUND | {"drawing"}
TRAINING = GROUND | {"models", "data", "evaluation", "drawing"}
RUNS = TRAINING | {"training"}
EXECUTION = ANALYSIS = RUNS | {"runs"}  # these and `exports` never import each other
FIGURES = GROUND | {"drawing", "data", "models", "evaluation"}  # their plain results
SNIPPETS = GROUND | {"models", "data", "evaluation", "training"}
EXPORTS = RUNS | {"runs", "figures", "snippets"}  # a report has figures, a notebook has code
JOBS = RUNS | {"runs", "execution", "analysis", "exports", "figures", "snippets"}
UI = JOBS | {"jobs"}
ALLOWED = {
    "errors": set(),
    "settings": {"errors"},
    "files": {"errors", "settings"},
    "words": set(),
    "drawing": DRAWING,
    "data": DATA,
    "models": MODELS,
    "evaluation": EVALUATION,
    "training": TRAINING,
    "runs": RUNS,
    "execution": EXECUTION,
    "analysis": ANALYSIS,
    "exports": EXPORTS,
    "jobs": JOBS,
    "figures": FIGURES,
    "snippets": SNIPPETS,
    "ui": UI,
    "pages": UI | {"ui"},
    "api": JOBS | {"jobs"},
    # Thin over the public API; what only a person at a terminal needs comes from its own room.
    "cli": JOBS | {"api", "jobs", "bench"},
    "bench": JOBS | {"api", "jobs"},
    "__main__": {"cli"},
    "assets": JOBS | {"api"},
}
MAY_IMPORT_STREAMLIT = {"ui", "pages"}


def room(path):
    """The room that a file belongs to."""
    if path in PAGES:
        return "pages"
    inner = path.relative_to(ROOT / "digitlab").with_suffix("").parts
    return "api" if inner == ("__init__",) else inner[0]


def imported_modules(path):
    """Dotted names of all modules that a file imports, wherever in it, with their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: write imports in full"
            for alias in node.names:  # `from digitlab import drawing` imports a room, too
                yield f"{node.module}.{alias.name}", node.lineno


def imported_rooms(path):
    """The rooms of digitlab that a file imports, with their lines."""
    rooms = {entry.stem for entry in (ROOT / "digitlab").iterdir()}
    for name, line in imported_modules(path):
        first, _, rest = name.partition(".")
        if first == "digitlab":
            inner = rest.partition(".")[0]
            yield (inner if inner in rooms else "api"), line


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_imports_point_down(path):
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


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_streamlit_is_imported_in_ui_and_pages_only(path):
    if room(path) not in MAY_IMPORT_STREAMLIT:
        for name, line in imported_modules(path):
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
            found = {name.partition(".")[0] for name, _ in imported_modules(path)}
            assert not found & packages, relative(path)


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_file_says_what_it_holds(path):
    text = path.read_text(encoding="utf-8")
    said = ast.get_docstring(ast.parse(text))
    assert said
    assert said[0] != "\n"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_functions_stay_short(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = node.body[0] if ast.get_docstring(node) else None
            words = said.end_lineno - said.lineno + 1 if said else 0
            lines = node.end_lineno - node.lineno + 1 - words
            assert lines <= 50, f"{relative(path)}: {node.name} has {lines} lines; 50 is the limit"


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
                assert called not in ("torch.load", "torch.save", "eval", "exec"), path
                allowed = [word for word in node.keywords if word.arg == "allow_pickle"]
                assert all(ast.unparse(word.value) == "False" for word in allowed), path
            assert not names & forbidden, path
