"""Trouble made on purpose: a Web API method that answers 429 or 500, names an error, hangs, or is cut off."""

from typing import Any, ClassVar

from pydantic import Field

from playground import faults


class Fault(faults.Fault):
    """One kind of trouble for one method, a number of times."""

    limit_status: ClassVar[int] = 429

    method: str = Field(description="a Web API method, “response_url”, “upload”, or “*” for any")
    error: str | None = Field(
        default=None, description="Slack's error name, in a 200 answer unless status is given"
    )

    @property
    def place(self) -> str:
        """The method."""
        return self.method

    def body(self) -> dict[str, Any]:
        """Return the JSON answer that goes with the trouble."""
        default = "ratelimited" if self.status == 429 else "internal_error"
        return {"ok": False, "error": self.error or default}

    def spoils(self) -> bool:
        """Say whether the answer itself is changed, or only late."""
        return super().spoils() or self.error is not None


class Faults(faults.Faults[Fault]):
    """The faults that are set in one workspace."""
