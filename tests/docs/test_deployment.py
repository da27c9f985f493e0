"""What is deployed is the function app, whole, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    *(
        ".funcignore",
        "LICENSE",
        "function_app.py",
        "host.json",
        "requirements.txt",
        "toban.toml",
    ),
    *("functions", "ml", "recipes"),
}

# Run where only the deployed files are; prints where the modules came from.
LOOK = """
import json, sys
from pathlib import Path
import function_app
from ml.catalog import load_catalog
catalog = load_catalog(Path("toban.toml"))
recipes = [catalog.recipe(name) for name in catalog.names]
ours = ("function_app", "functions", "ml", "recipes", "bot", "playground", "tests")
print(json.dumps({
    name: module.__file__ for name, module in sys.modules.items()
    if name.partition(".")[0] in ours and getattr(module, "__file__", None)
}))
"""


def tracked(*options: str) -> set[str]:
    """Return the files of the clone that git lists under *options*."""
    listed = subprocess.run(["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, check=True)
    return set(filter(None, listed.stdout.decode().split("\0")))


@pytest.fixture(scope="module")
def deployed() -> set[str]:
    """The files that `.funcignore` lets through; it is written in the language of .gitignore.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference#func-azure-functionapp-publish
    """
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone: there is no list of tracked files")
    return tracked() - tracked("--cached", "--ignored", "--exclude-from=.funcignore")


def test_the_function_app_is_deployed_and_nothing_else(deployed: set[str]) -> None:
    """Folders and files of the app are there; bot, tests, playground and workflows stay at home."""
    assert {name.partition("/")[0] for name in deployed} == TOP_LEVEL


def test_no_module_of_the_app_is_left_behind(deployed: set[str]) -> None:
    """Every file below functions/, ml/ and recipes/ goes along."""
    folders = ("functions/", "ml/", "recipes/")
    assert {name for name in tracked() if name.startswith(folders)} <= deployed


@pytest.mark.parametrize("made", [".env", "local.settings.json", ".venv/bin/python", ".toban/bot.sqlite3"])
def test_what_one_machine_keeps_is_not_deployed(made: str, tmp_path: Path) -> None:
    """Secrets, environments and databases of one machine are kept back, though git knows nothing of them."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    shutil.copyfile(ROOT / ".funcignore", tmp_path / ".gitignore")
    checked = subprocess.run(["git", "check-ignore", "--quiet", made], cwd=tmp_path, check=False)
    assert checked.returncode == 0, made


def test_what_is_deployed_runs_alone(deployed: set[str], tmp_path: Path) -> None:
    """The app and every recipe are imported from the deployed files only."""
    for name in deployed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules: dict[str, str] = json.loads(done.stdout)
    assert {"function_app", "functions.predict", "recipes.arrival_delay"} <= modules.keys()
    assert [name for name, file in modules.items() if not Path(file).is_relative_to(tmp_path)] == []
