"""MLflow's registered models: the list, one of them, and the decision about an alias."""

from __future__ import annotations

from datetime import timedelta

from bot.messages import registered
from bot.messages.jobs import Decided
from bot.registered_models import AliasChange, RegisteredModel, RegisteredVersion
from playground.gallery.records import AT, OWNER, OWNERS, job
from playground.gallery.sample import Chapter, Sample

JOB = job("alias", "/ml alias churn champion v2", model=None, words=("churn", "champion", "v2"))
OLD = RegisteredVersion(version=1, created_at=AT, status="READY", metrics={"auc": 0.81, "log_loss": 0.42})
NEW = RegisteredVersion(version=2, created_at=AT, status="READY", metrics={"auc": 0.84, "log_loss": 0.39})
BROKEN = NEW.model_copy(update={"status": "FAILED_REGISTRATION", "metrics": {}})
MODEL = RegisteredModel(name="churn", aliases={"champion": 1}, versions=(NEW, OLD))
CHANGE = AliasChange(model="churn", alias="champion", present=OLD, candidate=NEW)
FIRST = AliasChange(model="churn", alias="challenger", present=None, candidate=BROKEN)
NOW = AT + timedelta(minutes=5)
ENDINGS = {
    "An owner has moved it.": Decided(kind="promoted", by=OWNER, at=NOW, why="better by AUC"),
    "An owner has rejected it.": Decided(kind="rejected", by=OWNER, at=NOW),
    "Nobody has decided in time.": Decided(kind="expired", at=NOW),
    "MLflow has changed meanwhile.": Decided(kind="superseded", at=NOW),
}
CHAPTER = Chapter(
    "MLflow's registry",
    "Models that MLflow keeps. Its metrics are those of each version's own run, and that is said.",
    (
        Sample("The registered models.", registered.models, (("churn", "wine-quality"),), "private"),
        Sample("There are none.", registered.models, ((),), "private"),
        Sample("One of them.", registered.model, (MODEL,), "private"),
        Sample("One without versions.", registered.model, (RegisteredModel(name="new"),), "private"),
        Sample("An alias is to be moved.", registered.decision, (JOB, CHANGE, "d-1")),
        Sample("To a version that cannot be served.", registered.decision, (JOB, FIRST, "d-1")),
        Sample("Those who decide are called.", registered.call, (JOB, CHANGE, (OWNERS,)), "thread"),
        *(Sample(when, registered.decided, (JOB, CHANGE, how)) for when, how in ENDINGS.items()),
    ),
)
