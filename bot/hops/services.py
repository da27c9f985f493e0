"""GitHub and MLflow: whether they take the bot's tokens and have what the settings name."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from http import HTTPStatus

import requests

from bot.bounded_http import bounded_request
from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_client import GitHubClient
from bot.connectors.mlflow import MlflowConnector
from bot.errors import BotError, Refused
from bot.github_door import DELIVERY_HEADER, EVENT_HEADER, GITHUB_EVENTS, SIGNATURE_HEADER, sign
from bot.hops.hop import CONNECT_SECONDS, READ_SECONDS, Said, fail, ok, warn
from bot.settings import GitHubSettings, MlflowSettings
from bot.team_file import GitHubTable

SHORT = {"connect_seconds": CONNECT_SECONDS, "read_seconds": READ_SECONDS}
TOKEN_FIX = (
    "Make a fine-grained token at GitHub (Settings, Developer settings) with Actions: read and write and "
    "Contents: read on this repository, and put it into GITHUB_TOKEN."
)
APP_FIX = (
    "Compare GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID with the app's own pages."
)
UNPROVEN = "that it may start them shows only in the first start"


class GitHubHop:
    """Asks GitHub for each repository that the settings name, and for its workflows."""

    def __init__(self, settings: GitHubSettings, table: GitHubTable, public_url: str | None) -> None:
        self._table = table
        self._secret = settings.webhook_secret
        self._public_url = public_url
        self._fix = APP_FIX if settings.app is not None else TOKEN_FIX
        self._catalogue = GitHubCatalogue(GitHubClient(settings.model_copy(update=SHORT)))

    def ask(self) -> Iterator[Said]:
        """Yield how each repository stands, and the webhook's way in where there is one."""
        yield from self._repositories()
        if self._secret is not None:
            yield _webhook(self._secret.get_secret_value(), self._public_url)

    def _repositories(self) -> Iterator[Said]:
        """Yield how each repository stands; the first refusal of the token speaks for all."""
        for name in self._table.repositories:
            try:
                found = self._catalogue.repository(name).full_name
                files = {workflow.file for workflow in self._catalogue.workflows(found) if workflow.active}
            except Refused as refusal:
                yield self._refused(name, refusal)
                if refusal.problem.reason_code == "github_rejected_token":
                    return
            except BotError as error:
                fix = "Let this machine reach api.github.com (GITHUB_API_URL) on port 443, and check again."
                yield fail(name, f"GitHub does not answer: {error}", fix)
            else:
                yield _seen(name, found, len(files))
                yield from self._settings_fit(name, files)

    def _refused(self, name: str, refusal: Refused) -> Said:
        code = refusal.problem.reason_code
        if code == "github_not_found":
            text = "GitHub has no such repository, or does not show it to the bot"
            return fail(name, text, f"Correct [github] repositories in toban.toml, or: {self._fix}")
        return fail(name, refusal.problem.detail, self._fix)

    def _settings_fit(self, name: str, files: set[str]) -> Iterator[Said]:
        """Each workflow with rules of its own exists: a slip of the keyboard would leave it unguarded."""
        for table in self._table.workflows:
            if table.repository == name and table.file not in files:
                fix = f"Correct file = {table.file!r} under [[github.workflows]] in toban.toml."
                yield warn(f"{name}/{table.file}", "there is no such active workflow", fix)


def _webhook(secret: str, public_url: str | None) -> Said:
    """Send the running bot a signed ping by its public address, as GitHub does for a new webhook.

    Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads#ping
    """
    about, rest = "webhook", "that GitHub signs with this secret shows in its webhook's Recent Deliveries"
    if public_url is None:
        fix = "Set TOBAN_PUBLIC_URL to the address that GitHub sends to, without its path."
        return warn(about, f"not tried: no public address is set; {rest}", fix)
    address = public_url + GITHUB_EVENTS
    body = json.dumps({"zen": "Toban checks its own door.", "hook_id": 0}).encode()
    headers = {"content-type": "application/json", SIGNATURE_HEADER: sign(secret, body)}
    headers |= {EVENT_HEADER: "ping", DELIVERY_HEADER: str(uuid.uuid4())}
    try:
        waits = (CONNECT_SECONDS, READ_SECONDS)
        with bounded_request(
            "POST", address, data=body, headers=headers, timeout=waits, stream=True
        ) as reply:
            status = reply.status_code
    except requests.RequestException as error:
        fix = f"Start the bot with `toban up --http`, and let {public_url} lead to it."
        return warn(about, f"nothing answers at {address} ({type(error).__name__})", fix)
    if status != HTTPStatus.OK:
        fix = "Start the bot again with this GITHUB_WEBHOOK_SECRET, and see that the address leads to it."
        return fail(about, f"{address} answers a signed ping with status {status}", fix)
    return ok(about, f"the bot at {address} takes a signed ping; {rest}")


class MlflowHop:
    """Asks MLflow for its registered models."""

    def __init__(self, settings: MlflowSettings) -> None:
        self._address = settings.address
        self._connector = MlflowConnector(settings.model_copy(update=SHORT))

    def ask(self) -> Iterator[Said]:
        """Yield how it stands."""
        try:
            names = self._connector.names()
        except Refused as refusal:
            fix = "Set MLFLOW_TRACKING_TOKEN to a token that this server takes."
            if refusal.problem.status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                fix = "Correct [mlflow] address in toban.toml: it is the server's, without a path of its own."
            yield fail("registry", f"{self._address}: {refusal.problem.detail}", fix)
        except BotError as error:
            fix = "Correct [mlflow] address in toban.toml, or start the server."
            yield fail("registry", f"{self._address}: {error}", fix)
        else:
            yield ok("registry", f"{self._address}, {len(names)} registered models")


def _seen(name: str, found: str, count: int) -> Said:
    if found.casefold() != name.casefold():
        fix = f"Write {found} instead of {name} in [github] repositories in toban.toml."
        return warn(name, f"it is called {found} now", fix)
    if not count:
        fix = "Add a workflow with `on: workflow_dispatch`, or take the repository out of toban.toml."
        return warn(name, "it has no active workflow", fix)
    return ok(name, f"{count} workflows; {UNPROVEN}")
