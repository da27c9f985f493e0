"""What the app tells of its models, put together from catalog, recipes and registry."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ml.aliases import CHAMPION
from ml.catalog import Catalog
from ml.contract import ModelSummary, ModelsView, ModelView, VersionSummary, VersionView
from ml.errors import Corrupt, NotFound, Refused, TobanError
from ml.manifest import CARD_FILE, Manifest
from ml.registry import Registry

VERSIONS_SHOWN = 20


def models_view(catalog: Catalog, registry: Registry) -> ModelsView:
    """Return every model; one whose recipe or records cannot be read says so and does not hide the others."""
    return ModelsView(models=tuple(_summary(catalog, registry, name) for name in catalog.names))


def _summary(catalog: Catalog, registry: Registry, name: str) -> ModelSummary:
    try:
        return ModelSummary(
            name=name,
            title=catalog.recipe(name).title,
            champion=registry.alias(name, CHAMPION),
            latest_version=registry.newest_version(name) or None,
        )
    except TobanError as error:
        return ModelSummary(name=name, title=name, problem=str(error))


def model_view(catalog: Catalog, registry: Registry, name: str) -> ModelView:
    """Return all there is to know of a model before using it; its newest versions first.

    Raises:
        Refused: `unknown_model`, with the nearest names.
    """
    recipe = catalog.recipe(name)
    champion = registry.alias(name, CHAMPION)
    inputs, params = recipe.inputs.model_json_schema(), recipe.params.model_json_schema()
    versions, problems = _newest_versions(registry, name)
    return ModelView(
        name=name,
        title=recipe.title,
        description=recipe.description,
        unit=recipe.unit,
        schema=inputs,
        schema_digest=schema_digest(inputs),
        params_schema=params,
        params_digest=schema_digest(params),
        metrics=recipe.metrics,
        rule=recipe.rule_text,
        examples=recipe.examples,
        champion=champion,
        champion_event=champion.event if champion else 0,
        versions=versions,
        problems=problems,
    )


def _newest_versions(registry: Registry, name: str) -> tuple[tuple[VersionSummary, ...], tuple[str, ...]]:
    """Return the newest versions that can be read, newest first, and what is wrong with the others."""
    found, problems = [], []
    for n in registry.versions(name)[-VERSIONS_SHOWN:][::-1]:
        try:
            found.append(_version_summary(n, registry.manifest(name, n)))
        except Corrupt as error:
            problems.append(f"version {n} cannot be read: {error}")
    return tuple(found), tuple(problems)


def version_view(registry: Registry, name: str, n: int) -> VersionView:
    """Return a version's manifest and card.

    Raises:
        Refused: `unknown_version`, with the newest ones there are.
    """
    manifest = known_manifest(registry, name, n)
    card = registry.get_file(manifest.files[CARD_FILE].digest).decode()
    return VersionView(model=name, version=n, manifest=manifest.model_dump(mode="json"), card=card)


def known_manifest(registry: Registry, name: str, n: int) -> Manifest:
    """Return the manifest of a version.

    Raises:
        Refused: `unknown_version`, with the newest ones there are.
    """
    try:
        return registry.manifest(name, n)
    except NotFound:
        near = [str(version) for version in registry.versions(name)[-3:]]
        raise Refused("unknown_version", f"{name} has no version {n}.", suggestions=near) from None


def schema_digest(schema: dict[str, Any]) -> str:
    """Return a digest of a JSON Schema that does not depend on the order of its keys."""
    canonical = json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def _version_summary(n: int, manifest: Manifest) -> VersionSummary:
    return VersionSummary(
        version=n,
        created_at=manifest.created_at,
        run_id=manifest.run_id,
        data_version=manifest.data_version,
        params=manifest.params,
        metrics={name: metric.value for name, metric in manifest.metrics.items()},
    )
