"""The Web API methods, one module per family; importing this package registers them all."""

from playground.slack.methods import (
    auth,
    chat,
    conversations,
    files,
    scheduled,
    usergroups,
    users,
    views,
)

__all__ = ["auth", "chat", "conversations", "files", "scheduled", "usergroups", "users", "views"]
