"""What cannot be done in a loopback."""


class NotPossible(Exception):
    """What somebody asked for cannot be done here; the message says why."""
