"""Trouble made on purpose: a Web API method that answers 429 or 500, names an error, hangs, or is cut off."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Fault(BaseModel):
    """One kind of trouble for one method, a number of times."""

    model_config = ConfigDict(extra="forbid")

    method: str = Field(description="a Web API method, “response_url”, “upload”, or “*” for any")
    times: int = Field(default=1, ge=1)
    status: int | None = Field(default=None, ge=400, le=599, description="HTTP status to answer with")
    error: str | None = Field(
        default=None, description="Slack's error name, in a 200 answer unless status is given"
    )
    retry_after: int | None = Field(
        default=None, ge=0, description="seconds in the Retry-After header; a 429 by itself"
    )
    hang_seconds: float = Field(default=0.0, ge=0, description="wait so long before anything else")
    cut: bool = Field(default=False, description="close the connection without an answer")
    after: bool = Field(
        default=False, description="let the method do its work first; only the answer is spoilt"
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.retry_after is not None and self.status is None:
            self.status = 429
        if not self.spoils() and self.hang_seconds == 0:
            raise ValueError("a fault needs a status, an error, hang_seconds, retry_after or cut")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON answer that goes with the trouble."""
        default = "ratelimited" if self.status == 429 else "internal_error"
        return {"ok": False, "error": self.error or default}

    def spoils(self) -> bool:
        """Say whether the answer itself is changed, or only late."""
        return self.cut or self.status is not None or self.error is not None


class Faults:
    """The faults that are set, each used up one call at a time, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more."""
        self._waiting.append(fault)

    def take(self, method: str) -> Fault | None:
        """Return the fault for this call, if any, and count it."""
        for fault in self._waiting:
            if fault.method in (method, "*"):
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
