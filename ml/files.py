"""Files and evidence, kept under the hash of their content: stored once, checked when read."""

from __future__ import annotations

from pydantic_core import to_json

from ml.contract import Evidence
from ml.errors import AlreadyExists, Corrupt
from ml.events import decode, validated
from ml.manifest import digest_of
from ml.objects import ObjectStore, Patience


class Files:
    """The content-addressed part of a store; safe to share between threads."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, data: bytes) -> str:
        """Store a file under its content and return its digest; an equal file that is there is success.

        Raises:
            Corrupt: Another content lies under this digest.
        """
        digest = digest_of(data)
        self._put(_file_path(digest), digest, data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return a file's bytes, checked against its digest.

        Raises:
            NotFound: There is no such file.
            Corrupt: Its content is not what its name says.
        """
        return self._get(_file_path(digest), digest)

    def has(self, digest: str) -> bool:
        """Return whether there is such a file; its content is not looked at."""
        return self._store.exists(_file_path(digest))

    def put_evidence(self, evidence: Evidence) -> str:
        """Store evidence under its content and return its digest."""
        data = to_json(evidence.model_dump(mode="json", exclude={"digest"}))
        digest = digest_of(data)
        self._put(_evidence_path(digest), digest, data)
        return digest

    def evidence(self, digest: str) -> Evidence:
        """Return evidence, checked against its digest.

        Raises:
            NotFound: There is none of this digest.
            Corrupt: It was changed, or a newer program wrote it.
        """
        path = _evidence_path(digest)
        record = decode(path, self._get(path, digest))
        return validated(Evidence, path, {**record, "digest": digest})

    def _put(self, path: str, digest: str, data: bytes) -> None:
        try:
            self._store.create(path, data)
        except AlreadyExists:
            self._get(path, digest)

    def _get(self, path: str, digest: str) -> bytes:
        data = self._store.get(path, Patience.PATIENT)
        if digest_of(data) != digest:
            raise Corrupt(path, "does not have the content that its name says")
        return data


def _file_path(digest: str) -> str:
    return f"files/{digest.removeprefix('sha256:')}"


def _evidence_path(digest: str) -> str:
    return f"evidence/{digest.removeprefix('sha256:')}.json"
