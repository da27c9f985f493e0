"""What is measured, what is left out, and when the page is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as program
from benchmarks.figures import Figure, Side
from benchmarks.load import LoadFailed
from benchmarks.workbench import CannotMeasure

PAGE = "".join(f"<!-- begin {name} -->\nold\n<!-- end {name} -->\n" for name in program.SECTIONS)


def fine(*_: object) -> Iterator[Figure]:
    """Measure one thing."""
    yield Figure("a thing", "ms", Side("ours", (1.0,)))


def absent(*_: object) -> Iterator[Figure]:
    """Find a part missing."""
    raise CannotMeasure("it is not installed")
    yield


def failing(*_: object) -> Iterator[Figure]:
    """Meet a refusal."""
    raise LoadFailed("HTTP/1.1 500")
    yield


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of the test's own, and benchmarks that take no time."""
    page = tmp_path / "performance.md"
    page.write_text(PAGE, "utf-8")
    monkeypatch.setattr(program, "PAGE", page)
    monkeypatch.delenv("PEERS", raising=False)
    benchmarks = ("starts", "predictions", "azurites", "acks", "flows", "histories")
    for name in (*benchmarks, "drift", "watching", "floods", "peers"):
        monkeypatch.setattr(program, name, SimpleNamespace(measure=fine))
    monkeypatch.setattr(program, "train", lambda bench: None)
    return page


def test_everything_but_the_peers_is_measured_and_written(page: Path) -> None:
    """The peers' section keeps what an earlier run found."""
    assert program.main([]) == 0
    figures, peers = page.read_text("utf-8").split("<!-- begin peers -->")
    assert figures.count("a thing") == len(program.NAMES)
    assert "old" in peers


def test_peers_are_measured_where_they_are_asked_for(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the option, or by PEERS=1 as make passes it on."""
    monkeypatch.setenv("PEERS", "1")
    assert program.main([]) == 0
    assert "old" not in page.read_text("utf-8")


def test_a_missing_part_is_left_out_with_its_reason(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is measured and written."""
    monkeypatch.setattr(program, "azurites", SimpleNamespace(measure=absent))
    assert program.main([]) == 0
    assert "- azurite: it is not installed" in page.read_text("utf-8")


def test_a_broken_benchmark_leaves_its_section_alone(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a section must not replace a whole one, and make must see it."""
    monkeypatch.setattr(program, "acks", SimpleNamespace(measure=failing))
    assert program.main([]) == 1
    figures, floods = page.read_text("utf-8").split("<!-- begin floods -->")
    assert "old" in figures
    assert "a thing" in floods


def test_only_what_is_named_is_measured_and_only_printed(
    page: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A part of the figures must not replace all of them."""
    assert program.main(["acks"]) == 0
    assert capsys.readouterr().out.count("a thing") == 1
    assert page.read_text("utf-8") == PAGE


def test_a_section_that_was_measured_whole_is_written(page: Path) -> None:
    """It says by which command, and the other sections stay."""
    assert program.main(["watching", "acks"]) == 0
    figures, rest = page.read_text("utf-8").split("<!-- begin watching -->")
    watching, peers = rest.split("<!-- begin peers -->")
    assert "BENCH_ARGS='watching acks'" in watching
    assert (watching.count("a thing"), figures.count("old"), peers.count("old")) == (1, 2, 1)


def test_an_unknown_name_is_refused(page: Path) -> None:
    """It names those there are."""
    with pytest.raises(SystemExit):
        program.main(["nonsense"])
