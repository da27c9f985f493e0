"""Trouble made on purpose: an endpoint that refuses, hangs, is cut off, or answers no JSON."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    429: SECONDARY,
    500: "Server Error",
    502: "Server Error",
    503: "Service unavailable",
}


class Fault(BaseModel):
    """One kind of trouble for one endpoint, a number of times."""

    model_config = ConfigDict(extra="forbid")

    endpoint: str = Field(
        description="such as “POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches”, or “*”"
    )
    times: int = Field(default=1, ge=1)
    status: int | None = Field(default=None, ge=400, le=599, description="HTTP status to answer with")
    message: str | None = Field(default=None, description="GitHub's message in the answer")
    retry_after: int | None = Field(
        default=None, ge=0, description="seconds in the Retry-After header; a 403 by itself"
    )
    hang_seconds: float = Field(default=0.0, ge=0, description="wait so long before anything else")
    cut: bool = Field(default=False, description="close the connection without an answer")
    garbage: bool = Field(default=False, description="answer with a page of HTML instead of JSON")
    after: bool = Field(default=False, description="do the work first; only the answer is spoilt")

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.retry_after is not None and self.status is None:
            self.status = 403
        if not self.spoils() and self.hang_seconds == 0:
            raise ValueError("a fault needs a status, retry_after, hang_seconds, garbage or cut")
        return self

    def body(self) -> dict[str, Any]:
        """Return the JSON answer that goes with the trouble."""
        told = SECONDARY if self.retry_after is not None else MESSAGES.get(self.status or 500, "Server Error")
        return {"message": self.message or told, "documentation_url": "https://docs.github.com/rest"}

    def spoils(self) -> bool:
        """Say whether the answer itself is changed, or only late."""
        return self.cut or self.garbage or self.status is not None


class Faults:
    """The faults that are set, each used up one call at a time, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Set one more."""
        self._waiting.append(fault)

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault for this call, if any, and count it."""
        for fault in self._waiting:
            if fault.endpoint in (endpoint, "*"):
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
