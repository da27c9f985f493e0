"""Identifiers shaped like Slack's."""

import secrets
import string

_LETTERS = string.ascii_uppercase + string.digits


def new_id(prefix: str, length: int = 10) -> str:
    """Return a fresh id such as ``C0…``: *prefix*, a zero, and random capitals and digits."""
    return prefix + "0" + "".join(secrets.choice(_LETTERS) for _ in range(length - 1))


def new_secret(length: int = 24) -> str:
    """Return letters and digits that nobody can guess, for addresses that carry their own permission."""
    letters = string.ascii_letters + string.digits
    return "".join(secrets.choice(letters) for _ in range(length))
