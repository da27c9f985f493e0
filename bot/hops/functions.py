"""The function app: whether it answers, takes the bot's key and nobody else's, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from bot.connectors.azure_functions import REJECTED_KEY, read_reply
from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import FunctionsUnreachable, Refused
from bot.hops.clocks import compare_clock
from bot.hops.hop import CONNECT_SECONDS, READ_SECONDS, Said, fail, ok, warn
from bot.settings import FunctionsSettings
from bot.slack_addresses import is_this_machine
from bot.team_file import TobanFile
from ml.contract import HealthView, ModelSummary, ModelsView, StoreHealth

KEY_FIX = (
    "Copy the default host key from the Azure portal (the function app, App keys) into TOBAN_FUNCTIONS_KEY."
)
LOCAL_KEY_FIX = "End what listens there, then: `set -a; . ./.env; set +a; python -m functions.local`"
STORE_FIX = (
    "Compare TOBAN_STORE_URL of the function app with the store, and its identity's role with docs/azure.md."
)
SAME_FILE = "Deploy the function app with this toban.toml (docs/deploying.md)."
HEALTH = HttpCall("GET", "/api/health")


class FunctionsHop:
    """Asks the function app with the bot's key, and once without."""

    def __init__(self, settings: FunctionsSettings, team: TobanFile | None) -> None:
        self._settings = settings
        self._team = team
        self._key = settings.key.get_secret_value() if settings.key else None

    def ask(self) -> Iterator[Said]:
        """Yield how it stands; what needs an answer is left out where none came."""
        url = self._settings.url
        try:
            reply = self._send(HEALTH, self._key)
            health = read_reply(reply, HealthView)
        except Refused as refusal:
            if refusal.problem.reason_code == REJECTED_KEY:
                yield fail("key", f"{url} does not accept TOBAN_FUNCTIONS_KEY", key_fix(url))
            else:
                yield fail(
                    "answer", f"{url}: {refusal.problem.detail}", f"Is {url} the function app's address?"
                )
            return
        except FunctionsUnreachable as error:
            yield fail("answer", f"{url}: {error}", _start(url))
            return
        yield ok("answer", f"{url}, Toban {health.versions.get('toban', 'of an unknown version')}")
        yield from compare_clock("the function app", reply.headers)
        yield from self._without_key()
        yield from _store(health.store)
        for problem in health.problems:
            yield fail("settings", problem, SAME_FILE)
        if not health.problems:
            yield from self._models()

    def _send(self, call: HttpCall, key: str | None) -> HttpReply:
        headers = {"accept": "application/json"} | ({"x-functions-key": key} if key else {})
        sender = Sender(
            self._settings.url, headers, connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS
        )
        return sender.send(call)

    def _without_key(self) -> Iterator[Said]:
        """Without the key nobody may get in; on this machine alone that is allowed."""
        try:
            status = self._send(HEALTH, None).status
        except FunctionsUnreachable:
            return
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            yield ok("key", "accepted, and asked for")
        elif is_this_machine(urlsplit(self._settings.url).hostname or ""):
            yield ok("key", "not asked for, on this machine")
        else:
            fix = "Set the authorization level of the functions back to FUNCTION, as function_app.py has it."
            yield fail("key", "it answers anybody, without a key", fix)

    def _models(self) -> Iterator[Said]:
        """Each model of the settings is there, and its recipe loads."""
        if self._team is None:
            return
        try:
            view = read_reply(self._send(HttpCall("GET", "/api/models"), self._key), ModelsView)
        except (Refused, FunctionsUnreachable) as error:
            yield fail("models", f"they cannot be listed: {error}", "Look at the function app's log.")
            return
        known = {one.name: one for one in view.models}
        for name in self._team.models:
            yield _model(name, known)


def _model(name: str, known: Mapping[str, ModelSummary]) -> Said:
    summary = known.get(name)
    if summary is None:
        return fail(f"model {name}", "the function app does not know it", SAME_FILE)
    if summary.problem:
        fix = f"Mend the recipe that toban.toml names for {name}, or deploy what it imports."
        return fail(f"model {name}", summary.problem, fix)
    if summary.champion is None:
        return ok(f"model {name}", "its recipe loads; no champion yet, so its rule answers")
    return ok(f"model {name}", f"its recipe loads; champion v{summary.champion.version}")


def _store(store: StoreHealth) -> Iterator[Said]:
    if not store.reachable:
        yield fail(
            "store", f"it does not answer the function app ({store.detail or 'no reason given'})", STORE_FIX
        )
        return
    if store.refuses_second_create is None:
        said = f": {store.detail}" if store.detail else ""
        fix = f"Deploy the present version of the function app, and check again. If it stays: {STORE_FIX}"
        yield warn("store", f"it answers; not proven that it refuses to write an object twice{said}", fix)
    elif store.refuses_second_create:
        yield ok("store", "it answers, and refuses to write an object twice")
    else:
        fix = "Take another store (docs/store.md): on this one histories could be overwritten."
        yield fail("store", "it lets an object be written twice", fix)


def key_fix(url: str) -> str:
    """Return how bot and function app come to have the same key: on this machine, or in Azure."""
    return LOCAL_KEY_FIX if is_this_machine(urlsplit(url).hostname or "") else KEY_FIX


def _start(url: str) -> str:
    if is_this_machine(urlsplit(url).hostname or ""):
        return "Start it with `python -m functions.local`, or correct TOBAN_FUNCTIONS_URL."
    return "Compare TOBAN_FUNCTIONS_URL with the address in the Azure portal; see there whether the app runs."
