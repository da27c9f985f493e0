"""The load generator, against small servers of the test's own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from benchmarks.load import LoadFailed, Order, port_of, post, send

REQUEST = post("http://127.0.0.1:1/path", b'{"a":1}')


def answer(body: bytes, status: int = 200) -> bytes:
    """Return a whole answer."""
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@contextmanager
def server(reply: Callable[[bytes], list[bytes]]) -> Iterator[int]:
    """Answer each request, in the parts that *reply* returns, on a free port; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):  # the other side may have ended the load
                while request := connection.recv(65536):
                    for part in reply(request):
                        connection.sendall(part)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def test_a_count_is_kept_to_and_every_answer_is_timed() -> None:
    """Ten requests from three senders are ten answers, whatever the time."""
    with server(lambda _: [answer(b"fine")]) as port:
        load = send(Order(port, [REQUEST], senders=3, seconds=60, count=10, mark=b"fine"))
    assert load.answers == len(load.latencies) == 10
    assert load.rate == pytest.approx(10 / load.seconds)
    assert load.latency(1.0) == max(load.latencies)


def test_requests_are_sent_round_and_round() -> None:
    """Each of the prepared requests is used in its turn."""
    seen: list[bytes] = []

    def reply(request: bytes) -> list[bytes]:
        seen.append(request[-1:])
        return [answer(b"")]

    with server(reply) as port:
        send(Order(port, [b"a", b"b", b"c"], senders=1, seconds=60, count=7))
    assert b"".join(seen) == b"abcabca"


def test_an_answer_in_pieces_is_put_together() -> None:
    """Header and body may come in any cut."""
    whole = answer(b"x" * 1000 + b"mark")
    pieces = [whole[:5], whole[5:30], whole[30:60], whole[60:-1], whole[-1:]]
    with server(lambda _: pieces) as port:
        load = send(Order(port, [REQUEST], senders=2, seconds=60, count=6, mark=b"mark"))
    assert load.answers == 6


@pytest.mark.parametrize(
    "reply", [answer(b"fine", 503), answer(b"refused"), b""], ids=["status", "mark", "closed"]
)
def test_one_refusal_ends_the_load(reply: bytes) -> None:
    """A refusal is fast; it must not be counted as an answer."""
    with server(lambda _: [reply or b"HTTP/1.1 500 x\r\n\r\n"]) as port, pytest.raises(LoadFailed):
        send(Order(port, [REQUEST], senders=1, seconds=60, count=3, mark=b"fine"))


def test_an_ack_with_a_body_is_no_ack() -> None:
    """The mark can be asked for at the very end."""
    order = {
        "requests": [REQUEST],
        "senders": 1,
        "seconds": 60,
        "count": 2,
        "mark": b"\r\n\r\n",
        "at_end": True,
    }
    with server(lambda _: [answer(b"")]) as port:
        assert send(Order(port, **order)).answers == 2  # type: ignore[arg-type]
    with server(lambda _: [answer(b"no")]) as port, pytest.raises(LoadFailed):
        send(Order(port, **order))  # type: ignore[arg-type]


def test_load_goes_to_this_machine_only() -> None:
    """Any other address is refused."""
    assert port_of("http://127.0.0.1:7071/api") == 7071
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 only"):
        port_of("http://example.com:80/")
