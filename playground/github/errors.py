"""GitHub's refusals. Every one has a status, a message and an address to read on."""

from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class ApiError(Exception):
    """A refusal; *fields* go into the body beside the message."""

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, **fields: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """Return the JSON answer."""
        return {
            "message": self.message,
            **self.fields,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }


def not_found() -> ApiError:
    """Return GitHub's answer for what is not there, or is not for you to know."""
    return ApiError(404, "Not Found")


def invalid(message: str, **fields: Any) -> ApiError:
    """Return GitHub's answer to a request that makes no sense."""
    return ApiError(422, message, **fields)
