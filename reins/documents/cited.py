"""The rows and messages in which a document is cited, found by the search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reins.documents.citing import Checked, check, citations_in
from store.reading import Reader

MOST = 200
"""Rows and messages that are looked at, the newest."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation with the row of the search's index that it stands in."""

    checked: Checked
    row: Mapping[str, Any]


def cited_in(document_id: str, store: Reader) -> list[Cited]:
    """The citations of a document, the newest first; of a session or conversation that says one
    more than once, the newest. Blocks.
    """
    from reins.search.searching import searcher_of  # noqa: PLC0415 - for those who search

    found = searcher_of(store).search(f'"{document_id}" -source:chunk', limit=MOST)
    known: dict[str, Checked] = {}
    cited: dict[tuple[Any, ...], Cited] = {}
    for row in sorted((hit.row for hit in found.hits), key=lambda row: row["at"], reverse=True):
        for each in citations_in(row["text"]):
            said = f"{each.quote} {each.place}"
            own = (row["session_id"], row["conversation_id"], said)
            if each.document_id == document_id and own not in cited:
                if said not in known:
                    known[said] = check(each, store)
                cited[own] = Cited(known[said], row)
    return list(cited.values())
