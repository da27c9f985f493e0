"""A PostgreSQL server of the tests' own: a cluster in a temporary folder, on loopback, gone afterwards.

PostgreSQL refuses to run as root, so a root user (a container, CI) runs it as `postgres` or `nobody`.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

SERVER_USERS = ("postgres", "nobody")
START_SECONDS = 60.0
TRIES = 3  # a free port may be taken between looking and binding: PostgreSQL cannot bind port 0


@dataclass(frozen=True)
class Cluster:
    """A running server; `url(name)` is a database in it."""

    port: int
    password: str

    def url(self, database: str) -> str:
        """Return the address of *database*, as a person would set TOBAN_DATABASE_URL."""
        return f"postgresql://tester:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"test_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        return self.url(name)


@pytest.fixture
def postgres_url(postgres_cluster: Cluster) -> str:
    """Address of a new, empty PostgreSQL database; mark the test `postgres`."""
    return postgres_cluster.create_database()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """One server for the whole run; skips where PostgreSQL's programs are missing."""
    with a_server() as server:
        yield server.cluster


@pytest.fixture
def mortal_postgres() -> Iterator[Server]:
    """A server of the test's own, which it may stop and start; mark the test `postgres`."""
    with a_server() as server:
        yield server


@dataclass
class Server:
    """A server that can be ended and started again on its port, as in an update of it."""

    cluster: Cluster
    process: subprocess.Popen[bytes]
    programs: Path
    folder: Path
    as_user: dict[str, Any]

    def stop(self) -> None:
        """End it at once; whoever is connected is cut off, and what was committed stays."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=START_SECONDS)

    def start(self) -> None:
        """Start it again, and wait until it takes connections."""
        self.process = serve(self.programs, self.folder, self.as_user, self.cluster.port)
        assert answers(self.process, self.cluster), (self.folder / "log").read_text()


@contextmanager
def a_server() -> Iterator[Server]:
    """Run a server in a temporary folder; skips where PostgreSQL's programs are missing."""
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres were not found (Debian: apt-get install postgresql)")
    as_user = server_user()
    if as_user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    folder = Path(tempfile.mkdtemp(prefix="toban-postgres-"))
    try:
        password = make_cluster(programs, folder, as_user)
        process, port = start_server(programs, folder, as_user, password)
        server = Server(Cluster(port, password), process, programs, folder, as_user)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path | None:
    """Return the folder of the newest initdb and postgres, on the path or where Debian keeps them."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    return next(
        (folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()),
        None,
    )


def _version(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def server_user() -> dict[str, Any] | None:
    """Return what `subprocess` needs to run the server as an ordinary user; None where there is none."""
    if os.geteuid() != 0:
        return {}
    for name in SERVER_USERS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return None


def make_cluster(programs: Path, folder: Path, as_user: dict[str, Any]) -> str:
    """Make a cluster in *folder* and return its password."""
    password = secrets.token_hex(16)
    password_file = folder / "password"
    password_file.write_text(password)
    if as_user:
        for path in (folder, password_file):
            os.chown(path, as_user["user"], as_user["group"])
    subprocess.run(
        [
            *(str(programs / "initdb"), "--pgdata", str(folder / "data"), "--username", "tester"),
            *("--auth", "scram-sha-256", "--pwfile", str(password_file)),
            *("--encoding", "UTF8", "--locale", "C", "--no-sync"),
        ],
        check=True,
        capture_output=True,
        cwd=folder,
        **as_user,
    )
    return password


def start_server(
    programs: Path, folder: Path, as_user: dict[str, Any], password: str
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the server on a free loopback port and return it with the port once it answers."""
    for _ in range(TRIES):
        port = free_port()
        server = serve(programs, folder, as_user, port)
        if answers(server, Cluster(port, password)):
            return server, port
    raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text()}")


def serve(programs: Path, folder: Path, as_user: dict[str, Any], port: int) -> subprocess.Popen[bytes]:
    """Start the server on *port*; whether it takes connections is for `answers` to say."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [
                *(str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "fsync=off", "-c", "max_connections=200"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            **as_user,
        )


def answers(server: subprocess.Popen[bytes], cluster: Cluster) -> bool:
    """Wait until the server takes connections; False when it ended instead."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            psycopg.connect(cluster.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            try:
                server.wait(timeout=0.05)
            except subprocess.TimeoutExpired:
                continue
            return False
        return True
    server.kill()
    server.wait()
    return False


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
