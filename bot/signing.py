"""Signatures of webhooks in and out, in one scheme: HMAC-SHA256 over a version, the time and the raw body.

It is the scheme in which Slack signs its own requests, so whoever can check one can check the other
(https://docs.slack.dev/authentication/verifying-requests-from-slack). Addresses for callbacks carry a
signature of their own, because many services can post to an address and cannot sign.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Literal

TIMESTAMP_HEADER = "X-Toban-Timestamp"
SIGNATURE_HEADER = "X-Toban-Signature"
VERSION = "v0"
WINDOW_SECONDS = 300
"""So far may the clocks of both sides lie apart; what is older may be a recording."""

Verdict = Literal["good", "unsigned", "stale", "forged"]


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """Return the signature of *body* sent at *timestamp* (seconds since 1970)."""
    base = b":".join((VERSION.encode(), str(timestamp).encode(), body))
    return f"{VERSION}={hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}"


def judge(secret: str, timestamp: str | None, signature: str | None, body: bytes, now: float) -> Verdict:
    """Return whether *body* was signed with *secret* within the last five minutes, and why not.

    The signature is compared in a time that does not depend on how much of it is right.
    """
    if not timestamp or not signature or not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return "unsigned"
    right = hmac.compare_digest(sign(secret, int(timestamp), body).encode(), signature.encode())
    if not right:
        return "forged"
    return "good" if abs(now - int(timestamp)) <= WINDOW_SECONDS else "stale"


def sign_callback(secret: str, call_id: str) -> str:
    """Return the token that makes an address for the one callback of *call_id*."""
    return hmac.new(secret.encode(), f"callback:{call_id}".encode(), hashlib.sha256).hexdigest()


def is_callback(secret: str, call_id: str, token: str) -> bool:
    """Return whether *token* is the one of *call_id*."""
    return hmac.compare_digest(sign_callback(secret, call_id).encode(), token.encode())
