"""Trouble made on purpose: an answer that is refused, late, or cut off, a number of times."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

ANYWHERE = "*"


class Fault(BaseModel):
    """What every kind of trouble shares; a loopback says where it strikes and what the answer holds."""

    model_config = ConfigDict(extra="forbid")
    limit_status: ClassVar[int]
    """HTTP status that goes with a Retry-After header."""

    times: int = Field(default=1, ge=1)
    holding: str = Field(default="", description="only calls strike whose body holds this text")
    status: int | None = Field(default=None, ge=400, le=599, description="HTTP status to answer with")
    retry_after: int | None = Field(
        default=None, ge=0, description="seconds in the Retry-After header; a status of its own by itself"
    )
    hang_seconds: float = Field(default=0.0, ge=0, description="wait so long before anything else")
    cut: bool = Field(default=False, description="close the connection without an answer")
    after: bool = Field(default=False, description="do the work first; only the answer is spoilt")

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it strikes; ANYWHERE for every call."""

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """Return the JSON answer that goes with the trouble."""

    def strikes(self, place: str, said: Callable[[], str]) -> bool:
        """Say whether it is meant for a call to *place* whose body *said* returns, if that matters."""
        return self.place in (place, ANYWHERE) and (not self.holding or self.holding in said())

    def spoils(self) -> bool:
        """Say whether the answer itself is changed, or only late."""
        return self.cut or self.status is not None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.retry_after is not None and self.status is None:
            self.status = self.limit_status
        if not self.spoils() and self.hang_seconds == 0:
            raise ValueError("a fault needs a status, retry_after, hang_seconds, cut or other trouble")
        return self


F = TypeVar("F", bound=Fault)


class Faults(Generic[F]):
    """The faults that are set, each used up one call at a time, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[F] = []

    def add(self, fault: F) -> None:
        """Set one more."""
        self._waiting.append(fault)

    def take(self, place: str, said: Callable[[], str] = str) -> F | None:
        """Return the fault for a call to *place* whose body *said* returns, if any, and count it."""
        for fault in self._waiting:
            if fault.strikes(place, said):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        """Take all of them away."""
        self._waiting.clear()

    def shown(self) -> list[dict[str, Any]]:
        """Return what is still to come."""
        return [fault.model_dump(exclude_none=True) for fault in self._waiting]
