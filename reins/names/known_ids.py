"""The ids that are taken, and what looks like them."""

import unicodedata
from collections.abc import Iterable, Iterator

from reins.names.looks import id_form


class KnownIds:
    """Ids that are taken, as they are stored: never two of one normal form, but from before."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._ids: set[str] = set()
        self._by_form: dict[str, list[str]] = {}
        for each in ids:
            self.add(each)

    def add(self, known: str) -> None:
        if known not in self._ids:
            self._ids.add(known)
            if not known.isascii():  # the others are their own form
                self._by_form.setdefault(id_form(known), []).append(known)

    def __contains__(self, asked: object) -> bool:
        return asked in self._ids

    def stored(self, asked: str) -> str:
        """The id of that normal form as it is stored; `asked` where there is none."""
        if asked in self._ids or asked.isascii():
            return asked
        normal = unicodedata.normalize("NFC", asked)
        same = (each for each in self._alike(asked) if unicodedata.normalize("NFC", each) == normal)
        return next(same, asked)

    def look_alike(self, new: str) -> str | None:
        """Another id that looks the same as a new one; None: nobody would mistake it."""
        return next((each for each in self._alike(new) if each != new), None)

    def _alike(self, asked: str) -> Iterator[str]:
        form = id_form(asked)
        yield from self._by_form.get(form, ())
        if form in self._ids and form.isascii():
            yield form
