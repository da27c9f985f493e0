"""Every refusal and fault as problem details."""

from __future__ import annotations

import asyncio
import json
import logging

import azure.functions as func
import pytest

from functions.problems import door
from ml.contract import FieldProblem, Problem
from ml.errors import (
    Conflict,
    Corrupt,
    Misconfigured,
    NotFound,
    Refused,
    StoreMisconfigured,
    StoreUnavailable,
)

REQUEST = func.HttpRequest("GET", "http://127.0.0.1/api/x", body=b"")


def answer(error: Exception) -> tuple[func.HttpResponse, Problem]:
    """Return what a door answers whose work raises *error*."""

    @door
    def raising(req: func.HttpRequest) -> func.HttpResponse:
        raise error

    response = raising(REQUEST)
    return response, Problem.model_validate_json(response.get_body())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("unknown_model", "none"), 404),
        (Refused("unknown_run", "none"), 404),
        (Refused("malformed_json", "bad"), 400),
        (Refused("body_too_large", "big"), 413),
        (Refused("unsupported_media_type", "xml"), 415),
        (Refused("idempotency_key_reused", "again"), 422),
        (Refused("evidence_mismatch", "other"), 422),
        (Refused("anything_else", "no"), 422),
        (Conflict(None, "moved"), 409),
        (StoreUnavailable("gone"), 503),
        (Misconfigured("toban.toml: no"), 500),
        (StoreMisconfigured("no container"), 500),
        (Corrupt("models/x", "torn"), 500),
        (NotFound("files/x"), 500),
        (ZeroDivisionError("defect"), 500),
    ],
)
def test_statuses(error: Exception, status: int) -> None:
    """What the person can change is 4xx, what to try again 503, a defect 500; all are problem details."""
    response, problem = answer(error)
    assert (response.status_code, problem.status, response.mimetype) == (
        status,
        status,
        "application/problem+json",
    )


def test_a_refusal_carries_fields_and_suggestions() -> None:
    """Reason code, sentence, fields at fault and nearest names all reach the caller."""
    field = FieldProblem(field="rows", value="x", allowed="a list", message="rows must be a list")
    _, problem = answer(Refused("invalid_value", "See rows.", errors=[field], suggestions=["row"]))
    assert (problem.reason_code, problem.detail) == ("invalid_value", "See rows.")
    assert (problem.errors, problem.suggestions) == ((field,), ("row",))


@pytest.mark.parametrize("error", [Corrupt("models/x/000001.json", "is no JSON"), NotFound("files/abc")])
def test_a_damaged_record_is_named(error: Corrupt | NotFound) -> None:
    """Whoever runs the app learns which object to mend, without looking into the log."""
    _, problem = answer(error)
    assert problem.reason_code == "record_damaged"
    assert error.path in problem.detail


def test_a_refusal_of_nan_is_itself_json() -> None:
    """A value that JSON cannot hold does not break the body that refuses it."""
    field = FieldProblem(field="x", value=float("nan"), allowed="a number", message="x must be a number")
    response, _ = answer(Refused("invalid_value", "See x.", errors=[field]))
    body = json.loads(response.get_body(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert body["errors"][0]["field"] == "x"


def test_a_fault_is_an_incident_number_outside_and_a_trace_inside(caplog: pytest.LogCaptureFixture) -> None:
    """The caller learns nothing of a defect but the number under which the log holds it."""
    with caplog.at_level(logging.ERROR):
        response, problem = answer(ZeroDivisionError("secret detail"))
    assert b"secret" not in response.get_body()
    assert b"Traceback" not in response.get_body()
    incident = (problem.instance or "").removeprefix("urn:uuid:")
    assert incident
    assert incident in problem.detail
    assert vars(caplog.records[0])["incident"] == incident
    assert "secret detail" in caplog.text


def test_a_store_that_is_gone_says_when_to_come_back() -> None:
    """503 carries Retry-After."""
    response, problem = answer(StoreUnavailable("gone"))
    assert (response.headers["Retry-After"], problem.reason_code) == ("5", "store_unavailable")


def test_async_doors_are_guarded_and_stay_async() -> None:
    """An async function stays a coroutine function for Azure's library, and its errors are answered too."""

    @door
    async def raising(req: func.HttpRequest) -> func.HttpResponse:
        raise Refused("unknown_model", "none")

    assert asyncio.iscoroutinefunction(raising)
    assert asyncio.run(raising(REQUEST)).status_code == 404
