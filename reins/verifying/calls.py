"""The record of model calls: each attempt once, with the row that it led to."""

from collections.abc import Iterator

from reins.verifying.facts import Facts, about
from reins.verifying.finding import Finding


def calls_unique(facts: Facts) -> Iterator[Finding]:
    seen: set[tuple[str, int]] = set()
    for row in facts.calls():
        key = (row["call_id"], row["attempt"])
        if key in seen:
            message = f"attempt {row['attempt']} is on record twice"
            yield Finding("calls_unique", message, about(row, "session_id", "call_id", "journal_n"))
        seen.add(key)


def calls_have_rows(facts: Facts) -> Iterator[Finding]:
    newest = facts.logs.newest
    for (session_id, seq), called in facts.logs.called.items():
        message = f"calls led to seq {seq} of the session; there is no such row"
        where = {"session_id": session_id, "seq": seq, "journal_n": called.number}
        yield Finding("calls_have_rows", message, where)
    for row in facts.calls():
        if row["seq"] is None and row["session_id"] not in newest:
            message = "a call is on record of a session that has no log"
            yield Finding("calls_have_rows", message, about(row, "session_id", "journal_n"))


def calls_counted(facts: Facts) -> Iterator[Finding]:
    for row, called in facts.logs.underpaid:
        if called.agent_id != row.agent_id:
            message = f"its calls are of agent {called.agent_id}, the row of {row.agent_id}"
        else:
            message = f"its calls took {called.tokens} tokens, the row tells of {row.tokens}"
        yield Finding("calls_counted", message, row.about)
