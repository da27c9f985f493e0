"""The bot's own tables in the engine's database, and the numbered migrations that make them.

Unique constraints are the claims: whoever inserts first has it. Each table is used by one module only:
cards, cancellations, decisions, digests, processes, leases and audit by `records`, the others by the module
that is named after what they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

metadata = sa.MetaData()

cards = sa.Table(
    "toban_cards",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("run_flow_id", sa.String(120), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("run_id", sa.String(60)),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
cancellations = sa.Table(
    "toban_cancellations",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
decisions = sa.Table(
    "toban_decisions",
    metadata,
    sa.Column("decide_id", sa.String(120), primary_key=True),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("candidate", sa.Integer, nullable=False),
    sa.Column("evidence", sa.String(80), nullable=False),
    sa.Column("press", sa.String(120)),
    sa.Column("kind", sa.String(20)),
    sa.Column("by", sa.String(80)),
    sa.Column("at", sa.DateTime, nullable=False),
)
digests = sa.Table(
    "toban_digests",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("due_local", sa.String(40), primary_key=True),
    sa.Column("due", sa.DateTime, nullable=False),
    sa.Column("flow_id", sa.String(160), nullable=False),
)
processes = sa.Table(
    "toban_processes",
    metadata,
    sa.Column("executor_id", sa.String(120), primary_key=True),
    sa.Column("heartbeat_at", sa.DateTime, nullable=False),
    sa.Column("recovered_by", sa.String(120)),
)
leases = sa.Table(
    "toban_leases",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("holder", sa.String(120), nullable=False),
    sa.Column("expires_at", sa.DateTime, nullable=False),
)
audit = sa.Table(
    "toban_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("flow_id", sa.String(160), nullable=False),
    sa.Column("who", sa.String(80), nullable=False),
    sa.Column("what", sa.String(60), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.UniqueConstraint("flow_id", "what"),
)
works = sa.Table(
    "toban_works",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("work_flow_id", sa.String(120), nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("order", sa.Text, nullable=False),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("run_id", sa.String(120), index=True),
    sa.Column("handle", sa.Text),
    sa.Column("began_at", sa.DateTime),
    sa.Column("created_at", sa.DateTime, nullable=False),
)
calls = sa.Table(
    "toban_calls",
    metadata,
    sa.Column("key", sa.String(120), primary_key=True),
    sa.Column("endpoint", sa.String(64), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("look_after", sa.DateTime, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
)
hooks = sa.Table(
    "toban_hooks",
    metadata,
    sa.Column("signature", sa.String(80), primary_key=True),
    sa.Column("command", sa.String(64), nullable=False),
    sa.Column("flow_id", sa.String(120), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
deliveries = sa.Table(
    "toban_deliveries",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("webhook", sa.String(64), nullable=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.Column("ended_at", sa.DateTime),
)
deployment_locks = sa.Table(
    "toban_deployment_locks",
    metadata,
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("flow_id", sa.String(120), nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("what", sa.String(200), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
deployment_heads = sa.Table(
    "toban_deployment_heads",
    metadata,
    sa.Column("target", sa.String(64), primary_key=True),
    sa.Column("sha", sa.String(64), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
forms = sa.Table(
    "toban_forms",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("form", sa.Text, nullable=False),
    sa.Column("used_at", sa.DateTime, nullable=False),
)
events = sa.Table(
    "toban_events",
    metadata,
    sa.Column("delivery", sa.String(80), primary_key=True),
    sa.Column("identity", sa.String(64), nullable=False, unique=True),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("begins", sa.Boolean, nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
experiments = sa.Table(
    "toban_experiments",
    metadata,
    sa.Column("flow_id", sa.String(120), primary_key=True),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("began_at", sa.DateTime, nullable=False),
    sa.Column("number", sa.Integer),
    sa.Column("channel", sa.String(80)),
    sa.Column("ts", sa.String(40)),
    sa.Column("result", sa.Text),
)
subscriptions = sa.Table(
    "toban_subscriptions",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("workflow", sa.String(200), nullable=False),
    sa.Column("branch", sa.String(255), nullable=False),
    sa.Column("on", sa.Text, nullable=False),
    sa.Column("by", sa.String(80), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("channel", "repository", "workflow", "branch"),
)
seen_runs = sa.Table(
    "toban_seen_runs",
    metadata,
    sa.Column("repository", sa.String(160), primary_key=True),
    sa.Column("seen", sa.Text, nullable=False),
)
incidents = sa.Table(
    "toban_incidents",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("channel", sa.String(80), nullable=False),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("is_open", sa.Boolean, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("news", sa.String(64), nullable=False),
    sa.Column("change", sa.String(20), nullable=False),
    sa.Column("ts", sa.String(40)),
    sa.Column("at", sa.DateTime, nullable=False),
)
notices = sa.Table(
    "toban_notices",
    metadata,
    sa.Column("channel", sa.String(80), primary_key=True),
    sa.Column("run_id", sa.String(40), primary_key=True),
    sa.Column("ts", sa.String(40), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
nudges = sa.Table(
    "toban_nudges",
    metadata,
    sa.Column("lease", sa.String(40), primary_key=True),
    sa.Column("run_id", sa.String(60), primary_key=True),
    sa.Column("repository", sa.String(160), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
inbox = sa.Table(
    "toban_inbox",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("flow_id", sa.Text, nullable=False, unique=True),
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("args", sa.Text, nullable=False),
)
migrations = sa.Table("toban_migrations", metadata, sa.Column("number", sa.Integer, primary_key=True))

INDEXES = (
    sa.Index("toban_cards_open", cards.c.state, cards.c.model, cards.c.created_at, cards.c.flow_id),
    sa.Index("toban_cards_newest", cards.c.created_at),
    sa.Index("toban_cards_run", cards.c.run_id),
    sa.Index("toban_audit_who", audit.c.who, audit.c.id),
    sa.Index("toban_decisions_open", decisions.c.model, decisions.c.kind),
    sa.Index("toban_works_newest", works.c.created_at),
    sa.Index("toban_deliveries_webhook", deliveries.c.webhook, deliveries.c.created_at),
)
"""What is looked for again and again is found without reading all that ever was."""

MIGRATIONS: Sequence[Sequence[sa.Table | sa.Index]] = (
    (cards, cancellations, decisions, digests, processes, leases, audit),
    (works,),
    (calls, hooks, deliveries),
    (events,),
    (forms,),
    (subscriptions, seen_runs, incidents, notices),
    (deployment_locks, deployment_heads),
    (experiments,),
    INDEXES,
    (nudges,),
    (inbox,),
)
"""Tables and indexes made by each numbered migration; a migration that has shipped is never changed."""


def utc_now() -> datetime:
    """Return the present moment in UTC, without zone, as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)
