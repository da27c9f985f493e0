"""The snippets, copied out of their message, really run against the local function app."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from bot.messages import snippets as messages
from bot.messages.text import unescape
from bot.snippets import KEY_NAME, Snippets, build_snippets, example_row
from ml.contract import ModelView
from tests.function_hosts import KEY, FunctionHost, Home

TEAM = """
[models.arrival-delay]
recipe = "recipes.arrival_delay:ArrivalDelay"
"""
SECONDS = 60
GOOGLE = """
const fs = require("fs");
const {execFileSync} = require("child_process");
const asked = [];
global.PropertiesService = {getScriptProperties: () => ({getProperty: (name) => process.env[name] ?? null})};
global.SpreadsheetApp = {getActive: () => ({getSpreadsheetTimeZone: () => "America/New_York"})};
global.Utilities = {formatDate: (moment, zone, pattern) => {
  if (pattern !== "yyyy-MM-dd'T'HH:mm") throw new Error(pattern);
  return new Intl.DateTimeFormat("sv-SE", {timeZone: zone, dateStyle: "short", timeStyle: "short"})
    .format(moment).replace(" ", "T");
}};
global.UrlFetchApp = {fetch: (url, options) => {
  if (options.method !== "post" || options.muteHttpExceptions !== true) throw new Error("not a post");
  const headers = Object.entries({"content-type": options.contentType, ...options.headers});
  const said = execFileSync("curl", ["--silent", "--write-out", "\\n%{http_code}", "--data-binary", "@-", url,
    ...headers.flatMap(([name, value]) => ["--header", `${name}: ${value}`])], {input: options.payload});
  const [status, ...lines] = said.toString().split("\\n").reverse();
  asked.push(JSON.parse(options.payload).rows);
  return {getResponseCode: () => Number(status), getContentText: () => lines.reverse().join("\\n")};
}};
eval.call(null, fs.readFileSync(0, "utf8"));
const cells = JSON.parse(process.argv[1], (name, one) => one?.date_cell ? new Date(one.date_cell) : one);
let shown;
try { shown = globalThis[process.argv[2]](...cells); } catch (error) { shown = error.message; }
console.log(JSON.stringify({shown, asked}));
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    """The function app with the model of the demo, of which no version has been trained."""
    home = Home(tmp_path_factory.mktemp("snippets"))
    (home.folder / "toban.toml").write_text(TEAM)
    with home.host() as running:
        yield running


@pytest.fixture(scope="module")
def made(host: FunctionHost) -> Snippets:
    """The snippets as somebody copies them out of Slack."""
    model = ModelView.model_validate(host.get("models/arrival-delay").json())
    built = build_snippets(host.url, model, example_row(model))
    texts = [
        block["text"]["text"] for block in messages.snippets(model, built, "/ml").blocks if "text" in block
    ]
    curl, python, sheet = (unescape(text).strip("`\n") for text in texts if text.startswith("```"))
    return Snippets(curl, python, sheet, built.formula)


def run(*command: str, given: str = "", key: str | None = KEY) -> subprocess.CompletedProcess[str]:
    """Run a program that finds *key* in its environment."""
    known = {name: value for name, value in os.environ.items() if name != KEY_NAME}
    environment = known | ({KEY_NAME: key} if key else {})
    return subprocess.run(
        command, input=given, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_asks(made: Snippets) -> None:
    """The model's first example is answered; a wrong key fails loudly, with what the app says."""
    answered = run("sh", "-c", made.curl)
    assert answered.returncode == 0, answered.stderr
    (answer,) = json.loads(answered.stdout)["results"]
    assert (answer["outcome"], answer["unit"]) == ("fallback", "min")
    refused = run("sh", "-c", made.curl, key="wrong")
    assert refused.returncode != 0
    assert "unauthorized" in refused.stdout


def test_python_asks(made: Snippets) -> None:
    """The program prints the outcome, value, unit and source of each row; without a key it says which."""
    answered = run(sys.executable, "-c", made.python)
    assert answered.returncode == 0, answered.stderr
    outcome, value, unit, source = answered.stdout.split()
    assert (outcome, unit, source) == ("fallback", "min", "rule")
    assert float(value) == 2.0
    assert KEY_NAME in run(sys.executable, "-c", made.python, key=None).stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node, which runs the sheet's function")
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    ("cells", "rows", "first"),
    [
        (
            [
                [["flight", "date"]],
                [["UA1545", "2013-01-01"], ["UA1545", {"date_cell": "2013-01-02T05:00:00Z"}]],
            ],
            [{"flight": "UA1545", "date": "2013-01-01"}, {"flight": "UA1545", "date": "2013-01-02"}],
            [2, "min", "fallback", "rule"],
        ),
        (
            [
                [["carrier", "origin", "dest", "date", "departure_delay", "flight"]],
                [["UA", "EWR", "IAH", {"date_cell": "2013-07-04T19:30:00Z"}, 20, ""]],
            ],
            [
                {
                    "carrier": "UA",
                    "origin": "EWR",
                    "dest": "IAH",
                    "date": "2013-07-04T15:30",
                    "departure_delay": 20,
                }
            ],
            [20, "min", "fallback", "rule"],
        ),
        (["date", "2013-01-01"], [{"date": "2013-01-01"}], ["invalid_value", "", "refused", "none"]),
    ],
    ids=["two rows with a date cell", "a time and an empty cell", "single cells"],
)
def test_the_sheet_asks(made: Snippets, cells: object, rows: object, first: object) -> None:
    """Ranges, date cells, empty and single cells become one request, and the answers rows of cells."""
    function = made.formula.split("(")[0].removeprefix("=")
    ran = run("node", "-e", GOOGLE, json.dumps(cells), function, given=made.sheet)
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["asked"] == [rows]
    assert said["shown"][0] == first


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node, which runs the sheet's function")
def test_the_sheet_says_what_went_wrong(made: Snippets) -> None:
    """A wrong key is shown in the cell as what the function app said."""
    function = made.formula.split("(")[0].removeprefix("=")
    cells = json.dumps([[["flight"]], [["UA1545"]]])
    ran = run("node", "-e", GOOGLE, cells, function, given=made.sheet, key="wrong")
    assert "status 401" in json.loads(ran.stdout)["shown"]
