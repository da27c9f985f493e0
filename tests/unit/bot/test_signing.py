"""Signatures: made and judged by one scheme, within five minutes, for these bytes only."""

from __future__ import annotations

import pytest

from bot.signing import is_callback, judge, sign, sign_callback

SECRET, BODY, NOW = "secret", b'{"a": 1}', 1_700_000_000


def test_the_scheme_is_slacks() -> None:
    """The example of Slack's own page gives the signature that stands there."""
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signed = sign("8f742231b10e8888abcd99yyyzzz85a5", 1531420618, body)
    assert signed == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


@pytest.mark.parametrize(
    ("timestamp", "signature", "body", "late", "verdict"),
    [
        (str(NOW), sign(SECRET, NOW, BODY), BODY, 0, "good"),
        (str(NOW), sign(SECRET, NOW, BODY), BODY, 300, "good"),
        (str(NOW), sign(SECRET, NOW, BODY), BODY, -300, "good"),
        (str(NOW), sign(SECRET, NOW, BODY), BODY, 301, "stale"),
        (str(NOW), sign(SECRET, NOW, BODY), BODY, -301, "stale"),
        (str(NOW), sign(SECRET, NOW, BODY), BODY + b" ", 0, "forged"),
        (str(NOW + 1), sign(SECRET, NOW, BODY), BODY, 0, "forged"),
        (str(NOW), sign("other", NOW, BODY), BODY, 0, "forged"),
        (str(NOW), "v1" + sign(SECRET, NOW, BODY)[2:], BODY, 0, "forged"),
        (str(NOW), "ü", BODY, 0, "forged"),
        (None, sign(SECRET, NOW, BODY), BODY, 0, "unsigned"),
        ("now", sign(SECRET, NOW, BODY), BODY, 0, "unsigned"),
        (str(NOW), "", BODY, 0, "unsigned"),
    ],
)
def test_requests_are_judged(
    timestamp: str | None, signature: str, body: bytes, late: int, verdict: str
) -> None:
    """Only these bytes, at this time, under this secret, within five minutes, are good."""
    assert judge(SECRET, timestamp, signature, body, NOW + late) == verdict


def test_a_callback_address_is_of_one_run() -> None:
    """The token of one run opens no other, and none without the secret."""
    token = sign_callback(SECRET, "c-1")
    assert is_callback(SECRET, "c-1", token)
    assert not is_callback(SECRET, "c-2", token)
    assert not is_callback("other", "c-1", token)
    assert not is_callback(SECRET, "c-1", "ü")
