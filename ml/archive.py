"""Closed hours of the prediction log, kept as Parquet, and what says which segments a file stands for.

    archive/{model}/{yyyymmddhh}/{n:04d}.json       a manifest, numbered: creating it is the commit point
    archive/{model}/{yyyymmddhh}/{digest}.parquet   the rows of the segments that a manifest names

A file without a manifest does not count, and segments that a manifest names do not count any more. So every
row counts once, whenever a worker was killed and however many work at the same time. A second manifest of an
hour is there if something was written to a segment after the first.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ml.contract import PredictionView
from ml.errors import NotFound
from ml.events import EventLog, validated
from ml.objects import ObjectStore
from ml.parquet import find_in_parquet
from ml.segments import PredictionId, Tally, view_of

ROOT = "archive"


class Part(BaseModel):
    """What of a segment is archived: its bytes in whole lines, and how large it was when it was read."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    whole: int
    size: int


class ArchiveManifest(BaseModel):
    """Which segments (by name) one file stands for, how many rows it has, and how they were answered."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    at: datetime
    file: str
    rows: int
    segments: dict[str, Part]
    tally: dict[str, int]


class Hour:
    """The archive of one model and hour.

    Args:
        store: Where it is.
        model: The model's name.
        hour: `yyyymmddhh`, UTC.
    """

    def __init__(self, store: ObjectStore, model: str, hour: str) -> None:
        self.folder = f"{ROOT}/{model}/{hour}"
        self._store = store
        self._log = EventLog(store, self.folder, width=4)

    def manifests(self) -> list[ArchiveManifest]:
        """Return the hour's manifests, oldest first; none if it was not archived yet.

        Raises:
            Corrupt: One cannot be read.
        """
        return [
            validated(ArchiveManifest, self._log.path(n), record)
            for n, record in enumerate(self._log.read_all(), start=1)
        ]

    def commit(self, manifest: ArchiveManifest, n: int) -> None:
        """Write manifest *n*; its segments count through it from now on.

        Raises:
            AlreadyExists: Another worker was first; what it archived must be looked at.
        """
        self._log.append(manifest.model_dump(mode="json"), n)

    def file(self, digest: str) -> str:
        """Return the path of a file with that content."""
        return f"{self.folder}/{digest.removeprefix('sha256:')[:32]}.parquet"


def archived_parts(manifests: Iterable[ArchiveManifest]) -> dict[str, Part]:
    """Return what is archived of each segment."""
    return {name: part for manifest in manifests for name, part in manifest.segments.items()}


def archived_tally(manifests: Iterable[ArchiveManifest]) -> Tally:
    """Return how the archived rows were answered."""
    total: Tally = Counter()
    for manifest in manifests:
        total.update(manifest.tally)
    return total


def find_archived(store: ObjectStore, wanted: PredictionId) -> PredictionView:
    """Return a prediction whose segment was archived.

    Raises:
        NotFound: There is none: it was not logged, or it is older than predictions are kept.
        Corrupt: It cannot be read.
    """
    for manifest in Hour(store, wanted.model, wanted.hour).manifests():
        if wanted.segment not in manifest.segments:
            continue
        with tempfile.TemporaryDirectory(prefix="toban-archive-") as folder:
            file = Path(folder) / "rows.parquet"
            file.write_bytes(store.get(manifest.file))
            record = find_in_parquet(file, wanted.segment, wanted.row)
        if record is not None:
            return view_of(record, wanted)
    raise NotFound(f"prediction {wanted}")
