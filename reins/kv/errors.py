"""The errors of key-value stores."""

from reins.kv.protocol import Absent


class KVError(Exception):
    """A store was not able to do what was asked; the message says what to do."""


class UnavailableError(KVError):
    """A store did not answer in time; a write may have been done."""


class ConflictError(KVError):
    """A key is not at the version that its writer expected; nothing was written."""

    def __init__(self, key: str, given: int | Absent, found: int | Absent) -> None:
        super().__init__(
            f"{key!r} was expected {_at(given)}, and is {_at(found)}. "
            "Read it again, and decide anew on what is there now."
        )
        self.key, self.given, self.found = key, given, found


def _at(version: int | Absent) -> str:
    return "absent" if isinstance(version, Absent) else f"at version {version}"
