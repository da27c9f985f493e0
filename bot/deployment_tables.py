"""`[github.deployments.NAME]` of `toban.toml`: what is deployed, how, after which checks, and who decides."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from bot.jobs import Role

REPOSITORY_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}$"
WORKFLOW_FILE_PATTERN = r"^[^/\s]+\.ya?ml$"
TARGET_PATTERN = r"^[a-z][a-z0-9-]{0,30}$"
LOGIN_PATTERN = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:_[A-Za-z0-9]+)?$"
"""A login of GitHub; one of a managed user ends in `_` and the enterprise's short code."""
BRANCH_PATTERN = r"^[^\s~^:?*\[\\]{1,200}$"

RepositoryName = Annotated[str, StringConstraints(pattern=REPOSITORY_PATTERN)]
BranchName = Annotated[str, StringConstraints(pattern=BRANCH_PATTERN)]
CheckName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
DecidingRole = Literal["operator", "owner"]


class DeploymentTable(BaseModel):
    """One thing to deploy: a repository's commit into an environment.

    `workflow` is the file that is dispatched, whose job names the environment; without it a deployment is
    created over the API, and the team's own workflow listens on `deployment`. `commit_input` is an input of
    the workflow that takes the commit; without it only what a branch or tag points to can be deployed.
    `checks` are `all`, `none`, or the names of those that must have succeeded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: RepositoryName
    environment: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    workflow: Annotated[str, StringConstraints(pattern=WORKFLOW_FILE_PATTERN)] | None = None
    inputs: dict[str, str | int | float | bool] = Field(default_factory=dict)
    commit_input: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    branch: BranchName | None = None
    checks: Literal["all", "none"] | Annotated[tuple[CheckName, ...], Field(min_length=1)] = "all"
    check_minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    roles: tuple[DecidingRole, ...] = ("owner",)
    approvers: tuple[DecidingRole, ...] = ("owner",)
    confirm: bool = False
    on_push: bool = False
    channel: Annotated[str, StringConstraints(min_length=1)] | None = None

    @field_validator("roles", "approvers")
    @classmethod
    def _somebody(cls, value: tuple[Role, ...]) -> tuple[Role, ...]:
        if not value:
            raise ValueError("name at least one role: operator or owner")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> DeploymentTable:
        if self.workflow is None and (self.inputs or self.commit_input):
            raise ValueError("inputs and commit_input are a workflow's; name the workflow, too")
        if self.commit_input in self.inputs:
            raise ValueError(f"{self.commit_input} is filled in with the commit; take it out of inputs")
        if self.on_push and (self.branch is None or self.channel is None):
            raise ValueError("on_push needs a branch to look at, and a channel to say it in")
        return self

    def values(self, sha: str) -> dict[str, Any]:
        """Return the inputs that the workflow is started with for a commit."""
        return self.inputs | ({self.commit_input: sha} if self.commit_input else {})
