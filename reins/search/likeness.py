"""More like one row: by its own vector, or by its words where it has none."""

import re
from dataclasses import dataclass

from store import agent_steps, messages
from store.finding.query import QueryError
from store.reading import Reader

_MOST_WORDS = 24
_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d{1,15}")


@dataclass(frozen=True, slots=True)
class Like:
    """A row that others are to be like; `n` is its number in the journal."""

    n: int
    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """The words that tell most of it, which are the long ones."""
        distinct = dict.fromkeys(word.lower() for word in _WORD.findall(self.text))
        return tuple(sorted(distinct, key=lambda word: -len(word))[:_MOST_WORDS])


def _is_text(name: str) -> bool:
    """False where it holds half a character."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def row_named(name: str, store: Reader) -> Like:
    """The row of a session's log, or of a conversation, as in `finn:412`. Raises: QueryError."""
    owner, _, number = name.rpartition(":")
    if not owner or not _NUMBER.fullmatch(number) or not _is_text(owner):
        raise QueryError(
            f"like is {name!r:.80}; expected a session, or a conversation, and the number of a row "
            "of it, as in finn:412"
        )
    seq = int(number)
    rows = [
        *agent_steps.steps_at(owner, [seq], store=store),
        *(each for each in messages.list_messages(owner, seq - 1, 1, store=store) if seq),
    ]
    for row in rows:
        text = "\n".join(part for part in (row["text"], row.get("error")) if part)
        if text.strip():
            return Like(row["journal_n"] or 0, text)
    why = "says nothing" if rows else "is not there"
    raise QueryError(f"like is {name!r:.80}, and that row {why}; give one that has a text")
