"""Answers of the app that need no token: the body of an ack, and posts to a response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import json
from typing import Any
from urllib.parse import parse_qs

from playground.slack.blocks import with_ids
from playground.slack.loopback import Loopback
from playground.slack.methods.chat import escaped, prove_content
from playground.slack.response_urls import Refused, ResponseUrl
from playground.slack.web_api import ApiError

Json = dict[str, Any]


def show_ack(slack: Loopback, issued: ResponseUrl, command: str, body: Any) -> None:
    """Show what came back with a command's ack: nothing, a private text, or a message of its own kind."""
    if body is None or body == {}:
        return
    answer = body if isinstance(body, dict) else {"text": str(body)}
    try:
        _publish(slack, issued, answer)
    except ApiError as refused:
        slack.feed.publish(
            "ack_failed",
            channel=issued.channel,
            visible_to=[issued.user],
            error=refused.error,
            plain=f"⚠ {command}: {refused.error}",
        )
        text = f'{command} failed with the error "{refused.error}"'
        slack.messages.post_private(issued.channel, issued.user, {"user": "USLACKBOT", "text": text})


def take_response(slack: Loopback, path: str, content_type: str, raw: bytes) -> tuple[int, str]:
    """Act on a post to a response_url; return (status, body): “ok”, or Slack's name for what is wrong."""
    try:
        answer = _decode(content_type, raw)
        if answer is None:
            return 400, "invalid_payload"
        _publish(slack, slack.response_urls.spend(path), answer)
    except Refused as refused:
        return 404, json.dumps({"ok": False, "error": str(refused)})
    except ApiError as refused:
        return 400, json.dumps({"ok": False, "error": refused.error, **refused.fields})
    return 200, "ok"


def _publish(slack: Loopback, issued: ResponseUrl, answer: Json) -> None:
    target = issued.target()
    if answer.get("delete_original") and target:
        if _exists(slack, issued.channel, target):
            slack.messages.delete(issued.channel, target)
        return
    fields = _content(answer)
    if answer.get("replace_original") and target and _exists(slack, issued.channel, target):
        slack.messages.change(issued.channel, target, {"blocks": None, "attachments": None, **fields})
        return
    thread_ts = answer.get("thread_ts") or issued.thread_ts
    message = slack.bot_message({**fields, **({"thread_ts": thread_ts} if thread_ts else {})})
    if answer.get("response_type") == "in_channel":
        posted = slack.messages.post(issued.channel, {"subtype": "bot_message", **message})
    else:
        posted = slack.messages.post_private(issued.channel, issued.user, message)
    issued.posted.append(posted["ts"])


def _exists(slack: Loopback, channel: str, ts: str) -> bool:
    return (
        slack.messages.find(channel, ts) is not None or slack.messages.find_private(channel, ts) is not None
    )


def _content(answer: Json) -> Json:
    text, blocks, attachments = str(answer.get("text") or ""), answer.get("blocks"), answer.get("attachments")
    prove_content(text, blocks, attachments)
    fields: Json = {"text": escaped(text)}
    if blocks is not None:
        fields["blocks"] = with_ids(blocks)
    if attachments is not None:
        fields["attachments"] = attachments
    if (metadata := answer.get("metadata")) is not None:
        fields["metadata"] = metadata
    return fields


def _decode(content_type: str, raw: bytes) -> Json | None:
    """Take JSON, or a form whose “payload” is JSON, as Slack does."""
    try:
        if content_type.startswith("application/x-www-form-urlencoded"):
            raw = parse_qs(raw.decode())["payload"][0].encode()
        decoded = json.loads(raw)
    except (ValueError, KeyError):
        return None
    return decoded if isinstance(decoded, dict) else None
