"""Puts the bot together: settings in, a running bot out. All is built here, nothing at import."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from dbos import ClientScheduleInput, EnqueueOptions
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from bot.access import Access
from bot.calls import Calls
from bot.commands import all_commands
from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.connectors.connector import Connector
from bot.connectors.endpoints import Endpoint
from bot.connectors.function_routes import route_endpoint
from bot.connectors.github import GitHub, make_github
from bot.connectors.http import HttpConnector
from bot.connectors.mlflow import MlflowConnector
from bot.deliveries import Deliveries
from bot.deployment_records import DeploymentRecords
from bot.desk import Desk
from bot.edits import Edits
from bot.engine import FLOW_VERSION, REQUESTS, Engine
from bot.errors import ConfigurationError, SlackRefused
from bot.event_doors import EventDoors
from bot.experiment_records import ExperimentRecords
from bot.flows import EVENT_STORIES, digest, register_all
from bot.form_doors import FormDoors
from bot.github_door import GitHubDoor
from bot.health import judge
from bot.hooks import CALLBACKS, HooksDoor
from bot.inbox import Inbox
from bot.intake import Intake
from bot.listeners import Doors
from bot.messages.message import Message
from bot.nudges import Nudges
from bot.open_forms import OpenForms
from bot.posts import Posts
from bot.push_watcher import PushWatcher
from bot.settings import Settings
from bot.signing import sign_callback
from bot.slack import Identity, SlackDesk
from bot.subscription_watch import SubscriptionWatch
from bot.subscriptions import Subscriptions
from bot.team_file import DigestTable
from bot.timing import Timing
from bot.unreadable import answer_error
from bot.watchers import Watcher
from bot.work_watcher import WorkWatcher
from bot.works import Works

log = logging.getLogger(__name__)

HOUSEKEEPING_CRON = "30 3 * * *"


@dataclass
class Bot:
    """A bot, built and not yet started."""

    settings: Settings
    engine: Engine
    desk: Desk
    intake: Intake
    watcher: Watcher
    work_watcher: WorkWatcher
    push_watcher: PushWatcher
    slack_app: App
    hooks: HooksDoor
    github_door: GitHubDoor
    is_connected: Callable[[], bool] = lambda: True

    def problems(self) -> list[str]:
        """Return what keeps this process from being well, as sentences."""
        return judge(
            self.engine.fence.age_seconds(), self.engine.timing.stale_seconds, connected=self.is_connected()
        )

    def start(self) -> None:
        """Run flows, watch runs, and keep the schedules; requests come in only once a door is open."""
        register_all(self.desk)
        self.engine.launch()
        self.intake.start()
        self.desk.edits.start()
        self.watcher.start()
        self.work_watcher.start()
        self.push_watcher.start()
        self._schedule()

    def leave(self) -> None:
        """Stop in order, just before the process ends; what is under way goes on at the next start."""
        self.watcher.stop()
        self.work_watcher.stop()
        self.push_watcher.stop()
        self.intake.stop()
        self.desk.edits.stop()
        self.engine.leave()

    def _schedule(self) -> None:
        """Bring the engine's schedules in line with the settings, and send a digest that fell due."""
        client = self.engine.client
        wanted = [_digest_schedule(table) for table in self.settings.team.digests]
        wanted.append(
            {"schedule_name": "housekeeping", "workflow_name": "housekeeping", "schedule": HOUSEKEEPING_CRON}
        )
        names = {one["schedule_name"] for one in wanted}
        for known in client.list_schedules():
            if known["schedule_name"] not in names:
                client.delete_schedule(known["schedule_name"])
        now = datetime.now(UTC)
        for table in self.settings.team.digests:
            due = digest.overdue(self.desk, table, now)
            if due is not None:
                client.enqueue(_digest_run(table, due), due, {"name": table.name})
        client.apply_schedules(wanted)


