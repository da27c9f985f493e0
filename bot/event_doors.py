"""Slack's other doors: mentions, the Home tab, and the shortcut and buttons of files.

What is mentioned is read just as the slash command is, also in threads, where slash commands cannot be used.
Like there, a flow is stored before the ack and Slack's own ids make it run once.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from slack_bolt import Ack, App, BoltResponse

from bot.engine import REQUESTS
from bot.ids import act_of, request_id, team_of, team_of_event
from bot.intake import Entry, Intake
from bot.jobs import Job
from bot.listeners import Doors
from bot.slack import Identity

log = logging.getLogger(__name__)

PREDICT_FILE = "file.predict"
"""The message shortcut on a file."""
FILE_BUTTONS = re.compile(r"^file\.predict_\d+$")
HOME_BUTTONS = re.compile(r"^home\.[a-z_]+$")
FILE_FACTS = ("id", "name", "size", "mimetype", "url_private", "url_private_download")
_BETWEEN = " \n\xa0,:"
_MARKS = "*_~"
"""With these Slack writes bold, italics and struck-out text."""
TABLES = (".csv", ".tsv", ".txt")


class EventDoors:
    """What arrives from Slack besides commands, buttons and forms, turned into flows."""

    def __init__(self, doors: Doors, identity: Identity, intake: Intake) -> None:
        self._doors = doors
        self._identity = identity
        self._intake = intake

    def register(self, app: App) -> None:
        """Hang the doors into *app*."""
        app.event("app_mention")(self._on_mention)
        app.event("app_home_opened")(self._on_home)
        app.shortcut(PREDICT_FILE)(self._on_file)
        app.action(FILE_BUTTONS)(self._on_choice)
        app.action(HOME_BUTTONS)(self._on_home_button)
        app.middleware(_note_held_back)
        # What else somebody subscribed to is not for us; Slack sends again what is not acked.
        app.event(re.compile("."))(lambda ack: ack())

    def _on_mention(self, ack: Ack, body: dict[str, Any]) -> None:
        self.take_mention(body)
        ack()

    def _on_home(self, ack: Ack, body: dict[str, Any]) -> None:
        self.take_home(body)
        ack()

    def _on_file(self, ack: Ack, body: dict[str, Any]) -> None:
        self.take_file(body)
        ack()

    def _on_choice(self, ack: Ack, body: dict[str, Any]) -> None:
        self.take_choice(body)
        ack()

    def _on_home_button(self, ack: Ack, body: dict[str, Any]) -> None:
        self.take_home_button(body)
        ack()

    def take_mention(self, body: Mapping[str, Any]) -> None:
        """Take a message that mentions the bot: the words after the mention are a command.

        Raises what the database raises where the command could not be stored: Slack sends the event again.
        """
        event = body["event"]
        if event.get("bot_id") or not event.get("user") or team_of_event(body) != self._identity.team_id:
            return
        # An edited message is sent again as another event: only the message and its words tell it apart.
        said = f"{event['channel']} {event['ts']}" if event.get("ts") else body.get("event_id")
        command = {
            "team_id": self._identity.team_id,
            "user_id": event["user"],
            "channel_id": event["channel"],
            "thread_ts": event.get("thread_ts"),
            "event_id": said,
            "text": self._after_mention(str(event.get("text") or "")),
        }
        files = _tables(event.get("files") or ())
        job = self._doors.read(command)
        if files and job.verb in ("predict", "help") and not job.inputs:
            thread = event.get("thread_ts") or event["ts"]
            self._submit_file(job.model_copy(update={"verb": "predict", "thread_ts": thread}), files[0])
            return
        reply = self._doors.take_command(command)
        if reply is not None:
            answered = job.model_copy(update={"flow_id": f"{job.flow_id}-answer"})
            self._submit("answer", answered, reply["text"], reply["blocks"])

    def take_home(self, body: Mapping[str, Any]) -> None:
        """Take a look at the Home tab: it is drawn anew for this person."""
        event = body["event"]
        if event.get("tab", "home") == "home" and team_of_event(body) == self._identity.team_id:
            opened = f"h-{request_id(body.get('event_id'), event['user'])}"
            self._submit("home", self._job(opened, event["user"], event["user"], "Home"))

    def take_home_button(self, body: Mapping[str, Any]) -> None:
        """Take a button of the Home tab; its value is a command, whose answer comes as a direct message."""
        if team_of(body) != self._identity.team_id:
            return
        action, user = body["actions"][0], str(body["user"]["id"])
        pressed = request_id(act_of(body), user, action["action_id"])
        if action["action_id"] == "home.refresh":
            self._submit("home", self._job(f"h-{pressed}", user, user, "Home"))
            return
        command = {
            "team_id": self._identity.team_id,
            "user_id": user,
            "channel_id": user,
            "event_id": pressed,
            "trigger_id": body.get("trigger_id"),
            "text": str(action.get("value") or ""),
        }
        reply = self._doors.take_command(command)
        if reply is not None:
            self._submit("answer", self._doors.read(command), reply["text"], reply["blocks"])

    def take_file(self, body: Mapping[str, Any]) -> None:
        """Take the shortcut on a message: its first CSV file is predicted, in its thread."""
        if team_of(body) != self._identity.team_id:
            return
        message, user = body["message"], str(body["user"]["id"])
        files = _tables(message.get("files") or ())
        named = f"predict with {files[0]['name']}" if files else "predict with this file"
        asked = request_id(act_of(body), user, message["ts"])
        job = self._job(f"s-{asked}", user, str(body["channel"]["id"]), named).model_copy(
            update={
                "thread_ts": message.get("thread_ts") or message["ts"],
                "response_url": body.get("response_url"),
            }
        )
        self._submit("file", job, files[0] if files else None)

    def take_choice(self, body: Mapping[str, Any]) -> None:
        """Take the answer to the question which model a file is for."""
        if team_of(body) != self._identity.team_id:
            return
        action, user = body["actions"][0], str(body["user"]["id"])
        chosen = _chosen(action.get("value"))
        file = {name: chosen[name] for name in FILE_FACTS if name in chosen}
        named = f"predict {chosen['model']} with {file['name']}" if chosen else "predict with this file"
        channel = (body.get("channel") or {}).get("id") or body["container"]["channel_id"]
        pressed = request_id(act_of(body), user, action["action_id"], action.get("value"))
        place = {"thread_ts": chosen.get("ts"), "response_url": body.get("response_url")}
        job = self._job(f"s-{pressed}", user, str(channel), named)
        self._submit("file", job.model_copy(update={"model": chosen.get("model"), **place}), file or None)

    def _after_mention(self, text: str) -> str:
        """Return what follows the first mention of the bot, which need not stand at the beginning.

        A command that was copied from a message brings its marks (bold, italics, code) and the name of the
        slash command along; marks may stand around the mention, too.
        """
        mention = rf"<@{self._identity.user_id}(?:\|[^>]*)?>"
        before, *after = re.split(mention, text, maxsplit=1)
        said = (after[0] if after else before).strip(_BETWEEN)
        opened = before[len(before.rstrip(_MARKS)) :] if after else ""
        said = said.lstrip(opened).removesuffix(opened[::-1]).strip(_BETWEEN)
        copied = re.fullmatch(r"([`*_~]+)(.*?)\1", said, re.DOTALL)
        return re.sub(rf"^{re.escape(self._doors.command)}(\s+|$)", "", copied[2] if copied else said)

    def _job(self, flow_id: str, user: str, channel: str, typed: str) -> Job:
        return Job(
            flow_id=flow_id,
            verb="predict",
            typed=typed,
            user=user,
            channel=channel,
            team=self._identity.team_id,
            asked_at=datetime.now(UTC),
        )

    def _submit_file(self, job: Job, file: dict[str, Any]) -> None:
        self._submit("file", job, file)

    def _submit(self, flow: str, job: Job, *args: Any) -> None:
        self._intake.submit(Entry(flow, REQUESTS, job.flow_id, (job.model_dump(mode="json"), *args)))


def _note_held_back(body: dict[str, Any], next: Callable[[], BoltResponse]) -> BoltResponse:  # noqa: A002 - Bolt's name
    """Say in the log that Slack holds events back, which it tells by a request of a kind of its own.

    Source: https://docs.slack.dev/apis/events-api/#rate-limiting
    """
    if body.get("type") != "app_rate_limited":
        return next()
    log.error("Slack holds events back: there are too many", extra={"since": body.get("minute_rate_limited")})
    return BoltResponse(status=200)


def _chosen(value: object) -> dict[str, Any]:
    """Return the file and the model that a button names; nothing for a button that is none of ours."""
    try:
        chosen = json.loads(str(value))
    except ValueError:
        return {}
    ours = isinstance(chosen, dict) and {"model", "id", "name"} <= chosen.keys()
    return chosen if ours else {}


def _tables(files: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is to be known of the files that may be tables."""
    return [
        {name: file[name] for name in FILE_FACTS if name in file}
        for file in files
        if str(file.get("name") or "").casefold().endswith(TABLES) or file.get("filetype") in ("csv", "tsv")
    ]
