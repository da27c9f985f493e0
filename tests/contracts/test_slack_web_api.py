"""The loopback Slack's Web API through an unmodified slack_sdk WebClient."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from playground.slack.client import PlaygroundError
from playground.slack.under_test import SlackUnderTest

pytest_plugins = ["playground.slack.fixtures"]

ARRIVALS, RANDOM = "C01ARRIVALS", "C01RANDOM00"
BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
BLOCKS: list[dict[str, Any]] = [{"type": "actions", "elements": [BUTTON]}]
START = Callable[..., SlackUnderTest]


def refusal(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the name of the error that a Web API call ends with."""
    with pytest.raises(SlackApiError) as caught:
        call(*args, **kwargs)
    return str(caught.value.response["error"])


@pytest.fixture
def client(slack: SlackUnderTest) -> WebClient:
    """An unmodified WebClient with the bot's token."""
    return slack.web_client()


def test_a_message_is_posted_changed_and_deleted(slack: SlackUnderTest, client: WebClient) -> None:
    """People see each state; the answers have Slack's fields."""
    posted = client.chat_postMessage(channel=ARRIVALS, text="a & b", blocks=BLOCKS)
    assert posted["message"]["text"] == "a &amp; b"
    assert posted["message"]["blocks"][0]["block_id"]
    assert posted["message"]["bot_profile"]["app_id"] == slack.workspace()["bot"]["app_id"]
    assert slack.messages("ml-arrivals", "viewer")[0]["plain"] == "[ Go ]"
    changed = client.chat_update(channel=ARRIVALS, ts=posted["ts"], text="done", blocks=[])
    assert (changed["text"], changed["ts"]) == ("done", posted["ts"])
    assert slack.messages("ml-arrivals", "viewer")[0]["plain"] == "done"
    client.chat_delete(channel=ARRIVALS, ts=posted["ts"])
    assert slack.messages("ml-arrivals", "viewer") == []


def test_an_update_keeps_what_it_does_not_name(client: WebClient) -> None:
    """Blocks and metadata stay when only the text is changed."""
    metadata = {"event_type": "run", "event_payload": {"id": "r1"}}
    ts = client.chat_postMessage(channel=ARRIVALS, text="one", blocks=BLOCKS, metadata=metadata)["ts"]
    message = client.chat_update(channel=ARRIVALS, ts=ts, text="two")["message"]
    assert (message["text"], len(message["blocks"]), message["metadata"]) == ("two", 1, metadata)
    assert "metadata" not in client.conversations_history(channel=ARRIVALS)["messages"][0]
    shown = client.conversations_history(channel=ARRIVALS, include_all_metadata=True)
    assert shown["messages"][0]["metadata"] == metadata


def test_a_private_message_is_seen_by_one_person_only(slack: SlackUnderTest, client: WebClient) -> None:
    """The viewer sees it, the owner does not, history does not, and chat.update cannot change it."""
    viewer = slack.workspace()["people"][2]["id"]
    ts = client.chat_postEphemeral(channel=ARRIVALS, user=viewer, text="just you")["message_ts"]
    assert [m["plain"] for m in slack.messages("ml-arrivals", "viewer")] == ["just you"]
    assert slack.messages("ml-arrivals", "owner") == []
    assert client.conversations_history(channel=ARRIVALS)["messages"] == []
    assert refusal(client.chat_update, channel=ARRIVALS, ts=ts, text="x") == "message_not_found"


def test_the_feed_says_who_can_see_what(slack: SlackUnderTest, client: WebClient) -> None:
    """A post is for the channel's members, a private one for one person, in the order of their numbers."""
    client.chat_postMessage(channel=ARRIVALS, text="all")
    client.chat_postEphemeral(channel=ARRIVALS, user="U01VIEWER00", text="one")
    posted, private = slack.feed()
    assert (posted["kind"], posted["channel_name"], posted["plain"]) == (
        "message_posted",
        "ml-arrivals",
        "all",
    )
    assert {"U01OWNER000", "U01OPERATOR", "U01VIEWER00"} < {*posted["visible_to"]}
    assert (private["kind"], private["visible_to"]) == ("ephemeral_posted", ["U01VIEWER00"])
    assert slack.feed(after=posted["seq"]) == [private]
    assert slack.feed(after=private["seq"]) == []


