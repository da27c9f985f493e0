"""Drives the function app through Azure's own Python library, as the host's messages would.

    python tests/stand_ins/azure_library.py APP_FOLDER

It indexes `function_app.py` in the folder, prints one JSON line with every function's bindings, and then
answers one JSON line for each on stdin: `{"function": name, "http": {…}}`, `{"function": name, "queue":
"text"}` or `{"function": name, "timer": true}`. It runs under whichever interpreter has
`azure-functions-runtime`, which knows the host's messages only by the attributes it reads; the classes below
have just those.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

NOW = json.dumps("2013-07-04T12:00:00+00:00")
VALUES = ("string", "json", "bytes", "http", "int", "double")


class Absent(dict[str, Any]):
    """A field that was not set: empty in every way in which it is read."""

    def __getattr__(self, name: str) -> Absent:
        return Absent()

    def __str__(self) -> str:
        return ""


class Message:
    """A message of the host: the fields it was made with; those that are None count as not set."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update({name: value for name, value in fields.items() if value is not None})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name[:1].isupper():
            raise AttributeError(name)
        return Absent()

    def WhichOneof(self, group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Return which value is set."""
        names = ("data",) if group == "rpc_data" else VALUES
        return next((name for name in names if name in self.__dict__), None)


class Protos:
    """The classes of the host's messages, made as they are asked for."""

    StatusResult = type("StatusResult", (Message,), {"Failure": 0, "Success": 1, "Cancelled": 2})
    BindingInfo = type("BindingInfo", (Message,), {"undefined": 0, "out": 1, "inout": 2})

    def __getattr__(self, name: str) -> type[Message]:
        made = type(name, (Message,), {})
        setattr(self, name, made)
        return made


class Library:
    """The library with one function app indexed in it."""

    def __init__(self, folder: Path) -> None:
        import azure_functions_runtime

        self._library, self._protos = azure_functions_runtime, Protos()
        self._loop = asyncio.new_event_loop()
        azure_functions_runtime.start_threadpool_executor()
        start = SimpleNamespace(capabilities={}, function_app_directory=str(folder))
        self._do(self._library.worker_init_request, worker_init_request=start)
        found = self._do(self._library.functions_metadata_request).function_metadata_results
        self.functions = {
            function.name: (function.function_id, [json.loads(binding) for binding in function.raw_bindings])
            for function in found
        }

    def _do(self, call: Callable[[Any], Coroutine[Any, Any, Any]], **request: Any) -> Any:
        properties = {"host": "127.0.0.1", "protos": self._protos}
        message = SimpleNamespace(request=SimpleNamespace(**request), name="", properties=properties)
        answer = self._loop.run_until_complete(call(message))
        if answer.result.status != self._protos.StatusResult.Success:
            raise RuntimeError(answer.result.exception.message)
        return answer

    def invoke(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        """Run a function on a request, a queue message or a timer; return its answer and its outputs."""
        number, bindings = self.functions[name]
        trigger = next(binding for binding in bindings if binding["type"].endswith("Trigger"))
        value, metadata = self._trigger_value(order)
        request = Message(
            invocation_id=str(uuid.uuid4()),
            function_id=number,
            input_data=[Message(name=trigger["name"], data=value)],
            trigger_metadata=metadata,
            trace_context=Message(trace_parent="", trace_state="", attributes={}),
            retry_context=Message(retry_count=0, max_retry_count=0),
        )
        answer = self._do(self._library.invocation_request, invocation_request=request)
        outputs = {output.name: _plain(output.data) for output in answer.output_data}
        return {"outputs": outputs, **_http_answer(answer)}

    def _trigger_value(self, order: dict[str, Any]) -> tuple[Message, dict[str, Message]]:
        data: type[Message] = self._protos.TypedData
        if "http" in order:
            http = order["http"]
            body = base64.b64decode(http.pop("body", ""))
            return data(http=Message(**http, body=data(bytes=body) if body else data())), {}
        if "queue" in order:
            text = order["queue"]
            times = {name: data(json=NOW) for name in ("InsertionTime", "ExpirationTime", "NextVisibleTime")}
            ids = {name: data(string="id") for name in ("Id", "PopReceipt")}
            return data(string=text), {**times, **ids, "DequeueCount": data(json="1")}
        return data(json=json.dumps({"IsPastDue": False, "Schedule": {}, "ScheduleStatus": {}})), {}


def _plain(data: Message) -> Any:
    kind = data.WhichOneof("data")
    return json.loads(data.json) if kind == "json" else getattr(data, kind or "string")


def _http_answer(answer: Message) -> dict[str, Any]:
    if "return_value" not in vars(answer) or answer.return_value.WhichOneof("data") != "http":
        return {}
    http = answer.return_value.http
    body = getattr(http.body, http.body.WhichOneof("data") or "bytes") or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    return {
        "status": int(http.status_code),
        "headers": {name.lower(): value for name, value in http.headers.items()},
        "body": base64.b64encode(body).decode(),
    }


def main(folder: Path) -> None:
    """Answer orders until stdin ends."""
    sys.path.insert(0, str(folder))
    library = Library(folder)
    out = sys.stdout
    sys.stdout = sys.stderr  # the library writes its log there
    print(
        json.dumps({name: bindings for name, (_, bindings) in library.functions.items()}),
        file=out,
        flush=True,
    )
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = library.invoke(order["function"], order)
        except RuntimeError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), file=out, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
