"""Budgets hold whatever sessions, calls, failures and cancellations come together."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import Budget as Configured
from agent_core.budgets.limits import BudgetSpentError, Limits, SetBudget
from agent_core.session.schedule import Schedule
from agent_core.session.session import Session

DAY_S = 86_400
MANY = settings(
    max_examples=150, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


@dataclass(frozen=True)
class Planned:
    """One call: how much it asks for, takes in the end, and how it ends, after so many turns."""

    session: int
    begins: int
    turns: int
    estimate: int
    actual: int
    end: str


@dataclass
class Seen:
    """What really happened, kept apart from the ledger."""

    taken: list[tuple[int, int, float]] = field(default_factory=list)
    refused: int = 0


@st.composite
def calls(draw, sessions, *, exact):
    estimate = draw(st.integers(0, 60))
    actual = draw(st.integers(0, estimate if exact else 90))
    return Planned(
        draw(st.integers(0, sessions - 1)), draw(st.integers(0, 6)), draw(st.integers(0, 5)),
        estimate, actual, draw(st.sampled_from(["good", "good", "fails", "cancelled"])),
    )  # fmt: skip


limits = st.one_of(st.none(), st.integers(0, 300))


def session_of(ledger, n, scope_limits):
    session = Session(
        agent_id=f"a{n % 2}", session_id=f"s{n}", agent_type="x", journal=None,
        schedule=Schedule(), make_agent=lambda _: None, ledger=ledger,
    )  # fmt: skip
    given = {
        scope: Limits(tokens=limit, cost_usd=limit / 100)
        for scope, limit in scope_limits.items()
        if limit is not None
    }
    session.begin_budget(Configured(**given), None)
    return session


async def make(session, call, seen, watch):
    """One call as the model layer makes it."""
    for _ in range(call.begins):
        await asyncio.sleep(0)
    account = session.caller
    try:
        kept = account.reserve(call.estimate, call.estimate / 100)
    except BudgetSpentError:
        seen.refused += 1
        return
    taken = call.actual
    try:
        for _ in range(call.turns):
            await asyncio.sleep(0)
        if call.end == "cancelled":
            await asyncio.Event().wait()
        if call.end == "fails":
            taken = 0
    except asyncio.CancelledError:
        taken = call.actual // 2
    finally:
        account.settle(kept, taken // 3, taken - taken // 3, taken / 100)
        account.settle(kept, 1_000, 1_000, 1_000.0)  # a second time is nothing
        seen.taken.append((call.session, taken, taken / 100))
        watch()


async def run(ledger, sessions, planned, watch=lambda: None):
    seen = Seen()
    tasks = {
        asyncio.create_task(make(sessions[call.session], call, seen, watch)): call
        for call in planned
    }
    for turn in count():
        await asyncio.sleep(0)
        for task, call in tasks.items():
            if call.end == "cancelled" and turn >= call.begins + call.turns + 2:
                task.cancel()
        if all(task.done() for task in tasks):
            break
    await asyncio.gather(*tasks)
    return seen


def sums_are_right(ledger, sessions, seen):
    """Every total is that of the calls that were settled, and nothing is held back any more."""
    for n, session in enumerate(sessions):
        tokens = sum(took for who, took, _ in seen.taken if who == n)
        assert session.usage["tokens_in"] + session.usage["tokens_out"] == tokens
        assert abs(session.usage["cost_usd"] - tokens / 100) < 1e-9
        if tokens:
            assert session.usage["day"]["tokens"] == tokens
        if session.account is not None:
            assert session.account.tokens_in + session.account.tokens_out == tokens
            is_free(session.account.reserved)
    for agent_id, tally in ledger.agents.items():
        mine = [n for n, session in enumerate(sessions) if session.agent_id == agent_id]
        assert tally.tokens == sum(took for who, took, _ in seen.taken if who in mine)
        is_free(tally.reserved)
    assert ledger.worker.tokens == sum(took for _, took, _ in seen.taken)
    is_free(ledger.worker.reserved)


def is_free(reserved):
    assert (reserved.calls, reserved.tokens, reserved.cost_usd) == (0, 0, 0)


def scopes_of(ledger, sessions):
    for session in sessions:
        yield from ((name, limits, sums) for name, limits, sums, _ in ledger._scopes(session))


plans = st.fixed_dictionaries({"session": limits, "agent": limits, "day": limits})


@MANY
@given(st.data(), plans, limits)
def test_exact_estimates_are_never_exceeded(data, budget, worker):
    """Where no call takes more than it reserved, no limit of any scope is passed, ever."""
    sessions_n = data.draw(st.integers(1, 5))
    planned = data.draw(st.lists(calls(sessions_n, exact=True), min_size=1, max_size=25))

    async def main():
        ledger = Ledger(day_tokens=worker, clock=lambda: 20_000.5 * DAY_S)
        sessions = [session_of(ledger, n, budget) for n in range(sessions_n)]

        def watch():
            for name, allowed, sums in scopes_of(ledger, sessions):
                for what, limit in allowed.items():
                    assert sums[what] <= limit + 1e-9, (name, what)

        seen = await run(ledger, sessions, planned, watch)
        assert len(seen.taken) + seen.refused == len(planned)
        sums_are_right(ledger, sessions, seen)

    asyncio.run(main())


@MANY
@given(st.data(), plans)
def test_wrong_estimates_exceed_by_the_calls_in_flight(data, budget):
    """What passes a limit is what calls took above their estimates; no call begins after that."""
    sessions_n = data.draw(st.integers(1, 5))
    planned = data.draw(st.lists(calls(sessions_n, exact=False), min_size=1, max_size=25))

    async def main():
        ledger = Ledger(clock=lambda: 20_000.5 * DAY_S)
        sessions = [session_of(ledger, n, budget) for n in range(sessions_n)]
        seen = await run(ledger, sessions, planned)
        sums_are_right(ledger, sessions, seen)
        above = sum(max(0, call.actual - call.estimate) for call in planned)
        for name, allowed, sums in scopes_of(ledger, sessions):
            assert sums["tokens"] <= allowed["tokens"] + above, name
        for session in sessions:
            held = ledger.spent(session)
            if held is not None:
                try:
                    session.caller.reserve(1, 0.01)
                except BudgetSpentError:
                    continue
                raise AssertionError(held)

    asyncio.run(main())


@MANY
@given(st.data(), plans, st.integers(0, 3))
def test_limits_and_days_that_change_meanwhile(data, budget, days):
    """Totals stay those of the settled calls; what is held has a reason, until there is none."""
    planned = data.draw(st.lists(calls(3, exact=True), min_size=1, max_size=12))
    again = data.draw(st.lists(calls(3, exact=True), min_size=1, max_size=12))
    scope = data.draw(st.sampled_from(["session", "agent", "day"]))
    tokens = data.draw(limits)

    async def main():
        now = [20_000.5 * DAY_S]
        ledger = Ledger(clock=lambda: now[0])
        sessions = [session_of(ledger, n, budget) for n in range(3)]
        first = await run(ledger, sessions, planned)
        now[0] += days * DAY_S
        for session in sessions:
            held = ledger.spent(session)
            session.held = held
            session.set_budget(
                SetBudget(type="set_budget", scope=scope, tokens=tokens, cost_usd=None)
            )
            if session.held is not None and ledger.still_held(session) is not None:
                assert ledger.spent(session) is not None
                assert session.held["text"] == ledger.spent(session)["text"]
        second = await run(ledger, sessions, again)
        for n, session in enumerate(sessions):
            taken = [took for who, took, _ in (*first.taken, *second.taken) if who == n]
            assert session.usage["tokens_in"] + session.usage["tokens_out"] == sum(taken)
        today = second.taken if days else [*first.taken, *second.taken]
        assert ledger.worker.tokens == sum(took for _, took, _ in today)
        is_free(ledger.worker.reserved)

    asyncio.run(main())
