"""An experiment as a record: what the form asks, and the GitHub issue that holds it.

The issue has one heading for each field, the same as an issue that somebody writes by hand from
`.github/ISSUE_TEMPLATE/experiment.yml`, so both are read alike. What the bot alone needs stands in comments
of Markdown, which GitHub does not show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.messages.text import WORD_JOINER, plain

MOST_TEXT = 3000
"""What a text field of Slack holds; seven of them fit an issue's 65,536 characters with ease."""
MOST_TITLE = 80
NO_ANSWER = "_No response_"
"""What GitHub writes for a field of an issue form that was left empty."""
RESULT_BEGIN, RESULT_END = "<!-- toban:result -->", "<!-- /toban:result -->"
PENDING = "_Filled in when the run ends._"
_FACTS = re.compile(r"<!-- toban:experiment (\{.*?\}) -->")
_HEADING = re.compile(r"^### (.+?)\s*$", re.MULTILINE)
_OWN_RESULT = re.compile(f"{re.escape(RESULT_BEGIN)}.*?{re.escape(RESULT_END)}", re.DOTALL)
_HEADS = re.compile(r"^([ \t]*)(#|-{3,}[ \t]*$|={3,}[ \t]*$)", re.MULTILINE)
_CALLS = re.compile(r"(?<![\w`])@(?=[A-Za-z0-9])")


@dataclass(frozen=True)
class Heading:
    """One field: its input's name, its heading in the issue, and what people are asked."""

    name: str
    label: str
    asks: str


FIELDS = (
    Heading("purpose", "Purpose", "Which question is to be answered, and what for?"),
    Heading("background", "Background", "What is known so far, and what led to this?"),
    Heading("method", "Method", "What is done, and what is it compared with?"),
    Heading("data_set", "Data set", "Which data, from when to when?"),
    Heading("result", "Result", "What came of it? What a run gives is written here by the bot."),
    Heading("discussion", "Discussion", "What does the result mean, and how sure is it?"),
    Heading("next_action", "Next action", "What follows from it?"),
)
NAMES = tuple(field.name for field in FIELDS)


class Start(BaseModel):
    """What an experiment starts: a command with its model or words, and the inputs that were given.

    `effective` are the inputs with their defaults, by which two starts are compared.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    verb: str
    model: str | None = None
    words: tuple[str, ...] = ()
    inputs: dict[str, Any] = Field(default_factory=dict)
    effective: dict[str, Any] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        """What is started, in the command's words and without its inputs."""
        return " ".join(filter(None, (self.verb, self.model, *self.words)))


class Facts(BaseModel):
    """What the bot reads back from an issue of its own: by which flow, for whom, about what."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    asked_by: str = ""
    model: str | None = None
    start: Start | None = None


class Experiment(BaseModel):
    """An experiment with its texts by field name; those left empty are not there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    texts: dict[str, str]
    facts: Facts

    @property
    def purpose(self) -> str:
        """Why it is done."""
        return self.texts.get("purpose", "")

    @property
    def title(self) -> str:
        """The first line of its purpose, cut to a title's length."""
        line = " ".join(plain(self.purpose).split())
        return line if len(line) <= MOST_TITLE else f"{line[: MOST_TITLE - 1]}…"


class Issue(BaseModel):
    """An issue as GitHub has it; `facts` is None for one that was written by hand."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    title: str
    url: str
    body: str = ""
    state: str = "open"
    author: str = ""
    created_at: datetime

    @property
    def facts(self) -> Facts | None:
        """What the bot wrote for itself into the body."""
        return read_facts(self.body)

    @property
    def purpose(self) -> str:
        """What stands under its heading Purpose."""
        return read_texts(self.body).get("purpose", "")


def experiment_schema(starts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the JSON Schema of the form; *starts* are commands to propose for what is started."""
    properties: dict[str, Any] = {
        field.name: {
            "type": "string",
            "title": field.label,
            "description": field.asks,
            "maxLength": MOST_TEXT,
        }
        for field in FIELDS
    }
    properties["start"] = {
        "type": "string",
        "title": "Start",
        "description": "A command that begins once this is recorded; its result is written into the issue.",
        "examples": ["retrain arrival-delay"],
        "x-suggestions": list(starts),
    }
    properties["with"] = {
        "type": "string",
        "title": "With",
        "description": "The inputs of that command.",
        "examples": ["since=2013-01 until=2013-06"],
    }
    return {"type": "object", "properties": properties, "required": ["purpose"]}


