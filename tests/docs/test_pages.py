"""Pages for people: found from one index, with links that lead somewhere and commands that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *DOCS.rglob("*.md"),
        *ROOT.glob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
        *(ROOT / ".github").glob("*.md"),
    ]
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)\s]+)")


def prose(page: Path) -> str:
    """Return a page without its code blocks and code spans, where brackets are not links."""
    text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes from a page's headings."""
    text = re.sub(r"^(```|~~~).*?^\1", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: dict[str, int] = {}
    result = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        result.add(f"{slug}-{count}" if count else slug)
    return result


def local_links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield each link of a page that stays in the repository, as (link, file, anchor)."""
    text = prose(page)
    for link in (*LINK.findall(text), *IMAGE.findall(text)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        yield link, (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link names a file of the repository and, after #, a heading in it."""
    broken = [
        link
        for link, target, anchor in local_links(page)
        if not target.is_relative_to(ROOT)
        or not target.exists()
        or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]
    assert broken == []


def test_each_page_is_in_the_index() -> None:
    """Every page below docs/ is linked from docs/index.md, and decisions from their own list."""
    index = {target for _, target, _ in local_links(DOCS / "index.md")}
    decisions = {target for _, target, _ in local_links(DOCS / "decisions" / "README.md")}
    unlinked = set(DOCS.rglob("*.md")) - {DOCS / "index.md"} - index - decisions
    assert {str(page.relative_to(ROOT)) for page in unlinked} == set()
    assert DOCS / "decisions" / "README.md" in index


def test_readme_begins_with_the_two_commands() -> None:
    """Whoever opens the README sees at its top how to try the project and how to test it."""
    top = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:40])
    assert "make demo" in top
    assert "make test" in top


def test_changelog_has_a_place_for_the_next_change() -> None:
    """The newest section of the changelog is the one for what is not released, and it says something."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[0] == "Unreleased"
    assert re.search(r"^## Unreleased\n(?:.*\n)*?- \w", text, re.MULTILINE)


def test_named_make_commands_exist() -> None:
    """Each `make …` in a page is a target of the Makefile, and each public target is in `make help`."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z0-9.-]*):", makefile, re.MULTILINE))
    named = {
        (str(page.relative_to(ROOT)), target)
        for page in PAGES
        for target in re.findall(r"(?:^|`|\$ )make ([a-z][a-z0-9.-]*)", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {(page, target) for page, target in named if target not in targets} == set()
    assert {"demo", "test", "test-full", "check", "fix", "bench", "clean", "lock"} <= targets
