"""The manifest of a version: what it consists of, where it came from, and how well it did.

It names its files by hash and carries its own digest, so a change to any part shows. No I/O lives here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ml.contract import Digest, Direction, ModelName, RunId, Share

MODEL_FILE = "model.onnx"
SNAPSHOT_FILE = "snapshot"
EVALUATION_FILE = "evaluation"
SOURCE_FILE = "source"
CARD_FILE = "card"
REQUIRED_FILES = frozenset({MODEL_FILE, SNAPSHOT_FILE, EVALUATION_FILE, SOURCE_FILE, CARD_FILE})


class Part(BaseModel):
    """A part of a manifest: frozen; keys that a newer program added are ignored when read."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class FileRef(Part):
    """A file by its content: digest, size in bytes, media type."""

    digest: Digest
    size: Annotated[int, Field(ge=0)]
    media_type: str


class QueryRef(Part):
    """What fetched the training data, with its parameters; and what came back, counted and hashed."""

    text: str
    params: dict[str, Any] = Field(default_factory=dict)
    rows: Annotated[int, Field(ge=0)]
    digest: Digest


class CodeRef(Part):
    """The code that trained: the commit where there is one, and the digest of the source archive."""

    revision: str | None
    source: Digest


class Environment(Part):
    """What the code ran on: Python, platform, and the packages by name and version."""

    python: str
    platform: str
    packages: dict[str, str]


class MetricValue(Part):
    """A metric on the version's own evaluation rows, and how it was computed."""

    value: float
    unit: str
    direction: Direction
    method: str


class FeatureRange(Part):
    """What training saw of a feature: a range of numbers, or the categories; and how often it was missing."""

    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] | None = None
    missing_share: Share = 0.0


class Calibration(Part):
    """Residual quantiles that make the intervals, by name; the intervals are meant to hold `coverage`."""

    method: str
    coverage: Share
    quantiles: dict[str, float]
    rows: Annotated[int, Field(ge=0)]


class Agreement(Part):
    """How far the converted model's answers lay from the estimator's on real rows, and how far they might."""

    rows: int
    max_difference: float
    tolerance: float


class Manifest(Part):
    """A version of a model as it was registered.

    `version` is 0 and `digest` empty until the registry gives them. `files` holds at least `REQUIRED_FILES`.
    `tolerance` says how far each metric may lie from the stated value when the training is run again, in the
    metric's unit. `timings` are seconds by stage, `sizes` bytes by thing.
    """

    format: Literal[1] = 1
    model: ModelName
    version: Annotated[int, Field(ge=0, le=999_999)] = 0
    created_at: datetime
    run_id: RunId | None
    recipe: str
    files: dict[str, FileRef]
    query: QueryRef
    code: CodeRef
    environment: Environment
    seed: int
    params: dict[str, Any]
    assumptions: str
    metrics: dict[str, MetricValue]
    feature_ranges: dict[str, FeatureRange]
    reference_sample: FileRef | None = None
    calibration: Calibration | None = None
    agreement: Agreement | None = None
    evaluation_window: tuple[str, str] | None = None
    timings: dict[str, float] = Field(default_factory=dict)
    sizes: dict[str, int] = Field(default_factory=dict)
    tolerance: dict[str, float] = Field(default_factory=dict)
    digest: str = ""

    @property
    def data_version(self) -> str:
        """The data version of the six logged fields: the digest of the training snapshot."""
        return self.files[SNAPSHOT_FILE].digest

    def all_files(self) -> dict[str, FileRef]:
        """Return every file by name, the reference sample among them."""
        if self.reference_sample is None:
            return dict(self.files)
        return {**self.files, "reference_sample": self.reference_sample}


def manifest_digest(record: Mapping[str, Any]) -> str:
    """Return the digest of a manifest's JSON record, over everything but its own `digest`.

    Taken over the record as it was written, not over the class, so that keys of a newer program count too.
    """
    content = {name: value for name, value in record.items() if name != "digest"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return digest_of(canonical.encode())


def digest_of(data: bytes) -> str:
    """Return `sha256:` and the hexadecimal SHA-256 of *data*."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
