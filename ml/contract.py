"""What the function app says over HTTP, as pydantic models: the only part of `ml` that the bot may see.

Requests refuse unknown keys, so that a typing error is named; replies ignore them, so that an older bot
understands a newer function app. Names at this edge carry their unit (`seconds`, `share` is 0-1). Times are
aware UTC. No I/O lives here, and nothing slow to import: `defer_build` lets a class build its validator
when it is first used.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

MODEL_NAME_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"
RUN_ID_PATTERN = r"^[0-9]{8}t[0-9]{6}-[0-9a-z]{6,16}$"
DIGEST_PATTERN = r"^sha256:[0-9a-f]{64}$"
ALIAS_PATTERN = r"^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$"
MAX_ROWS = 10_000

ModelName = Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)]
RunId = Annotated[str, StringConstraints(pattern=RUN_ID_PATTERN)]
Digest = Annotated[str, StringConstraints(pattern=DIGEST_PATTERN)]
AliasName = Annotated[str, StringConstraints(pattern=ALIAS_PATTERN)]
VersionNumber = Annotated[int, Field(ge=1, le=999_999)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]

Direction = Literal["lower", "higher", "zero"]
"""Which way a metric gets better: smaller, larger, or nearer to zero."""

Outcome = Literal["predicted", "fallback", "abstain", "no_action", "refused"]
Source = Literal["champion", "previous_champion", "rule", "constant", "none"]
RunKind = Literal["retrain", "compare"]
RunState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
FINAL_STATES: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})


class Request(BaseModel):
    """A body sent to the function app: frozen, and unknown keys are refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Reply(BaseModel):
    """A body sent by the function app: frozen, and keys of a newer version are ignored."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )


# --- refusals ---------------------------------------------------------------------------------------------


class FieldProblem(Reply):
    """One thing wrong with one field: its name, the value seen (shortened), and what is allowed."""

    field: str
    value: Any = None
    allowed: str
    message: str


class Problem(Reply):
    """A refusal as problem details (RFC 9457), with a stable `reason_code` and the fields at fault.

    Source: https://www.rfc-editor.org/rfc/rfc9457
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    reason_code: str
    errors: tuple[FieldProblem, ...] = ()
    suggestions: tuple[str, ...] = ()


# --- who asks ---------------------------------------------------------------------------------------------


class Caller(Request):
    """Who asked and from where; both are written beside every prediction and run."""

    who: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    where: Annotated[str, StringConstraints(min_length=1, max_length=200)]


# --- predictions ------------------------------------------------------------------------------------------


_ROWS: dict[str, JsonValue] = {"minItems": 1, "maxItems": MAX_ROWS}


class PredictRequest(Request):
    """Rows to predict, either as a list of objects or, for volume, as columns of equal length."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["rows"], "properties": {"rows": {"type": "array"}}},
                {"required": ["columns"], "properties": {"columns": {"type": "object"}}},
            ]
        }
    )

    rows: list[dict[str, Any]] | None = Field(default=None, json_schema_extra=_ROWS)
    columns: dict[str, Annotated[list[Any], Field(json_schema_extra=_ROWS)]] | None = Field(
        default=None, json_schema_extra={"minProperties": 1}
    )
    caller: Caller

    @model_validator(mode="after")
    def _exactly_one_shape(self) -> PredictRequest:
        if (self.rows is None) == (self.columns is None):
            raise ValueError("give either rows or columns, not both and not neither")
        return self


class Interval(Reply):
    """A prediction interval in the prediction's unit, with the share of truths it is meant to hold."""

    low: float
    high: float
    coverage: Share


class FilledIn(Reply):
    """A value the person did not give: what it is, where it came from, and how old it is (None: unknown)."""

    value: Any
    source: str
    age_seconds: float | None = None


class Warning(Reply):  # noqa: A001 - the field is called `warnings` in the wire format
    """Something about a row that did not stop the answer, for instance a value outside the training range."""

    code: str
    field: str | None = None
    message: str


class RowAnswer(Reply):
    """The answer for one row, and which rung of the fallback ladder gave it.

    `value` is a number (regression) or a label (classification); it is None when the outcome is
    `no_action` or `refused`, and stays None for `abstain`, where `safe_action` says what to do instead.
    `fallback` is True whenever the champion itself did not give the value. `actual` is the truth where the
    recipe's source already knows it, and None otherwise; no rung ever sees it.
    """

    prediction_id: str
    outcome: Outcome
    value: float | str | None = None
    unit: str | None = None
    interval: Interval | None = None
    confidence: Share | None = None
    reason_code: str | None = None
    safe_action: str | None = None
    source: Source
    fallback: bool = False
    version: int | None = None
    data_version: str | None = None
    filled_in: dict[str, FilledIn] = Field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()
    actual: float | str | None = None
    problem: Problem | None = None


