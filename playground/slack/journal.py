"""Channels, people, messages and files on disk, one JSON line per change, so that a restart keeps them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

Row = dict[str, Any]


class Journal:
    """Append-only lines in ``journal.jsonl`` of a state folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._file: TextIO | None = None
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def rows(self) -> Iterator[Row]:
        """Yield every row written so far, oldest first; a last line cut short by a crash is left out."""
        if self.folder is None or not (path := self.folder / "journal.jsonl").exists():
            return
        # Not splitlines: a message may hold other line ends, such as U+2028.
        for line in path.read_text(encoding="utf-8").split("\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def append(self, kind: str, **fields: Any) -> None:
        """Write one change; it is handed to the operating system before this returns."""
        if self.folder is None:
            return
        if self._file is None:
            self._file = (self.folder / "journal.jsonl").open("a", encoding="utf-8")
            self._file.write("\n")  # the last run may have been killed in the middle of a line
        self._file.write(json.dumps({"kind": kind, **fields}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; further changes open it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
