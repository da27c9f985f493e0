"""docs/settings.md and docs/roles.md say what the code does."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.command_tables import (
    CommandTable,
    GitHubActionsSettings,
    HooksTable,
    InputTable,
    ReportPart,
    WebhookTable,
)
from bot.commands import COMMANDS
from bot.connectors.endpoints import CallSettings, HttpSettings
from bot.connectors.function_routes import FunctionRouteSettings
from bot.deployment_tables import DeploymentTable
from bot.team_file import (
    BotTable,
    DigestTable,
    GitHubTable,
    MlflowTable,
    RolesTable,
    TobanFile,
    WorkflowTable,
    load_team,
)
from ml.contract import ModelSettings, RetrainSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
TABLES: dict[str, type[BaseModel]] = {
    "[bot]": BotTable,
    "[roles]": RolesTable,
    "[models.NAME]": ModelSettings,
    "[models.NAME.retrain]": RetrainSettings,
    "[[digests]]": DigestTable,
    "[commands.NAME]": CommandTable,
    "[commands.NAME.inputs.INPUT]": InputTable,
    "[[commands.NAME.report]]": ReportPart,
    "[commands.NAME.http]": HttpSettings,
    "[commands.NAME.azure_functions]": FunctionRouteSettings,
    "[commands.NAME.github_actions]": GitHubActionsSettings,
    "[hooks]": HooksTable,
    "[[webhooks]]": WebhookTable,
    "[github]": GitHubTable,
    "[[github.workflows]]": WorkflowTable,
    "[github.deployments.NAME]": DeploymentTable,
    "[mlflow]": MlflowTable,
}
WORDS_FOR: dict[str, Any] = {
    **dict.fromkeys(("nobody", "all", "nothing", "none named"), ()),
    "none": None,
    "needed": PydanticUndefined,
    "`no`": False,
}


def rows(heading: str) -> dict[str, str]:
    """Return the keys under a heading of the page, with the default that it names for each."""
    section = PAGE.split(f"## `{heading}`\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE))


def default(text: str) -> Any:
    """Return the value that a cell of the page means."""
    if text in WORDS_FOR:
        return WORDS_FOR[text]
    plain = text.strip("`")
    return json.loads(plain) if re.fullmatch(r"[\d.]+|true|false", plain) else plain


def taken(field: FieldInfo) -> Any:
    """Return the default that the code takes, as the page shows it: of a list the first, no list as ()."""
    value = field.get_default(call_default_factory=True)
    if value in ({}, (), ""):
        return ()
    return value[0] if isinstance(value, tuple) else value


@pytest.mark.parametrize("heading", TABLES)
def test_each_setting_is_explained_with_its_default(heading: str) -> None:
    """Every key of `toban.toml`, and no other, stands on the page with the default that the code takes."""
    fields = TABLES[heading].model_fields
    said = {key: default(cell) for key, cell in rows(heading).items()}
    left_to_http = CallSettings.model_fields if heading.endswith("azure_functions]") else {}
    meant = {field.alias or key: taken(field) for key, field in fields.items() if key not in left_to_http}
    assert said == meant


def test_no_table_is_forgotten() -> None:
    """Each table of `toban.toml` has a section."""
    named = {re.sub(r"\W*(\w+).*", r"\1", heading) for heading in TABLES}
    assert named == set(TobanFile.model_fields)


def test_the_example_is_taken(tmp_path: Path) -> None:
    """The example on the page is read without a complaint."""
    example = PAGE.split("```toml\n", 1)[1].split("```", 1)[0]
    path = tmp_path / "toban.toml"
    path.write_text(example, encoding="utf-8")
    assert set(load_team(path).models) == set(tomllib.loads(example)["models"])


def test_each_command_needs_the_role_that_the_page_says() -> None:
    """The roles page names the lowest role that each command takes, for every command."""
    page = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8").split("## What each command needs", 1)[1]
    said = {
        verb: role
        for verbs, role in re.findall(r"^\| (`.+`) \| (viewer|operator|owner) \|$", page, re.MULTILINE)
        for verb in re.findall(r"`(\w+)`", verbs)
    }
    assert said == {verb: command.roles[0] for verb, command in COMMANDS.items()}
