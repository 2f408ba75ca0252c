"""A row of the table `facts` as a value, and the times by which facts are looked at."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from reins.facts.naming import FactError, checked_name
from store.times import iso, to_us

OpKind: TypeAlias = Literal["assert", "end", "retract", "restore"]
Scope: TypeAlias = Literal["session", "agent", "shared"]
MAX_SOURCE_CHARS, MAX_TEXT_CHARS = 400, 1_000
_MOST_US = 253_402_300_799_000_000
"""The end of the year 9999."""
_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")


@dataclass(frozen=True, slots=True)
class Place:
    """The row, call, message, document and person that a row rests on; all may be unknown."""

    seq: int | None = None
    call_id: str | None = None
    message_id: str | None = None
    document: str | None = None
    actor: str | None = None


NOWHERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """A row: it asserts a fact, ends one, retracts one or all of a source, or takes the newest end
    or retraction back.

    `fact_id` is empty where a whole `source` is retracted or restored. **Units**: `at` (when it was
    learnt), `valid_from` and `valid_to` (when it is true) are microseconds since 1970; None is an
    open end.
    """

    id: str
    op: OpKind
    at: int
    fact_id: str = ""
    subject: str = ""
    relation: str = ""
    object: str = ""
    valid_from: int | None = None
    valid_to: int | None = None
    confidence: float = 1.0
    source: str = ""
    text: str = ""
    scope: Scope = "session"
    place: Place = NOWHERE

    @property
    def order(self) -> tuple[int, str]:
        """Rows count in the order of their times; of one moment, of their ids."""
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Moment:
    """Both time axes of a question: true at a time, as far as it was known at a time.

    None: at all times, and as far as it is known now. **Units**: microseconds since 1970.
    """

    true_at: int | None = None
    known_at: int | None = None


EVER = Moment()


def checked_source(value: object) -> str:
    """A source: a name, an address, a passage of a document. Raises: FactError."""
    found = " ".join(value.split()) if isinstance(value, str) else ""
    if not 1 <= len(found) <= MAX_SOURCE_CHARS:
        raise FactError(
            f"the source is {value!r:.80}; expected a text of 1 to {MAX_SOURCE_CHARS} characters"
        )
    return found


def checked_text(value: str) -> str:
    """A reason in words. Raises: FactError."""
    if len(value) > MAX_TEXT_CHARS:
        raise FactError(f"the text has {len(value)} characters; expected {MAX_TEXT_CHARS} at most")
    return value


def checked_confidence(value: float) -> float:
    """Raises: FactError."""
    if isinstance(value, bool) or not 0 < value <= 1:
        raise FactError(f"the confidence is {value!r}; expected more than 0, and 1 at most")
    return float(value)


def asserted(
    op_id: str,
    at: int,
    subject: str,
    relation: str,
    object: str,  # noqa: A002 - the third part of a fact has no other name
    *,
    source: str,
    valid_from: int | None = None,
    valid_to: int | None = None,
    confidence: float = 1.0,
    text: str = "",
    scope: Scope = "session",
    place: Place = NOWHERE,
) -> Op:
    """The row that asserts a fact; it has the row's id. Raises: FactError."""
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise FactError(
            f"the fact would be true from {iso(valid_from)} to {iso(valid_to)}; expected an end "
            "after its begin"
        )
    return Op(
        id=op_id, op="assert", at=at, fact_id=op_id,
        subject=checked_name(subject, "subject"), relation=checked_name(relation, "relation"),
        object=checked_name(object, "object"), valid_from=valid_from, valid_to=valid_to,
        confidence=checked_confidence(confidence), source=checked_source(source),
        text=checked_text(text), scope=scope, place=place,
    )  # fmt: skip


def when(value: str | int | None, part: str) -> int | None:
    """A time that was given: `2019`, `2019-05`, `2019-05-01` (their begin, in UTC) or ISO 8601.

    **Units**: microseconds since 1970. Raises: FactError.
    """
    if value is None or isinstance(value, int):
        return value
    try:
        if found := _DATE.fullmatch(value.strip()):
            year, month, day = found.groups(default="1")
            read = datetime(int(year), int(month), int(day), tzinfo=UTC)
        else:
            read = datetime.fromisoformat(value.strip())
        moment = to_us(read if read.tzinfo else read.replace(tzinfo=UTC))
    except (ValueError, AttributeError, OverflowError):
        raise FactError(
            f"{part} is {value!r:.80}; expected a time such as 2019, 2019-05-01 or "
            "2019-05-01T12:00:00+00:00"
        ) from None
    if not -_MOST_US < moment <= _MOST_US:
        raise FactError(f"{part} is {value!r:.80}; expected a year up to 9999")
    return moment
