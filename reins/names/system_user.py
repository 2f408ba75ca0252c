"""The name of the system's user, under which acts from a shell go on record."""

import getpass


def user_name(otherwise: str = "shell") -> str:
    """The name; `otherwise` where the system knows none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return otherwise
