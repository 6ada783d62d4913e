"""The lock file: versions that fit the requirements, and each other as far as they are installed.

It is renewed by the command in its second line; `--upgrade` takes the newest versions.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LOCK = ROOT / ".streamlit/lock.txt"
NEEDED = ("requirements.txt", "tests/requirements.txt")


def read_requirements(path: Path) -> list[Requirement]:
    """Those of a file that count for this machine and this Python."""
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    return [each for each in requirements if each.marker is None or each.marker.evaluate()]


def locked_versions() -> dict[str, str]:
    """The version of each package."""
    versions = {}
    for requirement in read_requirements(LOCK):
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", requirement
        versions[canonicalize_name(requirement.name)] = specifier.version
    return versions


def installed_requirements(name: str, version: str) -> list[Requirement]:
    """What an installed package of this version needs here; nothing where it has another one."""
    try:
        package = distribution(name)
    except PackageNotFoundError:
        return []
    if package.version.partition("+")[0] != version:
        return []
    needed = [Requirement(text) for text in package.requires or ()]
    return [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]


def test_every_requirement_is_locked_to_a_version_that_it_allows():
    versions = locked_versions()
    for path in NEEDED:
        for requirement in read_requirements(ROOT / path):
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), requirement
            assert path in LOCK.read_text("utf-8").splitlines()[1]


def test_what_is_installed_needs_nothing_that_the_lock_lacks_or_contradicts():
    versions = locked_versions()
    checked = 0
    for name, version in versions.items():
        for requirement in installed_requirements(name, version):
            needed = versions.get(canonicalize_name(requirement.name))
            assert needed, f"{name} needs {requirement}"
            assert requirement.specifier.contains(needed, prereleases=True), (
                f"{name}: {requirement}"
            )
            checked += 1
    assert checked > 20, "hardly any locked version is installed: renew the lock"
