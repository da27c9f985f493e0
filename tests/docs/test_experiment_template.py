"""The issue form for experiments written by hand asks the same as the form in Slack."""

from __future__ import annotations

from pathlib import Path

import yaml

from bot.experiments import FIELDS, experiment_schema
from bot.team_file import GitHubTable

TEMPLATE = Path(__file__).resolve().parents[2] / ".github" / "ISSUE_TEMPLATE" / "experiment.yml"


def test_template_and_form_are_in_step() -> None:
    """Fields, their order, headings, questions, what is needed, and the label are the same."""
    template = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    asked = [
        (one["id"], one["attributes"]["label"], one["attributes"]["description"]) for one in template["body"]
    ]
    assert asked == [(field.name, field.label, field.asks) for field in FIELDS]
    needed = [one["id"] for one in template["body"] if one.get("validations", {}).get("required")]
    assert needed == experiment_schema()["required"] == ["purpose"]
    assert template["labels"] == [GitHubTable().experiment_label]
