"""The function app describes itself, and keeps to what it says, whatever is sent to it.

schemathesis asks each operation what its description allows and what it forbids. That what was answered is
described, is JSON of the described shape, and is no fault, is checked on every answer;
`test_functions_any_request` sends what no description would lead to.
"""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.generation import GenerationMode

from functions.description import REFUSALS, build_description, refusals_of
from functions.operations import OPERATIONS
from functions.problems import STATUS
from ml.contract import MAX_ROWS
from tests.function_hosts import KEY, FunctionHost, Home

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("HYPOTHESIS_PROFILE") == "full"
ANSWER_SECONDS = 30
PROBES = ("ignored_auth", "unsupported_method", "use_after_free", "object_level_authorization")
"""Checks that send requests of their own: keys and methods have tests by name (`test_functions_http`)."""

load_all_checks()
JUDGED = [
    check
    for name, check in zip(CHECKS.get_all_names(), CHECKS.get_all(), strict=True)
    # What a recipe allows as inputs and parameters, no description of the app can know.
    if name not in (*PROBES, "positive_data_acceptance", "ensure_resource_availability")
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    """Serve a team whose model has a version."""
    with Home(tmp_path_factory.mktemp("home")).host() as running:
        yield running


@pytest.fixture(scope="module")
def narrowed(host: FunctionHost) -> schemathesis.BaseSchema:
    """The description with the names that this team has, so that most requests come past the names."""
    run_id = host.retrain(rows=100)
    assert host.wait_for(run_id)["state"] == "succeeded"
    view = host.get("models/sums").json()
    row = {"first": 1.0, "second": 2.0}
    prediction = host.post(
        "models/sums/predict", {"rows": [row], "caller": {"who": "viewer", "where": "#ml"}}
    )
    known = {
        "model": ["sums"],
        "version": [1],
        "run_id": [run_id],
        "prediction_id": [prediction.json()["results"][0]["prediction_id"]],
    }
    description = copy.deepcopy(build_description())
    for path in description["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in known:
                    parameter["schema"] = {"enum": known[parameter["name"]]}
    rows = description["components"]["schemas"]["PredictRequest"]["properties"]["rows"]["anyOf"][0]
    rows["items"] = {"anyOf": [view["schema"], {}]}  # whatever a row is, it costs no more than itself
    return schemathesis.openapi.from_dict(description, config=_only_what_http_carries())


def _only_what_http_carries() -> SchemathesisConfig:
    generation = GenerationConfig(
        with_security_parameters=False,
        allow_extra_parameters=False,
        exclude_header_characters="".join(map(chr, (*range(0x20), 0x7F))),
    )
    return SchemathesisConfig(projects=ProjectsConfig(default=ProjectConfig(generation=generation)))


def _can_vary(operation: Any) -> bool:
    """Return whether there is more than one thing to ask, and anything that is forbidden."""
    return bool(operation.takes or operation.query or "{" in operation.route)


ASKED = [
    pytest.param(operation, mode, id=f"{operation.name}-{mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or _can_vary(operation)
]
CASES = 100_000 // sum(_can_vary(param.values[0]) for param in ASKED) + 1 if FULL else 10
"""What is sent to each operation, allowed and forbidden each: 100,000 requests in the full run."""


@pytest.mark.timeout(3_600 if FULL else 120)
@pytest.mark.parametrize(("operation", "mode"), ASKED)
def test_each_operation_keeps_to_its_description(
    host: FunctionHost, narrowed: schemathesis.BaseSchema, operation: Any, mode: GenerationMode
) -> None:
    """What is allowed is answered, what is forbidden is refused, all as described; nothing fails or hangs."""
    described = narrowed[f"/api/{operation.route}"][operation.method]
    route = re.compile(f"/api/{re.sub('{[a-z_]+}', '[^/]+', operation.route)}")
    asked = 0

    @settings(max_examples=CASES)
    @given(case=described.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal asked
        asked += 1
        headers = {"x-functions-key": KEY}
        if operation.status == 202 and mode is GenerationMode.POSITIVE:
            headers["Idempotency-Key"] = f"{operation.name}-{asked % 5}"  # a few runs are enough work
        answer = case.call(base_url=host.url, session=host.session, headers=headers, timeout=ANSWER_SECONDS)
        assert answer.status_code < 500
        sent = urlsplit(answer.request.url)
        if not route.fullmatch(sent.path):
            return  # a bare # or ? in a name, or dots as one: the client asked for another address
        query = parse_qsl(sent.query, keep_blank_values=True)
        if all(value for _, value in query):  # an empty one is as if it were not given, as in Azure
            case.validate_response(answer, checks=JUDGED)

    ask()
    assert asked >= CASES or not _can_vary(operation)


def test_the_description_is_one_by_the_rules_of_openapi() -> None:
    """The description is valid OpenAPI 3.1."""
    schemathesis.openapi.from_dict(build_description()).validate()


def test_the_app_and_the_command_give_the_same_description(host: FunctionHost) -> None:
    """Whoever has a key asks the app, who has the code the command; without a key nothing is told."""
    printed = subprocess.run(
        [sys.executable, "-m", "functions.openapi"], cwd=ROOT, capture_output=True, check=True
    )
    assert json.loads(printed.stdout) == host.get("openapi.json").json() == build_description()
    assert requests.get(f"{host.url}/api/openapi.json", timeout=ANSWER_SECONDS).status_code == 401


def test_no_rows_are_not_described_as_rows() -> None:
    """What `predict` always refuses, no rows or too many in either shape, its description refuses as well."""
    shapes = build_description()["components"]["schemas"]["PredictRequest"]["properties"]
    for lists in (shapes["rows"], shapes["columns"]["anyOf"][0]["additionalProperties"]):
        assert (lists["minItems"], lists["maxItems"]) == (1, MAX_ROWS)


def test_every_refusal_is_described() -> None:
    """Each status with which a door refuses has its sentence, and is among those of some operation."""
    described = {status for operation in OPERATIONS for status in refusals_of(operation)}
    # 405 belongs to the methods that are not described.
    assert set(STATUS.values()) - {405} <= described == set(REFUSALS)
