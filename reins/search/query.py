"""A search as people write it: words, phrases, and fields with values, read into filters.

`doubt "the price" agent:finn kind:said since:24h cost>0.01 -rumour`. Fields of one name with commas
mean either; a minus before a part turns it round.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import reduce
from operator import and_, eq, ge, gt, le, lt
from unicodedata import normalize

import pyarrow.compute as pc

from reins.search.passages import SOURCES
from store.finding.query import Measure, QueryError, Since, Token, Until, When, Words, meant, tokens
from store.lance.tables import quoted
from store.times import literal

_COLUMNS = {
    "session": "session_id",
    "agent": "agent_id",
    "conversation": "conversation_id",
    "type": "agent_type",
    "by": "actor",
    "actor": "actor",
    "document": "document_id",
}
_KINDS = {
    "said": ("tick", "final", "message"),
    "errors": ("error",),
    "messages": ("message",),
    "memories": ("put", "forget", "restore"),
    "chunks": ("chunk",),
}
"""Sorts of kinds that readers name; other kinds are those of the rows themselves."""
HELP = {
    "session:": "in a session",
    "agent:": "in the sessions of an agent",
    "type:": "in the sessions of a type of agents",
    "conversation:": "in a conversation",
    "kind:": "said, errors, guidance, status, final, message, …",
    "by:": "by a person or an agent",
    "source:": "steps, messages, memories, sessions, actions, chunks",
    "document:": "in a document, by its id",
    "since:": "a time, or how long ago: 24h",
    "until:": "a time, or how long ago: 24h",
    "cost>": "dearer than so many dollars",
    "text:": "a word that looks like a field",
}
"""The fields, with what each asks for; the page shows them."""
_COMPARED = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}
FIELDS = (*_COLUMNS, "source", "kind", "since", "until", "cost", "text")


@dataclass(frozen=True, slots=True)
class Query:
    """`words` and `phrases` that a passage has, `without` those that it has not.

    `where` is the rest as a filter of the index, empty if there is none; `fits` is the same for
    passages in memory.
    """

    words: Sequence[str] = ()
    phrases: Sequence[str] = ()
    without: Sequence[str] = ()
    where: str = ""
    fits: pc.Expression | None = field(default=None, compare=False)

    @property
    def text(self) -> str:
        """All that is asked for, in words."""
        return " ".join((*self.words, *self.phrases))


@dataclass(slots=True)
class _Reading:
    now: datetime
    words: list[str] = field(default_factory=list)
    phrases: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    fits: list[pc.Expression] = field(default_factory=list)

    def take(self, token: Token) -> None:
        name = token.name.lower()
        if token.sign == ":" and name in _TAKEN:
            _TAKEN[name](self, token)
            return
        match meant(token):
            case Words(words):
                kept = self.phrases if token.quoted else self.words
                # In the form of Unicode that the passages have.
                (self.without if token.turned else kept).append(normalize("NFC", words))
            case Since(when):
                moment = self._moment(when)
                self._keep(token, f"at >= {literal(moment)}", pc.field("at") >= moment)
            case Until(when):
                moment = self._moment(when)
                self._keep(token, f"at <= {literal(moment)}", pc.field("at") <= moment)
            case Measure("cost", comparison, value):
                cost = pc.coalesce(pc.field("cost_usd"), pc.scalar(0.0))
                test = f"coalesce(cost_usd, 0) {comparison} {value!r}"
                self._keep(token, test, _COMPARED[comparison](cost, pc.scalar(float(value))))
            case _:
                raise QueryError(
                    f"a search of all sessions takes no {token.name}{token.sign}; it takes words, "
                    f"{', '.join(FIELDS)}. Search the log of one session for the rest"
                )

    def _keep(self, token: Token, test: str, fits: pc.Expression) -> None:
        self.filters.append(f"NOT ({test})" if token.turned else f"({test})")
        self.fits.append(~fits if token.turned else fits)

    def among(self, token: Token, column: str, values: Sequence[str]) -> None:
        """Keep what has one of these values."""
        listed = ", ".join(map(quoted, values))
        # A row without a value is none that has this one.
        has = pc.field(column)
        fits = has.is_valid() & has.isin([*values])
        self._keep(token, f"{column} IS NOT NULL AND {column} IN ({listed})", fits)

    def _moment(self, when: When) -> datetime:
        if isinstance(when, timedelta):
            return self.now - when
        if isinstance(when, time):
            moment = datetime.combine(self.now.date(), when, UTC)
            return moment if moment <= self.now else moment - timedelta(days=1)
        return when if when.tzinfo else when.replace(tzinfo=UTC)


def _values(token: Token) -> list[str]:
    values = [token.value] if token.quoted else [each for each in token.value.split(",") if each]
    if not values:
        raise QueryError(f"{token.name}: is given no value; write {token.name}:VALUE")
    return values


def _column(reading: _Reading, token: Token) -> None:
    reading.among(token, _COLUMNS[token.name.lower()], _values(token))


def _source(reading: _Reading, token: Token) -> None:
    values = [
        value.removesuffix("s") if value != "memories" else "memory" for value in _values(token)
    ]
    if unknown := [value for value in values if value not in SOURCES]:
        raise QueryError(f"source is {unknown[0]!r:.40}; expected some of {', '.join(SOURCES)}")
    reading.among(token, "source", values)


def _kind(reading: _Reading, token: Token) -> None:
    kinds = [
        kind for value in _values(token) for kind in _KINDS.get(value.lower(), (value.lower(),))
    ]
    reading.among(token, "kind", kinds)


_TAKEN: dict[str, Callable[[_Reading, Token], None]] = {
    **dict.fromkeys(_COLUMNS, _column),
    "source": _source,
    "kind": _kind,
}


def but_for(session_id: str, query: Query) -> Query:
    """The query, but for what is said in one session."""
    others = f"(session_id IS NULL OR session_id != {quoted(session_id)})"
    own = pc.field("session_id")
    fit = own.is_null() | (own != session_id)
    return replace(
        query,
        where=f"{query.where} AND {others}" if query.where else others,
        fits=fit if query.fits is None else query.fits & fit,
    )


def contains(words: str) -> str:
    """A test for texts that have these words, letter by letter."""
    return f"contains(lower(text), {quoted(words.lower())})"


def read(text: str, now: datetime) -> Query:
    """The query that a text stands for; times of day are UTC. Raises: QueryError."""
    reading = _Reading(now)
    for token in tokens(text):
        reading.take(token)
    return Query(
        tuple(reading.words), tuple(reading.phrases), tuple(reading.without),
        " AND ".join(reading.filters), reduce(and_, reading.fits) if reading.fits else None,
    )  # fmt: skip