def test_history_can_be_cut_by_time(client: WebClient) -> None:
    """Oldest and latest leave their own message out unless inclusive; nonsense is refused."""
    first, second, third = (client.chat_postMessage(channel=ARRIVALS, text=t)["ts"] for t in "abc")

    def texts(**limits: Any) -> str:
        return "".join(
            m["text"] for m in client.conversations_history(channel=ARRIVALS, **limits)["messages"]
        )

    assert texts(oldest=first) == "cb"
    assert texts(oldest=first, latest=third) == "b"
    assert texts(oldest=second, latest=third, inclusive=True) == "cb"
    assert texts(limit=1) == "c"
    history = client.conversations_history
    assert refusal(history, channel=ARRIVALS, oldest="yesterday") == "invalid_ts_oldest"
    assert refusal(history, channel=ARRIVALS, cursor="nonsense") == "invalid_cursor"


def test_threads_count_their_replies(slack: SlackUnderTest, client: WebClient) -> None:
    """Replies stay in the thread, broadcast ones stand in the channel too, the first message counts them."""
    root = client.chat_postMessage(channel=ARRIVALS, text="root")["ts"]
    reply = client.chat_postMessage(channel=ARRIVALS, text="reply", thread_ts=root)["ts"]
    client.chat_postMessage(channel=ARRIVALS, text="loud", thread_ts=reply, reply_broadcast=True)
    thread = client.conversations_replies(channel=ARRIVALS, ts=root)["messages"]
    assert [m["text"] for m in thread] == ["root", "reply", "loud"]
    assert (thread[0]["reply_count"], thread[1]["thread_ts"]) == (2, root)
    history = client.conversations_history(channel=ARRIVALS)["messages"]
    assert [m["text"] for m in history] == ["loud", "root"]
    assert [m["text"] for m in slack.messages("ml-arrivals", "owner", root)] == ["root", "reply", "loud"]
    link = client.chat_getPermalink(channel=ARRIVALS, message_ts=reply)["permalink"]
    assert f"p{reply.replace('.', '')}" in link
    assert f"thread_ts={root}" in link


def test_errors_have_slacks_names(slack: SlackUnderTest, client: WebClient) -> None:
    """Each mistake is refused by the name that Slack gives it."""
    post, mistakes = client.chat_postMessage, {}
    slack.add_channel("secret", members=["owner"], with_bot=False, is_private=True)
    stranger = slack.add_person("stranger")["id"]
    said = slack.say("owner", "ml-arrivals", "mine")["ts"]
    mistakes["channel_not_found"] = refusal(post, channel="C0NOWHERE", text="x")
    assert refusal(post, channel="secret", text="x") == "channel_not_found"
    mistakes["not_in_channel"] = refusal(post, channel=RANDOM, text="x")
    assert refusal(client.conversations_history, channel=RANDOM) == "not_in_channel"
    mistakes["no_text"] = refusal(client.api_call, "chat.postMessage", json={"channel": ARRIVALS})
    mistakes["msg_too_long"] = refusal(post, channel=ARRIVALS, text="x" * 40_001)
    mistakes["invalid_blocks_format"] = refusal(post, channel=ARRIVALS, text="x", blocks="{")
    mistakes["too_many_attachments"] = refusal(post, channel=ARRIVALS, text="x", attachments=[{}] * 101)
    both = {"channel": ARRIVALS, "text": "x", "markdown_text": "x"}
    mistakes["markdown_text_conflict"] = refusal(client.api_call, "chat.postMessage", json=both)
    mistakes["invalid_metadata_schema"] = refusal(
        post, channel=ARRIVALS, text="x", metadata={"event_type": "t"}
    )
    mistakes["thread_not_found"] = refusal(post, channel=ARRIVALS, text="x", thread_ts="1.000001")
    mistakes["message_not_found"] = refusal(client.chat_update, channel=ARRIVALS, ts="1.000001", text="x")
    mistakes["cant_update_message"] = refusal(client.chat_update, channel=ARRIVALS, ts=said, text="x")
    mistakes["cant_delete_message"] = refusal(client.chat_delete, channel=ARRIVALS, ts=said)
    mistakes["user_not_in_channel"] = refusal(
        client.chat_postEphemeral, channel=ARRIVALS, user=stranger, text="x"
    )
    mistakes["user_not_found"] = refusal(client.users_info, user="U0NOBODY")
    mistakes["no_such_subteam"] = refusal(client.usergroups_users_list, usergroup="S0NONE")
    mistakes["unknown_method"] = refusal(client.api_call, "chat.shout")
    mistakes["invalid_arguments"] = refusal(client.views_open, trigger_id="1", view={"type": "modal"})
    assert mistakes == {name: name for name in mistakes}


