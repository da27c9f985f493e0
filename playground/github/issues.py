"""Issues: enough of them for records that people and programs write."""

from dataclasses import dataclass, field


@dataclass
class Comment:
    """What somebody added."""

    id: int
    login: str
    body: str
    created_at: float


@dataclass
class Issue:
    """One issue."""

    id: int
    number: int
    title: str
    body: str | None
    login: str
    created_at: float
    updated_at: float
    labels: list[str] = field(default_factory=list)
    assignees: list[str] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: float | None = None
    closed_by: str | None = None
    comments: list[Comment] = field(default_factory=list)
