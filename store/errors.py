"""What can go wrong with the data folder; each docstring is the message's default."""


class StoreError(Exception):
    """The store could not do what was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())


class FolderUnusable(StoreError):  # noqa: N818 - named after what it says
    """The data folder cannot be used; check that its disk is there, writable and has room."""


class FolderOwned(StoreError):  # noqa: N818
    """Another worker owns the data folder; stop it first, or use another folder."""


class FormatUnknown(StoreError):  # noqa: N818
    """The data folder was written by a newer Reins; upgrade Reins, or use another folder."""


class TableDamaged(StoreError):  # noqa: N818
    """A table is damaged in every version that is left; restore its folder from a backup."""


class JournalFailed(StoreError):  # noqa: N818
    """The journal could not commit; what was in that commit is not acknowledged."""


class RowInvalid(StoreError, ValueError):  # noqa: N818
    """A row does not fit its table."""
