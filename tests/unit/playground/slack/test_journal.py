"""What is written down and read again."""

from pathlib import Path

from playground.slack.journal import Journal


def test_rows_are_there_before_the_file_is_closed(tmp_path: Path) -> None:
    """A process that is killed loses nothing that was appended."""
    journal = Journal(tmp_path / "state")
    journal.append("message", text="one")
    assert list(Journal(tmp_path / "state").rows()) == [{"kind": "message", "text": "one"}]
    journal.close()


def test_a_cut_line_costs_only_itself(tmp_path: Path) -> None:
    """After a crash in the middle of a line the rows before and after it are read."""
    for text in ("before", "after"):
        journal = Journal(tmp_path)
        journal.append("message", text=text)
        journal.close()
        with (tmp_path / "journal.jsonl").open("a") as file:
            file.write('{"kind": "mess')
    assert [row["text"] for row in Journal(tmp_path).rows()] == ["before", "after"]


def test_strange_line_ends_are_kept(tmp_path: Path) -> None:
    """A text with every kind of line end comes back as it was."""
    text = "a\nb\r\nc\u2028d\x85e\x0bf 当番"
    journal = Journal(tmp_path)
    journal.append("message", text=text)
    journal.close()
    assert [row["text"] for row in Journal(tmp_path).rows()] == [text]


def test_without_a_folder_nothing_is_written() -> None:
    """No state folder, no file, no rows."""
    journal = Journal(None)
    journal.append("message", text="x")
    journal.close()
    assert list(journal.rows()) == []