def build_body(experiment: Experiment) -> str:
    """Return the issue's body: each field under its heading, and the bot's own facts."""
    parts = [f"### {field.label}\n\n{_section(experiment, field)}" for field in FIELDS]
    return "\n\n".join((*parts, "---", "Recorded from Slack.", mark(experiment.facts)))


def mark(facts: Facts) -> str:
    """Return the bot's facts as a comment of Markdown; nothing in them can end it."""
    text = json.dumps(facts.model_dump(mode="json", exclude_none=True), ensure_ascii=True, sort_keys=True)
    return f"<!-- toban:experiment {_inert(text)} -->"


def id_mark(flow_id: str) -> str:
    """Return what the body of the issue that *flow_id* wrote holds, and no other."""
    return f'"id": "{_inert(flow_id)}"'


def read_facts(body: str) -> Facts | None:
    """Return the bot's own facts of an issue, or None."""
    found = _FACTS.search(body)
    try:
        return Facts.model_validate_json(found[1]) if found else None
    except ValidationError:
        return None


def read_texts(body: str) -> dict[str, str]:
    """Return what stands under each heading of an issue, by field name; empty ones are left out."""
    by_label = {field.label.casefold(): field.name for field in FIELDS}
    pieces = _HEADING.split(body.replace("\r\n", "\n"))
    found: dict[str, str] = {}
    for label, text in zip(pieces[1::2], pieces[2::2], strict=True):
        name, said = by_label.get(label.casefold()), _bare(text)
        if name and said and name not in found:
            found[name] = said
    return found


def with_result(body: str, result: str, written: str | None) -> str | None:
    """Return the body with *result* between the bot's own marks, and everything else as it is.

    None where that is not safe: the marks are not there exactly once, or somebody wrote between them.
    *written* is what the bot wrote there before; None: nothing yet.
    """
    if body.count(RESULT_BEGIN) != 1 or body.count(RESULT_END) != 1:
        return None
    before, _, rest = body.partition(RESULT_BEGIN)
    held, end, after = rest.partition(RESULT_END)
    if not end or _same(held) not in {_same(PENDING), _same(written or PENDING), _same(result)}:
        return None
    return f"{before}{RESULT_BEGIN}\n{result}\n{RESULT_END}{after}"


def quoted(text: str) -> str:
    """Return a person's text for Markdown: it calls nobody, hides nothing and is no heading of ours."""
    kept = plain(text).replace("<!--", "&lt;!--")
    return _CALLS.sub(f"@{WORD_JOINER}", _HEADS.sub(r"\1\\\2", kept.strip()))


def _section(experiment: Experiment, field: Heading) -> str:
    text = experiment.texts.get(field.name, "")
    said = quoted(text) if text.strip() else ""
    if field.name == "result" and experiment.facts.start is not None:
        return "\n\n".join(filter(None, (said, f"{RESULT_BEGIN}\n{PENDING}\n{RESULT_END}")))
    return said or NO_ANSWER


def _bare(text: str) -> str:
    own = _OWN_RESULT.sub("", text.partition("\n---\n")[0])
    said = own.strip()
    return "" if said == NO_ANSWER else said


def _inert(text: str) -> str:
    return text.replace("--", "-\\u002d").replace(">", "\\u003e")


def _same(text: str) -> str:
    return " ".join(text.split())


def starts_of(inputs: Mapping[str, Any]) -> str:
    """Return the command that the form's last two fields name, as it could be typed; "" for none."""
    return " ".join(str(inputs[name]).strip() for name in ("start", "with") if inputs.get(name)).strip()


def about(issue: Issue, model: str) -> bool:
    """Return whether an experiment is about *model*: it started it, or one by hand names it."""
    facts = issue.facts
    named = facts.model if facts is not None else None
    return named == model or (named is None and model.casefold() in f"{issue.title}\n{issue.body}".casefold())
