"""The checksums of the tables' files, as the journal notes them."""

from collections.abc import Mapping
from typing import NamedTuple


class Sum(NamedTuple):
    """The size and the CRC-32 of a file."""

    size_bytes: int
    crc: int


Sums = Mapping[tuple[str, str], Sum]
"""By table and the file's path in the table's folder, the oldest first."""
