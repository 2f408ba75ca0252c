"""A session's account: what calls take, on which row it lands, what goes on record and is told."""

import asyncio
import dataclasses
import json

import pytest

from agent_core.agent.building import build_session
from agent_core.agent.services import Services
from agent_core.budgets.ledger import Ledger
from agent_core.budgets.limits import BudgetSpentError, spent_in
from agent_core.session.controls import Interrupt
from agent_core.session.log import Event
from agent_core.session.schedule import Schedule
from agent_core.session.status import Status
from reins.llm import CallRecord, Delta
from store import agent_state, model_calls
from store.lance.tables import JOURNAL_N
from tests.support.paying_agents import PayingAgent, PayingConfig, Till, call_record
from tests.support.waiting import until_async


class Pages:
    """Stands for the journal: what was appended, each time as one."""

    running = True

    def __init__(self):
        self.appends = []

    async def append(self, *records):
        self.appends.append([(r.table, json.loads(r.body)) for r in records])

    def rows(self, table="agent_steps"):
        return [row for append in self.appends for name, row in append if name == table]

    def calls(self):
        return self.rows("model_calls")


class Heard(list):
    """What a listener was told."""

    def __call__(self, session, delta):
        self.append((session.session_id, delta if delta is None else delta.text))


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def payer(pages):
    """A session of its own, whose ticks the test does."""

    def make(**config):
        session = build_session(
            PayingAgent, PayingConfig(**config), agent_id="a", session_id="s",
            services=Services(per_session={Till: Till}), journal=pages,
            schedule=Schedule(retry_wait_s=0.01), ledger=Ledger(), audience=[],
        )  # fmt: skip
        session.begin_budget(session.agent.config.budget, None)
        session.log.state = session.agent.save_state()
        return session

    return make


async def guide(session, text):
    done = asyncio.get_running_loop().create_future()
    await session.agent.apply(Interrupt("act_1", "ann", done, text, "steer"))
    return done.result()


def tokens(row):
    return row["tokens_in"], row["tokens_out"], row["cost_usd"]


# -- rows


async def test_a_ticks_row_has_what_its_calls_took(payer, pages):
    """And what the result says on top; the session, its agent and its day have the same."""
    session = payer(calls=3, tokens=5, cost_usd=0.5, says=4)
    await session.agent.tick_once()
    [row] = pages.rows()
    assert tokens(row) == (19, 15, 1.5)
    assert (session.usage["tokens_in"], session.usage["tokens_out"]) == (19, 15)
    assert session.usage["day"]["tokens"] == 34
    assert session.ledger.agents["a"].sums() == session.ledger.worker.sums()
    assert session.ledger.worker.tokens == 34
    await session.agent.tick_once()
    assert tokens(pages.rows()[-1]) == (19, 15, 1.5), "each row has its own"


async def test_what_a_failed_tick_took_is_on_its_error(payer, pages):
    """Nothing of it is lost, and the next tick has only its own."""
    session = payer(tick="fail", tokens=5)
    await session.agent.tick_once()
    session.agent.config.tick = "pay"
    await session.agent.tick_once()
    assert [(row["kind"], *tokens(row)[:2]) for row in pages.rows()] == [
        ("error", 5, 5), ("tick", 5, 5),
    ]  # fmt: skip
    assert session.usage["ticks"] == 2


async def test_what_an_aborted_tick_took_is_on_the_guidance_that_aborted_it(payer, pages):
    """A cancelled call is settled too, and counted once."""
    session = payer(tick="hang", tokens=5)
    session.task = asyncio.create_task(session.agent.tick_once())
    await session.agent.hanging.wait()
    session.scope.abort("guidance")
    await session.task
    assert pages.rows() == []
    assert session.agent.state.paid == 0
    await guide(session, "free")
    [row] = pages.rows()
    assert (row["kind"], *tokens(row)[:2]) == ("guidance", 10, 5)
    assert [call["error_kind"] for call in pages.calls()] == [None, "cancelled"]
    assert session.caller.reserved.calls == 0


async def test_rejected_guidance_is_paid_for_too(payer, pages):
    """What its call took is on the row that comes next."""
    session = payer(tokens=5)
    session.agent.save_state = lambda: 1 / 0
    done = await guide(session, "pay")
    assert "ZeroDivisionError" in done.error
    del session.agent.save_state
    await guide(session, "free")
    assert tokens(pages.rows()[0])[:2] == (5, 5)


