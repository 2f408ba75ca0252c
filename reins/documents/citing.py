"""Citations: words of a document with their exact place, checked against the stored version.

`"words" [doc_0123456789ab:2:120-180]`: the words stand in version 2, from character 120 to 180.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import normalize

from store import chunks, documents
from store.reading import Reader

MAX_CITATIONS = 100
"""Of a text that is looked at."""
_CITATION = re.compile(
    r"(?:[\"\u201c\u201e\u00ab](?P<quote>[^\"\u201c\u201d\u201e\u00ab\u00bb]{1,2000})"
    r"[\"\u201c\u201d\u00bb]\s{0,3})?"
    r"\[(?P<document_id>doc_[0-9a-f]{12}):(?P<version>\d{1,9}):(?P<begin>\d{1,9})-(?P<end>\d{1,9})\]"
)


@dataclass(frozen=True, slots=True)
class Citation:
    """A place in a version, and the words that are said to stand there; None where none are."""

    document_id: str
    version: int
    from_char: int
    to_char: int
    quote: str | None = None

    @property
    def place(self) -> str:
        return f"{self.document_id}:{self.version}:{self.from_char}-{self.to_char}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation, and the passage that stands at its place; `why` it is wrong, or None."""

    citation: Citation
    title: str
    passage: str
    why: str | None


def citations_in(text: str) -> Iterator[Citation]:
    """The citations of a text, in their order, not yet checked."""
    for found in _CITATION.finditer(text):
        part = found.groupdict()
        yield Citation(
            part["document_id"],
            int(part["version"]),
            int(part["begin"]),
            int(part["end"]),
            part["quote"],
        )


def checked(text: str, store: Reader) -> list[Checked]:
    """The citations of a text, the first hundred, each looked up in the stored version. Blocks."""
    found = list(citations_in(text))[:MAX_CITATIONS]
    return [check(each, store) for each in found]


def check(citation: Citation, store: Reader) -> Checked:
    """Look a citation up. Blocks."""
    own, version = citation.document_id, citation.version
    row = documents.get_document(own, version, store=store)
    if row is None:
        return Checked(citation, "", "", f"there is no version {version} of document {own}")
    title, begin, end = str(row["title"]), citation.from_char, citation.to_char
    if not begin < end <= row["chars"]:
        why = f"{begin}-{end} is no place in it: expected one within its {row['chars']} characters"
        return Checked(citation, title, "", why)
    passage = chunks.text_of(own, version, begin, end, store=store)
    if citation.quote is None or _folded(citation.quote) in _folded(passage):
        return Checked(citation, title, passage, None)
    place = place_of(citation.quote, chunks.text_of(own, version, store=store))
    where = "nowhere in this version" if place is None else f"at {place[0]}-{place[1]}"
    return Checked(citation, title, passage, f"these words do not stand there, but {where}")


def place_of(quote: str, text: str) -> tuple[int, int] | None:
    """Where the words stand in a text, however they are spaced; None if they do not."""
    words = quote.split()
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    return None if found is None else found.span()


def why_wrong(text: str, store: Reader) -> str | None:
    """The citations of a text that are wrong, in words; None if all are right. Blocks."""
    wrong = [each for each in checked(text, store) if each.why is not None]
    return "; ".join(f"[{each.citation.place}]: {each.why}" for each in wrong[:5]) or None


def _folded(text: str) -> str:
    return " ".join(normalize("NFC", text).split())
