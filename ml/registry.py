"""The registry of models: versions with their files, and the aliases that point at them.

A version exists from the moment its manifest is created under the next free number; that is the only commit
point.
"""

from __future__ import annotations

import logging

from pydantic_core import to_json

from ml.aliases import CHAMPION, Aliases, require_evidence
from ml.contract import AliasMove, AliasView
from ml.errors import AlreadyExists, Conflict, Corrupt, NotFound, Refused
from ml.events import EventLog, decode, validated
from ml.files import Files
from ml.manifest import REQUIRED_FILES, Manifest, manifest_digest
from ml.objects import ObjectStore

__all__ = ["CHAMPION", "Registry"]

_log = logging.getLogger("toban.registry")


class Registry:
    """The versions, evidence and aliases of all models in one store; safe to share between threads.

    It remembers the newest numbers that it saw and the manifests that it read: both only ever stay true.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._files = Files(store)
        self._aliases = Aliases(store)
        self._newest: dict[str, int] = {}
        self._manifests: dict[tuple[str, int], Manifest] = {}
        self.put_file = self._files.put
        self.get_file = self._files.get
        self.put_evidence = self._files.put_evidence
        self.evidence = self._files.evidence
        self.alias = self._aliases.view
        self.alias_history = self._aliases.history

    # --- versions -----------------------------------------------------------------------------------------

    def register(self, model: str, manifest: Manifest) -> int:
        """Make *manifest* the model's next version and return its number; its files must be stored before.

        Raises:
            Refused: A required file is not named, a named file is not stored, or the manifest is another
                model's.
        """
        if manifest.model != model:
            raise Refused("manifest_mismatch", f"the manifest is of {manifest.model}, not of {model}")
        self._require_files(manifest)
        n = self.newest_version(model) + 1
        while not self._create(model, n, manifest):
            n += 1
        self._newest[model] = n
        return n

    def manifest(self, model: str, n: int) -> Manifest:
        """Return the manifest of version *n*.

        Raises:
            NotFound: There is no such version.
            Corrupt: The manifest was changed, or a newer program wrote it.
        """
        cached = self._manifests.get((model, n))
        if cached is None:
            cached = self._manifests[model, n] = self._read_manifest(model, n)
        return cached

    def newest_version(self, model: str) -> int:
        """Return the number of the model's newest version, 0 if it has none."""
        n = self._newest[model] = _versions(self._store, model).newest(self._newest.get(model, 0))
        return n

    def versions(self, model: str) -> list[int]:
        """Return the numbers of the model's versions, oldest first."""
        return list(range(1, self.newest_version(model) + 1))

    def version_of_run(self, model: str, run_id: str, look_back: int = 50) -> int | None:
        """Return the version that a run registered, None if it is not among the newest *look_back*.

        A damaged manifest is passed over: one bad version must not keep every later run from registering.
        """
        newest = self.newest_version(model)
        for n in range(newest, max(0, newest - look_back), -1):
            try:
                if self.manifest(model, n).run_id == run_id:
                    return n
            except Corrupt as error:
                _log.error("damaged version passed over", extra={"model": model, "detail": str(error)})
        return None

    def verify(self, model: str, n: int) -> list[str]:
        """Return what is wrong with version *n*: nothing, if each of its parts is as it was registered.

        Reads everything anew. A manifest that was changed together with its digest still differs from the
        digest that the champion's events kept.
        """
        try:
            manifest = self._read_manifest(model, n)
        except (NotFound, Corrupt) as error:
            return [str(error)]
        problems = [
            f"{name}: {problem}"
            for name, ref in manifest.all_files().items()
            if (problem := self._file_problem(ref.digest, ref.size))
        ]
        events = self._aliases.log(model, CHAMPION).read_all()
        return problems + [
            f"the manifest is not the one that {CHAMPION} was pointed at by move {event['event']}"
            for event in events
            if event["version"] == n and event["manifest"] != manifest.digest
        ]

    # --- aliases ------------------------------------------------------------------------------------------

    def previous_champion(self, model: str) -> int | None:
        """Return the version that was champion before the present one, None if no other ever was."""
        return self._aliases.previous(model, CHAMPION)

    def move_alias(self, model: str, alias: str, move: AliasMove, key: str | None = None) -> AliasView:
        """Point an alias at a version, if it is still where the asker saw it.

        The same *key* with the same move returns the first answer.

        Raises:
            Conflict: The alias moved since `expected_event`.
            Refused: `idempotency_key_reused`, `unknown_version`, or `evidence_mismatch`: the evidence does
                not exist or is about another model, candidate or champion.
        """
        if key and (earlier := self._aliases.earlier_answer(model, alias, move, key)):
            return earlier
        try:
            present = self._aliases.expect(model, alias, move.expected_event)
        except Conflict:
            # The move in between may be this very request's, sent twice at the same time.
            if key and (earlier := self._aliases.earlier_answer(model, alias, move, key)):
                return earlier
            raise
        try:
            manifest = self.manifest(model, move.version)
        except NotFound:
            near = [str(n) for n in self.versions(model)[-3:]]
            raise Refused(
                "unknown_version", f"{model} has no version {move.version}", suggestions=near
            ) from None
        try:
            evidence = self.evidence(move.evidence)
        except NotFound:
            raise Refused("evidence_mismatch", "there is no such evidence") from None
        # Not read again for the champion itself: if it moves now, that is a conflict, not wrong evidence.
        champion = present if alias == CHAMPION else self.alias(model, CHAMPION)
        require_evidence(model, move.version, champion, evidence)
        return self._aliases.move(model, alias, move, present, manifest.digest, key)

    # --- parts of the above -------------------------------------------------------------------------------

    def _require_files(self, manifest: Manifest) -> None:
        missing = sorted(REQUIRED_FILES - manifest.files.keys())
        if missing:
            raise Refused("files_missing", f"the manifest names no {', '.join(missing)}")
        for name, ref in manifest.all_files().items():
            if not self._files.has(ref.digest):
                raise Refused("files_missing", f"{name} ({ref.digest}) is not in the store")

    def _create(self, model: str, n: int, manifest: Manifest) -> bool:
        """Create version *n* and return True, or False if another registration has that number."""
        record = manifest.model_copy(update={"version": n, "digest": ""}).model_dump(mode="json")
        data = to_json({**record, "digest": manifest_digest(record)})
        path = _versions(self._store, model).path(n)
        try:
            self._store.create(path, data)
        except AlreadyExists:
            # The library repeats a create whose answer was lost; then the refusal is by our own first try.
            return self._store.get(path) == data
        return True

    def _read_manifest(self, model: str, n: int) -> Manifest:
        path = _versions(self._store, model).path(n)
        record = decode(path, self._store.get(path))
        if record.get("digest") != manifest_digest(record):
            raise Corrupt(path, "was changed after it was registered")
        manifest = validated(Manifest, path, record)
        if (manifest.model, manifest.version) != (model, n):
            raise Corrupt(path, f"is version {manifest.version} of {manifest.model}")
        return manifest

    def _file_problem(self, digest: str, size: int) -> str | None:
        try:
            data = self.get_file(digest)
        except (NotFound, Corrupt) as error:
            return str(error)
        return None if len(data) == size else f"has {len(data)} bytes, not {size}"


def _versions(store: ObjectStore, model: str) -> EventLog:
    """Return the numbered places of a model's manifests, gapless like a history."""
    return EventLog(store, f"models/{model}/versions")
