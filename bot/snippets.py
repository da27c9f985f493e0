"""Programs that ask a model for a prediction from elsewhere: for a shell, for Python, for a spreadsheet.

Each stands alone, asks the function app itself and reads its key from where that platform keeps secrets; no
key is ever written into one. What a model's texts put into them is written in escapes that survive a chat
message, a shell's quotes and each language's own.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from bot.messages.fields import choices, properties
from ml.contract import ModelView

KEY_NAME = "PREDICT_KEY"
"""Under this name each program looks for its key: an environment variable, or a property of the script."""

_CHAT_MARKS = re.compile("[`<>&@]")
_BY_TYPE: Mapping[str, Any] = {"integer": 1, "number": 1.0, "boolean": True, "array": []}
_BY_FORMAT: Mapping[str, str] = {"date": "2013-07-04", "date-time": "2013-07-04T05:15"}


@dataclass(frozen=True)
class Snippets:
    """The same question three times, and the formula by which a sheet asks it."""

    curl: str
    python: str
    sheet: str
    formula: str


def build_snippets(address: str, model: ModelView, row: Mapping[str, Any]) -> Snippets:
    """Return programs that ask *model* of the function app at *address* about *row*.

    The key goes into the header `x-functions-key`:
    https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
    """
    url = f"{_bare(address)}/api/models/{quote(model.name, safe='', errors='replace')}/predict"
    function = re.sub(r"\W", "_", f"PREDICT_{model.name}".upper(), flags=re.ASCII)
    last = _column(max(len(row), 1))
    return Snippets(
        curl=_curl(url, row),
        python=_python(url, row),
        sheet=_sheet(url, function),
        formula=f"={function}(A$1:{last}$1, A2:{last}2)",
    )


def example_row(model: ModelView) -> dict[str, Any]:
    """Return a row that the model takes: the recipe's first example, else one made from the schema."""
    if model.examples:
        return dict(model.examples[0])
    fields = list(properties(model.input_schema))
    needed = [one for one in fields if one[2]] or fields
    return {name: _sample(field) for name, field, _ in needed}


def _sample(field: Mapping[str, Any]) -> Any:
    """Return some value that *field* allows, as far as its schema says."""
    shown = field.get("examples")
    for one in (shown[:1] if isinstance(shown, list) else [], choices(field)[:1], [field.get("default")]):
        if one and one[0] is not None:
            return one[0]
    if "minimum" in field:
        return field["minimum"]
    by_format = _BY_FORMAT.get(str(field.get("format")), "text")
    return _BY_TYPE.get(str(field.get("type")), by_format)


def _curl(url: str, row: Mapping[str, Any]) -> str:
    body = {"rows": [row], "caller": {"who": "my program", "where": "curl"}}
    quoted = _inert(json.dumps(body)).replace("'", "\\u0027")
    return f"""\
curl --silent --show-error --fail-with-body {shlex.quote(url)} \\
  --header 'content-type: application/json' \\
  --header "x-functions-key: ${KEY_NAME}" \\
  --data '{quoted}'"""


def _python(url: str, row: Mapping[str, Any]) -> str:
    return f"""\
import json
import os
import urllib.request

ADDRESS = {_text(url)}
ROWS = [
    {_inert(ascii(dict(row)))},
]
CALLER = {{"who": "my program", "where": "Python"}}

request = urllib.request.Request(
    ADDRESS,
    data=json.dumps({{"rows": ROWS, "caller": CALLER}}).encode(),
    headers={{"content-type": "application/json", "x-functions-key": os.environ["{KEY_NAME}"]}},
)
with urllib.request.urlopen(request, timeout=30) as response:
    for answer in json.load(response)["results"]:
        print(answer["outcome"], answer.get("value"), answer.get("unit"), answer["source"])"""


def _sheet(url: str, function: str) -> str:
    """Return a custom function of Google Sheets, the formulas of which can send a body and a header.

    Excel's own WEBSERVICE sends neither. A range comes as rows of cells, a single cell bare, an empty one as
    "", a date as a Date: https://developers.google.com/apps-script/guides/sheets/functions
    """
    return f"""\
/**
 * Asks for predictions; each row is answered by value, unit, outcome and source.
 * @param headings one row with the names of the inputs
 * @param rows one row or more with their values
 * @customfunction
 */
function {function}(headings, rows) {{
  const table = (range) => (Array.isArray(range) ? range : [[range]]);
  const zone = SpreadsheetApp.getActive().getSpreadsheetTimeZone();
  const value = (cell) => cell instanceof Date
    ? Utilities.formatDate(cell, zone, "yyyy-MM-dd'T'HH:mm").replace("T00:00", "")
    : cell;
  const row = (cells) => Object.fromEntries(
    table(headings)[0].map((name, at) => [name, value(cells[at])]).filter((pair) => pair[1] !== ""));
  const response = UrlFetchApp.fetch({_text(url)}, {{
    method: "post",
    contentType: "application/json",
    headers: {{"x-functions-key": PropertiesService.getScriptProperties().getProperty("{KEY_NAME}")}},
    payload: JSON.stringify({{rows: table(rows).map(row), caller: {{who: "a sheet", where: "Sheets"}}}}),
    muteHttpExceptions: true,
  }});
  if (response.getResponseCode() !== 200) {{
    throw new Error("status " + response.getResponseCode() + ": " + response.getContentText());
  }}
  return JSON.parse(response.getContentText()).results.map((answer) => [
    answer.value ?? answer.reason_code ?? "", answer.unit ?? "", answer.outcome, answer.source]);
}}"""


def _bare(address: str) -> str:
    """Return an address without a name and password, or a key, that may stand in it."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _text(value: str) -> str:
    """Return *value* as a literal that Python and JavaScript read alike."""
    return _inert(json.dumps(value))


def _inert(text: str) -> str:
    """Return text of literals with what a chat message would read as markup written as escapes."""
    return _CHAT_MARKS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _column(number: int) -> str:
    """Return the letters of a sheet's column: 1 is A, 27 is AA."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