def build_bot(settings: Settings, timing: Timing | None = None) -> Bot:
    """Build a bot from *settings*. Asks Slack who it is; raises ConfigurationError where Slack says no."""
    slack = SlackDesk(settings.slack)
    identity = _identify(slack)
    engine = Engine(settings.database_url.get_secret_value(), timing)
    records, works = engine.records, Works(engine.sql)
    calls = Calls(engine.sql)
    commands = all_commands(settings.team.commands)
    targets = settings.team.github.deployments
    sure_after = timedelta(seconds=engine.timing.unseen_seconds)
    github = make_github(settings.github, targets, sure_after) if settings.github else None
    connectors = make_connectors(settings, calls, github)
    deployments = DeploymentRecords(engine.sql)

    def draw(place: dict[str, str], message: Message, about: dict[str, Any]) -> None:
        # Asked at the last moment: a result that was drawn meanwhile must not be drawn over.
        card = records.card(about["flow_id"])
        progressing = card is not None and card["state"] in {"waiting", "running"}
        if progressing or works.is_open(about["flow_id"]):
            slack.edit(place, message, about=about, patient=False)

    desk = Desk(
        settings=settings,
        identity=identity,
        slack=slack,
        posts=Posts(slack),
        functions=AzureFunctionsConnector(settings.functions),
        access=Access(settings.team.roles, slack.groups),
        records=records,
        works=works,
        connectors=connectors,
        edits=Edits(draw, partial(slack.turns.progress_seconds, "chat.update")),
        fence=engine.fence,
        line=engine.line,
        mlflow=MlflowConnector(settings.mlflow) if settings.mlflow else None,
        commands=commands,
        deliveries=Deliveries(engine.sql),
        calls=calls,
        deployments=deployments,
        hub=github,
        settle_seconds=engine.timing.settle_seconds,
        subscriptions=Subscriptions(engine.sql),
        forms=OpenForms(engine.sql),
        experiments=ExperimentRecords(engine.sql),
    )
    inbox = Inbox(engine.sql, engine.client)
    intake = Intake(engine.sql, inbox, engine.fence.rush, engine.timing.ack_seconds)
    around = (engine.client, desk.edits, engine.executor_id, engine.timing)
    watcher = Watcher(records, desk.functions, *around)
    listed = SubscriptionWatch(desk.subscriptions, engine.client, engine.timing, engine.line)
    nudges = None if engine.on_sqlite else Nudges(engine.sql)  # on SQLite there is no other bot to tell
    work_watcher = WorkWatcher(records, works, connectors, *around, listed, nudges)
    pushes = (intake, engine.executor_id, engine.timing, nudges)
    push_watcher = PushWatcher(targets, github, deployments, records, *pushes)
    desk.look_at_branches = push_watcher.look_soon
    desk.run_begun = work_watcher.begun
    app = _bolt_app(settings, slack, identity)
    doors = Doors(settings.team.bot.command, identity, intake, commands)
    doors.register(app)
    EventDoors(doors, identity, intake).register(app)
    FormDoors(settings.team.bot.command, identity, intake, desk.forms).register(app)
    hooks = _hooks_door(desk, intake)
    github_door = _github_door(desk, intake, work_watcher)
    watchers = (watcher, work_watcher, push_watcher)
    return Bot(settings, engine, desk, intake, *watchers, app, hooks, github_door)


def make_connectors(settings: Settings, calls: Calls, github: GitHub | None) -> dict[str, Connector]:
    """Return the connectors that the settings ask for, by name."""
    own: dict[str, Connector] = {one.name: one for one in _own_connectors(settings, calls)}
    return own | (github.connectors() if github is not None else {})


