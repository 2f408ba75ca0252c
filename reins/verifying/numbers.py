"""The journal and its numbers: each stands for one row, in the journal or in a table."""

from collections.abc import Iterator

from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from store.lance.tables import Row, Table
from store.store import TABLES

_JOURNALLED = tuple(table for table in TABLES if table.journalled)


def numbers_unique(facts: Facts) -> Iterator[Finding]:
    """But for rows that follow from another table's: they have its numbers, sums one together."""
    owners: dict[int, str] = {}
    for table in sorted(_JOURNALLED, key=_follows):
        before = 0
        for number in facts.snapshot.numbers(table):
            if number and number == before and table.summary is None:
                message = f"{table.name} has two rows of number {number}"
                yield Finding("numbers_unique", message, _about(table, number))
            before = number
            owner = owners.setdefault(number, table.name) if number else table.name
            if owner not in (table.name, table.follows):
                message = f"number {number} stands for a row of {owner} and one of {table.name}"
                yield Finding("numbers_unique", message, _about(table, number))


def numbers_given(facts: Facts) -> Iterator[Finding]:
    upto = facts.snapshot.upto
    for table in _JOURNALLED:
        numbers = facts.snapshot.numbers(table)
        above = [number for number in numbers if number > upto]
        if above:
            message = (
                f"{len(above)} rows of {table.name} are numbered {above[0]} to {above[-1]}; the "
                f"journal has given numbers up to {upto}, and would give these again"
            )
            yield Finding("numbers_given", message, _about(table, above[0]))


def acknowledged_there(facts: Facts) -> Iterator[Finding]:
    """The note beside the journal says what that must have."""
    pending = facts.snapshot.pending
    if pending.newest < pending.acknowledged:
        message = (
            f"records {pending.newest + 1} to {pending.acknowledged} were acknowledged, and the "
            f"journal ends at {pending.newest}"
        )
        yield Finding("acknowledged_there", message, {"journal_n": pending.newest + 1})


def queue_acknowledged(facts: Facts) -> Iterator[Finding]:
    """The note beside the queue's file says what that must have."""
    file, _ = facts.snapshot.queues[-1]
    if file.newest < file.acknowledged:
        message = (
            f"actions or outcomes up to number {file.acknowledged} were acknowledged, and the "
            f"queue ends at {file.newest}"
        )
        yield Finding("queue_acknowledged", message, {"queue_n": file.newest + 1})
    for number in file.torn:
        message = f"action {number} is not what was committed"
        yield Finding("queue_acknowledged", message, {"queue_n": number})


def journal_whole(facts: Facts) -> Iterator[Finding]:
    pending = facts.snapshot.pending
    expected = pending.flushed + 1
    for group in pending.groups:
        if group.first > expected and group.first > pending.flushed + 1:
            message = (
                f"records {expected} to {group.first - 1} are neither flushed nor in the journal"
            )
            yield Finding("journal_whole", message, {"journal_n": expected})
        elif group.first < expected and group.first > pending.flushed:
            message = f"a group begins at {group.first}; expected {expected}"
            yield Finding("journal_whole", message, {"journal_n": group.first})
        if not group.whole:
            message = f"records {group.first} to {group.last} are not what was committed"
            yield Finding("journal_whole", message, {"journal_n": group.first})
        lines = group.body.count(b"\n") + 1
        if lines != group.rows:
            message = f"a group of {group.rows} records holds {lines}"
            yield Finding("journal_whole", message, {"journal_n": group.first})
        if group.table not in {table.name for table in _JOURNALLED}:
            message = f"{group.rows} records are for {group.table!r}, which is no table"
            yield Finding("journal_whole", message, {"journal_n": group.first})
        expected = max(group.last, pending.flushed) + 1
    for number in pending.unparsed():
        yield Finding("journal_whole", f"record {number} is no JSON", {"journal_n": number})


def journal_agrees(facts: Facts) -> Iterator[Finding]:
    """A record that is in its table already is the same there; the flush will take all others."""
    for table in _JOURNALLED:
        if table.key is None:
            pending = {found.number: found.row for found in facts.snapshot.pending.rows(table.name)}
            stored = facts.snapshot.numbers(table) if pending else []
            highest, there = (stored[-1] if stored else 0), set(stored)
            for number in sorted(pending):
                if number <= highest and number not in there:
                    message = (
                        f"record {number} is not in {table.name}, which goes up to {highest}: the "
                        "flush would take it for done"
                    )
                    yield Finding("journal_agrees", message, _about(table, number))
            yield from _different(facts, table, pending, there)


def _different(
    facts: Facts, table: Table, pending: dict[int, Row], there: set[int]
) -> Iterator[Finding]:
    both = sorted(there & pending.keys())
    for at in range(0, len(both), 500):
        for number, row in facts.snapshot.by_number(table, both[at : at + 500]).items():
            record = pending[number]
            names = [name for name, value in row.items() if name != "journal_n"
                     and value != record.get(name)]  # fmt: skip
            if names:
                message = f"{', '.join(names)} of number {number} differ from its record"
                yield Finding("journal_agrees", message, _about(table, number))


def _follows(table: Table) -> bool:
    return table.follows is not None


def _about(table: Table, number: int) -> dict[str, object]:
    return {"table": table.name, "journal_n": number}
