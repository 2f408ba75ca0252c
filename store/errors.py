"""Errors of the data folder; each docstring is the default message."""


class StoreError(Exception):
    """The store could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class FolderUnusableError(StoreError):
    """The data folder cannot be used; check that its disk is there, writable and has room."""


class FolderOwnedError(StoreError):
    """Another worker owns the data folder; stop it first, or use another folder."""


class FormatUnknownError(StoreError):
    """The data folder was written by a newer Reins; upgrade Reins, or use another folder."""


class TableDamagedError(StoreError):
    """A table is damaged in every version that is left; restore its folder from a backup."""


class RollBackNeededError(StoreError):
    """Acknowledged rows are lost in what is left; `reins store repair` says which, and goes on."""


class JournalError(StoreError):
    """The journal could not commit; what was in that commit is not acknowledged."""


class OutcomeUnknownError(StoreError):
    """A write may have happened or not; sending it again under the same id is safe."""


class QueueFullError(StoreError):
    """Too many actions wait in the queue; send this again later, or raise REINS_QUEUE_MAX."""

    def __init__(self, message: str | None = None, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RowInvalidError(StoreError, ValueError):
    """A row does not fit its table."""


def in_a_line(error: BaseException) -> str:
    """The words for a person about an error: our own as they are, those of others in one line."""
    if not isinstance(error, Exception) or isinstance(error, OSError | MemoryError | RuntimeError):
        return " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return str(error)
