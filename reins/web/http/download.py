"""Names of files that a browser saves, made from ids of any kind."""

import hashlib
import re
import unicodedata
from urllib.parse import quote

_UNSAFE = re.compile(r"""[\x00-\x1f\x7f-\x9f<>:"/\\|?*%\s]+""")
"""Signs that some system takes in no name of a file, or a shell for something else."""
_MAX_BYTES = 160
"""Of the id's part: file systems take 255 for a whole name, and one that exists gets a number."""
_MARK_CHARS = 8


def disposition(kind: str, name: str, ending: str) -> str:
    """The value of `Content-Disposition` for a file such as `conversation-tea.md`.

    **Source**: RFC 6266; a browser takes the name in UTF-8, and others the one in ASCII. Where a
    name is not the id itself, a mark of it is added, so that no two ids have one file.
    """
    given = _file_name(name, _in_utf_8(name))
    plain = _file_name(name, _in_ascii(name))
    shown = f'attachment; filename="{kind}-{plain}.{ending}"'
    if given == plain:
        return shown
    return f"{shown}; filename*=UTF-8''{quote(f'{kind}-{given}.{ending}', safe='')}"


def _file_name(name: str, made: str) -> str:
    if made == name:
        return made
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MARK_CHARS]
    return f"{made}-{mark}" if made else mark


def _in_utf_8(name: str) -> str:
    seen = "".join(c for c in unicodedata.normalize("NFC", name) if _is_seen(c))
    return _cut(_UNSAFE.sub("_", seen).strip("._ "))


def _in_ascii(name: str) -> str:
    return _cut(re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._"))


def _is_seen(letter: str) -> bool:
    """False for marks of direction and the like, for surrogates, and for what is not assigned."""
    return letter in "\u200c\u200d" or unicodedata.category(letter) not in ("Cf", "Cs", "Cn", "Co")


def _cut(name: str) -> str:
    """Within the bound, and never in the middle of a character."""
    if len(name.encode()) <= _MAX_BYTES:
        return name
    return name.encode()[:_MAX_BYTES].decode("utf-8", "ignore").rstrip("._ ")
