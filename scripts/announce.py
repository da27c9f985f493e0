"""Say in the team's channel how a deployment ended; the last job of `.github/workflows/deploy.yml`.

Reads the bot's token and the channel from the environment, and what was deployed from GitHub's own variables
(https://docs.github.com/actions/reference/workflows-and-actions/variables). It works without a running bot:
a deployment must be announced just when something is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import ConnectionErrorRetryHandler, RateLimitErrorRetryHandler

REQUIRED = (
    "SLACK_BOT_TOKEN",
    "SLACK_CHANNEL",
    "RESULT",
    "FUNCTION_APP",
    "GITHUB_SERVER_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_SHA",
    "GITHUB_RUN_ID",
    "GITHUB_ACTOR",
)
TIMEOUT_SECONDS = 15

# The results that a job can have: https://docs.github.com/actions/reference/workflows-and-actions/contexts
SENTENCES = {
    "success": ":white_check_mark: *{app}* now runs {commit}, pushed by {actor}.",
    "failure": ":x: *{app}* was not deployed: the workflow failed at {commit}, pushed by {actor}.",
    "cancelled": ":heavy_minus_sign: *{app}* was not deployed: the workflow was cancelled at {commit}.",
    "skipped": ":heavy_minus_sign: *{app}* was not deployed: the job was skipped at {commit}.",
}


def sentence(env: Mapping[str, str]) -> str:
    """Return the announcement in Slack's mrkdwn, with links to the commit and to the workflow run."""
    repository = f"{env['GITHUB_SERVER_URL']}/{env['GITHUB_REPOSITORY']}"
    commit = f"<{repository}/commit/{env['GITHUB_SHA']}|{env['GITHUB_SHA'][:7]}>"
    said = SENTENCES[env["RESULT"]].format(
        app=_escaped(env["FUNCTION_APP"]), commit=commit, actor=_escaped(env["GITHUB_ACTOR"])
    )
    return f"{said} <{repository}/actions/runs/{env['GITHUB_RUN_ID']}|Workflow run>"


def _escaped(text: str) -> str:
    # https://docs.slack.dev/messaging/formatting-message-text#escaping
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def main(env: Mapping[str, str] = os.environ) -> int:
    """Post the announcement; return 0, or 1 after saying what is missing or what Slack refused."""
    missing = [name for name in REQUIRED if not env.get(name)]
    if missing:
        print(f"not announced, these are not set: {', '.join(missing)}", file=sys.stderr)
        return 1
    client = WebClient(
        token=env["SLACK_BOT_TOKEN"],
        base_url=env.get("SLACK_API_URL") or WebClient.BASE_URL,
        timeout=TIMEOUT_SECONDS,
        retry_handlers=[ConnectionErrorRetryHandler(), RateLimitErrorRetryHandler(max_retry_count=2)],
    )
    try:
        client.chat_postMessage(channel=env["SLACK_CHANNEL"], text=sentence(env), unfurl_links=False)
    except SlackApiError as error:
        print(f"not announced, Slack says {error.response['error']}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
