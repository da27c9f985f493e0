"""The few published actions that the loopback knows how to do; anything else is skipped, and says so."""

import glob
import hashlib
import io
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playground.github.expressions import to_text
from playground.github.loopback import Loopback
from playground.github.repositories import Repository
from playground.github.runs import Artifact, Run

DAY = 86_400.0
# https://github.com/actions/upload-artifact: kept for 90 days unless said otherwise
RETENTION_DAYS = 90


class ActionFailed(Exception):
    """The action would fail on GitHub too; the message says why."""


@dataclass
class Use:
    """One ``uses:`` step: what it was given, and what it leaves behind."""

    github: Loopback
    repository: Repository
    run: Run
    workspace: Path
    given: dict[str, Any]
    say: Callable[[str], None]
    outputs: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        """Return an input as text."""
        return to_text(self.given.get(name)) or default

    def inside(self, name: str) -> Path:
        """Return a path of the workspace; raise ActionFailed when it leads out of it."""
        found = (self.workspace / name).resolve()
        if not found.is_relative_to(self.workspace.resolve()):
            raise ActionFailed(f"{name} is not in the workspace")
        return found


def check_out(use: Use) -> None:
    """Do actions/checkout: write the files of a commit, of this repository or another one here."""
    other = use.text("repository", use.repository.full_name)
    repository = use.github.find(other)
    if repository is None:
        raise ActionFailed(f"repository {other} not found")
    here = repository is use.repository
    wanted = use.text("ref", use.run.sha if here else repository.git.default_branch)
    found = repository.git.resolve(wanted)
    if found is None:
        raise ActionFailed(f"A branch or tag with the name '{wanted}' could not be found")
    folder = use.inside(use.text("path", "."))
    if folder == use.workspace.resolve():
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    repository.git.check_out(found[1], folder)
    use.say(f"HEAD is now at {found[1][:7]} {repository.git.commit(found[1]).message.partition(chr(10))[0]}")
    use.outputs |= {"ref": wanted, "commit": found[1]}


def set_up_python(use: Use) -> None:
    """Do actions/setup-python: the Python that runs the loopback comes first, whatever was asked for."""
    version = ".".join(map(str, sys.version_info[:3]))
    use.path.append(str(Path(sys.executable).parent))
    asked = use.text("python-version")
    use.say(f"The loopback GitHub has Python {version} only" + (f"; {asked} was asked for" if asked else ""))
    use.outputs |= {"python-version": version, "python-path": sys.executable}


def upload_artifact(use: Use) -> None:
    """Do actions/upload-artifact: zip files below their least common folder."""
    name, files = use.text("name", "artifact"), _files(use)
    if not files:
        told = (
            f"No files were found with the provided path: {use.text('path')}. No artifacts will be uploaded."
        )
        kind = use.text("if-no-files-found", "warn")
        if kind == "error":
            raise ActionFailed(told)
        use.say(f"##[warning]{told}" if kind == "warn" else told)
        return
    if any(artifact.name == name for artifact in use.run.artifacts):
        if use.text("overwrite") != "true":
            raise ActionFailed(
                "Failed to CreateArtifact: (409) Conflict: an artifact with this name already exists"
            )
        use.run.artifacts[:] = [artifact for artifact in use.run.artifacts if artifact.name != name]
    artifact = add_artifact(use.github, use.run, name, _zip(files), use.text("retention-days"))
    use.say(f"Artifact {name} has been successfully uploaded! Final size is {len(artifact.content)} bytes.")
    url = use.github.bodies.html(use.repository, f"/actions/runs/{use.run.id}/artifacts/{artifact.id}")
    use.outputs |= {"artifact-id": str(artifact.id), "artifact-url": url, "artifact-digest": artifact.digest}


def download_artifact(use: Use) -> None:
    """Do actions/download-artifact: unpack one artifact of this run, or each into its own folder."""
    name = use.text("name")
    found = [artifact for artifact in use.run.artifacts if name in ("", artifact.name)]
    if name and not found:
        raise ActionFailed(f"Unable to download artifact(s): Artifact not found for name: {name}")
    for artifact in found:
        folder = use.inside(use.text("path", ".")) / ("" if name else artifact.name)
        with zipfile.ZipFile(io.BytesIO(artifact.content)) as packed:
            packed.extractall(folder)
        use.say(f"Artifact download completed: {artifact.name}")


def add_artifact(github: Loopback, run: Run, name: str, content: bytes, days: str = "") -> Artifact:
    """Put a zip (or what pretends to be one) to a run."""
    now = github.now()
    keep = (float(days) if days else RETENTION_DAYS) * DAY
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    artifact = Artifact(github.new_id("artifact"), name, content, digest, run.id, now, now + keep)
    run.artifacts.append(artifact)
    github.feed.publish("artifact", run_id=run.id, name=name, artifact=artifact.id)
    return artifact


def _files(use: Use) -> list[Path]:
    """Return the files that the lines of “path” name; a line that begins with ! takes files back."""
    hidden = use.text("include-hidden-files") == "true"
    found: dict[Path, None] = {}
    for line in use.text("path").splitlines():
        pattern = line.strip()
        taken = [one for one in _glob(use, pattern.removeprefix("!"), hidden) if pattern]
        for path in taken:
            if pattern.startswith("!"):
                found.pop(path, None)
            else:
                found[path] = None
    return list(found)


def _glob(use: Use, pattern: str, hidden: bool) -> list[Path]:
    # Path.glob knows nothing of hidden files.
    matched = glob.glob(pattern, root_dir=use.workspace, recursive=True, include_hidden=hidden)  # noqa: PTH207
    paths = [use.workspace / name for name in sorted(matched)]
    inner = [
        Path(folder) / name
        for path in paths
        if path.is_dir()
        for folder, folders, names in os.walk(path)
        for name in sorted(names)
        if hidden or not _is_hidden(Path(folder) / name, path)
    ]
    return [*(path for path in paths if path.is_file()), *inner]


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts if part not in (".", ".."))


def _zip(files: list[Path]) -> bytes:
    root = Path(os.path.commonpath([file.parent for file in files]))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(root))
    return packed.getvalue()


ACTIONS: dict[str, Callable[[Use], None]] = {
    "actions/checkout": check_out,
    "actions/setup-python": set_up_python,
    "actions/upload-artifact": upload_artifact,
    "actions/download-artifact": download_artifact,
}
