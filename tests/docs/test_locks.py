"""The lock files follow from `pyproject.toml`, for each Python promised, and bring nothing unwanted."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.lock import LockFile, lock_files

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = {file.path.name: file for file in lock_files(PROJECT)}
PYTHONS = ("3.11", "3.12", "3.13")
INSTALLED = {canonicalize_name(one.name): one for one in distributions() if one.name}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]+\])?==([^\s;]+)(?: ; ([^\\]+?))? \\$", re.MULTILINE)


def pins(file: LockFile, python: str) -> dict[str, Version]:
    """Return what *file* installs on Linux under *python*."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = {}
    for name, version, marker in PIN.findall(file.path.read_text(encoding="utf-8")):
        if not marker or Requirement(f"{name}; {marker}").marker.evaluate(environment):  # type: ignore[union-attr]
            assert canonicalize_name(name) not in found, f"{name} twice for {python}"
            found[canonicalize_name(name)] = Version(version)
    return found


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_lock_files_are_up_to_date(file: LockFile) -> None:
    """What `make lock` would write from today's `pyproject.toml` is what is committed."""
    assert file.is_current()


def test_an_edit_by_hand_is_noticed(tmp_path: Path) -> None:
    """A lock file that was changed by hand, or made from other requirements, is out of date."""
    original = FILES["build.txt"]
    edited = LockFile(tmp_path / "build.txt", original.requirements)
    edited.path.write_text(original.path.read_text(encoding="utf-8"), encoding="utf-8")
    assert edited.is_current()
    assert not LockFile(edited.path, (*original.requirements, "six")).is_current()
    edited.path.write_text(edited.path.read_text(encoding="utf-8").replace("==", "==1"), encoding="utf-8")
    assert not edited.is_current()


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_each_requirement_is_locked(file: LockFile, python: str) -> None:
    """Under each Python every requirement has exactly one version, and that version satisfies it."""
    locked = pins(file, python)
    for requirement in map(Requirement, file.requirements):
        if requirement.marker is None or requirement.marker.evaluate(
            {"python_version": python, "sys_platform": "linux", "implementation_name": "cpython"}
        ):
            assert locked[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


@pytest.mark.parametrize("python", PYTHONS)
def test_the_deployment_is_part_of_the_lock(python: str) -> None:
    """The function app runs the versions that were tested, and carries nothing of the bot or of the tests."""
    deployed = pins(FILES["requirements.txt"], python)
    assert deployed.items() <= pins(FILES["lock.txt"], python).items()
    assert {"azure-functions", "onnxruntime", "obstore", "scikit-learn"} <= set(deployed)
    assert not {"slack-bolt", "dbos", "sqlalchemy", "pytest", "mypy", "uvicorn"} & set(deployed)


def test_every_package_is_checked_by_hash() -> None:
    """Each locked package has hashes, so that pip refuses anything else."""
    for file in FILES.values():
        text = file.path.read_text(encoding="utf-8")
        assert len(PIN.findall(text)) == len(re.findall(r"^[A-Za-z]", text, re.MULTILINE))
        assert "://" not in text


def test_extras_are_named_as_dependencies_ask_for_them() -> None:
    """Whatever asks for `name[extra]` finds it pinned so: the pip of Python 3.11 refuses it otherwise."""
    text = FILES["lock.txt"].path.read_text(encoding="utf-8")
    extras = {
        canonicalize_name(name): {extra.strip() for extra in listed.split(",")}
        for name, listed in re.findall(r"^([\w.-]+)\[([^]]+)\]==", text, re.MULTILINE)
    }
    for name in {canonicalize_name(found[0]) for found in PIN.findall(text)} & INSTALLED.keys():
        for asked in map(Requirement, INSTALLED[name].requires or ()):
            wanted = [{"extra": extra} for extra in extras.get(name, ())] or [{"extra": ""}]
            if asked.extras and (asked.marker is None or any(map(asked.marker.evaluate, wanted))):
                assert asked.extras <= extras[canonicalize_name(asked.name)], f"{name} needs {asked}"


def test_no_graphics_card_libraries() -> None:
    """Nothing drags in gigabytes for hardware that a small team's function app does not have."""
    text = FILES["lock.txt"].path.read_text(encoding="utf-8")
    assert not re.search(r"^(nvidia|cuda|triton|torch|tensorflow)", text, re.MULTILINE)
