"""The container image: small, without secrets, whole, and no more than the bot."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from bot.__main__ import _parser
from bot.settings import ENVIRONMENT
from tests.stand_ins.dockerfile import Instruction, read_dockerfile

ROOT = Path(__file__).resolve().parents[2]
STEPS = read_dockerfile(ROOT / "Dockerfile")


def only(name: str) -> Instruction:
    """Return the one instruction of a name."""
    found = [one for one in STEPS if one.name == name]
    assert len(found) == 1, name
    return found[0]


def copied() -> list[str]:
    """Return what is copied into the image."""
    return [source for one in STEPS if one.name == "COPY" for source in one.words[:-1]]


def test_it_is_slim_and_not_root() -> None:
    """The base is a slim image of a Python that CI tests; the program runs as a user with a number."""
    base = re.fullmatch(r"python:(3\.\d+)-slim", only("FROM").text)
    assert base
    assert base.group(1) in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", only("USER").text)
    after = STEPS[STEPS.index(only("USER")) :]
    assert [one for one in after if one.name in ("RUN", "COPY", "ADD")] == []


def test_packages_are_checked_by_hash() -> None:
    """What is installed is the bot's own lock file, and nothing else, by hash and without building."""
    installs = [one.text for one in STEPS if one.name == "RUN" and "pip" in one.text]
    assert len(installs) == 1
    assert "--require-hashes --only-binary :all: -r requirements/bot.txt" in installs[0]


def test_no_secret_is_built_in() -> None:
    """Neither a build argument nor a variable of the image holds or names a secret."""
    assert [one for one in STEPS if one.name == "ARG"] == []
    given = {word.partition("=")[0] for one in STEPS if one.name == "ENV" for word in one.words}
    assert given == {"HOME", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR", "PYTHONUNBUFFERED"} | {
        "TOBAN_DATABASE_URL"
    }


@pytest.mark.parametrize(
    "made", [".env", ".git/config", "bot/local.sqlite3", ".toban/bot.sqlite3", "tests/conftest.py", ".venv/x"]
)
def test_what_one_machine_keeps_stays_outside(made: str, tmp_path: Path) -> None:
    """Secrets, history, databases and tests never reach the engine that builds."""
    assert _is_ignored([made], tmp_path) == [made]


def test_everything_copied_is_there_and_sent(tmp_path: Path) -> None:
    """Each source of a COPY exists and is not held back by .dockerignore."""
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    files = [source for source in copied() if (ROOT / source).is_file()]
    inside = [str(path.relative_to(ROOT)) for path in (ROOT / "bot").rglob("*.py")]
    assert _is_ignored([*files, *inside], tmp_path) == []


def test_what_is_copied_is_enough(tmp_path: Path) -> None:
    """Every module of the bot is imported from the copied files alone."""
    for source in copied():
        target = tmp_path / source
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copyfile)(ROOT / source, target)
    look = (
        "import importlib, pkgutil, sys, bot\n"
        "for one in pkgutil.walk_packages(bot.__path__, 'bot.'):\n"
        "    if not one.name.endswith('__main__'): importlib.import_module(one.name)\n"
        "ours = ('bot', 'ml', 'functions', 'recipes', 'playground', 'tests')\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.partition('.')[0] in ours))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{look}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [file for file in done.stdout.split() if not Path(file).is_relative_to(tmp_path)] == []


def test_every_package_that_the_bot_imports_is_locked_for_it() -> None:
    """What `bot/` and the contract import from elsewhere stands in the image's lock file."""
    locked = set(
        re.findall(
            r"^([a-z0-9-]+)[=\[]", (ROOT / "requirements" / "bot.txt").read_text("utf-8"), re.MULTILINE
        )
    )
    packages = importlib.metadata.packages_distributions()
    imported = {
        name.partition(".")[0]
        for path in [*(ROOT / "bot").rglob("*.py"), ROOT / "ml" / "contract.py"]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        for name in _imports(node)
    } - sys.stdlib_module_names
    foreign = {name for name in imported if name not in ("bot", "ml")}
    missing = {
        name for name in foreign if not {canonicalize_name(one) for one in packages.get(name, ())} & locked
    }
    assert missing == set()


def test_the_page_shows_what_there_is() -> None:
    """The commands and the compose file of docs/container.md use settings, paths and commands that exist."""
    page = (ROOT / "docs" / "container.md").read_text("utf-8")
    compose = yaml.safe_load(page.split("```yaml\n", 1)[1].split("```", 1)[0])
    assert set(compose["services"]["bot"]["environment"]) <= set(ENVIRONMENT)
    assert compose["services"]["bot"]["build"] == "."
    for arguments in re.findall(r"^docker run .* toban( .+)?$", page, re.MULTILINE):
        if arguments:
            _parser().parse_args(arguments.split())
    assert _parser().parse_args(only("CMD").words).health == "0.0.0.0:3000"
    assert only("VOLUME").words[0] in page
    assert only("USER").text in page


def _imports(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _is_ignored(names: list[str], folder: Path) -> list[str]:
    """Return those of *names* that .dockerignore holds back; its few patterns mean the same to git."""
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    shutil.copyfile(ROOT / ".dockerignore", folder / ".gitignore")
    asked = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=folder,
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.split()
