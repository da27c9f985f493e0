"""What people in the workspace cannot do."""


class NotPossible(Exception):
    """A person cannot do that here; the message says why."""
