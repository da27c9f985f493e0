"""Archiving closed hours on every kind of store: found and counted as before, done once, kept long enough."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml.archive import Hour
from ml.compaction import KEEP_SETTING, Compactor, Done, kept_for
from ml.errors import Misconfigured, NotFound
from ml.objects import ObjectStore
from ml.predictions import PredictionLog
from ml.segments import END_OF_TORN_LINE, encode_line, hour_prefix
from ml.usage import Usage
from tests.contracts.archived import (
    CLOSED,
    GRACE_OVER,
    HOUR,
    CuttingStore,
    assert_whole,
    compact,
    everything,
    log_an_hour,
)
from tests.contracts.conftest import Place
from tests.contracts.logged import AT, MODEL, record


def test_archived_predictions_are_told_as_before(store: ObjectStore) -> None:
    """Every field of every row, single or of columns, before and after its segment is deleted."""
    known = log_an_hour(store)
    before = [PredictionLog(store).read(each) for each in known]
    assert compact(store, CLOSED) == Done(hours=1, rows=84)
    assert list(store.list("predictions"))
    assert compact(store, GRACE_OVER).deleted > 0
    assert list(store.list("predictions")) == []
    assert [PredictionLog(store).read(each) for each in list(known)[::20]] == before[::20]
    with pytest.raises(NotFound):
        PredictionLog(store).read(f"{next(iter(known))}999")


def test_an_hour_is_archived_once(store: ObjectStore, tmp_path: Path) -> None:
    """Not while it may still be written to, and a second pass finds nothing to do."""
    known = log_an_hour(store)
    assert compact(store, AT) == Done()
    assert compact(store, CLOSED).rows == len(known)
    assert compact(store, CLOSED) == Done()
    assert_whole(store, known, tmp_path)
    compact(store, GRACE_OVER)
    assert compact(store, GRACE_OVER) == Done()
    assert_whole(store, known, tmp_path)


def test_what_is_written_late_is_not_lost(store: ObjectStore, tmp_path: Path) -> None:
    """A segment that came or grew after the hour was archived is archived too, and only what is new of it."""
    known = log_an_hour(store)
    compact(store, CLOSED)
    if store.can_append:
        path = next(iter(store.list(f"predictions/{MODEL}")))
        name, first = path.rpartition("/")[2].removesuffix(".jsonl"), 42
        store.append(path, encode_line(record(0), 0)[:30] + END_OF_TORN_LINE + encode_line(record(7), first))
        known[f"p-{MODEL}-{HOUR}-{name}-{first}"] = 7
    with PredictionLog(store, clock=AT.timestamp) as late:
        submission = late.submit(MODEL, [record(8)])
        assert submission.taken.result(30)
        known[submission.ids[0]] = 8
    compact(store, GRACE_OVER)
    assert len(Hour(store, MODEL, HOUR).manifests()) == 2
    assert everything(store, tmp_path) == Counter(known.keys())
    compact(store, GRACE_OVER + timedelta(hours=2))
    assert list(store.list("predictions")) == []
    assert everything(store, tmp_path) == Counter(known.keys())
    assert all(PredictionLog(store).read(each).input == {"n": n} for each, n in list(known.items())[-2:])


def test_two_workers_at_once_do_no_harm(place: Place, tmp_path: Path) -> None:
    """Whatever one does between two writes of the other, each row is there once."""
    known = log_an_hour(place.open())
    for now in (CLOSED, GRACE_OVER):
        met = []

        def meanwhile(now: datetime = now, met: list[Done] = met) -> None:
            met.append(compact(place.open(), now))

        at = 0
        while len(met) == at:
            at += 1
            compact(CuttingStore(place.open(), at, after=False, then=meanwhile), now)
        assert_whole(place.open(), known, tmp_path)


def test_old_hours_go_and_their_counts_stay(store: ObjectStore) -> None:
    """After the days that predictions are kept their files, manifests and segments are gone."""
    known = log_an_hour(store)
    compact(store, CLOSED)
    later = AT + timedelta(days=401)
    done = Compactor(store, timedelta(days=400), clock=lambda: later).run()
    assert done.deleted >= 4
    assert list(store.list("predictions")) == list(store.list("archive")) == []
    with pytest.raises(NotFound):
        PredictionLog(store).read(next(iter(known)))
    assert Usage(store, lambda: later).hour(MODEL, HOUR).total() == len(known)


def test_hours_that_were_never_archived_go_too(store: ObjectStore) -> None:
    """Also where nobody tidied up for more than a year."""
    log_an_hour(store)
    later = AT + timedelta(days=401)
    Compactor(store, timedelta(days=400), clock=lambda: later).run()
    assert list(store.list("predictions")) == []


@pytest.mark.parametrize(
    ("whole", "damaged"),
    [
        (b'"format":2', b'"format":9'),
        (b'"version":', b'"version":"x","was":'),
        (b'"at":"2013', b'"at":"x'),
        (b'"answer":{', b'"answer":[],"was":{'),
        (b'"outcome":', b'"income":'),
    ],
)
def test_a_damaged_segment_stops_its_own_hour_only(
    store: ObjectStore, caplog: pytest.LogCaptureFixture, whole: bytes, damaged: bytes
) -> None:
    """It is named in the log and stays as it is, with the others of its hour; later hours are archived."""
    known = log_an_hour(store)
    other = f"{hour_prefix(MODEL, '2013070109')}/0123456789ab1.jsonl"
    line = encode_line(record(), 0)
    assert whole in line
    store.create(other, line.replace(whole, damaged))
    with caplog.at_level(logging.ERROR):
        done = compact(store, CLOSED)
    assert (done.failed, done.rows) == (1, len(known))
    assert [entry.__dict__["hour"] for entry in caplog.records] == ["2013070109"]
    assert other in store.list("predictions")


def test_segments_outlive_an_archive_that_was_lost(store: ObjectStore) -> None:
    """Where the file that stands for them is gone, they are not deleted."""
    known = log_an_hour(store)
    compact(store, CLOSED)
    store.delete(Hour(store, MODEL, HOUR).manifests()[0].file)
    assert compact(store, GRACE_OVER).failed == 1
    assert PredictionLog(store).read(next(iter(known))).input == {"n": 0}


def test_files_that_nobody_named_are_removed(store: ObjectStore, tmp_path: Path) -> None:
    """What a killed worker left behind goes after a while, and not while it may still be at work."""
    known = log_an_hour(store)
    compact(store, CLOSED)
    stray = Hour(store, MODEL, HOUR).file("sha256:" + "a" * 64)
    store.create(stray, b"half done")
    compact(store, datetime.now(UTC))
    assert stray in store.list("archive")
    compact(store, datetime.now(UTC) + timedelta(hours=2))
    log_an_hour(store)  # the hour is looked at again only if something lies there
    compact(store, datetime.now(UTC) + timedelta(hours=2))
    compact(store, datetime.now(UTC) + timedelta(hours=4))
    assert stray not in store.list("archive")
    assert everything(store, tmp_path).keys() >= known.keys()


def test_how_long_predictions_are_kept_is_a_setting() -> None:
    """400 days unless said otherwise; anything else than days is refused by name."""
    assert kept_for({}) == timedelta(days=400)
    assert kept_for({KEEP_SETTING: "30"}) == timedelta(days=30)
    for wrong in ("0", "-1", "4e2", "99999999", "forever"):
        with pytest.raises(Misconfigured, match=KEEP_SETTING):
            kept_for({KEEP_SETTING: wrong})