async def test_a_pause_that_is_announced_takes_nothing_from_the_tick(payer, pages):
    """The row of the tick has all of its calls, also those from before the announcement."""
    session = payer(tick="hang", tokens=5)
    session.task = asyncio.create_task(session.agent.tick_once())
    await session.agent.hanging.wait()
    session.status = Status.PAUSING
    await session.log.announce(Status.PAUSING)
    assert tokens(pages.rows()[0])[:2] == (0, 0)
    assert pages.calls() == []
    session.scope.abort("news")
    await session.task
    await session.log.record(Event("status", "paused"))
    assert tokens(pages.rows()[1])[:2] == (10, 5)
    assert {call["seq"] for call in pages.calls()} == {2}


# -- records


def test_the_table_has_a_column_for_each_field_of_a_call():
    """In the same order, after the row's place; the caller's names come after them."""
    fields = [field.name for field in dataclasses.fields(CallRecord)]
    names = model_calls.TABLE.schema.names
    caller = ["agent_type", "conversation_id", "node"]
    assert names == ["session_id", "agent_id", "step", "seq", *fields, *caller, JOURNAL_N.name]


async def test_calls_are_written_with_the_row_they_led_to(payer, pages):
    """In one append: after a crash there is the row with its calls, or neither."""
    session = payer(calls=2)
    for _ in range(2):
        await session.agent.tick_once()
    assert [sorted(name for name, _ in append) for append in pages.appends] == [
        ["agent_steps", "model_calls", "model_calls"]
    ] * 2
    places = [(c["session_id"], c["agent_id"], c["step"], c["seq"]) for c in pages.calls()]
    assert places == [("s", "a", 1, 1)] * 2 + [("s", "a", 2, 2)] * 2
    assert {k: v for k, v in pages.calls()[0].items() if k in ("function", "request")} == {
        "function": "Pay", "request": "{}",
    }  # fmt: skip


async def test_the_last_tick_has_its_calls(payer, pages):
    """The row of a tick that completes the session, not the final one after it."""
    session = payer(tick="done")
    await session.agent.tick_once()
    assert [row["kind"] for row in pages.rows()] == ["tick", "final"]
    assert [call["seq"] for call in pages.calls()] == [1]
    assert [tokens(row)[:2] for row in pages.rows()] == [(5, 5), (0, 0)]


@pytest.mark.parametrize("why", ["many", "large", "ended"])
async def test_calls_do_not_wait_for_a_row_for_ever(payer, pages, why):
    """Too many, too much text, or a session without a further row: written by themselves."""
    session = payer()
    if why == "ended":
        session.status = Status.STOPPED
    for _ in range(51 if why == "many" else 1):
        session.caller.record(call_record(request="x" * (1 << 20 if why == "large" else 1)))
    await asyncio.gather(*session.beside.running)
    assert {call["seq"] for call in pages.calls()} == {None}
    assert not session.caller._calls


async def test_a_record_that_utf8_cannot_carry_is_kept(payer, pages):
    """A broken answer of a model costs no row of the log."""
    session = payer()
    session.caller.record(call_record(answer="half \ud83d", latency_ms=float("nan")))
    await session.agent.tick_once()
    assert pages.calls()[0]["answer"] == "half \ufffd"
    assert pages.calls()[0]["latency_ms"] is None


# -- what is being said


async def test_listeners_hear_an_answer_and_its_end(payer):
    """None comes once, after the row; also after a tick that fails. One may leave."""
    heard = Heard()
    session = payer(tick="fail")
    session.audience.append(heard)
    session.task = asyncio.create_task(session.agent.run())
    await until_async(lambda: len(heard) >= 2)
    session.agent.retire()
    session.mailbox.wake()
    await session.task
    assert heard[:2] == [("s", "so"), ("s", None)]
    session.audience.remove(heard)
    count = len(heard)
    session.caller.streamed(Delta("c", 1, 0, "x"))
    assert len(heard) == count


async def test_a_session_that_said_nothing_ends_nothing(payer):
    """Nobody is woken for a tick without a stream."""
    heard = Heard()
    session = payer(tick="work")
    session.audience.append(heard)
    await session.agent.tick_once()
    session.caller.end_stream()
    assert heard == []


