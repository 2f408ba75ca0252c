"""Reasons for which a statement has no result."""


class SqlError(RuntimeError):
    """A statement has no result; the message says why, and what to do."""


class StatementError(SqlError):
    """The statement is at fault: it is refused, it is wrong, or it took too much."""


class SqlUnavailableError(SqlError):
    """No statement can be run here: SQL is off, or DuckDB is not installed."""


class SqlBusyError(SqlError):
    """As many statements wait as may."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SqlCancelledError(SqlError):
    """Whoever asked does not wait any more, or everything is being stopped."""
