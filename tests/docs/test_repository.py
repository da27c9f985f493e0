"""What must not stand in any tracked file: secrets, addresses of package registries, paths of one machine."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Written with brackets, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    r"npm[j]s\.org|npm[j]s\.com/-/|pyp[i]\.org/simple|python[h]osted\.org|deb\.deb[i]an\.org|"
    r"registry\.yarn[p]kg\.com|--index-ur[l]|extra-inde[x]-url",
    re.IGNORECASE,
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.-])/(?:work|root|Users/[A-Za-z]\w*|home/(?!site/|runner/)[a-z]\w*)/|[A-Z]:\\Users\\"
)
SECRETS = {
    "Slack token": re.compile(
        r"\bxox[abeprs]-(?=[A-Za-z-]*\d)[A-Za-z0-9-]{6,}|\bxapp-(?=[A-Za-z-]*\d)[A-Za-z0-9-]{6,}|\bxoxe\.[A-Za-z0-9-]{6,}"
    ),
    "Slack webhook": re.compile(r"hooks\.slack\.com/services/T\w+/B\w+/\w+"),
    "GitHub token": re.compile(r"\b(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "Google key": re.compile(r"\bAIza[\w-]{35}\b"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    # Azurite's one account has a key that Microsoft publishes; npm's hashes of packages follow a hyphen.
    "Azure storage key": re.compile(r"(?<![\w+/-])(?!Eby8vdM02)[A-Za-z0-9+/]{86}==(?![\w=])"),
    "shared access signature": re.compile(r"[?&]sig=[A-Za-z0-9%+/]{30,}"),
}


def tracked_files() -> Iterator[tuple[str, str]]:
    """Yield path and text of every text file that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            yield name, data.decode("utf-8")


def places(pattern: re.Pattern[str]) -> list[str]:
    """Return where *pattern* is found, as `path:line`, without repeating what was found."""
    return [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}"
        for name, text in tracked_files()
        for match in pattern.finditer(text)
    ]


@pytest.fixture(autouse=True)
def _in_a_clone() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git clone: there is no list of tracked files")


def test_no_address_of_a_package_registry() -> None:
    """Whoever installs chooses the registry; lock files and scripts name none."""
    assert places(REGISTRIES) == []


def test_no_path_of_one_machine() -> None:
    """No file names a folder that exists on one person's machine only."""
    assert places(MACHINE_PATHS) == []


@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_looks_like_a_secret(kind: str) -> None:
    """No tracked file holds something that could be a secret of this kind."""
    assert places(SECRETS[kind]) == []


@pytest.mark.parametrize(
    ("kind", "example"),
    [
        ("Slack token", "xoxb-" + "1234567890-abcdefghij"),
        ("Slack token", "xapp-" + "1-A0123456789-1234567890"),
        ("Slack webhook", "https://hooks.slack.com" + "/services/T0001/B0002/abcdef"),
        ("GitHub token", "ghp_" + "a1" * 18),
        ("AWS key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("Google key", "AIza" + "b" * 35),
        ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("Azure storage key", "AccountKey=" + "ab3+" * 21 + "cd=="),
        ("shared access signature", "https://x.example/c?sv=1&sig=" + "aB3" * 12),
    ],
)
def test_secrets_are_recognised(kind: str, example: str) -> None:
    """Each pattern finds an example of what it is for."""
    assert SECRETS[kind].search(example)


@pytest.mark.parametrize(
    "path", ["/ro" + "ot/x", "see /wo" + "rk/main", "/home/" + "mika/toban", "/Users/" + "mika/x"]
)
def test_machine_paths_are_recognised(path: str) -> None:
    """The pattern finds the usual homes of people, and not Azure's or GitHub's own folders."""
    assert MACHINE_PATHS.search(path)
    assert not MACHINE_PATHS.search("/home/site/wwwroot /home/runner/work /framework/x")


def test_scripts_may_be_run() -> None:
    """What people and CI start by name is executable in the clone."""
    listed = subprocess.run(
        ["git", "ls-files", "--stage", ".ci/run", "scripts/setup.sh"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert [line.split()[0] for line in listed.splitlines()] == ["100755", "100755"]
