"""Versions, evidence and moves as the tests of the registry need them: small, but whole."""

from __future__ import annotations

from datetime import UTC, datetime

from ml.contract import AliasMove, AliasView, Evidence, MetricComparison, RowsUsed
from ml.manifest import REQUIRED_FILES, CodeRef, Environment, FileRef, Manifest, MetricValue, QueryRef
from ml.registry import CHAMPION, Registry

MODEL = "arrival-delay"
AT = datetime(2013, 7, 1, 12, tzinfo=UTC)


def put_manifest(registry: Registry, *, seed: int = 0, run_id: str | None = None) -> Manifest:
    """Store the files of a version and return the manifest that names them; the model file is the seed's."""
    files = {}
    for name in sorted(REQUIRED_FILES):
        data = f"{name} {seed if name == 'model.onnx' else ''}".encode()
        files[name] = FileRef(digest=registry.put_file(data), size=len(data), media_type="text/plain")
    return Manifest(
        model=MODEL,
        created_at=AT,
        run_id=run_id,
        recipe="recipes.arrival_delay:ArrivalDelay",
        files=files,
        query=QueryRef(
            text="flights", params={"until": "2013-03-31"}, rows=3, digest=files["snapshot"].digest
        ),
        code=CodeRef(revision=None, source=files["source"].digest),
        environment=Environment(python="3.11.8", platform="linux", packages={"numpy": "2.4.6"}),
        seed=seed,
        params={"until": "2013-03-31"},
        assumptions="departures are known",
        metrics={"mae": MetricValue(value=15.0, unit="min", direction="lower", method="mean of |error|")},
        feature_ranges={},
        tolerance={"mae": 0.01},
    )


def register(registry: Registry, *, seed: int = 0, run_id: str | None = None) -> int:
    """Register a whole version and return its number."""
    return registry.register(MODEL, put_manifest(registry, seed=seed, run_id=run_id))


def evidence_for(candidate: int, champion: AliasView | None, model: str = MODEL) -> Evidence:
    """Return evidence about *candidate* against *champion* as it stands."""
    return Evidence(
        format=1,
        model=model,
        at=AT,
        candidate=candidate,
        champion=champion.version if champion else None,
        champion_event=champion.event if champion else 0,
        rows=RowsUsed(version=candidate, digest="sha256:" + "0" * 64, count=3),
        metrics=(
            MetricComparison(name="mae", title="Mean error", unit="min", direction="lower", candidate=15.0),
        ),
        test=None,
        beats_champion=None,
        beats_rule=True,
    )


def move_for(registry: Registry, version: int, *, by: str = "owner", alias: str = CHAMPION) -> AliasMove:
    """Store evidence for pointing *alias* at *version* now, and return the move that names it."""
    present = registry.alias(MODEL, alias)
    evidence = evidence_for(version, registry.alias(MODEL, CHAMPION))
    return AliasMove(
        version=version,
        expected_event=present.event if present else 0,
        evidence=registry.put_evidence(evidence),
        by=by,
        why="it is better",
    )
