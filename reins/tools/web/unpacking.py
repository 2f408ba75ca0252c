"""Packed answers, unpacked no further than there is room: a bomb goes off outside."""

import zlib

from reins.tools.outcome import ToolError

ACCEPTED = "gzip, deflate"
"""Asked for; what the standard library unpacks in pieces. Brotli and zstd are not asked for."""
_GZIP, _ZLIB, _RAW = 31, 15, -15
_HEAD_BYTES = 2
_PLAIN = ("", "identity")


class Unpacker:
    """Takes the pieces of an answer, gives what they hold, and counts it.

    `full` is True once there was more than `size_bytes`, packed or not; the rest is not looked at.
    """

    def __init__(self, coding: str, size_bytes: int) -> None:
        """Raises: ToolError for a coding that was not asked for."""
        coding = coding.strip().lower()
        if coding not in (*_PLAIN, "gzip", "x-gzip", "deflate"):
            raise ToolError(f"the answer is packed as {coding[:40]!r}; expected {ACCEPTED}")
        self.full = False
        self._left = self._packed_left = size_bytes
        self._is_deflate = coding == "deflate"
        self._inflate = None if coding in _PLAIN or self._is_deflate else zlib.decompressobj(_GZIP)
        self._head = b""

    def feed(self, piece: bytes) -> bytes:
        """The content of a piece, as far as there is room. Raises: ToolError for a broken one."""
        if len(piece) > self._packed_left:
            self.full = True
        piece = piece[: self._packed_left]
        self._packed_left -= len(piece)
        if self._is_deflate and self._inflate is None:
            piece = self._head = self._head + piece
            if len(piece) < _HEAD_BYTES:
                return b""
            # "deflate" means zlib's format; some servers send it bare.
            is_zlib = piece[0] & 0x0F == zlib.DEFLATED and int.from_bytes(piece[:2]) % 31 == 0
            self._inflate = zlib.decompressobj(_ZLIB if is_zlib else _RAW)
        found = piece if self._inflate is None else self._unpacked(piece, self._inflate)
        self._left -= len(found)
        return found

    def _unpacked(self, piece: bytes, inflate: "zlib._Decompress") -> bytes:
        if inflate.eof:
            self.full = self.full or bool(piece)  # a second stream: no more is unpacked
            return b""
        try:
            found = inflate.decompress(piece, self._left + 1)
        except zlib.error as error:
            raise ToolError(f"the answer cannot be unpacked: {error}") from None
        if len(found) > self._left or inflate.unused_data:
            self.full = True
        return found[: self._left]

    @property
    def broken_off(self) -> bool:
        """True where the packed answer ended before its end."""
        return not self.full and self._inflate is not None and not self._inflate.eof