def _own_connectors(settings: Settings, calls: Calls) -> list[HttpConnector]:
    """Return the connectors to what the team's own commands call, with the secrets that they name."""
    endpoints: dict[str, Endpoint] = {}
    routes: dict[str, Endpoint] = {}
    key = settings.functions.key
    for verb, table in settings.team.commands.items():
        called = table.http or table.azure_functions
        named = {name: settings.secret(one) for name, one in called.headers_from.items()} if called else {}
        if table.http is not None:
            endpoints[verb] = Endpoint(table.http.url, table.http, named)
        if table.azure_functions is not None:
            own = {"x-functions-key": key.get_secret_value()} if key is not None else {}
            routes[verb] = route_endpoint(table.azure_functions, settings.functions.url, own | named)
    address = _callback_address(settings)
    return [
        HttpConnector("http", endpoints, calls, address),
        HttpConnector("azure_functions", routes, calls, address),
    ]


def _callback_address(settings: Settings) -> Callable[[str], str] | None:
    secret, url = settings.hooks_secret, settings.public_url
    if secret is None or url is None:
        return None
    return lambda key: f"{url}{CALLBACKS}{key}/{sign_callback(secret.get_secret_value(), key)}"


def _hooks_door(desk: Desk, intake: Intake) -> HooksDoor:
    settings = desk.settings
    secret, hooks = settings.hooks_secret, settings.team.hooks
    return HooksDoor(
        commands=desk.commands,
        command_name=settings.team.bot.command,
        team=desk.identity.team_id,
        channel=hooks.channel if hooks else None,
        secret=secret.get_secret_value() if secret else None,
        intake=intake,
        deliveries=desk.deliveries,
        connectors=[one for one in desk.connectors.values() if isinstance(one, HttpConnector)],
    )


def _github_door(desk: Desk, intake: Intake, watcher: WorkWatcher) -> GitHubDoor:
    github = desk.settings.github
    secret = github.webhook_secret if github else None
    return GitHubDoor(
        secret=secret.get_secret_value() if secret else None,
        repositories=desk.settings.team.github.repositories,
        intake=intake,
        deliveries=desk.deliveries,
        flows=EVENT_STORIES,
        hurry=lambda event: watcher.hurry(str(event.run_id), event.repository),
    )


def _bolt_app(settings: Settings, slack: SlackDesk, identity: Identity) -> App:
    """Return a Bolt app that checks signatures and never calls Slack before the ack.

    `process_before_response` makes Bolt answer as soon as the listener has acked, instead of polling for it.
    """
    known = AuthorizeResult(
        enterprise_id=None,
        team_id=identity.team_id,
        bot_id=identity.bot_id,
        bot_user_id=identity.user_id,
        bot_token=settings.slack.bot_token.get_secret_value(),
    )
    secret = settings.slack.signing_secret
    app = App(
        # Without a token of its own: who the bot is comes from `authorize`, without asking Slack.
        client=WebClient(base_url=settings.slack.api_url, timeout=slack.client.timeout),
        authorize=lambda **_: known,
        signing_secret=secret.get_secret_value() if secret is not None else None,
        process_before_response=True,
        token_verification_enabled=False,
        logger=logging.getLogger("bot.bolt"),
    )
    app.error(answer_error)
    return app


def _identify(slack: SlackDesk) -> Identity:
    try:
        return slack.identity()
    except SlackRefused as error:
        raise ConfigurationError([f"SLACK_BOT_TOKEN: Slack answered {error.code} to auth.test"]) from None


def _digest_schedule(table: DigestTable) -> ClientScheduleInput:
    return {
        "schedule_name": f"{digest.SCHEDULE_PREFIX}{table.name}",
        "workflow_name": "digest",
        "schedule": table.cron,
        "context": {"name": table.name},
        "cron_timezone": table.time_zone,
        "queue_name": REQUESTS,
    }


def _digest_run(table: DigestTable, due: datetime) -> EnqueueOptions:
    return {
        "workflow_name": "digest",
        "queue_name": REQUESTS,
        "workflow_id": digest.schedule_flow_id(table, due),
        "app_version": FLOW_VERSION,
    }
