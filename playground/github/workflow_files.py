"""Workflow files: read as GitHub reads them, with a clear word on what the loopback does not run.

https://docs.github.com/en/actions/reference/workflow-syntax-for-github-actions
"""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from playground.github.expressions import to_text

FOLDER = ".github/workflows"
MOST_INPUTS = 25
# Each of these would have to run differently from what it says, so nothing of such a workflow runs.
UNSUPPORTED_IN_JOB = ("strategy", "services", "container", "uses")
SUPPORTED_EVENTS = ("push", "workflow_dispatch")


class InvalidWorkflow(Exception):
    """GitHub would not take the file either; the message says why."""


class NotRunHere(Exception):
    """GitHub would run it, the loopback does not; the message names the job and the key."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2, as GitHub reads it: “on” is a word, a date is text, 12:30 is not a number."""


_Loader.yaml_implicit_resolvers = {}
_WORDS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+[eE])(?:[eE]?[-+]?[0-9]+)?", "-+0123456789."),
}
for _tag, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))


def _text(given: Any) -> Any:
    """Take true, 3 and 0.5 for what they are written as, where a text is wanted."""
    return to_text(given) if isinstance(given, (bool, int, float)) else given


Text = Annotated[str, BeforeValidator(_text)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)


class Input(_Part):
    """One input of workflow_dispatch."""

    description: Text = ""
    required: bool = False
    default: Any = None
    type: str = "string"
    options: tuple[Text, ...] = ()


class Step(_Part):
    """One step of a job."""

    id: Text | None = None
    name: Text | None = None
    condition: Any = Field(default=None, alias="if")
    run: Text | None = None
    uses: Text | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    env: dict[str, Any] = Field(default_factory=dict)
    shell: Text | None = None
    working_directory: Text | None = Field(default=None, alias="working-directory")
    continue_on_error: Any = Field(default=False, alias="continue-on-error")
    timeout_minutes: Any = Field(default=None, alias="timeout-minutes")


class Concurrency(_Part):
    """Who may run beside whom."""

    group: Text
    cancel_in_progress: Any = Field(default=False, alias="cancel-in-progress")


def _group(given: Any) -> Any:
    return {"group": given} if isinstance(given, str) else given


class Job(_Part):
    """One job of a workflow."""

    name: Text | None = None
    needs: tuple[str, ...] = ()
    condition: Any = Field(default=None, alias="if")
    runs_on: Any = Field(default="ubuntu-latest", alias="runs-on")
    environment: Any = None
    concurrency: Annotated[Concurrency | None, BeforeValidator(_group)] = None
    outputs: dict[str, Any] = Field(default_factory=dict)
    env: dict[str, Any] = Field(default_factory=dict)
    defaults: dict[str, Any] = Field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    timeout_minutes: Any = Field(default=360, alias="timeout-minutes")
    continue_on_error: Any = Field(default=False, alias="continue-on-error")
    permissions: Any = None

    @field_validator("needs", mode="before")
    @classmethod
    def _list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given or []


