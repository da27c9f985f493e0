"""Durable queues: order, redelivery, and what a dead owner leaves behind."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.loopback.queues import Queues, QueuesInUse, QueuesUnusable

ROOT = Path(__file__).resolve().parents[4]
OWNER = """
import sys
from pathlib import Path
from functions.loopback.queues import Queues
queues = Queues(Path(sys.argv[1]))
queues.put("a", b"1")
queues.take("a")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def queues(tmp_path: Path) -> Iterator[Queues]:
    """Open queues of the test's own."""
    opened = Queues(tmp_path)
    yield opened
    opened.close()


def test_messages_come_in_the_order_they_were_put(queues: Queues) -> None:
    """The oldest visible message of the asked queue comes first, each to one taker only."""
    queues.put("a", b"1", b"2")
    queues.put("b", b"other")
    first, second = queues.take("a"), queues.take("a")
    assert first is not None
    assert second is not None
    assert (first.body, second.body, queues.take("a")) == (b"1", b"2", None)


def test_a_message_given_back_counts_its_deliveries(queues: Queues) -> None:
    """A delivery counts where it failed, and does not where its function was only interrupted."""
    queues.put("a", b"1")
    message = queues.take("a")
    assert message is not None
    queues.give_back(message)
    again = queues.take("a")
    assert again is not None
    assert again.dequeue_count == 2
    queues.give_back(again, count=False)
    third = queues.take("a")
    assert third is not None
    assert third.dequeue_count == 2


def test_a_delayed_message_is_hidden(queues: Queues) -> None:
    """A message given back with a delay is not visible before the delay is over."""
    queues.put("a", b"1")
    message = queues.take("a")
    assert message is not None
    queues.give_back(message, delay_seconds=3600)
    assert queues.take("a") is None


def test_a_moved_message_starts_anew_elsewhere(queues: Queues) -> None:
    """A poisoned message leaves its queue and has its first delivery on the other one."""
    queues.put("a", b"1")
    message = queues.take("a")
    assert message is not None
    queues.move(message, "a-poison")
    moved = queues.take("a-poison")
    assert moved is not None
    assert (moved.body, moved.dequeue_count, queues.size("a")) == (b"1", 1, 0)


def test_what_was_put_outlives_the_process(tmp_path: Path) -> None:
    """A message in work when its owner ended is visible at once to the next, which has its name."""
    first = Queues(tmp_path)
    first.put("a", b"1")
    assert first.take("a") is not None
    first.close()
    second = Queues(tmp_path)
    message = second.take("a")
    second.close()
    assert message is not None
    assert (message.body, message.dequeue_count) == (b"1", 2)
    assert second.worker_id == first.worker_id


def test_a_living_owner_keeps_others_out_and_a_killed_one_does_not(tmp_path: Path) -> None:
    """A second host on the same folder is refused while the first lives, and let in after a SIGKILL."""
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OWNER,
            str(tmp_path),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        with pytest.raises(QueuesInUse, match=str(tmp_path)):
            Queues(tmp_path)
        owner.kill()
        owner.wait()
    queues = Queues(tmp_path)
    assert queues.take("a") is not None
    queues.close()


def test_a_waiting_thread_is_woken_by_a_message(queues: Queues) -> None:
    """Whoever waits on a queue goes on as soon as a message is put on it."""
    taken: list[bytes] = []

    def work() -> None:
        while not (message := queues.take("a")):
            queues.wait("a", threading.Event())
        taken.append(message.body)

    worker = threading.Thread(target=work)
    worker.start()
    queues.put("a", b"1")
    worker.join(60)
    assert taken == [b"1"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    """What stands there instead of the queues is named, with what to do; it is not taken for another host."""
    (tmp_path / "queues.sqlite").write_bytes(b"no database" * 1_000)
    with pytest.raises(QueuesUnusable, match=r"queues\.sqlite cannot be used .*move it away"):
        Queues(tmp_path)
