"""Checks between a row of a session's log and the row before it.

Each check gets both (None before the first) and gives a sentence for what does not hold.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from agent_core.agent.base import MAX_SNAPSHOT_BYTES
from agent_core.agent.results import MAX_ROW_BYTES
from agent_core.budgets.limits import WHATS
from agent_core.session.amid_tick import is_amid_tick
from agent_core.session.status import Status
from reins.verifying.log_row import LogRow

Before: TypeAlias = "LogRow | None"
LogCheck: TypeAlias = Callable[[Before, LogRow], Iterator[str]]

_ROUNDING = 1e-6
_ADDED_BYTES = 16 << 10  # what effects say of themselves, once the row is checked
_COUNTED = ("tokens_in", "tokens_out", "cost_usd", "ticks", "wall_s")


def seq_in_order(before: Before, row: LogRow) -> Iterator[str]:
    expected = 1 if before is None else before.seq + 1
    if row.seq > expected:
        missing = f"{expected}" if row.seq == expected + 1 else f"{expected} to {row.seq - 1}"
        yield f"seq {missing} is missing before seq {row.seq}"
    elif row.seq < expected:
        yield f"seq {row.seq} comes again after seq {expected - 1}"


def steps_in_order(before: Before, row: LogRow) -> Iterator[str]:
    expected = 0 if before is None or row.begins_life else before.step
    expected += row.kind == "tick"
    if row.step != expected:
        yield f"a row of kind {row.kind} has step {row.step}; expected {expected}"


def one_identity(before: Before, row: LogRow) -> Iterator[str]:
    if before is None:
        return
    if row.agent_id != before.agent_id:
        yield f"the row is of agent {row.agent_id}, those before it of {before.agent_id}"
    if row.begins_life:
        return
    for name in ("agent_type", "created_at"):
        now, then = row.snapshot[name], before.snapshot[name]
        if now != then:
            yield f"{name} is {now} here and {then} in the row before, of one life"


def statuses_move(before: Before, row: LogRow) -> Iterator[str]:
    if before is None or row.begins_life:
        if not row.begins_life:
            yield f"the first row is {row.text[:40]!r}; expected the creation"
        elif before is not None and not before.status.over:
            yield f"it was created again while it was {before.status}"
        return
    if row.restores and before.status is Status.STOPPED:
        return
    if not before.status.may_become(row.status):
        yield f"the status went from {before.status} to {row.status}"


def final_is_last(before: Before, row: LogRow) -> Iterator[str]:
    if row.kind == "final" and not row.status.ended:
        yield f"a final row has the status {row.status}; expected an end"
    if before is None:
        return
    if row.begins_life:
        if before.kind != "final":
            yield "it was created again, and no final row ends its life before"
    elif row.restores:
        if before.kind != "final" or before.status is not Status.STOPPED:
            yield "it was restored, and no destroy ends its life before"
    elif before.kind == "final" and before.status.over:
        yield f"a row of kind {row.kind} comes after the final one"
    elif before.kind != "final" and before.status.ended and row.kind != "final":
        yield f"a row of kind {row.kind} follows the end; expected the final row"


def paused_means_paused(before: Before, row: LogRow) -> Iterator[str]:
    if before is not None and before.status is Status.PAUSED and row.kind == "tick":
        yield "a tick follows while the session is paused"
    if row.snapshot.get("held") is not None and row.status is not Status.PAUSED:
        yield f"a budget holds it while it is {row.status}; expected {Status.PAUSED}"


def usage_never_falls(before: Before, row: LogRow) -> Iterator[str]:
    if row.usage.get("ticks", row.step) < row.step:
        yield f"usage counts {row.usage['ticks']} ticks at step {row.step}"
    if before is None or row.begins_life:
        return
    for what in _COUNTED:
        now, then = row.usage.get(what, 0), before.usage.get(what, 0)
        if now < then - _ROUNDING:
            yield f"usage of {what} fell from {then:g} to {now:g}"


def usage_adds_up(before: Before, row: LogRow) -> Iterator[str]:
    """A row tells what was taken since the row before; one amid a tick tells nothing.

    So the row after one may tell more than its part, and less where a kill ended that tick.
    """
    if _announces(row):
        return
    tokens, cost_usd = 0, 0.0
    if before is not None and not row.begins_life:
        tokens = before.used_tokens
        cost_usd = before.usage["cost_usd"]
    took = row.used_tokens - tokens
    took_usd = row.usage["cost_usd"] - cost_usd
    may_tell_more = before is not None and _announces(before)
    if took > row.tokens or (took < row.tokens and not may_tell_more):
        yield f"usage rose by {took} tokens, the row tells of {row.tokens}"
    off_usd = took_usd - row.cost_usd
    if off_usd > _ROUNDING or (off_usd < -_ROUNDING and not may_tell_more):
        yield f"usage rose by ${took_usd:.6f}, the row tells of ${row.cost_usd:.6f}"


def _announces(row: LogRow) -> bool:
    return is_amid_tick(row.kind, row.text)


def limits_kept(before: Before, row: LogRow) -> Iterator[str]:
    """No tick begins at a limit of its session; what a call in flight takes may exceed one."""
    # A limit that guidance lowers amid a tick is that tick's no more. What stands between an
    # intent and its tick tells what the thought took: the tick began before it.
    amid = before is not None and (before.kind in ("guidance", "intent") or _announces(before))
    if before is None or row.kind != "tick" or amid:
        return
    limits = (before.snapshot.get("limits") or {}).get("session") or {}
    if not limits:
        return
    usage = before.usage | {"tokens": before.used_tokens}
    for what in WHATS:
        limit, spent = limits.get(what), usage.get(what, 0)
        free = what == "cost_usd" and not limit and not spent
        if limit is not None and spent >= limit and not free:
            yield f"a tick began with {spent:g} of {limit:g} {what} spent"


def bounds_kept(_before: Before, row: LogRow) -> Iterator[str]:
    if row.state_bytes > MAX_SNAPSHOT_BYTES:
        most = MAX_SNAPSHOT_BYTES
        yield f"the agent's state has {row.state_bytes} bytes; a snapshot holds {most}"
    said_bytes = len(row.text.encode()) + len((row.payload or "").encode())
    if row.kind in ("tick", "intent") and said_bytes > MAX_ROW_BYTES + _ADDED_BYTES:
        yield f"text and payload have {said_bytes} bytes; a row holds {MAX_ROW_BYTES}"


LOG_CHECKS: dict[str, tuple[LogCheck, str]] = {
    "seq_in_order": (seq_in_order, "`seq` of each session goes from 1, without gaps or repeats"),
    "steps_in_order": (steps_in_order, "each tick has the next step, every other row the same"),
    "one_identity": (one_identity, "a session keeps its agent, a life its type and creation"),
    "statuses_move": (statuses_move, "statuses move only as they may"),
    "final_is_last": (
        final_is_last,
        "one final row ends a life, and nothing but a restore follows it",
    ),
    "paused_means_paused": (paused_means_paused, "no tick follows while a session is paused"),
    "usage_never_falls": (usage_never_falls, "the usage in snapshots never falls"),
    "usage_adds_up": (usage_adds_up, "usage rises by what the rows tell of"),
    "limits_kept": (limits_kept, "no tick begins at a limit that is reached"),
    "bounds_kept": (bounds_kept, "states and rows are within their bounds"),
}
"""Each check with what holds where it finds nothing."""