async def test_a_listener_that_fails_ends_no_tick(payer, pages):
    """The others hear it all the same."""
    heard = Heard()
    session = payer()
    session.audience += [lambda *_: 1 / 0, heard]
    await session.agent.tick_once()
    assert [row["kind"] for row in pages.rows()] == ["tick"]
    assert heard == [("s", "so")]


# -- reserving


def test_a_reservation_is_settled_once(payer):
    """A second settlement, as after a cancellation in a finally, is nothing."""
    session = payer(budget={"session": {"tokens": 100}})
    kept = session.caller.reserve(60, 0.0)
    with pytest.raises(BudgetSpentError, match="60 held back for calls in flight"):
        session.caller.reserve(60, 0.0)
    session.caller.settle(kept, 10, 10, 0.0)
    session.caller.settle(kept, 10, 10, 0.0)
    assert session.usage["tokens_in"] == 10
    session.caller.reserve(80, 0.0)
    assert session.ledger.worker.reserved.tokens == 80


def test_small_amounts_add_up(payer):
    """Three times 0.1 is 0.3, whatever floats say of it."""
    session = payer(budget={"session": {"cost_usd": 0.3}})
    for _ in range(3):
        session.caller.settle(session.caller.reserve(0, 0.1), 0, 0, 0.1)
    assert session.ledger.spent(session)["text"] == "session cost $0.3000 of $0.30 spent"
    assert session.caller.reserved.cost_usd == 0


def test_a_spent_budget_is_found_in_what_it_led_to():
    """In a group, behind a cause, or not at all."""
    spent = BudgetSpentError({"text": "x"})
    other = ValueError()
    other.__cause__ = spent
    assert spent_in(ExceptionGroup("g", [OSError(), ExceptionGroup("h", [other])])) is spent
    assert spent_in(ExceptionGroup("g", [OSError()])) is None
    looped = ValueError()
    looped.__context__ = looped
    assert spent_in(looped) is None


# -- services


def test_services_of_a_session_are_its_own(payer):
    """Made once, on its account; what is shared is the same for all."""
    shared = Services(5, per_session={Till: Till})
    one, other = payer(), payer()
    till = shared.of(one).get(Till)
    assert till.caller is one.caller
    assert shared.of(other).get(Till).caller is other.caller
    own = shared.of(one)
    assert own.get(Till) is own.get(Till)
    assert own.get(int) == 5
    with pytest.raises(LookupError, match="each session has its own Till"):
        shared.get(Till)
    with pytest.raises(LookupError, match=r"no service str .* there: int, Till"):
        own.get(str)


def test_an_idle_session_opens_no_account(payer):
    """Thousands of them would each hold one."""
    session = payer()
    assert session.account is None
    assert session.agent._own_services is None


# -- snapshots


def test_a_snapshot_of_before_budgets_still_loads(payer):
    """What it does not have was not counted, but for its ticks."""
    session = payer()
    snapshot = session.snapshot() | {
        "usage": {"tokens_in": 3, "tokens_out": 4, "cost_usd": 0.5}, "agent": {"paid": 0},
    }  # fmt: skip
    row = {
        "session_id": "s", "agent_id": "a", "iteration": 7, "result": None,
        "history": '{"seq": 9}', "snapshot": json.dumps(snapshot), "usage": '{"tokens_in": 3}',
    }  # fmt: skip
    session.restore(row)
    assert session.usage == {
        "tokens_in": 3, "tokens_out": 4, "cost_usd": 0.5, "ticks": 7, "wall_s": 0.0,
    }  # fmt: skip
    assert (session.held, session.limits) == (None, None)
    session.ledger.recall(row)
    assert session.ledger.agents["a"].sums() == {
        "ticks": 7, "tokens": 3, "cost_usd": 0.0, "wall_s": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("usage", [None, "", "[]", "{", '{"day": 5}', '{"tokens_in": "x"}'])
def test_a_row_by_hand_stops_no_start(usage):
    """Whatever somebody wrote into `usage`, the others are counted."""
    assert "usage" in agent_state.TABLE.schema.names
    ledger = Ledger()
    ledger.recall({"agent_id": "a", "iteration": None, "usage": usage, "snapshot": None})
    assert ledger.worker.tokens == 0
