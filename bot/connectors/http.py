"""Any HTTP endpoint as a connector: it answers at once, gives an address to ask, or calls back.

What is configured is all that is called: the endpoint's address is in the settings, a status address must lie
at the same origin, and no redirect is followed. What must be remembered of a call stands in the ledger
(`bot/calls.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, cast

from bot.calls import Call, Calls, Standing
from bot.connectors.connector import FINAL, JobRequest, Report, RunHandle, RunState, RunStatus
from bot.connectors.endpoints import Endpoint
from bot.connectors.http_answers import (
    build_start,
    check_status,
    read_detail,
    read_start,
    read_state,
    read_status,
    refused,
)
from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import EndpointUnreachable, Refused
from ml.contract import Reason

MOST_ANSWER_BYTES = 1 << 20


class HttpConnector:
    """Endpoints by name: a job's target and a handle's scope name the endpoint.

    Starting under a key that was used leads to the first run. Where a call may have been taken but was not
    answered, it is sent again only to an endpoint that is said to be `repeatable`.
    """

    def __init__(
        self,
        name: str,
        endpoints: Mapping[str, Endpoint],
        calls: Calls,
        callback_address: Callable[[str], str] | None = None,
    ) -> None:
        self.name = name
        self._endpoints = endpoints
        self._calls = calls
        self._callback_address = callback_address
        self._senders = {one: _sender(endpoint) for one, endpoint in endpoints.items()}

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that *key* started before."""
        endpoint = self._endpoints[job.target]
        callback = self._callback_address(key) if self._callback_address else None
        call = build_start(endpoint, job, key, callback)
        handle = RunHandle(connector=self.name, id=key, scope=job.target)
        known = self._calls.begin(key, job.target)
        if known is not None and known.standing is not None:
            return handle
        if known is not None and not endpoint.settings.repeatable:
            raise refused("start_uncertain", "The bot was interrupted while it asked for the start.", 409)
        self._calls.note(key, self._sent(endpoint, job.target, call, key))
        return handle

    def _sent(self, endpoint: Endpoint, name: str, call: HttpCall, key: str) -> Standing:
        try:
            reply = self._senders[name].send(call)
            check_status(reply)
        except Refused:
            self._calls.forget(key)
            raise
        except EndpointUnreachable as error:
            if not error.sent:
                self._calls.forget(key)
            raise
        return read_start(reply, endpoint, call.path)

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how runs stand, by handle id; asks for each only as often as its endpoint wishes.

        Raises EndpointUnreachable where not one of those to be asked about could be read.
        """
        known = self._calls.find([handle.id for handle in handles])
        found: dict[str, RunStatus] = {}
        silent: list[EndpointUnreachable] = []
        for handle in handles:
            call = known.get(handle.id)
            try:
                status = None if call is None else self._looked_at(handle, call)
            except EndpointUnreachable as error:
                silent.append(error)
                continue
            if status is not None:
                found[handle.id] = status
        if silent and not found:
            raise silent[0]
        return found

    def _looked_at(self, handle: RunHandle, call: Call) -> RunStatus | None:
        standing = call.standing
        now = datetime.now(UTC)
        if standing is None:
            return None
        if call.ended:
            return run_status(handle, call)
        if standing.status_path is None:
            hours = self._endpoints[call.endpoint].settings.callback_hours
            if now - call.created_at < timedelta(hours=hours):
                return run_status(handle, call)
            late = standing.model_copy(update={"state": "failed", "detail": "It never called back."})
            return self._noted(handle, late)
        if now < call.look_after:
            return run_status(handle, call)
        reply = self._senders[call.endpoint].send(HttpCall("GET", standing.status_path))
        after = read_status(reply, self._endpoints[call.endpoint], standing)
        return None if after is None else self._noted(handle, after)

    def _noted(self, handle: RunHandle, standing: Standing) -> RunStatus:
        self._calls.note(handle.id, standing)
        return run_status(handle, self._calls.find([handle.id])[handle.id])

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how a run stands; raise Refused where nothing is known of it (any more)."""
        found = self.status([handle]).get(handle.id)
        if found is None:
            raise refused("unknown_run", "Its endpoint knows nothing of this run (any more).", 404)
        return found

    def cancel(self, handle: RunHandle) -> None:
        """Ask for a run to be stopped; raise Refused where its endpoint gave no address for that."""
        call = self._calls.find([handle.id]).get(handle.id)
        if call is None or call.standing is None or call.ended:
            return
        if call.standing.cancel_path is None:
            raise refused("cannot_cancel", f"{call.endpoint} gives no address at which to stop a run.")
        settings = self._endpoints[call.endpoint].settings
        stop = HttpCall(settings.cancel_method, call.standing.cancel_path, repeatable=True)
        reply = self._senders[call.endpoint].send(stop)
        if reply.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE):
            check_status(reply)

    def take_callback(self, key: str, body: Any) -> bool:
        """Take the one callback of a run; False where there is no such run, or it has ended already."""
        call = self._calls.find([key]).get(key)
        if call is None or call.endpoint not in self._endpoints:
            return False
        settings = self._endpoints[call.endpoint].settings
        if settings.callback is None:
            return False
        reply = HttpReply(HTTPStatus.OK, {}, body)
        state = read_state(reply, settings)
        ended: RunState = state if state in FINAL else "succeeded"
        # It may come before the answer to the start: then nothing is known of the run but this.
        before = call.standing or Standing(state="running")
        facts = {"state": ended, "detail": read_detail(reply, settings), "answer": body}
        return self._calls.note(key, before.model_copy(update=facts))


def run_status(handle: RunHandle, call: Call) -> RunStatus:
    """Return the status of a run as the ledger has it."""
    standing = cast("Standing", call.standing)
    failed = standing.state == "failed"
    why = standing.detail or "The endpoint gave no reason."
    return RunStatus(
        handle=handle,
        name=call.endpoint,
        state=standing.state,
        progress=standing.progress,
        detail=None if failed else standing.detail,
        created_at=call.created_at,
        started_at=call.created_at,
        finished_at=call.ended_at,
        reason=Reason(code="endpoint_failed", detail=why) if failed else None,
        report=Report(fields=_fields(standing.answer)) if call.ended else None,
        offers=("cancel",) if standing.cancel_path and not call.ended else (),
    )


def _fields(answer: Any) -> dict[str, Any]:
    """Return an answer as the fields of a report; one that is no object stands under `answer`."""
    return answer if isinstance(answer, dict) else {} if answer is None else {"answer": answer}


def _sender(endpoint: Endpoint) -> Sender:
    settings = endpoint.settings
    return Sender(
        endpoint.origin,
        {"accept": "application/json", "user-agent": "toban", **settings.headers, **endpoint.headers},
        connect_seconds=settings.connect_seconds,
        read_seconds=settings.read_seconds,
        most_bytes=MOST_ANSWER_BYTES,
        any_body=True,
        secrets=endpoint.headers.values(),
        unreachable=EndpointUnreachable,
    )