def test_text_limits_at_their_edges(client: WebClient) -> None:
    """40,000 characters are posted, 4,000 replace them, one more is too long."""
    ts = client.chat_postMessage(channel=ARRIVALS, text="x" * 40_000)["ts"]
    client.chat_update(channel=ARRIVALS, ts=ts, text="x" * 4_000)
    assert refusal(client.chat_update, channel=ARRIVALS, ts=ts, text="x" * 4_001) == "msg_too_long"


def test_all_blocks_together_have_a_limit(client: WebClient) -> None:
    """13,200 characters over all blocks pass, one more is msg_blocks_too_long."""

    def sections(*sizes: int) -> list[dict[str, Any]]:
        return [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * size}} for size in sizes]

    client.chat_postMessage(channel=ARRIVALS, text="x", blocks=sections(*[3_000] * 4, 1_200))
    too_long = sections(*[3_000] * 4, 1_201)
    assert (
        refusal(client.chat_postMessage, channel=ARRIVALS, text="x", blocks=too_long) == "msg_blocks_too_long"
    )


def test_invalid_blocks_come_with_pointers(client: WebClient) -> None:
    """The answer names each problem and where it is; blocks.validate says the same without a token."""
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=ARRIVALS, text="x", blocks=[header])
    answer = caught.value.response
    line = "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    assert (answer["error"], answer["errors"]) == ("invalid_blocks", [line])
    assert answer["response_metadata"]["messages"] == [f"[ERROR] {line}"]
    with pytest.raises(SlackApiError) as validated:
        WebClient(base_url=client.base_url).api_call("blocks.validate", json={"blocks": [header]})
    assert validated.value.response["errors"][0]["pointer"] == "/0/text/text"
    assert client.api_call("blocks.validate", json={"blocks": BLOCKS})["ok"]


@pytest.mark.parametrize("how", ["header", "field", "json"])
def test_each_way_to_send_arguments(slack: SlackUnderTest, how: str) -> None:
    """A form with the token in the header or as a field, and JSON with the token in the header, all work."""
    url, bearer = f"{slack.api_url}chat.postMessage", {"authorization": f"Bearer {slack.bot_token}"}
    fields = {"channel": ARRIVALS, "text": "hello"}
    match how:
        case "header":
            reply = requests.post(url, data=fields, headers=bearer, timeout=10)
        case "field":
            reply = requests.post(url, data={**fields, "token": slack.bot_token}, timeout=10)
        case _:
            reply = requests.post(url, json=fields, headers=bearer, timeout=10)
    assert reply.json()["message"]["text"] == "hello"


def test_tokens_are_checked_before_anything_else(slack: SlackUnderTest) -> None:
    """No token, a wrong one, one of the other kind, and one in a JSON body are each refused by name."""
    wrong = "xoxb-" + "wrong"

    def error(token: str | None, method: str = "chat.postMessage") -> str:
        return refusal(
            WebClient(token=token, base_url=slack.api_url).api_call, method, json={"channel": "C0NO"}
        )

    assert error(None) == "not_authed"
    assert error(wrong) == "invalid_auth"
    assert error(slack.app_token) == "not_allowed_token_type"
    assert error(slack.bot_token, "apps.connections.open") == "not_allowed_token_type"
    body = {"token": slack.bot_token, "channel": ARRIVALS, "text": "x"}
    answer = requests.post(f"{slack.api_url}chat.postMessage", json=body, timeout=10).json()
    assert answer == {"ok": False, "error": "not_authed"}


def test_scopes_are_checked_when_they_are_given(start_slack: START) -> None:
    """A method beyond the token's scopes says what is needed and what was provided."""
    client = start_slack(scopes=("chat:write",)).web_client()
    assert client.chat_postMessage(channel=ARRIVALS, text="x")["ok"]
    with pytest.raises(SlackApiError) as caught:
        client.users_list()
    response = caught.value.response
    assert (response["error"], response["needed"]) == ("missing_scope", "users:read")
    assert response["provided"] == "chat:write"
    assert response.headers["x-oauth-scopes"] == "chat:write"


