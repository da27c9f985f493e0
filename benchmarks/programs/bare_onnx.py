"""The yardstick of predictions: bare ASGI on uvicorn, pydantic, numpy and onnxruntime, and nothing else.

`python -m benchmarks.programs.bare_onnx MODEL.onnx`. It takes `{"rows": [{…}]}` with the graph's own columns,
checks types, and answers `{"values": […]}`: no registry, no fallback, no interval, no ids, no log.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import uvicorn
from pydantic import ConfigDict, TypeAdapter
from pydantic_core import to_json
from typing_extensions import TypedDict

TEXTS = ("carrier", "origin", "dest")
NUMBERS = (
    "departure_delay", "hour", "weekday", "planned_minutes", "distance", "temperature", "humidity",
    "wind_direction", "wind_speed", "precipitation", "pressure", "visibility",
)  # fmt: skip


class Row(TypedDict):
    """The graph's columns."""

    __pydantic_config__ = ConfigDict(allow_inf_nan=False)  # type: ignore[misc]

    carrier: str
    origin: str
    dest: str
    departure_delay: float
    hour: float
    weekday: float
    planned_minutes: float
    distance: float
    temperature: float | None
    humidity: float | None
    wind_direction: float | None
    wind_speed: float | None
    precipitation: float | None
    pressure: float | None
    visibility: float | None


class Request(TypedDict):
    """What is asked."""

    rows: list[Row]


def load(path: str) -> Callable[[bytes], bytes]:
    """Return what answers a body."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        Path(path).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    validate = TypeAdapter(Request).validator.validate_json

    def answer(body: bytes) -> bytes:
        rows = validate(body)["rows"]
        texts = np.array([[row[name] for name in TEXTS] for row in rows], dtype=object)
        numbers = np.array([[row[name] for name in NUMBERS] for row in rows], dtype=np.float32)
        values = session.run(None, {"texts": texts, "numbers": numbers})[0]
        return to_json({"values": values.tolist()})

    return answer


def build(path: str) -> Callable[..., Awaitable[None]]:
    """Return the ASGI application."""
    answer = load(path)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        parts, more = [], True
        while more:
            event = await receive()
            parts.append(event.get("body", b""))
            more = event.get("more_body", False)
        body = answer(b"".join(parts))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def serve(path: str) -> None:
    """Serve until SIGTERM; print a JSON line when ready."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    config = uvicorn.Config(
        build(path),
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
    )
    server = uvicorn.Server(config)
    print(json.dumps({"listening": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
    server.run(sockets=[listener])


if __name__ == "__main__":
    serve(sys.argv[1])