class PredictReply(Reply):
    """Answers in the order of the rows; `logged` is False when the prediction log could not be written."""

    model: str
    results: tuple[RowAnswer, ...]
    logged: bool


class PredictionView(Reply):
    """One logged prediction: when, who, where, what (input and answer), model version, data version."""

    format: int
    prediction_id: str
    at: datetime
    who: str
    where: str
    model: str
    version: int | None
    data_version: str | None
    input: dict[str, Any]
    answer: RowAnswer


class UsageView(Reply):
    """How much a model was asked since a time, and how often the champion itself did not answer."""

    model: str
    since: datetime
    until: datetime
    total: int
    by_outcome: dict[str, int]
    by_source: dict[str, int]
    fallback_share: Share | None
    abstain_share: Share | None
    complete: bool = True


# --- runs -------------------------------------------------------------------------------------------------


class RetrainRequest(Request):
    """Parameters of the recipe's training, checked against its `params_schema`."""

    params: dict[str, Any] = Field(default_factory=dict)
    caller: Caller | None = None


class CompareRequest(Request):
    """Two versions to rescore on the evaluation rows kept with one of them (`"evaluation of 2"`)."""

    versions: Annotated[tuple[VersionNumber, VersionNumber], Field()]
    rows: Annotated[
        str,
        StringConstraints(pattern=r"^evaluation of [0-9]{1,6}$"),
        Field(examples=["evaluation of 2"]),
    ]
    caller: Caller | None = None


class CancelRequest(Request):
    """Who asks a run to stop; the body may be left out."""

    caller: Caller | None = None


class StageView(Reply):
    """One stage of a run with its duration so far (None before it started)."""

    name: str
    state: Literal["waiting", "running", "done", "failed"]
    seconds: float | None = None
    detail: str | None = None


class Reason(Reply):
    """Why a run ended as it did: a stable code and one sentence that a person understands."""

    code: str
    detail: str


class MetricSpec(Reply):
    """A metric's name, unit and direction; `business` marks the one that a manager understands."""

    name: str
    title: str
    unit: str
    direction: Direction
    business: bool = False
    description: str = ""


class MetricComparison(MetricSpec):
    """One metric of candidate, champion and plain rule, all computed on the same rows.

    `better` says whether the candidate beats the champion on this metric; None where either is missing or
    where they are equal.
    """

    candidate: float
    champion: float | None = None
    rule: float | None = None
    better: bool | None = None


class PairedTest(Reply):
    """A paired test of the rows' losses (candidate minus champion), to tell luck from skill.

    `difference` is the mean difference in `unit`, negative when the candidate is better, with its 95 %
    interval `low` to `high`; `p_value` is two-sided; `rows` is the number of pairs.
    """

    method: str
    metric: str
    unit: str
    difference: float
    low: float
    high: float
    p_value: float
    rows: int


class Histogram(Reply):
    """Shares of rows by absolute error for one contender; `edges` has one more entry than `shares`."""

    contender: Literal["candidate", "champion", "rule"]
    edges: tuple[float, ...]
    shares: tuple[float, ...]
    unit: str


class RowsUsed(Reply):
    """Which rows were scored: the evaluation set of `version`, its content digest, count and window."""

    version: int
    digest: str
    count: int
    since: str | None = None
    until: str | None = None


class Evidence(Reply):
    """What was compared with what, on which rows, with which result; immutable, named by its digest.

    `beats_champion` and `beats_rule` ask for more than luck. `notes` are sentences that a person who decides
    should read, for instance that the champion could not be scored.
    """

    format: int
    digest: str = ""
    model: str
    at: datetime
    candidate: int
    champion: int | None
    champion_event: int
    rows: RowsUsed
    metrics: tuple[MetricComparison, ...]
    test: PairedTest | None
    beats_champion: bool | None
    beats_rule: bool
    histograms: tuple[Histogram, ...] = ()
    notes: tuple[str, ...] = ()


class RunResult(Reply):
    """What a run made: a version (retrain) and the evidence object with its content."""

    version: int | None = None
    evidence: str | None = None
    comparison: Evidence | None = None


