"""Names that are not there, told with those that may be meant."""

import difflib
from collections.abc import Iterable

_SHOWN = 8


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """The words for a name that is not there: `there is no action 'x'; did you mean 'y'?`."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"there is no {what} {name!r}; did you mean {' or '.join(map(repr, close))}?"
    more = ", …" if len(known) > _SHOWN else ""
    there = ", ".join(map(repr, known[:_SHOWN])) or "none"
    return f"there is no {what} {name!r}; there are {there}{more}"