class Workflow(_Part):
    """One workflow file at one commit."""

    path: str
    name: Text
    run_name: Text | None = Field(default=None, alias="run-name")
    on: dict[str, Any]
    env: dict[str, Any] = Field(default_factory=dict)
    defaults: dict[str, Any] = Field(default_factory=dict)
    concurrency: Annotated[Concurrency | None, BeforeValidator(_group)] = None
    permissions: Any = None
    jobs: dict[str, Job]

    @field_validator("on", mode="before")
    @classmethod
    def _events(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {given: {}}
        if isinstance(given, list):
            return {str(event): {} for event in given}
        return (
            {str(event): about or {} for event, about in given.items()} if isinstance(given, dict) else given
        )

    def inputs(self) -> dict[str, Input]:
        """Return the inputs of workflow_dispatch, in the file's order."""
        about = self.on.get("workflow_dispatch") or {}
        return {
            name: Input.model_validate(given or {}) for name, given in (about.get("inputs") or {}).items()
        }

    def prove_runnable(self) -> None:
        """Raise NotRunHere for what the loopback cannot do."""
        for name, job in self.jobs.items():
            for key in UNSUPPORTED_IN_JOB:
                if (job.model_extra or {}).get(key) is not None:
                    raise NotRunHere(f"the loopback GitHub does not run `{key}` (job {name} in {self.path})")


@functools.lru_cache(maxsize=256)
def read(path: str, text: str) -> Workflow:
    """Return the workflow that a file holds; raise InvalidWorkflow when GitHub would not take it."""
    try:
        given = yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader)
        if not isinstance(given, dict):
            raise InvalidWorkflow(f"{path}: the file holds no mapping")
        workflow = Workflow.model_validate({**given, "path": path, "name": given.get("name") or path})
        inputs = workflow.inputs()
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidWorkflow(f"{path}: {error}") from error
    _prove_needs(workflow)
    if len(inputs) > MOST_INPUTS:
        raise InvalidWorkflow(f"{path}: more than {MOST_INPUTS} inputs")
    return workflow


def _prove_needs(workflow: Workflow) -> None:
    """Every job waits for jobs that exist, none for itself; every step does one thing."""
    ready: set[str] = set()
    left = dict(workflow.jobs)
    while left:
        able = [name for name, job in left.items() if set(job.needs) <= ready]
        if not able:
            raise InvalidWorkflow(
                f"{workflow.path}: jobs {', '.join(left)} wait for unknown jobs or in a circle"
            )
        ready.update(able)
        for name in able:
            del left[name]
    for name, job in workflow.jobs.items():
        if not job.steps and not (job.model_extra or {}).get("uses"):
            raise InvalidWorkflow(f"{workflow.path}: job {name} has no steps")
        if any((step.run is None) == (step.uses is None) for step in job.steps):
            raise InvalidWorkflow(f"{workflow.path}: a step of job {name} needs either `run` or `uses`")


def wants_push(workflow: Workflow, ref: str, paths: Sequence[str]) -> bool:
    """Tell whether a push to *ref* that changed *paths* starts the workflow.

    https://docs.github.com/en/actions/reference/events-that-trigger-workflows#push
    """
    about = workflow.on.get("push")
    if about is None:
        return False
    kind, other = ("branches", "tags") if ref.startswith("refs/heads/") else ("tags", "branches")
    filtered = [name for name in (kind, f"{kind}-ignore") if name in about]
    if not filtered and (other in about or f"{other}-ignore" in about):
        return False
    name = ref.split("/", 2)[2]
    if not _passes(about, kind, lambda patterns: _matches(name, patterns)):
        return False
    # Tags are not filtered by path.
    return kind == "tags" or (
        ("paths" not in about or any(_matches(path, about["paths"]) for path in paths))
        and ("paths-ignore" not in about or not all(_matches(path, about["paths-ignore"]) for path in paths))
    )


def _passes(about: Mapping[str, Any], kind: str, matches: Any) -> bool:
    if kind in about:
        return bool(matches(about[kind]))
    return not (f"{kind}-ignore" in about and matches(about[f"{kind}-ignore"]))


def _matches(name: str, patterns: str | Sequence[str]) -> bool:
    """Match GitHub's globs: ``*`` stops at a slash, ``**`` does not, ``!`` takes back, the last counts."""
    matched = False
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        wanted = not str(pattern).startswith("!")
        if _glob(str(pattern).removeprefix("!")).fullmatch(name):
            matched = wanted
    return matched


def _glob(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/?|\*)", pattern)
    translated = []
    for part in parts:
        if part == "*":
            translated.append("[^/]*")
        elif part.startswith("**"):
            translated.append("(?:.*/)?" if part.endswith("/") else ".*")
        else:
            # “?”, “+” and “[…]” keep their meaning of regular expressions in GitHub's globs.
            translated.append(re.sub(r"[.^$|(){}\\]", lambda found: "\\" + found[0], part))
    return re.compile("".join(translated))
