"""The sums that sessions, their agents, trees and the worker's day have taken, and their limits.

Everything here runs on the worker's loop. **Units**: tokens in and out together, US dollars,
seconds spent in ticks; days are those of UTC.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from agent_core.budgets.days import Calendar, DailySums, begin_day, days_in, taken_on, turn_day
from agent_core.budgets.limits import WHATS, Budget, SetBudget, describe
from agent_core.budgets.spender import Held, Spender
from agent_core.budgets.usage import Reserved, Sums, Usage
from agent_core.budgets.waitlist import Waitlist

_OVER = ("stopped", "completed", "failed")
_ROUNDING = 1e-9
"""Sums of dollars and seconds are off by less: 0.1 three times is 0.3."""


class Ledger:
    """Totals per agent, per tree and of the worker's day, and all limits but those in a session's
    own hands.

    `made_room` is called when a limit was changed that holds other sessions too. `spenders` are
    those that forget a day which was none.
    """

    def __init__(
        self,
        *,
        day_tokens: int | None = None,
        day_cost_usd: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._calendar = Calendar(clock)
        self._daily = DailySums(self._calendar)
        self.agents: dict[str, Usage] = {}
        self.trees: dict[str, Usage] = {}
        """By the session at the root; of sessions that have children, or a limit for them."""
        self.worker = self._daily.today
        self.made_room: Callable[[], object] = _nothing
        self.spenders: Callable[[], Iterable[Spender]] = tuple
        self.waitlist = Waitlist(self)
        self._shared_limits: dict[tuple[str, str], dict[str, Any]] = {}
        """By scope, `agent` or `tree`, and whose they are."""
        self._worker_limits: dict[str, float] = {}
        self.limit_day(day_tokens, day_cost_usd)
        self._turn_day()

    @property
    def today(self) -> str:
        """The day that was under way at the newest look."""
        return self._calendar.today

    def _day(self) -> dict[str, Any]:
        """The day under way and its end, as a session that is held keeps them."""
        return {"date": self.today, "until": int(self._daily.ends * 1_000_000)}

    # -- what was taken

    def ticked(self, session: Spender) -> None:
        """Count a tick, and the time worked since the last count, everywhere."""
        self._count(session, 1, 0, 0.0)

    def spend(self, session: Spender, tokens_in: int, tokens_out: int, cost_usd: float) -> None:
        """Count what was taken, and the time worked since the last count, everywhere."""
        session.usage["tokens_in"] += tokens_in
        session.usage["tokens_out"] += tokens_out
        self._count(session, 0, tokens_in + tokens_out, cost_usd)

    def _count(self, session: Spender, ticks: int, tokens: int, cost_usd: float) -> None:
        self._turn_day()
        usage, wall_s = session.usage, session.worked_s
        session.worked_s = 0.0
        usage["ticks"] += ticks
        usage["cost_usd"] += cost_usd
        usage["wall_s"] += wall_s
        day = usage.get("day")
        if day is None or day["date"] != self._calendar.today:
            day = begin_day(usage, self.today)
        day["ticks"] += ticks
        day["tokens"] += tokens
        day["cost_usd"] += cost_usd
        day["wall_s"] += wall_s
        self._agent(session).add(ticks, tokens, cost_usd, wall_s)
        if self.trees and (tree := self.trees.get(session.root)) is not None:
            tree.add(ticks, tokens, cost_usd, wall_s)
        self.worker.add(ticks, tokens, cost_usd, wall_s)

    def recall(self, row: Mapping[str, Any]) -> None:
        """Take into account what a row of `agent_state` tells, also of a session that has ended."""
        try:
            usage = {"ticks": row["iteration"] or 0} | orjson.loads(row["usage"] or "{}")
            if usage["ticks"] or usage.get("tokens_in") or "before" in usage:
                total = self.agents.setdefault(row["agent_id"], Usage())
                total.add_lives(usage)
            for day in days_in(usage):
                self._daily.recall(day, ended=row.get("status") in _OVER)
            stored = row["snapshot"] or ""
            if '"limits":{' in stored or '"lineage":{' in stored:  # few, and parsing takes its time
                self._recall_shared(row, orjson.loads(stored), usage)
        except (ValueError, TypeError, AttributeError, KeyError):
            return  # a row written by hand

    def _recall_shared(
        self, row: Mapping[str, Any], snapshot: Mapping[str, Any], usage: Mapping[str, Any]
    ) -> None:
        limits, lineage = snapshot.get("limits") or {}, snapshot.get("lineage")
        root = row["session_id"] if lineage is None else lineage["root"]
        if lineage is not None or "tree" in limits:
            self.trees.setdefault(root, Usage()).add_lives(usage)
        for scope, whose in (("agent", row["agent_id"]), ("tree", root)):
            known, entry = self._shared_limits.get((scope, whose)), limits.get(scope)
            if entry is not None and (known is None or entry["set_at"] > known["set_at"]):
                self._shared_limits[scope, whose] = entry

    def begin_tree(self, session: Spender) -> None:
        """Count its tree from now on: it is the root, and has had no child so far."""
        if session.root not in self.trees:
            self.trees[session.root] = Usage()
            self.trees[session.root].add_lives(session.usage)

    def spent_on(self, date: str) -> Sums:
        """The sums of all sessions on a day; safe to read from any thread."""
        return self._daily.spent_on(date)

    def _turn_day(self) -> None:
        turn = self._daily.turn()
        if turn is not None:
            for session in self.spenders():
                turn_day(session.usage, self._daily, self._calendar.left, turn)
            self._daily.turned(turn)

    # -- calls in flight

    def reserve(self, session: Spender, own: Reserved, tokens: int, cost_usd: float) -> Held | None:
        """Hold back what a call may take; gives why not where a limit has no room for it."""
        needs = {"tokens": tokens + own.tokens, "cost_usd": cost_usd + own.cost_usd}
        held = self._over(session, {"tokens": tokens, "cost_usd": cost_usd})
        if held is not None:
            # Also what else it had in flight: so much must be free before it is worth trying again.
            return held | {"needs": needs}
        for reserved in (own, *self._reserved(session)):
            reserved.add(tokens, cost_usd)
        if self.waitlist:
            self.waitlist.reserved(session, tokens, cost_usd)
        return None

    def free(self, session: Spender, own: Reserved, tokens: int, cost_usd: float) -> None:
        """Give back what was held back, once what the call took is counted."""
        for reserved in (own, *self._reserved(session)):
            reserved.remove(tokens, cost_usd)
        if self.waitlist:
            self.waitlist.offer()

    def _reserved(self, session: Spender) -> Iterator[Reserved]:
        """The amounts held back for calls in flight, wherever this session's calls count."""
        yield self._agent(session).reserved
        if (tree := self.trees.get(session.root)) is not None:
            yield tree.reserved
        yield self.worker.reserved

    def _agent(self, session: Spender) -> Usage:
        total = self.agents.get(session.agent_id)
        if total is None:
            total = self.agents[session.agent_id] = Usage()
        return total

    # -- what may be taken

    def spent(self, session: Spender) -> Held | None:
        """The first limit of which nothing is left for a tick; None: there is room."""
        if (
            session.limits is None
            and not self._worker_limits
            and not (self._shared_limits and self._is_shared(session))
        ):
            return None
        return self._over(session, None)

    def _is_shared(self, session: Spender) -> bool:
        return any(share in self._shared_limits for share in _shares(session))

    def still_held(self, session: Spender) -> Held | None:
        """The limit that still holds a session; None: it can go on."""
        needs = (session.held or {}).get("needs")
        held = self.spent(session) or (self._over(session, needs) if needs else None)
        return None if held is None else held | ({"needs": needs} if needs else {})

    def why_again(self, session: Spender, held: Held) -> str:
        """The reason, in words, why a session that was held goes on."""
        if (date := held.get("date", self.today)) != self.today:
            return f"{'a new' if date < self.today else 'another'} day's budget"
        limits = {scope: limits for scope, limits, _, _ in self._scopes(session)}
        same = limits.get(held["scope"], {}).get(held["what"]) == held["limit"]
        return "the budget has room again" if same else "budget raised"

    def has_room(self, session: Spender, needs: Sums) -> bool:
        """True if the limits had room for a call with these needs, were there no other call."""
        return all(
            sums[what] + need <= limits[what] + _ROUNDING
            for _, limits, sums, _ in self._scopes(session)
            for what, need in needs.items()
            if what in limits
        )

    def _over(self, session: Spender, needs: Sums | None) -> Held | None:
        """The first limit that is reached, or that a call with these `needs` might exceed."""
        self._turn_day()
        if session.worked_s:
            self.spend(session, 0, 0, 0.0)
        for scope, limits, sums, reserved in self._scopes(session):
            for what, limit in limits.items():
                spent, kept, need = sums[what], 0.0, 0.0
                if needs is None:
                    reached = spent >= limit - _ROUNDING
                    if what == "cost_usd" and not limit and not spent:
                        reached = False  # calls that are free need none
                elif what in needs:
                    kept = 0.0 if reserved is None else getattr(reserved, what)
                    if self.waitlist:
                        kept += self.waitlist.kept(session, scope, what)
                    need = needs[what]
                    reached = spent + kept + need > limit + _ROUNDING
                else:
                    continue
                if reached:
                    held = {"scope": scope, "what": what, "limit": limit, "spent": spent}
                    held |= {"text": describe(held, need, kept), "kept": kept}
                    held |= {"per_tick": spent / (sums["ticks"] or 1)}
                    return held | (self._day() if scope in ("day", "worker") else {})
        return None

    def _scopes(
        self, session: Spender
    ) -> Iterator[tuple[str, Mapping[str, float], Sums, Reserved | None]]:
        own, usage = session.limits or {}, session.usage
        in_flight = session.in_flight
        if limits := own.get("session"):
            sums = usage | {"tokens": usage["tokens_in"] + usage["tokens_out"]}
            yield "session", limits, sums, in_flight
        for share in _shares(session) if self._shared_limits else ():
            if entry := self._shared_limits.get(share):
                total = self._agent(session) if share[0] == "agent" else self.trees[session.root]
                yield share[0], entry["limits"], total.sums(), total.reserved
        if limits := own.get("day"):
            yield "day", limits, taken_on(usage, self.today), in_flight
        if self._worker_limits:
            yield "worker", self._worker_limits, self._daily.sums(), self.worker.reserved

    # -- limits

    def limit_day(self, tokens: int | None, cost_usd: float | None) -> None:
        """Set the limits of all sessions together in a day."""
        limits = {"tokens": tokens, "cost_usd": cost_usd}
        self._worker_limits = {what: n for what, n in limits.items() if n is not None}

    def agent_limits(self, agent_id: str) -> Mapping[str, float]:
        """The limits of all sessions of an agent together; safe to read from any thread."""
        return self._limits_of("agent", agent_id)

    def tree_limits(self, root: str) -> Mapping[str, float]:
        """The limits of all sessions of a tree together; safe to read from any thread."""
        return self._limits_of("tree", root)

    def _limits_of(self, scope: str, whose: str) -> Mapping[str, float]:
        entry = self._shared_limits.get((scope, whose))
        return {} if entry is None else entry["limits"]

    def begin(self, session: Spender, budget: Budget | None, *, is_own: bool = False) -> None:
        """The limits of a new session.

        Its configuration is often its agent's own, handed on: what that says of the agent's limits
        counts where it is new, and does not undo what was set since. `is_own`: it was said of this
        session, and counts.
        """
        given = {
            scope: limits.given()
            for scope in ("session", "day", "agent", "tree")
            if (limits := getattr(budget, scope, None)) is not None
        }
        for share in _shares(session):
            configured, entry = given.pop(share[0], None), self._shared_limits.get(share)
            is_new = is_own or entry is None or entry["configured"] != configured
            if configured is not None and is_new:
                entry = self._set_shared(share, configured, configured)
                if share[0] == "tree":
                    self.begin_tree(session)
            if entry is not None and (share[0] == "agent" or configured is not None):
                given[share[0]] = entry
        session.limits = given or None

    def set_budget(self, session: Spender, asked: SetBudget) -> str:
        """Change limits; gives in a line what has changed."""
        share = next((each for each in _shares(session) if each[0] == asked.scope), None)
        if share is not None:
            entry = self._shared_limits.get(share) or {"limits": {}, "configured": None}
            before = entry["limits"]
        else:
            before = (session.limits or {}).get(asked.scope) or {}
        after = before | asked.changes()
        limits: dict[str, Any] = {
            what: after[what] for what in WHATS if after.get(what) is not None
        }
        if share is not None:
            limits = self._set_shared(share, limits, entry["configured"])
            if asked.scope == "tree":
                self.begin_tree(session)
        session.limits = (session.limits or {}) | {asked.scope: limits}
        parts = [
            f"{what} {_said(before.get(what))} -> {_said(limit)}"
            for what, limit in asked.changes().items()
        ]
        return f"budget: {asked.scope} {', '.join(parts)}"

    def _set_shared(
        self,
        share: tuple[str, str],
        limits: Mapping[str, float],
        configured: Mapping[str, float] | None,
    ) -> dict[str, Any]:
        before = self._shared_limits.get(share)
        set_at = int(self._clock() * 1_000_000)
        if before is not None:  # the newest wins after a restart, whatever the clock did
            set_at = max(set_at, before["set_at"] + 1)
        entry = {"limits": dict(limits), "set_at": set_at, "configured": configured}
        self._shared_limits[share] = entry
        return entry


def _shares(session: Spender) -> tuple[tuple[str, str], tuple[str, str]]:
    """The scopes that several sessions share, and whose they are."""
    return ("agent", session.agent_id), ("tree", session.root)


def _said(limit: float | None) -> str:
    return "none" if limit is None else f"{limit:.15g}"


def _nothing() -> None:
    """Nobody is to be told."""