class RunView(Reply):
    """A run as it stands: its state, its stages, and at the end its result or the reason it has none.

    `event` counts the run's recorded events, so a reader can tell whether anything changed. `progress` is
    the share of the present stage that is done, None where the stage cannot tell.
    """

    run_id: str
    model: str
    kind: RunKind
    state: RunState
    params: dict[str, Any] = Field(default_factory=dict)
    stage: str | None = None
    stages: tuple[StageView, ...] = ()
    progress: Share | None = None
    detail: str | None = None
    attempt: int = 0
    cancel_requested: bool = False
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    requested_by: Caller | None = None
    reason: Reason | None = None
    result: RunResult | None = None
    event: int


class RunsView(Reply):
    """Runs, newest first; `after` is the run id to give for the next page, None on the last one."""

    runs: tuple[RunView, ...]
    after: str | None = None


# --- models and versions ----------------------------------------------------------------------------------


class AliasMove(Request):
    """A request to point an alias at a version, bound to the alias event that the asker saw.

    `expected_event` is the number of the last alias event seen (0: the alias never existed).
    """

    version: VersionNumber
    expected_event: Annotated[int, Field(ge=0)]
    evidence: Digest
    by: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    why: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class AliasView(Reply):
    """Where an alias points, since when, by whom and why; `event` numbers the move."""

    model: str
    alias: str
    version: int
    previous: int | None = None
    event: int
    at: datetime
    by: str
    why: str
    evidence: str | None = None


class VersionSummary(Reply):
    """A version in a list: when it was made, on which data, with which metrics on its own evaluation rows."""

    version: int
    created_at: datetime
    run_id: str | None = None
    data_version: str
    params: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, float] = Field(default_factory=dict)


class ModelSummary(Reply):
    """A model in a list."""

    name: str
    title: str
    champion: AliasView | None = None
    latest_version: int | None = None
    problem: str | None = None


class ModelsView(Reply):
    """All models the function app serves."""

    models: tuple[ModelSummary, ...]


class ModelView(Reply):
    """A model: what a person may give (JSON Schema with its digest), how it is trained, judged and served.

    `problems` are sentences about versions that are left out because their records are damaged.
    """

    name: str
    title: str
    description: str
    unit: str | None
    input_schema: dict[str, Any] = Field(alias="schema")
    schema_digest: str
    params_schema: dict[str, Any]
    params_digest: str
    metrics: tuple[MetricSpec, ...]
    rule: str
    examples: tuple[dict[str, Any], ...] = ()
    champion: AliasView | None = None
    champion_event: int = 0
    versions: tuple[VersionSummary, ...] = ()
    problems: tuple[str, ...] = ()


class VersionView(Reply):
    """A version's manifest as it was registered, and its card in Markdown."""

    model: str
    version: int
    manifest: dict[str, Any]
    card: str


# --- health -----------------------------------------------------------------------------------------------


class StoreHealth(Reply):
    """Whether the object store answered just now, how quickly, and what it said where it did not.

    `refuses_second_create` tells whether a trial showed that an object cannot be written twice; None where
    nothing was tried, or the trial did not come to its end.
    """

    reachable: bool
    seconds: float | None = None
    detail: str | None = None
    refuses_second_create: bool | None = None


class HealthView(Reply):
    """What answers, in which versions, and whether the store is reachable.

    `problems` are sentences on what keeps the app from answering as it should, for whoever runs it.
    """

    status: Literal["ok", "degraded"]
    versions: dict[str, str]
    store: StoreHealth
    models: tuple[str, ...] = ()
    counters: dict[str, int] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()


# --- the shared part of toban.toml ------------------------------------------------------------------------


class RetrainSettings(BaseModel):
    """`[models.<name>.retrain]`: the workflow of GitHub Actions that trains the model.

    It stands in a repository that `[github]` names; without `ref` it runs on the default branch.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    workflow: Annotated[str, StringConstraints(pattern=r"^[^/\s]+\.ya?ml$")]
    ref: Annotated[str, StringConstraints(min_length=1)] | None = None


class ModelSettings(BaseModel):
    """One `[models.<name>]` table of `toban.toml`; unknown keys are refused.

    `recipe` is an import path `package.module:Class`. `channel` is where the bot speaks of this model when
    no person's channel is at hand. `approvers` are the roles that may promote or reject a version. `retrain`
    names the workflow that trains it; None: the function app does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    recipe: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
    channel: str | None = None
    approvers: tuple[Literal["viewer", "operator", "owner"], ...] = ("owner",)
    retrain: RetrainSettings | None = None
