"""Everything that the bot does with one GitHub, put together: workflows, checks, deployments, commits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot.connectors import github_checks, github_deployments, github_runs
from bot.connectors.connector import Connector
from bot.connectors.github_actions import SURE_AFTER, GitHubActionsConnector
from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_checks import GitHubChecks
from bot.connectors.github_client import GitHubClient
from bot.connectors.github_commits import GitHubCommits
from bot.connectors.github_deployments import GitHubDeployments
from bot.deployment_tables import DeploymentTable
from bot.settings import GitHubSettings


@dataclass(frozen=True)
class GitHub:
    """The parts, all of which ask as the same one."""

    catalogue: GitHubCatalogue
    actions: GitHubActionsConnector
    checks: GitHubChecks
    deployments: GitHubDeployments
    commits: GitHubCommits

    def connectors(self) -> dict[str, Connector]:
        """Return those of them that a job can be watched by, by name."""
        return {
            github_runs.NAME: self.actions,
            github_checks.NAME: self.checks,
            github_deployments.NAME: self.deployments,
        }


def make_github(
    settings: GitHubSettings, targets: Mapping[str, DeploymentTable], sure_after: timedelta = SURE_AFTER
) -> GitHub:
    """Return the parts for one GitHub; what people decide is passed on by a user of its own, if set."""
    client = GitHubClient(settings)
    reviewer = None
    if settings.review_token is not None:
        reviewer = GitHubClient(settings.model_copy(update={"token": settings.review_token, "app": None}))
    actions = GitHubActionsConnector(client, sure_after, reviewer)
    return GitHub(
        catalogue=actions.catalogue,
        actions=actions,
        checks=GitHubChecks(client, targets),
        deployments=GitHubDeployments(client),
        commits=GitHubCommits(client),
    )
