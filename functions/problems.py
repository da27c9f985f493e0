"""Every refusal and every fault as problem details (RFC 9457), decided in one place.

A door raises nothing that leaves this module: `door` turns what `ml` raised into a status and a body. Faults
are logged with an incident number, which is all that the caller sees of them.
Source: https://www.rfc-editor.org/rfc/rfc9457
"""

from __future__ import annotations

import functools
import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

import azure.functions as func
from pydantic_core import to_json

from ml.contract import Problem
from ml.errors import (
    Conflict,
    Corrupt,
    Misconfigured,
    NotFound,
    Refused,
    StoreMisconfigured,
    StoreUnavailable,
)

PROBLEM_TYPE = "application/problem+json"
RETRY_SECONDS = 5

STATUS: Mapping[str, int] = {
    "malformed_json": 400,
    "bad_idempotency_key": 400,
    "unknown_model": 404,
    "unknown_run": 404,
    "unknown_version": 404,
    "unknown_alias": 404,
    "unknown_prediction": 404,
    "unknown_route": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unsupported_media_type": 415,
}
"""Status by reason code; every other refusal is 422, understood but not possible."""

_log = logging.getLogger("toban.functions")
_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


def door(handler: Callable[_Parameters, _Answer]) -> Callable[_Parameters, _Answer]:
    """Return *handler* (sync or async) so that whatever it raises becomes a problem response."""
    name = getattr(handler, "__name__", "door")
    if inspect.iscoroutinefunction(handler):

        @functools.wraps(handler)
        async def guarded_async(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:
            try:
                return await cast(Awaitable[Any], handler(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - nothing may leave a door but an answer
                return problem_response(error, name)

        return cast(Callable[_Parameters, _Answer], guarded_async)

    @functools.wraps(handler)
    def guarded(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - nothing may leave a door but an answer
            return problem_response(error, name)

    return cast(Callable[_Parameters, _Answer], guarded)


def problem_response(error: Exception, door_name: str) -> func.HttpResponse:
    """Return the response for *error*: what the person can change, what to try again, or a fault."""
    if isinstance(error, Refused):
        return _response(_refusal(error))
    if isinstance(error, Conflict):
        return _response(_problem(409, "alias_moved", error.detail))
    if isinstance(error, StoreUnavailable):
        _log.warning("store unavailable", extra={"door": door_name})
        problem = _problem(503, "store_unavailable", "The object store does not answer; try again soon.")
        return _response(problem, {"Retry-After": str(RETRY_SECONDS)})
    if isinstance(error, Misconfigured | StoreMisconfigured):
        _log.error("misconfigured", exc_info=error, extra={"door": door_name})
        return _response(
            _problem(500, "misconfigured", "The function app is not set up right; its log says how.")
        )
    if isinstance(error, Corrupt | NotFound):
        _log.error("record damaged", extra={"door": door_name, "path": error.path, "detail": str(error)})
        return _response(
            _problem(500, "record_damaged", f"A record in the object store is damaged or gone: {error}.")
        )
    return _response(_fault(error, door_name))


def method_not_allowed(method: str, allowed: str) -> func.HttpResponse:
    """Return the response to a method that its address does not serve."""
    problem = _problem(405, "method_not_allowed", f"{method} is not served here; {allowed} is.")
    return _response(problem, {"Allow": allowed})


def _refusal(error: Refused) -> Problem:
    status = STATUS.get(error.reason_code, 422)
    problem = _problem(status, error.reason_code, error.detail)
    return problem.model_copy(update={"errors": error.errors, "suggestions": error.suggestions})


def _fault(error: Exception, door_name: str) -> Problem:
    incident = uuid.uuid4()
    _log.error("fault", exc_info=error, extra={"door": door_name, "incident": str(incident)})
    problem = _problem(500, "fault", f"Something failed here; the log holds it as incident {incident}.")
    return problem.model_copy(update={"instance": incident.urn})


def _problem(status: int, reason_code: str, detail: str) -> Problem:
    title = reason_code.replace("_", " ").capitalize()
    return Problem(title=title, status=status, detail=detail, reason_code=reason_code)


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    body = to_json(problem)
    return func.HttpResponse(body, status_code=problem.status, headers=headers, mimetype=PROBLEM_TYPE)
