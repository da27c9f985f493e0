"""The function app as an OpenAPI 3.1 description, made from its operations and the contract's classes.

Pure: no app, no store and no settings are needed. What a class of the contract says of itself is said here
in its own words, so a changed field changes the description and nothing else has to be edited.
Source: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.operations import NAMES, OPERATIONS, Operation
from ml.contract import Problem

KEY_HEADER = "x-functions-key"
JSON_TYPE, PROBLEM_TYPE = "application/json", "application/problem+json"
ABOUT = (
    "Predicts, trains and keeps the books of a team's models. Every refusal is problem details (RFC 9457) "
    "with a stable `reason_code`, the fields at fault and the nearest known names."
)

REFUSALS = {
    400: "The body is not JSON, or the Idempotency-Key cannot be used.",
    401: "The function key is missing or wrong. In Azure the platform answers this, without a body.",
    404: "No such model, version, run or prediction.",
    409: "The alias is not where `expected_event` says: look again, decide again.",
    413: "The body has more than {limit:,} bytes.",
    415: "The body is not sent as JSON.",
    422: "Understood, but not possible: `errors` names each field at fault.",
    500: "A fault, with its incident number, or a damaged record, named.",
    503: "The object store does not answer; `Retry-After` says when to try again.",
}

_Models = dict[tuple[type[BaseModel], JsonSchemaMode], dict[str, Any]]


def build_description() -> dict[str, Any]:
    """Return the description: every operation with its parameters, bodies, statuses and problem details."""
    references, definitions = models_json_schema(
        sorted(_used(), key=lambda used: (used[0].__name__, used[1])),
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/api/{operation.route}", {})[operation.method.lower()] = _describe(
            operation, references
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Toban's function app", "description": ABOUT, "version": _version()},
        "servers": [{"url": "/"}],
        "security": [{"functionKey": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"functionKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
        },
    }


def refusals_of(operation: Operation) -> list[int]:
    """Return the statuses with which *operation* may refuse, in order."""
    found = {401, 500}
    if operation.takes or operation.keyed:
        found |= {400, 413, 415, 422}
    if "{" in operation.route or operation.query:
        found |= {404, 422}
    if operation.conflicts:
        found |= {409}
    if operation.reads_store:
        found |= {503}
    return sorted(found)


def _used() -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    """Return the classes that are sent, with the side from which each is seen."""
    taken = {(operation.takes.model, "validation") for operation in OPERATIONS if operation.takes}
    answered = {(operation.answers, "serialization") for operation in OPERATIONS if operation.answers}
    return {*taken, *answered, (Problem, "serialization")}  # type: ignore[arg-type]


def _version() -> str:
    try:
        return version("toban")
    except PackageNotFoundError:  # in Azure the app is a folder, not an installed package
        return "0"


def _describe(operation: Operation, references: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, references),
    }
    if operation.takes:
        schema = references[operation.takes.model, "validation"]
        described["requestBody"] = {
            "required": not operation.takes.optional,
            "content": {JSON_TYPE: {"schema": schema}},
        }
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", operation.route)
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": NAMES[name]} for name in names
    ]
    found += [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    if operation.keyed:
        schema = {"type": "string", "pattern": "^[!-~]{1,200}$"}
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema})
    if operation.conditional:
        found.append({"name": "If-None-Match", "in": "header", "schema": {"type": "string"}})
    return found


def _responses(operation: Operation, references: Any) -> dict[str, Any]:
    answer = references[operation.answers, "serialization"] if operation.answers else {"type": "object"}
    good: dict[str, Any] = {"description": operation.summary, "content": {JSON_TYPE: {"schema": answer}}}
    responses: dict[str, Any] = {str(operation.status): good}
    if operation.status == 202:
        good["headers"] = {name: _header(text) for name, text in _ACCEPTED.items()}
    if operation.conditional:
        good["headers"] = {"ETag": _header("names this answer; send it back as If-None-Match")}
        responses["304"] = {"description": "It did not change."}
    problem = references[Problem, "serialization"]
    limit = operation.takes.limit_bytes if operation.takes else 0
    for status in refusals_of(operation):
        responses[str(status)] = {
            "description": REFUSALS[status].format(limit=limit),
            "content": {PROBLEM_TYPE: {"schema": problem}},
        }
    return responses


_ACCEPTED = {"Location": "where the run is", "Retry-After": "seconds after which to look"}


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}
