"""Trouble made on purpose: an endpoint that refuses, hangs, is cut off, or answers no JSON."""

from typing import Any, ClassVar

from pydantic import Field

from playground import faults

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


class Fault(faults.Fault):
    """One kind of trouble for one endpoint, a number of times."""

    limit_status: ClassVar[int] = 403

    endpoint: str = Field(
        description="such as “POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches”, or “*”"
    )
    message: str | None = Field(default=None, description="GitHub's message in the answer")
    garbage: bool = Field(default=False, description="answer with a page of HTML instead of JSON")

    @property
    def place(self) -> str:
        """The endpoint."""
        return self.endpoint

    def body(self) -> dict[str, Any]:
        """Return the JSON answer that goes with the trouble."""
        told = SECONDARY if self.retry_after is not None else MESSAGES.get(self.status or 500, "Server Error")
        return {"message": self.message or told, "documentation_url": "https://docs.github.com/rest"}

    def spoils(self) -> bool:
        """Say whether the answer itself is changed, or only late."""
        return super().spoils() or self.garbage


class Faults(faults.Faults[Fault]):
    """The faults that are set in one GitHub."""
