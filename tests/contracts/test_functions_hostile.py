"""Requests to the function app that are made to hurt: without the key, out of place, too much, too deep."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from ml.contract import PredictReply, Problem
from tests.function_hosts import CALLER, KEY, FunctionHost, Home

JSON = {"Content-Type": "application/json"}
SECONDS = 30
DEEP = b'{"rows": ' + b"[" * 100_000
PLACES = ("models/{0}", "models/{0}/usage", "models/sums/versions/{0}", "runs/{0}", "predictions/{0}")
TRICKS = (
    "..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2ftoban.toml",
    "%2e%2e",
    "%00",
    "sums%00.json",
    "%5c..%5c..%5cwindows",
    "%c0%ae%c0%ae",
    "sums%0d%0aX-Injected:%20yes",
    "$(id)",
    "{{7*7}}",
    "%F0%9F%92%A3",
    "a" * 8_000,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A team's folder, beside a file that nobody may read through the app."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "outside.json").write_text('{"format": 1, "outside": "treasure"}')
    return Home(folder)


@pytest.fixture(scope="module")
def host(home: Home) -> Iterator[FunctionHost]:
    """Serve it."""
    with home.host() as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"x-functions-key": ""}, "", 401),
        ({"x-functions-key": KEY + "x"}, "", 401),
        ({"x-functions-key": KEY[:-1]}, "", 401),
        ({"x-functions-key": KEY.upper()}, "", 401),
        ({"x-functions-key": "ключ".encode()}, "", 401),
        ({"authorization": f"Bearer {KEY}"}, "", 401),
        ({}, f"?key={KEY}", 401),
        ({}, "?code=", 401),
        ({}, f"?code={KEY}x", 401),
        ({"x-functions-key": "wrong"}, f"?code={KEY}", 401),
        ({}, f"?code={KEY}", 200),
        ({"x-functions-key": KEY}, "", 200),
    ],
)
def test_the_key_opens_and_nothing_else_does(
    host: FunctionHost, headers: dict[str, str | bytes], query: str, status: int
) -> None:
    """Missing, wrong, cut, or in another place, the key lets nobody in; it never comes back in an answer."""
    for path in ("api/models", "admin/host/status"):
        answer = requests.get(f"{host.url}/{path}{query}", headers=headers, timeout=SECONDS)
        assert answer.status_code == status, answer.text
        assert KEY not in answer.text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick[:20])
def test_no_name_leads_out_of_its_place(host: FunctionHost, place: str, trick: str) -> None:
    """A name with a way up, a NUL, a backslash or any length is a name that nobody knows."""
    connection = HTTPConnection(urlsplit(host.url).netloc, timeout=SECONDS)
    connection.request("GET", f"/api/{place.format(trick)}", headers={"x-functions-key": KEY})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (404, 422), body
    assert "X-Injected" not in answer.headers
    assert Problem.model_validate_json(body).status == answer.status
    assert b"treasure" not in body
    assert b"Traceback" not in body
    assert len(body) < 2_000


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"params": ' + b'{"a":' * 100_000,
        b'{"params": {"rows": ' + b"9" * 5_000 + b"}}",
        b'{"params": {"rows": ' + b"9" * 4_300 + b"}}",
        b'{"params": {"rows": 1e309}}',
        b'{"params": {"rows": -1e309}}',
        b'{"params": {"rows": NaN}}',
        b'{"params": {"gate": "\\ud800"}}',
        b'{"params": {"gate": "\xff"}}',
        b'{"params": {"a": 1, "a": 2}}',
        b'{"rows": [{"first": ' + b"9" * 4_300 + b', "second": 1}], "caller": {"who": "a", "where": "b"}}',
        pickle.dumps({"rows": [1]}),
        b"PK\x03\x04" + b"\x00" * 100,
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize(
    "path", ["models/sums/predict", "models/sums/retrain", "models/sums/aliases/champion"]
)
def test_bombs_and_odd_numbers_are_refused(host: FunctionHost, path: str, body: bytes) -> None:
    """JSON too deep, numbers too long or infinite, half characters and pickles are refused in a sentence."""
    answer = host.send("POST", path, data=body, headers=JSON)
    if answer.status_code == 200:  # the one row is refused in its place
        assert [one.outcome for one in PredictReply.model_validate_json(answer.content).results] == [
            "refused"
        ]
    else:
        assert answer.status_code in (400, 422), answer.text
        assert Problem.model_validate_json(answer.content).detail
    assert "Traceback" not in answer.text
    assert len(answer.content) < 5_000


@pytest.mark.parametrize(
    "value", ["1e309", "NaN", "-Infinity", '"1e309"', '"Infinity"', '"💣"', '"\u202eabc"', "[[]]", "{}"]
)
def test_values_that_are_no_numbers_cost_their_row_only(host: FunctionHost, value: str) -> None:
    """Anything else than a number is refused in its row, with the field; the other row is answered."""
    rows = f'[{{"first": {value}, "second": 1}}, {{"first": 1, "second": 2}}]'
    body = f'{{"rows": {rows}, "caller": {json.dumps(CALLER)}}}'
    answer = host.send("POST", "models/sums/predict", data=body.encode(), headers=JSON)
    assert answer.status_code == 200, answer.text
    odd, good = PredictReply.model_validate_json(answer.content).results
    assert odd.problem is not None
    assert [error.field for error in odd.problem.errors] == ["first"]
    assert good.outcome == "fallback"


def test_long_texts_come_back_short(host: FunctionHost) -> None:
    """100,000 characters where a number is expected, or as a name, are named by their first ones."""
    text = "x" * 100_000
    for row in ({"first": text, "second": 1}, {text: 1}):
        answer = host.post("models/sums/predict", {"rows": [row], "caller": CALLER})
        assert answer.status_code == 200
        assert len(answer.content) < 5_000
    assert (
        host.post("models/sums/predict", {"rows": [], "caller": {**CALLER, "who": text}}).status_code == 422
    )


def test_too_much_is_refused(host: FunctionHost) -> None:
    """10,001 rows, and a body of 50 MB, are refused as what they are; the app answers on."""
    row = b'{"first":1,"second":2},'
    many = b'{"rows":[' + (row * 10_001)[:-1] + b'],"caller":' + json.dumps(CALLER).encode() + b"}"
    answer = host.send("POST", "models/sums/predict", data=many, headers=JSON)
    assert (answer.status_code, answer.json()["reason_code"]) == (422, "too_many_rows")
    large = b'{"rows": ["' + b"x" * 50_000_000 + b'"]}'
    for path in ("models/sums/predict", "models/sums/retrain"):
        answer = host.send("POST", path, data=large, headers=JSON)
        assert (answer.status_code, answer.json()["reason_code"]) == (413, "body_too_large")
    assert host.get("health").json()["status"] == "ok"


def test_only_what_was_asked_for_was_written(host: FunctionHost, home: Home) -> None:
    """After all this nothing lies outside of the store, the queue and the settings."""
    assert {path.name for path in home.folder.iterdir()} == {"outside.json", "queues", "store", "toban.toml"}
    assert not any(".." in str(path) for path in Path(home.store).rglob("*"))
