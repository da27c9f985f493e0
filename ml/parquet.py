"""Logged predictions as Parquet: how an hour's rows are written to a file, and one of them found again.

A row keeps what its line said, input and answer as JSON, so that nothing is lost whatever a model's columns
are; what one asks about most (outcome, source, value, version) stands in columns of its own. DuckDB does the
work; it is loaded here, when an hour is compacted or an old prediction shown, and never to predict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json, to_json

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = {
    "segment": "VARCHAR",
    "row": "BIGINT",
    "format": "INTEGER",
    "at": "TIMESTAMP",
    "who": "VARCHAR",
    "where": "VARCHAR",
    "version": "INTEGER",
    "data_version": "VARCHAR",
    "outcome": "VARCHAR",
    "source": "VARCHAR",
    "value": "DOUBLE",
    "label": "VARCHAR",
    "input": "VARCHAR",
    "answer": "VARCHAR",
}
"""The columns and their types; `at` is UTC, `value` holds numbers, `label` texts, the last two JSON."""

MEMORY = "1GB"


def write_parquet(rows: Iterable[Mapping[str, Any]], target: Path) -> int:
    """Write *rows* (see `segments.read_rows`) to *target*; return their number. Equal rows, equal bytes."""
    lines = target.with_suffix(".ndjson")
    count = 0
    with lines.open("wb") as out:
        for row in rows:
            out.write(to_json(_flat(row)) + b"\n")
            count += 1
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    with _connect(target.parent) as database:
        database.execute(
            f"COPY (SELECT * FROM read_json($lines, format='newline_delimited', columns={{{types}}},"  # noqa: S608
            " maximum_object_size=80000000)) TO '" + _quoted(target) + "' (FORMAT parquet, COMPRESSION zstd)",
            {"lines": str(lines)},
        )
    lines.unlink()
    return count


def find_in_parquet(file: Path, segment: str, row: int) -> dict[str, Any] | None:
    """Return a row as its line said it, None where the file has no such row."""
    with _connect(file.parent) as database:
        found = database.execute(
            'SELECT format, strftime("at", \'%Y-%m-%dT%H:%M:%S.%fZ\'), who, "where", version, data_version,'
            ' "input", answer FROM read_parquet($file) WHERE segment = $segment AND "row" = $row',
            {"file": str(file), "segment": segment, "row": row},
        ).fetchone()
    if found is None:
        return None
    names = ("format", "at", "who", "where", "version", "data_version", "input", "answer")
    record = dict(zip(names, found, strict=True))
    return {**record, "input": from_json(record["input"]), "answer": from_json(record["answer"])}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    answer = row["answer"]
    value = answer.get("value")
    flat = {**row, "outcome": answer["outcome"], "source": answer["source"]}
    flat["at"] = str(row["at"]).removesuffix("Z")
    flat["value"], flat["label"] = (None, value) if isinstance(value, str) else (value, None)
    flat["input"], flat["answer"] = (to_json(row[name]).decode() for name in ("input", "answer"))
    return {name: flat[name] for name in COLUMNS}


def _connect(folder: Path) -> DuckDBPyConnection:
    """Return a database that leaves nothing behind and asks nothing of the network."""
    import duckdb

    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": MEMORY,
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
        }
    )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