def test_public_channels_take_posts_with_the_scope_for_it(start_slack: START) -> None:
    """chat:write.public lets the bot post where it is not a member."""
    client = start_slack(scopes=("chat:write", "chat:write.public")).web_client()
    assert client.chat_postMessage(channel=RANDOM, text="x")["ok"]


def test_people_groups_and_channels_can_be_read(slack: SlackUnderTest, client: WebClient) -> None:
    """Lists, pages, members and groups agree with the workspace."""
    assert client.auth_test()["user"] == "toban"
    assert client.api_test(foo="bar")["args"]["foo"] == "bar"
    names = [row["name"] for page in client.conversations_list(limit=1) for row in page["channels"]]
    assert names == ["ml-arrivals", "ml-wine", "random"]
    mine = client.users_conversations()["channels"]
    assert [row["name"] for row in mine] == ["ml-arrivals", "ml-wine"]
    assert client.conversations_info(channel=RANDOM)["channel"]["is_member"] is False
    assert client.conversations_join(channel=RANDOM)["channel"]["is_member"] is True
    assert slack.workspace()["bot"]["user_id"] in client.conversations_members(channel=RANDOM)["members"]
    assert [row["name"] for row in client.users_list()["members"]] == ["owner", "operator", "viewer", "toban"]
    owner = client.users_info(user="U01OWNER000")["user"]
    assert (owner["name"], owner["is_bot"]) == ("owner", False)
    groups = client.usergroups_list(include_users=True)["usergroups"]
    assert {group["handle"]: len(group["users"]) for group in groups} == {"ml-owners": 1, "ml-operators": 2}
    assert client.usergroups_users_list(usergroup="S01MLOWNERS")["users"] == ["U01OWNER000"]


def test_a_direct_message_is_opened_once(slack: SlackUnderTest, client: WebClient) -> None:
    """conversations.open and a post to a user id reach the same conversation, which others do not see."""
    opened = client.conversations_open(users="U01OWNER000")["channel"]["id"]
    assert client.conversations_open(users="U01OWNER000")["already_open"]
    assert client.chat_postMessage(channel="U01OWNER000", text="psst")["channel"] == opened
    assert [m["plain"] for m in slack.messages("@toban", "owner")] == ["psst"]


