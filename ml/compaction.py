"""Housekeeping of the prediction log: closed hours become Parquet, archived segments and old hours go away.

Each step leaves a store that is right, so a worker may be killed at any moment, and two may work at once:

    1. read the segments of a closed hour that no manifest names, and write their rows to a Parquet file
    2. create the next manifest, which names them; who comes second reads again and finds nothing to do
    3. keep the hour's count as a small object
    4. after an hour's grace delete the segments that a manifest names, and files that none names
    5. delete what is older than predictions are kept; counts stay

`python -m ml compact` does it once; the function app's timer calls that every hour.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ml.archive import ROOT, ArchiveManifest, Hour, Part, archived_parts
from ml.errors import AlreadyExists, Corrupt, Misconfigured, StoreMisconfigured, StoreUnavailable
from ml.events import utc_now
from ml.manifest import digest_of
from ml.objects import ObjectStore
from ml.parquet import write_parquet
from ml.segments import (
    Tally,
    count_rows,
    hour_prefix,
    read_rows,
    segment_name,
    start_of,
    whole_bytes,
)
from ml.tallies import prefix_of
from ml.usage import GRACE, Usage

KEEP_SETTING = "TOBAN_KEEP_PREDICTIONS_DAYS"
KEEP_DAYS = 400
"""Long enough to set a month beside the same month of the year before."""

DELETE_AFTER = timedelta(hours=1)
"""How long a segment outlives the manifest that names it: whoever was reading it has finished long before."""

_log = logging.getLogger("toban.compaction")


@dataclass(frozen=True)
class Done:
    """What one pass did."""

    hours: int = 0
    rows: int = 0
    deleted: int = 0
    failed: int = 0

    def __add__(self, other: Done) -> Done:
        return Done(
            self.hours + other.hours,
            self.rows + other.rows,
            self.deleted + other.deleted,
            self.failed + other.failed,
        )


def kept_for(environment: Mapping[str, str] = os.environ) -> timedelta:
    """Return how long predictions are kept, from TOBAN_KEEP_PREDICTIONS_DAYS.

    Raises:
        Misconfigured: It is no whole number from 1 to 36500.
    """
    text = environment.get(KEEP_SETTING) or str(KEEP_DAYS)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 36_500):
        raise Misconfigured(f"{KEEP_SETTING} must be a whole number of days from 1 to 36500, not {text!r}")
    return timedelta(days=int(text))


class Compactor:
    """Keeps the prediction log of a store in order.

    Args:
        store: Where it is.
        keep: How long predictions are kept.
        clock: The present time; aware UTC.
    """

    def __init__(
        self,
        store: ObjectStore,
        keep: timedelta = timedelta(days=KEEP_DAYS),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._keep = keep
        self._clock = clock
        self._usage = Usage(store, clock)

    def run(self) -> Done:
        """Do all that is due, one hour after the other; an hour that is damaged does not stop the others."""
        done = Done()
        for model in self._store.folders("predictions"):
            for hour in _hours(self._store.folders(f"predictions/{model}")):
                if not self._is_old(hour) and start_of(hour) + timedelta(hours=1) + GRACE <= self._clock():
                    done += self._guarded(self.tidy, model, hour)
        for root in ("predictions", ROOT):
            for model in self._store.folders(root):
                for hour in _hours(self._store.folders(f"{root}/{model}")):
                    if self._is_old(hour):
                        done += self._guarded(self.forget, model, hour)
        return done

    def _is_old(self, hour: str) -> bool:
        return start_of(hour) + self._keep < self._clock()

    def tidy(self, model: str, hour: str) -> Done:
        """Archive what was written in a closed hour, and delete what the archive stands for."""
        done = self._archive(model, hour)
        return done + self._delete_archived(model, hour)

    def forget(self, model: str, hour: str) -> Done:
        """Delete the predictions of an hour; its manifests last, so that a pass cut off is taken up again."""
        prefix, archive = hour_prefix(model, hour), Hour(self._store, model, hour).folder
        paths = sorted(self._store.list(archive), key=lambda path: path.endswith(".json"))
        return self._delete([*self._store.list(prefix), *paths], prefix, archive)

    def _guarded(self, work: Callable[[str, str], Done], model: str, hour: str) -> Done:
        try:
            return work(model, hour)
        except (StoreUnavailable, StoreMisconfigured):
            raise  # the other hours lie in the same store
        except Exception as error:  # noqa: BLE001 - what a damaged line makes a library say has many names
            detail = f"{type(error).__name__}: {str(error)[:300]}"
            _log.error("hour not archived", extra={"model": model, "hour": hour, "detail": detail})
            return Done(failed=1)

    # --- archiving ----------------------------------------------------------------------------------------

    def _archive(self, model: str, hour: str) -> Done:
        archive = Hour(self._store, model, hour)
        while True:
            manifests = archive.manifests()
            fresh = self._fresh(model, hour, archived_parts(manifests))
            if not fresh:
                return Done()
            manifest = self._write(archive, fresh)
            try:
                archive.commit(manifest, len(manifests) + 1)
            except AlreadyExists:
                continue
            self._usage.hour(model, hour)
            return Done(hours=1, rows=manifest.rows)

    def _fresh(self, model: str, hour: str, known: Mapping[str, Part]) -> dict[str, tuple[str, int]]:
        """Return path and archived bytes of each segment that has grown since, or is not archived at all."""
        fresh = {}
        for entry in sorted(self._store.entries(hour_prefix(model, hour))):
            part = known.get(segment_name(entry.path), Part(whole=0, size=0))
            if entry.size > part.size:
                fresh[segment_name(entry.path)] = (entry.path, part.whole)
        return fresh

    def _write(self, archive: Hour, fresh: Mapping[str, tuple[str, int]]) -> ArchiveManifest:
        """Write the rows of fresh segments to a file; return the manifest that would make them count."""
        parts: dict[str, Part] = {}
        tally: Tally = Counter()

        def rows() -> Iterator[dict[str, Any]]:
            for name, (path, archived) in fresh.items():
                data = self._store.get(path)
                parts[name] = Part(whole=whole_bytes(data), size=len(data))
                tally.update(count_rows(data[archived:]))
                yield from read_rows(data[archived:], name, path)

        with tempfile.TemporaryDirectory(prefix="toban-compaction-") as folder:
            target = Path(folder) / "rows.parquet"
            count = write_parquet(rows(), target)
            data = target.read_bytes()
        path = archive.file(digest_of(data))
        # One of the same content may be there: somebody else's, or that of a worker that was killed.
        with contextlib.suppress(AlreadyExists):
            self._store.create(path, data)
        return ArchiveManifest(at=self._clock(), file=path, rows=count, segments=parts, tally=dict(tally))

    # --- deleting -----------------------------------------------------------------------------------------

    def _delete_archived(self, model: str, hour: str) -> Done:
        """Delete segments that are wholly archived, and files that no manifest names, after the grace."""
        archive, now = Hour(self._store, model, hour), self._clock()
        manifests = archive.manifests()
        if not manifests or now < manifests[-1].at + DELETE_AFTER:
            return Done()
        files = {manifest.file for manifest in manifests}
        found = {entry.path: entry for entry in self._store.entries(archive.folder)}
        if lost := files - found.keys():
            raise Corrupt(archive.folder, f"lacks {', '.join(sorted(lost))}, so its segments are kept")
        strays = [
            path
            for path, entry in found.items()
            if path.endswith(".parquet") and path not in files and now > entry.at + DELETE_AFTER
        ]
        known, prefix = archived_parts(manifests), hour_prefix(model, hour)
        segments = [
            entry.path
            for entry in self._store.entries(prefix)
            if entry.size <= known.get(segment_name(entry.path), Part(whole=0, size=-1)).size
        ]
        tallies = prefix_of(model, hour)
        return self._delete([*segments, *strays, *self._store.list(tallies)], prefix, tallies)

    def _delete(self, paths: Sequence[str], *folders: str) -> Done:
        for path in paths:
            self._store.delete(path)
        for folder in folders:
            self._store.delete_folder(folder)
        return Done(deleted=len(paths))


def _hours(folders: Iterable[str]) -> Iterator[str]:
    """Yield `yyyymmddhh` for the folders that are hours; whatever else lies there is not ours."""
    for name in folders:
        if re.fullmatch(r"\d{4}-\d\d-\d\d-\d\d|\d{10}", name):
            yield name.replace("-", "")
