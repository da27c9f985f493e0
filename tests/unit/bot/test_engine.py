"""What keeps two bots apart: the fence, the lock on a SQLite file, what is a network's file system."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bot import engine
from bot.engine import Engine, Fence
from bot.errors import ConfigurationError
from bot.timing import Timing


class Left(Exception):
    """The process would have ended here."""


def leave() -> None:
    """End the process, so to speak."""
    raise Left


def test_process_without_heartbeat_leaves_before_it_acts() -> None:
    """An effect begins only while others cannot yet believe the process dead."""
    now = [0.0]
    fence = Fence(60.0, leave, lambda: now[0])
    now[0] = 48.0
    with fence:
        pass
    now[0] = 48.1
    with pytest.raises(Left), fence:
        pytest.fail("it acted")
    fence.beat()
    with fence:
        pass


class SlowEngine:
    """An engine under the flows that brings its tables up to date until it is let go on; then it fails."""

    going_on = threading.Event()

    def __init__(self, **_config: object) -> None:
        """Take any settings."""

    @classmethod
    def launch(cls) -> None:
        """Take long."""
        assert cls.going_on.wait(60)
        raise Left


def test_a_process_that_takes_long_to_start_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its heart beats while the engine's own tables are brought up to date; it takes over nobody yet."""
    monkeypatch.setattr(engine, "DBOS", SlowEngine)
    started = Engine(f"sqlite:///{tmp_path}/bot.sqlite3", Timing(heartbeat_seconds=0.01))
    beat, beats = started.records.beat, []

    def count(executor_id: str) -> bool:
        beats.append(executor_id)
        if len(beats) == 3:
            SlowEngine.going_on.set()
        return beat(executor_id)

    monkeypatch.setattr(started.records, "beat", count)
    monkeypatch.setattr(started, "_recover", lambda: pytest.fail("it took flows over"))
    with pytest.raises(Left):
        started.launch()
    started.leave()
    started.client.destroy()
    started.sql.dispose()
    assert started._lock is not None
    started._lock.close()


@pytest.mark.parametrize("what", ["garbage", "folder", "nobody"])
def test_a_database_that_cannot_be_used_is_named(tmp_path: Path, what: str) -> None:
    """A damaged file, a folder, a server that is away: the bot says so at its start, without a password."""
    place = tmp_path / "bot.sqlite3"
    url = f"sqlite:///{place}"
    if what == "garbage":
        place.write_bytes(b"no database" * 1_000)
    elif what == "folder":
        place.mkdir()
    else:
        url = "postgresql://bot:hunter2@127.0.0.1:1/bot"
    with pytest.raises(ConfigurationError, match="TOBAN_DATABASE_URL: the database cannot be used: ") as said:
        Engine(url)
    assert "hunter2" not in str(said.value)


@pytest.mark.parametrize("lasts", [0.0, 0.2, 3600.0])
def test_in_a_rush_an_effect_stands_back_for_a_moment(monkeypatch: pytest.MonkeyPatch, lasts: float) -> None:
    """It waits until no batch has come for a while, and half a second at most; without a rush not at all."""
    now = [0.0]
    fence = Fence(60.0, leave, lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if now[0] < lasts:  # another batch has come meanwhile
            fence.rush(0.1)

    monkeypatch.setattr(engine.time, "sleep", sleep)
    if lasts:
        fence.rush(0.1)
    with fence:
        assert now[0] == pytest.approx(min(lasts, engine.STAND_BACK_SECONDS), abs=1e-6)


def test_closed_fence_lets_effects_end_and_none_begin() -> None:
    """A process that is to end waits for what is under way and starts nothing more."""
    fence = Fence(60.0, leave)
    entered, go, acted = threading.Event(), threading.Event(), threading.Event()

    def effect() -> None:
        with fence:
            entered.set()
            go.wait(60)

    def late() -> None:
        with fence:
            acted.set()

    under_way = threading.Thread(target=effect)
    under_way.start()
    assert entered.wait(60)
    assert not fence.close(0.0)
    threading.Thread(target=late, daemon=True).start()
    go.set()
    assert fence.close(60.0)
    under_way.join()
    assert not acted.is_set()


def test_second_bot_on_a_file_is_refused(tmp_path: Path) -> None:
    """The lock beside the database is held until it is let go of."""
    url = f"sqlite:///{tmp_path}/deep/bot.sqlite3"
    lock = engine._lock_sqlite(url)
    with pytest.raises(ConfigurationError, match="another bot already runs"):
        engine._lock_sqlite(url)
    lock.close()
    engine._lock_sqlite(url).close()


@pytest.mark.parametrize(
    ("found", "python", "is_refused"),
    [((3, 40, 1), (3, 11), False), ((3, 40, 1), (3, 13), True), ((3, 42, 0), (3, 13), False)],
)
def test_old_sqlite_is_named(found: tuple[int, ...], python: tuple[int, ...], is_refused: bool) -> None:
    """Where the engine could not make its tables, the versions are named, and what is needed."""
    said = engine.sqlite_problem(found, python)
    expected = "Python 3.13 has SQLite 3.40.1 here, and the flows need 3.42.0 or newer"
    assert said == (expected if is_refused else None)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "9p", "fuse.blobfuse2"])
def test_network_file_systems_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """SQLite is not opened where its locks do not hold."""
    monkeypatch.setattr(engine, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), kind)])
    with pytest.raises(ConfigurationError, match="network file system"):
        engine._lock_sqlite(f"sqlite:///{tmp_path}/share/bot.sqlite3")


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/data/share/x", "nfs"), ("/data/shared", "xfs"), ("/data", "xfs"), ("/home", "ext4")],
)
def test_the_nearest_mount_counts(folder: str, kind: str) -> None:
    """A folder lies on the longest mount point above it, by whole names."""
    mounts = [("/", "ext4"), ("/data", "xfs"), ("/data/share", "nfs")]
    assert engine._file_system(Path(folder), mounts) == kind