def test_a_file_goes_up_is_shared_and_comes_down(slack: SlackUnderTest, client: WebClient) -> None:
    """files_upload_v2 works as it is; the download needs the token."""
    root = client.chat_postMessage(channel=ARRIVALS, text="root")["ts"]
    uploaded = client.files_upload_v2(
        content=b"\x89PNG",
        filename="a chart/July & ü.png",
        alt_txt="a chart",
        channel=ARRIVALS,
        thread_ts=root,
        title="Chart",
    )
    file = uploaded["file"]
    assert (file["mimetype"], file["size"], file["title"]) == ("image/png", 4, "Chart")
    info = client.files_info(file=file["id"])["file"]
    reply = client.conversations_replies(channel=ARRIVALS, ts=root)["messages"][1]
    assert (info["alt_txt"], info["shares"]) == ("a chart", {"public": {ARRIVALS: [{"ts": reply["ts"]}]}})
    assert slack.messages("ml-arrivals", "owner", root)[1]["plain"] == "📎 Chart (a chart)"
    bearer = {"authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(file["url_private"], headers=bearer, timeout=10).content == b"\x89PNG"
    assert requests.get(file["url_private"], timeout=10, allow_redirects=False).status_code == 302
    assert slack.file(file["id"]) == b"\x89PNG"


def test_uploads_that_are_wrong_are_refused(client: WebClient) -> None:
    """Bytes of another length, and completing what was never sent, fail."""
    asked = client.files_getUploadURLExternal(filename="a.txt", length=4)
    assert requests.post(asked["upload_url"], data=b"five!", timeout=10).status_code == 400
    assert refusal(client.files_completeUploadExternal, files=[{"id": asked["file_id"]}]) == "file_not_found"
    assert (
        refusal(client.files_getUploadURLExternal, filename="a", length=1, alt_txt="x" * 1_001)
        == "alt_txt_too_large"
    )


def test_reactions_are_added_once(client: WebClient) -> None:
    """The same emoji twice is already_reacted."""
    ts = client.chat_postMessage(channel=ARRIVALS, text="x")["ts"]
    client.reactions_add(channel=ARRIVALS, timestamp=ts, name="eyes")
    assert refusal(client.reactions_add, channel=ARRIVALS, timestamp=ts, name="eyes") == "already_reacted"


def test_what_is_no_name_is_said(client: WebClient) -> None:
    """An emoji and a kind of channel that cannot be are refused by Slack's names."""
    ts = client.chat_postMessage(channel=ARRIVALS, text="x")["ts"]
    assert refusal(client.reactions_add, channel=ARRIVALS, timestamp=ts, name="no such!") == "invalid_name"
    assert client.reactions_add(channel=ARRIVALS, timestamp=ts, name="+1::skin-tone-3")["ok"]
    assert refusal(client.conversations_list, types="public_channel,nonsense") == "invalid_types"
    assert client.conversations_list(types="public_channel, private_channel,mpim,im")["ok"]


def test_tiers_are_enforced_on_request_and_the_client_waits(start_slack: START) -> None:
    """The second post of a second is 429 with Retry-After; the client's handler waits and gets through."""
    slack = start_slack(enforce_tiers=True)
    client = slack.web_client()
    client.chat_postMessage(channel=ARRIVALS, text="one")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=ARRIVALS, text="two")
    assert (caught.value.response.status_code, caught.value.response["error"]) == (429, "ratelimited")
    assert caught.value.response.headers["retry-after"] == "1"
    patient = slack.web_client(retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=2)])
    assert patient.chat_postMessage(channel=ARRIVALS, text="three")["ok"]
    assert slack.counts()["channels"][ARRIVALS]["refused"] >= 1


def test_trouble_on_purpose(slack: SlackUnderTest, client: WebClient) -> None:
    """A method can answer 429 or 500, name an error, or be cut off before or after its work."""
    slack.fault("chat.postMessage", retry_after=0)
    patient = slack.web_client(retry_handlers=[RateLimitErrorRetryHandler()])
    assert patient.chat_postMessage(channel=ARRIVALS, text="after 429")["ok"]
    slack.fault("chat.postMessage", error="fatal_error")
    assert refusal(client.chat_postMessage, channel=ARRIVALS, text="x") == "fatal_error"
    slack.fault("*", status=500)
    assert refusal(client.chat_postMessage, channel=ARRIVALS, text="x") == "internal_error"
    once = slack.web_client(retry_handlers=[])
    for after in (False, True):
        slack.fault("chat.postMessage", cut=True, after=after)
        with pytest.raises(OSError, match="closed connection"):
            once.chat_postMessage(channel=ARRIVALS, text=f"cut after={after}")
    shown = [message["plain"] for message in slack.messages("ml-arrivals", "owner")]
    assert shown == ["after 429", "cut after=True"]
    with pytest.raises(PlaygroundError, match="a fault needs"):
        slack.fault("chat.postMessage")
    slack.fault("chat.postMessage", status=500, times=5)
    slack.clear_faults()
    assert client.chat_postMessage(channel=ARRIVALS, text="fine again")["ok"]


def test_trouble_for_one_message_only(slack: SlackUnderTest, client: WebClient) -> None:
    """A fault may wait for the call whose body holds a text; what else is sent meanwhile passes."""
    slack.fault("chat.postMessage", error="invalid_blocks", holding="shiny & new")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "*shiny & new*"}}]
    assert client.chat_postMessage(channel=ARRIVALS, text="another")["ok"]
    assert refusal(client.chat_postMessage, channel=ARRIVALS, text="x", blocks=blocks) == "invalid_blocks"
    assert client.chat_postMessage(channel=ARRIVALS, text="shiny & new")["ok"]


