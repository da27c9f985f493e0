"""The page of all messages: each sample in words, by chapters, with the pictures of the chapter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from playground.gallery.chapters import CHAPTERS
from playground.gallery.sample import Chapter, Look, Sample, Seen, words
from playground.slack.workspace import Workspace, default_workspace

BEGIN, END = "<!-- samples: begin, made by `make messages` -->", "<!-- samples: end -->"
PICTURES = "pictures"
_FENCE = "~~~"
_LOOKS: dict[Look, str] = {"light": "light", "dark": "dark", "phone": "on a phone"}
_SEEN: dict[Seen, str] = {
    "channel": "in the channel",
    "thread": "in the thread",
    "private": "seen by one person only",
    "home": "on the Home tab",
    "form": "in a form",
}


def written(page: str) -> str:
    """Return the text of docs/messages.md with its samples as the code makes them now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{samples()}\n{END}{after}"


def samples() -> str:
    """Return every message in words, as Markdown."""
    workspace = default_workspace()
    parts = [part for chapter in CHAPTERS for part in _chapter(chapter, workspace)]
    return "\n".join(parts)


def picture(folder: Path, chapter: Chapter, look: Look) -> Path:
    """Return where a chapter's picture is kept; *look* is light, dark or phone."""
    return folder / f"messages-{chapter.name}-{look}.png"


def _chapter(chapter: Chapter, workspace: Workspace) -> Iterator[str]:
    yield f"### {chapter.title}\n"
    yield f"{chapter.about}\n"
    yield from _pictures(chapter)
    for sample in chapter.samples:
        yield _sample(sample, workspace)


def _pictures(chapter: Chapter) -> Iterator[str]:
    if not chapter.looks:
        return
    yield "<details><summary>Pictures</summary>\n"
    for look in chapter.looks:
        name = f"{chapter.title}, {_LOOKS[look]}"
        yield f"![{name}]({picture(Path(PICTURES), chapter, look).as_posix()})\n"
    yield "</details>\n"


def _sample(sample: Sample, workspace: Workspace) -> str:
    said = "\n".join(line.rstrip() for line in words(sample.made(), workspace).split("\n")).rstrip()
    return f"*{sample.when}* ({_SEEN[sample.seen]})\n\n{_FENCE}text\n{said}\n{_FENCE}\n"
