"""The model card in Markdown: what a version is, its data, how well it did, and when it does not answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ml.contract import MetricComparison
from ml.manifest import Manifest
from ml.recipe import Recipe

NOT_KNOWN = "–"


def write_card(
    recipe: Recipe,
    manifest: Manifest,
    metrics: Sequence[MetricComparison],
    evaluated: str,
    champion: int | None,
) -> bytes:
    """Return the card of a version that is about to be registered (its number is not known yet).

    Args:
        evaluated: What was evaluated on, as a phrase.
        champion: The version that was champion at the time.
    """
    return "\n".join(
        [
            f"# {recipe.title}",
            "",
            f"{recipe.description}. Model `{manifest.model}`, {_made_by(manifest)}.",
            "",
            f"**Predicts** {recipe.target}.",
            "",
            "## How well",
            "",
            f"On {evaluated}; all columns were computed in the same run on the same rows.",
            "",
            *_table(
                ["Metric", "Unit", "Better", "This version", _champion_title(champion), "Plain rule"],
                [_metric_row(metric) for metric in metrics],
            ),
            "",
            f"The plain rule: {recipe.rule_text}.",
            "",
            "## When it does not answer",
            "",
            *_policy_lines(recipe),
            "",
            "## Data",
            "",
            f"{manifest.query.rows} rows, data version `{manifest.data_version}`, by this query",
            f"with {_pairs(manifest.query.params.items())}:",
            "",
            "```sql",
            manifest.query.text,
            "```",
            "",
            f"Assumptions: {recipe.assumptions}",
            "",
            "## Inputs seen in training",
            "",
            *_table(
                ["Feature", "Seen", "Missing"],
                [_range_row(manifest, name) for name in manifest.feature_ranges],
            ),
            "",
            "## Made with",
            "",
            _made_with(manifest),
            "",
        ]
    ).encode()


def _made_by(manifest: Manifest) -> str:
    by = f" by run `{manifest.run_id}`" if manifest.run_id else ""
    return f"trained {manifest.created_at:%Y-%m-%d %H:%M} UTC{by}"


def _made_with(manifest: Manifest) -> str:
    where = f"Python {manifest.environment.python} on {manifest.environment.platform}"
    code = f"code {manifest.code.revision or 'of no commit'} (archive `{manifest.code.source}`)"
    return f"{where}; {code}; seed {manifest.seed}; parameters {_pairs(manifest.params.items())}."


def _champion_title(champion: int | None) -> str:
    return "Champion" if champion is None else f"Champion (v{champion})"


def _metric_row(metric: MetricComparison) -> list[str]:
    better = {"lower": "lower", "higher": "higher", "zero": "nearer to 0"}[metric.direction]
    title = f"**{metric.title}**" if metric.business else metric.title
    values = [_number(value) for value in (metric.candidate, metric.champion, metric.rule)]
    return [title, metric.unit, better, *values]


def _range_row(manifest: Manifest, name: str) -> list[str]:
    seen = manifest.feature_ranges[name]
    if seen.choices is not None:
        more = " …" if len(seen.choices) > 8 else ""
        text = f"{len(seen.choices)} values: {', '.join(seen.choices[:8])}{more}"
    else:
        text = f"{_number(seen.minimum)} to {_number(seen.maximum)}"
    return [name, text, f"{100 * seen.missing_share:.1f} %"]


def _policy_lines(recipe: Recipe) -> list[str]:
    policy = recipe.policy
    last = {
        "rule": f"the plain rule answers: {recipe.rule_text}",
        "constant": f"it answers {policy.constant}",
        "no_action": "it gives no value, and nothing is done",
        "refuse": "it refuses",
    }[policy.on_failure]
    lines = [f"- If neither the champion nor the previous champion can answer, {last}."]
    if policy.max_interval_width is not None:
        lines.append(
            f"- It abstains when its {100 * policy.coverage:.0f} % interval is wider than "
            f"{policy.max_interval_width:g} {recipe.unit or ''}".rstrip()
            + "."
        )
    if policy.min_confidence is not None:
        lines.append(f"- It abstains below a confidence of {100 * policy.min_confidence:.0f} %.")
    if policy.abstain_outside:
        lines.append(f"- It abstains outside the training range of {', '.join(policy.abstain_outside)}.")
    return [*lines, f"- When it abstains: {policy.safe_action}"]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _number(value: float | None) -> str:
    return NOT_KNOWN if value is None else f"{value:.4g}"


def _pairs(items: Iterable[tuple[str, object]]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in items) or "none"
