"""A database in memory that reads nothing but what is handed to it: all else is locked away."""

import duckdb

_AT_START = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # Or a name that is no table is looked for among the variables of this program.
    "python_enable_replacements": "false",
    "temp_directory": "",
}
_LOCKS = (
    "SET TimeZone = 'UTC'",
    "SET max_temp_directory_size = '0B'",
    "SET allow_extension_repositories = 'forbidden'",
    "SET enable_external_access = false",
    "SET disabled_filesystems = 'LocalFileSystem'",
    "SET lock_configuration = true",  # the last: nothing can be set after it
)


def locked(memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection to a new database, with no table, no file, no network and no settings."""
    connection = duckdb.connect(
        ":memory:",
        config={**_AT_START, "memory_limit": f"{memory_mb}MB", "threads": threads},
    )
    for lock in _LOCKS:
        connection.execute(lock)
    return connection
