"""Ids made from what Slack says of a request, so that the same request makes the same flow."""

from __future__ import annotations

import hashlib


def short_id(*parts: object) -> str:
    """Return a short id that is the same whenever Slack delivers the same thing again."""
    return hashlib.sha256("\x00".join(map(str, parts)).encode()).hexdigest()[:20]
