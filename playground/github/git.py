"""What the loopback reads from, and writes to, a git repository: through the git program, never by guessing.

Commits and trees never change, so what is read by hash is kept; branches and tags are asked each time.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

SEPARATOR = "\x1f"
END = "\x1e"
FIELDS = SEPARATOR.join(["%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"]) + END
NOTHING = "0" * 40
KEPT = 2_000


class GitFailed(Exception):
    """git said no; the message is git's own."""


@dataclass(frozen=True)
class Signature:
    """Who and when."""

    name: str
    email: str
    date: str


@dataclass(frozen=True)
class Commit:
    """One commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True)
class Entry:
    """One thing in a folder of a tree: kind is “blob”, “tree” or “commit” (a submodule)."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


class Git:
    """A repository in *folder*."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._kept: dict[tuple[str, ...], bytes] = {}

    @cached_property
    def default_branch(self) -> str:
        """Return the branch that was checked out when first asked."""
        try:
            return self._text("symbolic-ref", "--short", "HEAD")
        except GitFailed:
            return "main"

    def is_repository(self) -> bool:
        """Tell whether the folder holds a git repository."""
        try:
            self._bytes("rev-parse", "--git-dir")
        except GitFailed:
            return False
        return True

    def resolve(self, name: str) -> tuple[str, str] | None:
        """Return (full ref, commit) of a branch, a tag, a full ref or a hash; None when there is none."""
        full = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}"]
        for ref in full:
            if (sha := self.commit_of(ref)) is not None:
                return ref, sha
        if len(name) >= 7 and all(letter in "0123456789abcdef" for letter in name):
            sha = self.commit_of(name)
            return (sha, sha) if sha else None
        return None

    def commit_of(self, name: str) -> str | None:
        """Return the hash of the commit a name leads to, through tags too; None when it leads nowhere."""
        try:
            return self._text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GitFailed:
            return None

    def refs(self, prefix: str) -> dict[str, tuple[str, str, str]]:
        """Return (object, kind of object, commit) of each full ref below *prefix*, by name."""
        form = "%(refname) %(objectname) %(objecttype) %(*objectname)"
        found = {}
        for line in self._text("for-each-ref", f"--format={form}", prefix).splitlines():
            name, sha, kind, *peeled = line.split()
            found[name] = (sha, kind, peeled[0] if peeled else sha)
        return found

    def commit(self, sha: str) -> Commit:
        """Return a commit by its hash."""
        return self._commits(self._once("log", "-1", f"--format={FIELDS}", sha, "--"))[0]

    def log(self, start: str, path: str | None, skip: int, most: int) -> list[Commit]:
        """Return commits from *start* backwards."""
        where = [path] if path else []
        return self._commits(
            self._bytes("log", f"--format={FIELDS}", f"--skip={skip}", f"-{most}", start, "--", *where)
        )

    def between(self, before: str, after: str) -> list[Commit]:
        """Return the commits that *after* has and *before* has not, oldest first."""
        span = [after] if before == NOTHING else [f"{before}..{after}"]
        return self._commits(self._bytes("log", "--reverse", f"--format={FIELDS}", *span, "--"))

    def changed(self, before: str, after: str) -> dict[str, str]:
        """Return the paths that differ between two commits, with A, M or D."""
        if before == NOTHING:
            args = ["diff-tree", "-r", "--root", "--no-commit-id", "--name-status", "-z", after]
        else:
            args = ["diff-tree", "-r", "--name-status", "-z", "--no-renames", before, after]
        words = self._once(*args).decode("utf-8", "surrogateescape").split("\0")
        return dict(zip(words[1::2], words[0::2], strict=False))

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit that both have; without any, the first one."""
        try:
            return self._text("merge-base", one, other)
        except GitFailed:
            return one

    def contains(self, commit: str, ancestor: str) -> bool:
        """Tell whether *ancestor* is in the history of *commit*."""
        try:
            self._bytes("merge-base", "--is-ancestor", ancestor, commit)
        except GitFailed:
            return False
        return True

    def entry(self, sha: str, path: str) -> Entry | None:
        """Return what lies at *path* in a commit; None when nothing does."""
        clean = str(PurePosixPath(path.strip("/")))
        if clean in (".", ""):
            return Entry("040000", "tree", self.commit(sha).tree, 0, "")
        found = self._entries(sha, clean)
        return found[0] if found else None

    def folder_at(self, sha: str, path: str) -> list[Entry]:
        """Return what a folder of a commit holds."""
        clean = path.strip("/")
        return self._entries(sha, f"{clean}/" if clean else None)

    def blob(self, sha: str) -> bytes:
        """Return a file's bytes by its own hash."""
        return self._once("cat-file", "blob", sha)

    def check_out(self, sha: str, folder: Path) -> None:
        """Write the files of a commit into *folder*, with a history of its own to ask git about."""
        source = self._text("rev-parse", "--absolute-git-dir")
        folder.mkdir(parents=True, exist_ok=True)
        # Objects are shared, refs and index are not: a step cannot move a branch of the folder it came from.
        _run(folder, "init", "--quiet", "--initial-branch=main")
        (folder / ".git" / "objects" / "info" / "alternates").write_text(f"{source}/objects\n")
        _run(folder, "checkout", "--quiet", "--force", "--detach", sha)

    def write_commit(self, branch: str, files: Mapping[str, str | None], message: str, author: str) -> str:
        """Commit *files* (None removes one) onto a branch, new or old, and return the commit.

        A branch that is checked out moves with its files; local changes in their way make it fail.
        """
        head = self.commit_of(f"refs/heads/{branch}")
        base = head or self.commit_of(f"refs/heads/{self.default_branch}")
        tree = self._tree_with(base, files)
        parents = ["-p", base] if base else []
        signed = {
            f"GIT_{role}_{part}": text
            for role in ("AUTHOR", "COMMITTER")
            for part, text in (("NAME", author), ("EMAIL", f"{author}@example.invalid"))
        }
        new = self._text("commit-tree", tree, *parents, "-m", message, env=signed)
        if head and self._text("rev-parse", "--is-bare-repository") == "false" and self._is_out(branch):
            self._bytes("read-tree", "-m", "-u", head, new)
        self._bytes("update-ref", f"refs/heads/{branch}", new, head or NOTHING)
        return new

    def _is_out(self, branch: str) -> bool:
        try:
            return self._text("symbolic-ref", "HEAD") == f"refs/heads/{branch}"
        except GitFailed:
            return False

    def _tree_with(self, base: str | None, files: Mapping[str, str | None]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._bytes("read-tree", *([base] if base else ["--empty"]), env=env)
            lines = []
            for path, text in files.items():
                sha = NOTHING if text is None else self._text("hash-object", "-w", "--stdin", stdin=text)
                lines.append(f"{'0' if text is None else '100644'} {sha}\t{path}\n")
            self._bytes("update-index", "--index-info", stdin="".join(lines), env=env)
            return self._text("write-tree", env=env)

    def _entries(self, sha: str, path: str | None) -> list[Entry]:
        raw = self._once("ls-tree", "-z", "-l", sha, *(["--", path] if path else []))
        found = []
        for line in raw.decode("utf-8", "surrogateescape").split("\0")[:-1]:
            about, _, name = line.partition("\t")
            mode, kind, blob, size = about.split()
            found.append(Entry(mode, kind, blob, 0 if size == "-" else int(size), name))
        return found

    def _commits(self, raw: bytes) -> list[Commit]:
        found = []
        for block in raw.decode("utf-8", "replace").split(END)[:-1]:
            sha, tree, parents, an, ae, ad, cn, ce, cd, message = block.lstrip("\n").split(SEPARATOR)
            author, committer = Signature(an, ae, _utc(ad)), Signature(cn, ce, _utc(cd))
            found.append(Commit(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n")))
        return found

    def _once(self, *args: str) -> bytes:
        """Ask git for something that cannot change, and keep the answer."""
        if args not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[args] = self._bytes(*args)
        return self._kept[args]

    def _text(self, *args: str, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
        return self._bytes(*args, stdin=stdin, env=env).decode().rstrip("\n")

    def _bytes(self, *args: str, stdin: str | None = None, env: Mapping[str, str] | None = None) -> bytes:
        return _run(self.folder, *args, stdin=stdin, env=env)


def make_repository(folder: Path, files: Mapping[str, str], branch: str = "main") -> Path:
    """Make a git repository in *folder* with one commit of *files*; return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # Whoever uses this machine may have no name in git, or sign every commit.
    nobodys = ("user.name=developer", "user.email=developer@example.invalid", "commit.gpgsign=false")
    settings = [word for one in nobodys for word in ("-c", one)]
    folder.mkdir(parents=True, exist_ok=True)
    _run(folder, "init", "--quiet", f"--initial-branch={branch}")
    _run(folder, "add", "-A")
    _run(folder, *settings, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "First")
    return folder


def _run(folder: Path, *args: str, stdin: str | None = None, env: Mapping[str, str] | None = None) -> bytes:
    # A hook that runs git sets GIT_DIR and friends; they must not lead us to another repository.
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    # The folder may belong to somebody else, as checkouts in containers do.
    command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", *args]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**clean, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8", **(env or {})},
        input=None if stdin is None else stdin.encode(),
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise GitFailed(done.stderr.decode("utf-8", "replace").strip() or f"git {args[0]} failed")
    return done.stdout


def _utc(text: str) -> str:
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