def test_a_hanging_method_runs_into_the_clients_timeout(slack: SlackUnderTest) -> None:
    """The client gives up by its own timeout while Slack hangs."""
    slack.fault("auth.test", hang_seconds=30)
    hasty = slack.web_client(timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        hasty.auth_test()


def test_many_senders_at_once_lose_nothing(slack: SlackUnderTest, client: WebClient) -> None:
    """Every message posted from 16 threads has a timestamp of its own and is there."""
    with ThreadPoolExecutor(16) as pool:
        posts = [pool.submit(client.chat_postMessage, channel=ARRIVALS, text=str(n)) for n in range(200)]
        stamps = {post.result()["ts"] for post in posts}
    shown = slack.messages("ml-arrivals", "owner")
    assert len(stamps) == len(shown) == 200
    assert {message["text"] for message in shown} == {str(n) for n in range(200)}


def test_a_restart_keeps_channels_people_messages_and_files(start_slack: START, tmp_path: Any) -> None:
    """With a state folder everything but private messages is there again."""
    first = start_slack(state=tmp_path)
    client = first.web_client()
    first.add_channel("ops", members=["owner"])
    first.add_person("guest", groups=["ml-owners"], channels=["ops"])
    root = client.chat_postMessage(channel="ops", text="kept")["ts"]
    gone = client.chat_postMessage(channel="ops", text="gone")["ts"]
    channel = first.messages("ops", "guest")[0]["channel"]
    client.chat_update(channel=channel, ts=root, text="kept and changed")
    client.chat_delete(channel=channel, ts=gone)
    file = client.files_upload_v2(content="bytes", filename="a.txt", channel=channel)["file"]["id"]
    first.running.stop()
    second = start_slack(state=tmp_path)
    shown = [message["plain"] for message in second.messages("ops", "guest")]
    assert shown == ["kept and changed", "📎 a.txt"]
    assert second.file(file) == b"bytes"
    groups = {group["handle"]: len(group["users"]) for group in second.workspace()["groups"]}
    assert groups["ml-owners"] == 2
    assert float(second.web_client().chat_postMessage(channel="ops", text="newer")["ts"]) > float(root)


def test_time_can_be_the_tests_own(start_slack: START) -> None:
    """Timestamps follow the clock that is given."""
    slack = start_slack(clock=lambda: 1_600_000_000.5)
    assert slack.web_client().chat_postMessage(channel=ARRIVALS, text="x")["ts"] == "1600000000.500000"
    assert time.time() > 1_600_000_000


def test_a_message_is_kept_for_later_and_can_be_taken_back(start_slack: START) -> None:
    """A scheduled message is listed and not shown; taken back it never comes, else it comes at its time."""
    now = 1_800_000_000
    slack = start_slack(clock=lambda: now)
    client, later = slack.web_client(), now + 3600
    planned = client.chat_scheduleMessage(channel=ARRIVALS, text="later", post_at=later)
    assert (planned["channel"], planned["post_at"]) == (ARRIVALS, later)
    listed = client.chat_scheduledMessages_list(channel=ARRIVALS)["scheduled_messages"]
    assert [(one["id"], one["text"]) for one in listed] == [(planned["scheduled_message_id"], "later")]
    key = planned["scheduled_message_id"]
    client.chat_deleteScheduledMessage(channel=ARRIVALS, scheduled_message_id=key)
    assert client.chat_scheduledMessages_list()["scheduled_messages"] == []
    again = refusal(client.chat_deleteScheduledMessage, channel=ARRIVALS, scheduled_message_id=key)
    assert again == "invalid_scheduled_message_id"
    before = slack.seq()
    client.chat_scheduleMessage(channel=ARRIVALS, text="soon", post_at=now + 1)
    assert slack.wait_for_text("soon", after=before)["channel"] == ARRIVALS


def test_times_and_channels_that_slack_would_not_schedule_for(client: WebClient) -> None:
    """The past, more than 120 days ahead, and a channel without the bot are refused by Slack's names."""
    now = int(time.time())
    day = 24 * 3600
    times = {now - 60: "time_in_past", now + 121 * day: "time_too_far"}
    for when, error in times.items():
        assert refusal(client.chat_scheduleMessage, channel=ARRIVALS, text="x", post_at=when) == error
    tomorrow = {"text": "x", "post_at": now + day}
    assert refusal(client.chat_scheduleMessage, channel=RANDOM, **tomorrow) == "not_in_channel"
    assert refusal(client.chat_scheduleMessage, channel="C0NOWHERE00", **tomorrow) == "channel_not_found"
