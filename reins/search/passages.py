"""Passages: the texts that are searched, each made of one row of a table."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

import orjson
import pyarrow as pa

from reins.search.session_types import Types
from store import agent_steps, agents_config, chunks, documents, memories, messages
from store.lance.tables import STAMP, TEXT, Table

Row = Mapping[str, Any]
MOST_CHARS = 20_000
"""Of one text; what is longer is found by its beginning."""

SCHEMA = pa.schema(
    [
        ("n", pa.int64()),
        ("source", TEXT),
        ("session_id", TEXT),
        ("conversation_id", TEXT),
        ("agent_id", TEXT),
        ("agent_type", TEXT),
        ("kind", TEXT),
        ("actor", TEXT),
        ("number", pa.int64()),
        ("at", STAMP),
        ("cost_usd", pa.float64()),
        ("action_id", TEXT),
        ("text", TEXT),
        ("document_id", TEXT),
        ("place", TEXT),
    ]
)
"""`n` is the row's number in the journal, `number` that in its log, conversation or document. What
is made of no row of the journal has an `n` below 0; see `number_of`. `place` of a chunk is
`VERSION:FROM-TO`, as a citation has it.
"""

SOURCES = ("step", "message", "memory", "session", "action", "chunk")
_ACTOR, _THOUGHT = (re.compile(rf'"{name}":("(?:[^"\\]|\\.)*")') for name in ("actor", "thought"))


@dataclass(slots=True)
class Passage:
    """One text, with what it is found by. **Units**: `at` is microseconds since 1970, UTC.

    Not frozen: one takes 0.4 µs to make, and would take 1.6.
    """

    n: int
    source: str
    session_id: str | None
    conversation_id: str | None
    agent_id: str | None
    agent_type: str | None
    kind: str
    actor: str | None
    number: int | None
    at: int
    cost_usd: float | None
    text: str
    action_id: str | None = None
    document_id: str | None = None
    place: str | None = None


def number_of(source: str, name: str) -> int:
    """The `n` of the one passage of a session or an action: the same each time, below 0."""
    digest = hashlib.blake2b(f"{source}:{name}".encode(), digest_size=8).digest()
    return -1 - (int.from_bytes(digest) >> 2)


def passages_of(rows: Iterable[tuple[str, Row]], types: Types) -> list[Passage]:
    """The passages of rows as they are journalled, named by their tables; one without text gives
    none.
    """
    made = (_MADE[table](row) for table, row in rows if table in _MADE)
    return with_types([passage for passage in made if passage is not None], types)


def with_types(passages: list[Passage], types: Types) -> list[Passage]:
    """The same passages, now with the agent types of their sessions."""
    types.look_up(passage.session_id for passage in passages if passage.session_id is not None)
    for passage in passages:
        passage.agent_type = types.get(passage.session_id)
    return passages


def as_table(passages: Iterable[Passage]) -> pa.Table:
    """Shapes: one row a passage, of `SCHEMA`."""
    rows = list(passages)
    columns = [[getattr(row, name) for row in rows] for name in SCHEMA.names]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SCHEMA, strict=True)]
    return pa.table(arrays, schema=SCHEMA)


def _step(row: Row) -> Passage | None:
    payload = row["payload"]
    # A thought is in the payload alone, of the row that has it and of none after it.
    parts = (row["text"], _text_in(_THOUGHT, payload), row["error"])
    text = "\n".join(part for part in parts if part)
    return _made(
        row, text,
        source="step", session_id=row["session_id"], agent_id=row["agent_id"], kind=row["kind"],
        actor=_text_in(_ACTOR, payload), number=row["seq"], at=row["created_at"],
        cost_usd=row["cost_usd"],
    )  # fmt: skip


def _message(row: Row) -> Passage | None:
    return _made(
        row, row["text"],
        source="message", session_id=row["session_id"], conversation_id=row["conversation_id"],
        agent_id=row["agent_id"], kind="message", actor=row["author"], number=row["number"],
        at=row["created_at"],
    )  # fmt: skip


def _memory(row: Row) -> Passage | None:
    value = row["value"]
    return _made(
        row, f"{row['key']}: {value}" if value else "",
        source="memory", session_id=row["session_id"], agent_id=row["agent_id"], kind=row["kind"],
        actor=row["actor"], number=row["seq"], at=row["at"],
    )  # fmt: skip


def _chunk(row: Row) -> Passage | None:
    """A piece of a document, with the headings that it stands under."""
    heading, text = row["heading"], row["text"]
    return _made(
        row, f"{heading}\n{text}" if heading and text.strip() else text,
        source="chunk", session_id=None, agent_id=None, kind="chunk", actor=row["actor"],
        number=row["number"], at=row["at"], document_id=row["document_id"],
        place=f"{row['version']}:{row['from_char']}-{row['to_char']}",
    )  # fmt: skip


def _session(row: Row) -> Passage | None:
    """A session as it was created; `reins.search.digests` has what became of it."""
    return _made(
        row, "\n".join(about_session(row)),
        n=number_of("session", row["session_id"]), source="session", session_id=row["session_id"],
        agent_id=row["agent_id"], kind="session", actor=row["created_by"], number=None,
        at=row["created_at"],
    )  # fmt: skip


def about_session(row: Row) -> list[str]:
    """The names of a session, and the texts of its configuration."""
    config = texts_in(orjson.loads(row["config"] or "{}"))
    about = (row["agent_id"], row["agent_type"], row.get("description"), *config)
    return list(dict.fromkeys(each for each in about if each))


def texts_in(value: Any) -> Iterator[str]:
    """All texts in a JSON value, but for the names of fields."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from texts_in(each)
        case list():
            for each in value:
                yield from texts_in(each)


def _made(row: Row, text: str | None, **fields: Any) -> Passage | None:
    if not text or not text.strip():
        return None
    whole = {"conversation_id": None, "cost_usd": None, "agent_type": None, **fields}
    return Passage(text=in_one_form(text), **{"n": row["journal_n"], **whole})


def in_one_form(text: str) -> str:
    """The text as passages have it: the index folds ö, and not an o with its dots after it."""
    return normalize("NFC", text[:MOST_CHARS])


def _text_in(named: re.Pattern[str], payload: str | None) -> str | None:
    """The value of a field of a payload; without reading the rest, which may be long."""
    found = named.search(payload) if payload else None
    return None if found is None else str(orjson.loads(found[1]))


_MADE: Mapping[str, Callable[[Row], Passage | None]] = {
    agent_steps.TABLE.name: _step,
    messages.TABLE.name: _message,
    memories.TABLE.name: _memory,
    agents_config.TABLE.name: _session,
    chunks.TABLE.name: _chunk,
}
TABLES: tuple[Table, ...] = (
    agent_steps.TABLE, messages.TABLE, memories.TABLE, agents_config.TABLE, chunks.TABLE,
)  # fmt: skip
FOLLOWED = (*TABLES, documents.TABLE)
"""With the rows that say which chunks are current."""
COLUMNS = {
    agent_steps.TABLE.name: (
        "session_id", "agent_id", "seq", "kind", "text", "error", "payload", "created_at",
        "cost_usd", "journal_n",
    ),
}  # fmt: skip
"""Those that passages are made of; of the other tables all."""
