"""The page of all messages says what the code says, and shows pictures that are there."""

from __future__ import annotations

from pathlib import Path

from playground.gallery.chapters import CHAPTERS
from playground.gallery.page import PICTURES, picture, written

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "messages.md"
MOST_BYTES = 3_200_000


def test_the_page_says_what_the_code_says() -> None:
    """A changed or new wording is on the page: `make messages` writes it."""
    text = PAGE.read_text(encoding="utf-8")

    assert written(text) == text, (
        "run: python -m playground.gallery (`make messages` takes the pictures, too)"
    )


def test_each_chapter_has_its_pictures_and_there_are_no_others() -> None:
    """Pictures are small enough to be kept with the code."""
    folder = DOCS / PICTURES
    found = set(folder.glob("messages-*.png"))

    assert found == {picture(folder, chapter, look) for chapter in CHAPTERS for look in chapter.looks}
    assert sum(path.stat().st_size for path in folder.iterdir()) < MOST_BYTES


def test_names_of_chapters_differ() -> None:
    """So that each has files of its own."""
    assert len({chapter.name for chapter in CHAPTERS}) == len(CHAPTERS)
