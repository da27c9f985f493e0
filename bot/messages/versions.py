"""Models and versions: the lists, one model with the inputs it takes, a version's card and its lineage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.messages.blocks import header, markdown, section, table
from bot.messages.fields import allowed, inputs_block, properties
from bot.messages.message import Attachment, Message, compose, file_note
from bot.messages.text import code, fenced_lines, inline, mention
from bot.messages.units import between, number, scaled, short_digest, unit_name, when
from ml.contract import AliasView, ModelsView, ModelView, VersionSummary, VersionView

MAX_CARD = 9000
MAX_VERSIONS_SHOWN = 10
MAKING_PACKAGES = ("scikit-learn", "lightgbm", "xgboost", "torch", "numpy", "onnx", "skl2onnx", "onnxruntime")
MOST_PACKAGES = 10


def models(view: ModelsView, now: datetime) -> Message:
    """Return the list of models with their champions; what is wrong with one is said under the table."""
    if not view.models:
        return compose(section("The function app serves no model yet."))
    rows = [
        [
            one.name,
            one.title,
            _version(one.champion),
            _age(one.champion, now),
            f"v{one.latest_version}" if one.latest_version else "–",
        ]
        for one in view.models
    ]
    troubles = [
        f":warning: *{inline(one.name)}*: {inline(one.problem)}" for one in view.models if one.problem
    ]
    return compose(
        header("Models"),
        table(["model", "title", "champion", "champion for", "newest"], rows),
        section("\n".join(troubles)) if troubles else None,
    )


def model(view: ModelView) -> Message:
    """Return one model: what it predicts, its champion, what to type, its latest versions and metrics."""
    answers = f"Its answers are in {inline(view.unit)}. " if view.unit else ""
    lines = [
        f"{inline(view.description) or inline(view.title)}",
        f"{answers}{_champion_line(view.champion)}",
    ]
    if view.rule:
        lines.append(f"Plain rule behind it: {inline(view.rule)}")
    return compose(
        header(f"{view.name}: {view.title}"),
        section("\n".join(lines)),
        inputs_block(view.input_schema),
        section("*To retrain*: " + _params_line(view.params_schema)),
        section(fenced_lines(_versions_text(view))) if view.versions else None,
    )


def card(view: VersionView) -> Message:
    """Return a version's card, as Markdown in the message and, where it is long, as a file too."""
    name = f"{view.model}-v{view.version}.md"
    long = len(view.card) > MAX_CARD
    shown = view.card[: view.card.rfind("\n", 0, MAX_CARD) + 1 or MAX_CARD] if long else view.card
    file = Attachment(name, view.card.encode("utf-8", "replace"), f"Card of {view.model} v{view.version}")
    return compose(
        header(f"Card of {view.model} v{view.version}"),
        markdown(shown),
        file_note(f"The whole card is in the file *{inline(name)}*.") if long else None,
        files=(file,) if long else (),
    )


def lineage(manifest: Mapping[str, Any]) -> Message:
    """Return what a version was made from: data and its hash, query, code, packages, parameters, seed.

    Shown from the manifest as it was registered; what it does not hold is left out.
    """
    made = [
        ("data", _file_line(manifest, "snapshot")),
        ("evaluation rows", _file_line(manifest, "evaluation")),
        ("query", _query_line(manifest.get("query"))),
        ("model file", _file_line(manifest, "model.onnx")),
        ("source", _file_line(manifest, "source")),
        ("code revision", _text(manifest, "code", "revision")),
        ("recipe", _text(manifest, "recipe")),
        ("parameters", _pairs(manifest.get("params"))),
        ("seed", _text(manifest, "seed")),
        ("run", _text(manifest, "run_id")),
        ("Python", _text(manifest, "environment", "python")),
        ("platform", _text(manifest, "environment", "platform")),
        ("packages", _packages(manifest)),
        ("same numbers within", _pairs(manifest.get("tolerance"))),
    ]
    lines = [f"*{name}*: {value}" for name, value in made if value]
    who = f"{inline(manifest.get('model', ''))} v{inline(manifest.get('version', '?'))}"
    return compose(section(f"*Where {who} comes from*"), section("\n".join(lines)) if lines else None)


def _version(champion: AliasView | None) -> str:
    return f"v{champion.version}" if champion else "none"


def _age(champion: AliasView | None, now: datetime) -> str:
    return between(champion.at, now) if champion else "–"


def _champion_line(champion: AliasView | None) -> str:
    if champion is None:
        return "*No version is champion yet.*"
    return f"Champion: *v{champion.version}*, promoted {when(champion.at)} by {mention(champion.by)}."


def _params_line(schema: Mapping[str, Any]) -> str:
    named = [f"{code(name)} ({inline(allowed(field))})" for name, field, _ in properties(schema)]
    return ", ".join(named) or "no parameters"


def _versions_text(view: ModelView) -> list[str]:
    newest = sorted(view.versions, key=lambda one: one.version, reverse=True)[:MAX_VERSIONS_SHOWN]
    return [_version_line(one, view) for one in newest]


def _version_line(version: VersionSummary, view: ModelView) -> str:
    known = {metric.name: (metric.title, metric.unit) for metric in view.metrics}
    named = ((*known.get(name, (name, None)), value) for name, value in version.metrics.items())
    scores = ", ".join(
        f"{title} {number(scaled(value, unit))} {unit_name(unit)}".strip() for title, unit, value in named
    )
    champion = " (champion)" if view.champion and view.champion.version == version.version else ""
    data = short_digest(version.data_version)
    return f"v{version.version}{champion} · {when(version.created_at)} · data {data} · {scores}"


def _file_line(manifest: Mapping[str, Any], name: str) -> str:
    files = manifest.get("files")
    found = files.get(name) if isinstance(files, Mapping) else None
    if not isinstance(found, Mapping):
        return ""
    size = found.get("size")
    shown = f", {size:,} bytes" if isinstance(size, int) else ""
    return f"{code(found.get('digest', 'unknown'))}{shown}"


def _query_line(query: Any) -> str:
    if not isinstance(query, Mapping):
        return ""
    rows = query.get("rows")
    shown = f" ({rows:,} rows)" if isinstance(rows, int) else ""
    return f"{code(query.get('text', ''))} {_pairs(query.get('params'))}{shown}"


def _pairs(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{inline(key)}={inline(_plain(one))}" for key, one in value.items())
    return "" if value is None else inline(_plain(value))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _text(manifest: Mapping[str, Any], *keys: str) -> str:
    found: Any = manifest
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else inline(found)


def _packages(manifest: Mapping[str, Any]) -> str:
    """Return the versions of the packages that make a model; the manifest holds all that were installed."""
    environment = manifest.get("environment")
    packages = environment.get("packages") if isinstance(environment, Mapping) else None
    if not isinstance(packages, Mapping):
        return ""
    shown = [name for name in MAKING_PACKAGES if name in packages] or sorted(packages)[:MOST_PACKAGES]
    more = f" and {len(packages) - len(shown)} more in the manifest" if len(packages) > len(shown) else ""
    return ", ".join(f"{inline(name)} {inline(packages[name])}" for name in shown) + more
