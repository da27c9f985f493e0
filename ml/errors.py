"""Errors of the `ml` side, grouped by what to do next.

    TobanError
    ├── Refused              tell the person: the reason code, the fields at fault, what would be allowed
    ├── Conflict             the world moved: look again, decide again
    ├── AttemptLost          stop working: another worker has taken the run over
    ├── TrainingFailed       give up this run, with a code and a sentence that a person understands
    ├── Misconfigured        stop at start: toban.toml, or a recipe that it names, cannot be used
    └── StoreError
        ├── StoreUnavailable     retry later: the store did not answer, or not in time
        ├── StoreMisconfigured   stop at start: the address or the credentials cannot work
        ├── NotFound             there is no such object
        ├── AlreadyExists        somebody else came first
        └── Corrupt              an object is not what was written: give up on it, say which
            └── TooNew           a newer program wrote it: leave it to that one

Errors of the libraries underneath are translated into these once, where the library is called.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml.contract import AliasView, FieldProblem


class TobanError(Exception):
    """Something that has a name here, as opposed to a defect."""


class Refused(TobanError):
    """A request that cannot be done as asked; the person can change that.

    Args:
        reason_code: Stable fact in snake_case.
        detail: One sentence for the person.
        errors: The fields at fault, where fields are at fault.
        suggestions: What was perhaps meant.
    """

    def __init__(
        self,
        reason_code: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        suggestions: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{reason_code}: {detail}")
        self.reason_code = reason_code
        self.detail = detail
        self.errors = tuple(errors)
        self.suggestions = tuple(suggestions)


class Conflict(TobanError):
    """The alias is not where the asker saw it; `present` is where it points now (None: it never existed)."""

    def __init__(self, present: AliasView | None, detail: str) -> None:
        super().__init__(detail)
        self.present = present
        self.detail = detail


class AttemptLost(TobanError):
    """Another worker, or the end of the run, wrote the event that this attempt wanted to write."""

    def __init__(self, run_id: str, detail: str) -> None:
        super().__init__(f"{run_id}: {detail}")
        self.run_id = run_id
        self.detail = detail


class TrainingFailed(TobanError):
    """A run ended without a result, for a reason that has a code and a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Misconfigured(TobanError):
    """`toban.toml`, or a recipe that it names, cannot be used; only a person can change that."""


class StoreError(TobanError):
    """Anything the object store did instead of what was asked."""


class StoreUnavailable(StoreError):
    """The store did not answer, or not in time. Whether a write took effect is unknown."""


class StoreMisconfigured(StoreError):
    """The store's address, its credentials or its behaviour cannot work; nothing but a person helps."""


class NotFound(StoreError):
    """There is no object at `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(f"there is no {path}")
        self.path = path


class AlreadyExists(StoreError):
    """There is an object at `path` already, and objects are never overwritten."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} exists already")
        self.path = path


class Corrupt(StoreError):
    """The object at `path` is not what was written there."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path = path
        self.why = why


class TooNew(Corrupt):
    """The object at `path` has a format that only a newer program knows; it may be quite in order."""
