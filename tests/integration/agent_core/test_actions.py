"""Actions: what is rejected and why, order, urgency, exactly once."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import pytest

import queue_imp as q
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.lanes import in_order
from agent_core.dispatch.queued import QueuedAction
from store import conversations, messages
from store.errors import StoreError
from store.journal.rows import as_arrow
from store.queue import reading as queue_reading
from store.queue import table as queue
from store.queue import writer as queue_writer
from tests.integration.store.support import child
from tests.support.data_folder import unprocessed
from tests.support.waiting import until_async


def row(action_type="agent_pause", payload="{}", **columns):
    made = q.create_action("agent_pause", "tester", agent_id="a")
    return made | {"type": action_type, "payload": payload} | columns


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (row("explode"), "action type is 'explode'; expected one of "),
        (row(payload="{"), "does not fit agent_pause"),
        (row(payload="[]"), "does not fit agent_pause"),
        (row(payload='{"agent_id": 5}'), "agent_id"),
        (row(payload='{"agent_id": "a", "colour": 1}'), "colour"),
        (row(payload=None), "agent_id"),
        (row(payload='{"agent_id": "nobody"}'), "there is no session nobody"),
        (row(payload='{"agent_id": "nobody", "session_id": "a"}'), "belongs to agent a"),
        (row("create_agent", '{"agent_id": "a"}'), "exists and is running"),
        (row("create_agent", '{"agent_id": "b", "agent_type": "poet"}'), "expected one of odd"),
        (
            row("create_agent", '{"agent_id": "b", "agent_type": "odd", "config": {"x": 1}}'),
            "expected the fields heartbeat_s",
        ),
        (row("create_agent", '{"agent_id": "b\\n", "agent_type": "odd"}'), "control characters"),
        (row("post_message", '{"conversation_id": "c", "text": "hi"}'), "no conversation c"),
    ],
)
async def test_a_bad_action_is_rejected_with_why(fleet, made, says):
    """Each bad action gets its receipt, and the worker takes the next one."""
    await fleet.create()
    await asyncio.to_thread(q.enqueue, made)
    got = await fleet.receipt(made["action_id"])
    assert got["outcome"] == "rejected"
    assert says in got["error"]
    assert (await fleet.do(q.agent_pause_action, "a", "tester"))["outcome"] == "applied"


async def test_an_unknown_type_is_told_those_that_there_are_in_order(fleet):
    """By their names, whatever was imported first."""
    made = row("explode")
    await asyncio.to_thread(q.enqueue, made)
    error = (await fleet.receipt(made["action_id"]))["error"]
    there = error.partition("expected one of ")[2].split(", ")
    assert "create_agent" in there
    assert there == sorted(there)


async def test_a_second_session_inherits_the_agents_configuration(fleet):
    """Config of the agent's own session, with what the action says over it."""
    await fleet.create(subject="owls", heartbeat_s=60)
    got = await fleet.do(
        q.agent_create, "a", "t", agent_type="odd", session_id="s2", config={"parts": 7}
    )
    assert got["outcome"] == "applied"
    config = fleet.sessions.live["s2"].agent.config
    assert (config.subject, config.parts, config.heartbeat_s) == ("owls", 7, 60)
    await fleet.do(q.agent_interrupt, "a", "t", "dogs", session_id="s2")
    assert "guidance" not in fleet.kinds("a")
    assert "guidance" in fleet.kinds("s2")


async def test_a_conversation_and_its_messages_are_made_exactly_once(fleet):
    """Ten posts are ten messages numbered in their order; a second create is rejected."""
    actions = [await fleet.ask(q.conversation_create, "c", "ann", "Talk")]
    actions += [await fleet.ask(q.post_message, "c", "ann", f"message {n}") for n in range(10)]
    assert all([(await fleet.receipt(a))["outcome"] == "applied" for a in actions])
    rows = messages.list_messages("c", store=fleet.store.reader)
    assert [(r["number"], r["text"]) for r in rows] == [(n + 1, f"message {n}") for n in range(10)]
    again = await fleet.do(q.conversation_create, "c", "bob")
    assert "exists" in again["error"]
    assert conversations.get_conversation("c", store=fleet.store.reader)["created_by"] == "ann"


async def test_a_reload_that_fails_is_rejected(fleet):
    """The receipt carries why, and says that the old stays."""
    assert (await fleet.do(q.environment_reload_action, "t"))["outcome"] == "applied"
    fleet.reloads.append(ValueError("the prompt does not compile"))
    got = await fleet.do(q.environment_reload_action, "t")
    assert got["error"] == "nothing was reloaded: the prompt does not compile"


async def test_what_was_applied_and_not_marked_has_no_second_effect(fleet, monkeypatch):
    """A crash between effect and mark: after the restart each action is in the log once."""

    def crash(*_):
        raise StoreError("as if the process had died here")

    monkeypatch.setattr(queue_writer.QueueWriter, "mark", crash)
    actions = [
        await fleet.ask(q.agent_create, "a", "t", agent_type="odd", config={"heartbeat_s": 60}),
        await fleet.ask(q.agent_interrupt, "a", "t", "dogs"),
        await fleet.ask(q.agent_pause_action, "a", "t"),
        await fleet.ask(q.agent_resume_action, "a", "t"),
        await fleet.ask(q.conversation_create, "c", "t"),
        await fleet.ask(q.post_message, "c", "t", "hello"),
    ]
    await until_async(lambda: len(fleet.dispatcher._unmarked) == len(actions))
    await fleet.stop()
    monkeypatch.undo()
    monkeypatch.setenv("REINS_DATA", str(fleet.folder))
    await fleet.start("start-2")
    receipts = [await fleet.receipt(action) for action in actions]
    assert [got["outcome"] for got in receipts] == ["applied"] * len(actions), receipts
    applied = [a for r in fleet.log() for a in json.loads(r["applied_actions"])]
    assert applied == actions[:4]
    for got in receipts[:4]:
        by_seq = fleet.log()[got["applied_seq"] - 1]
        assert got["action_id"] in by_seq["applied_actions"]
    assert len(messages.list_messages("c", store=fleet.store.reader)) == 1


async def test_outcomes_that_come_one_after_another_share_commits(fleet, monkeypatch):
    """Each marking is a commit with a sync, for which whoever enqueues has to wait."""
    real, markings = queue_writer.QueueWriter.mark, []

    def mark(writer, marks):
        markings.append(time.monotonic())
        real(writer, marks)

    monkeypatch.setattr(queue_writer.QueueWriter, "mark", mark)
    await fleet.ask(q.agent_create, "a", "t", agent_type="odd", config={"heartbeat_s": 60})
    asked = [await fleet.ask(q.agent_interrupt, "a", "t", f"dogs {n}") for n in range(40)]
    for action in asked:
        assert (await fleet.receipt(action))["outcome"] == "applied"
    assert all(after - before > 0.0099 for before, after in pairwise(markings))


async def test_what_was_rejected_and_not_marked_is_not_judged_anew(fleet, monkeypatch):
    """A rejection leaves no row: until it is marked, nothing is applied against which a worker
    after a crash would judge it."""
    real, blocked = queue_writer.QueueWriter.mark, []

    def crash(*given):
        if blocked:
            raise StoreError("as if the process had died here")
        return real(*given)

    monkeypatch.setattr(queue_writer.QueueWriter, "mark", crash)
    blocked.append(True)
    destroyed = await fleet.ask(q.agent_destroy_action, "a", "t")
    created = await fleet.ask(q.agent_create, "a", "t", agent_type="odd")
    other = await fleet.ask(q.agent_create, "b", "t", agent_type="odd")
    await until_async(lambda: "b" in fleet.sessions.live, "other lanes go on")
    await until_async(lambda: fleet.dispatcher.mark_failures > 0, "the mark was tried")
    assert "a" not in fleet.sessions.live
    await fleet.stop()
    monkeypatch.undo()
    monkeypatch.setenv("REINS_DATA", str(fleet.folder))
    await fleet.start("start-2")
    receipts = [await fleet.receipt(action) for action in (destroyed, created, other)]
    assert [got["outcome"] for got in receipts] == ["rejected", "applied", "applied"], receipts
    assert fleet.sessions.live["a"].status == "running"


async def test_ids_of_marked_actions_are_not_carried_for_ever(fleet):
    """After marking, a restart drops the ids: none is carried but that of the newest row."""
    for start in ("start-2", "start-3", "start-4"):
        await fleet.do(q.agent_pause_action if fleet.sessions.live else q.agent_create, "a", "t",
                       **({} if fleet.sessions.live else {"agent_type": "odd"}))  # fmt: skip
        await fleet.stop()
        await fleet.start(start)
    assert fleet.sessions.live["a"].unmarked == {}
    newest = json.loads(fleet.log()[-1]["applied_actions"])
    assert list(json.loads(fleet.state()["snapshot"])["unmarked"]) == newest


async def test_a_session_applies_its_actions_in_the_order_they_came(fleet):
    """Of one session the order holds, although a destroy is more urgent than an interrupt."""
    session = await fleet.create(tick="slow", tick_s=0.3)
    await session.agent.ticking.wait()
    sent = [
        await fleet.ask(helper, "a", "t", *more)
        for helper, *more in (
            (q.agent_interrupt, "one"),
            (q.agent_pause_action,),
            (q.agent_interrupt, "two"),
            (q.agent_resume_action,),
            (q.agent_interrupt, "three"),
            (q.agent_destroy_action,),
        )
    ]
    for action in sent:
        await fleet.receipt(action)
    applied = [a for r in fleet.log() for a in json.loads(r["applied_actions"])]
    assert applied[1:] == sent


def test_urgency_goes_before_age_among_sessions_and_never_within_one():
    """Lanes by their most urgent action; in each the order of commit, whatever the clocks said."""

    def action(name, session, urgency, second):
        made = {"action_id": name, "type": "x", "session_id": session, "agent_id": session}
        at = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        return QueuedAction(made | {"urgency": urgency, "created_at": at, "payload": "{}"})

    committed = [
        action("b-old", "b", 5, 4),
        action("a-old", "a", 5, 3),
        action("a-urgent", "a", 9, 2),
        action("c-urgent", "c", 8, 1),
    ]
    assert [a.action_id for a in in_order(committed)] == ["a-old", "a-urgent", "c-urgent", "b-old"]


async def test_a_store_in_trouble_puts_an_action_off_and_keeps_the_order(fleet, monkeypatch):
    """Reads that fail are tried again, and the session's next action does not overtake."""
    await fleet.create(heartbeat_s=60)
    real, failures = fleet.sessions.find, [OSError("disk"), StoreError("disk")]

    async def find(session_id):
        if failures:
            raise failures.pop()
        return await real(session_id)

    monkeypatch.setattr(fleet.sessions, "find", find)
    monkeypatch.setattr("agent_core.dispatch.dispatcher._RETRY_S", 0.05)
    first = await fleet.ask(q.agent_pause_action, "a", "t")
    second = await fleet.ask(q.agent_resume_action, "a", "t")
    one, two = await fleet.receipt(first), await fleet.receipt(second)
    assert one["applied_seq"] < two["applied_seq"]
    assert not failures


@pytest.mark.parametrize("raised", [RuntimeError("as asked"), SystemExit("as asked")])
async def test_a_handler_that_breaks_is_a_rejection(fleet, monkeypatch, raised):
    """Whatever a handler raises, the action is answered and the worker goes on."""
    await fleet.create(heartbeat_s=60)

    def breaks(*_):
        raise raised

    monkeypatch.setattr(type(fleet.sessions.live["a"].agent), "parse_guidance", breaks)
    got = await fleet.do(q.agent_interrupt, "a", "t", "dogs")
    assert "the worker failed on it" in got["error"]
    assert (await fleet.do(q.agent_pause_action, "a", "t"))["outcome"] == "applied"


async def test_an_action_that_is_seen_twice_is_taken_up_once(fleet):
    """A query may see a commit of this process before its news comes: marking goes on all the
    same.
    """
    made = q.create_action("create_agent", "ann", agent_id="once", agent_type="odd")
    await asyncio.to_thread(queue_writer.writer_at(fleet.folder).append, made)
    again = await asyncio.to_thread(queue_reading.find, fleet.store.reader, made["action_id"])
    for action in (QueuedAction(again), QueuedAction(dict(again))):
        fleet.dispatcher._take(action, action.row)
    await until_async(lambda: fleet.dispatcher.handled == 1, "it is marked")
    await fleet.create(agent_id="next")
    await until_async(lambda: fleet.dispatcher.handled == 2, "so is the next")


def _applied(fleet, session_id="a"):
    return [a for r in fleet.log(session_id) for a in json.loads(r["applied_actions"])]


def _enqueue_elsewhere(fleet, row):
    """As another process does: the worker hears of it by the watch or the poll."""
    queue_writer.QueueWriter(fleet.sessions.store.folder.path).append(row)


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_an_action_sent_again_has_the_outcome_of_the_first(fleet, elsewhere):
    """After it was marked, while it waits, and of a session that has ended: one effect."""
    await fleet.create(heartbeat_s=60)
    send = partial(_enqueue_elsewhere, fleet) if elsewhere else q.enqueue
    made = q.create_action("agent_interrupt", "t", agent_id="a", guidance="dogs", mode="steer")
    for _ in range(3):
        await asyncio.to_thread(send, made)
        await fleet.receipt(made["action_id"])
    first = await fleet.receipt(made["action_id"])
    await fleet.do(q.agent_destroy_action, "a", "t")
    await asyncio.to_thread(send, made)
    await until_async(lambda: unprocessed(fleet.sessions.store.folder.path) == 0)
    assert _applied(fleet).count(made["action_id"]) == 1
    again = await fleet.receipt(made["action_id"])
    assert (again["outcome"], again["applied_seq"]) == ("applied", first["applied_seq"])


async def test_another_content_under_the_same_id_is_rejected(fleet):
    """Both ways: after the first was marked, and while it is in flight."""
    await fleet.create(heartbeat_s=60)
    one = q.create_action("agent_interrupt", "t", agent_id="a", guidance="dogs", mode="steer")
    other = q.create_action("agent_interrupt", "t", agent_id="a", guidance="cats", mode="steer")
    other |= {"action_id": one["action_id"]}
    folder = fleet.sessions.store.folder.path
    await asyncio.to_thread(queue_writer.QueueWriter(folder).append, one)
    await asyncio.to_thread(queue_writer.QueueWriter(folder).append, other)
    await until_async(lambda: unprocessed(folder) == 0)
    with pytest.raises(q.ActionError, match="another content"):
        await asyncio.to_thread(q.enqueue, other)
    await asyncio.to_thread(queue_writer.QueueWriter(folder).append, other)
    await until_async(lambda: unprocessed(folder) == 0)
    assert _applied(fleet).count(one["action_id"]) == 1
    assert (await fleet.receipt(one["action_id"]))["outcome"] == "applied"
    rows = queue_reading.everything(fleet.sessions.store.reader)
    twins = [row for row in rows if row["action_id"] == one["action_id"]]
    errors = [row["error"] for row in twins if "cats" in row["payload"]]
    assert all(error.startswith(queue.ID_REUSED) for error in errors)
    assert len(errors) == 2
    assert [row["outcome"] for row in twins if "dogs" in row["payload"]] == ["applied"]


async def test_of_two_with_one_id_the_first_committed_wins(fleet):
    """Also where the second is of another session, and more urgent; and after a restart."""
    await fleet.create(agent_id="a", heartbeat_s=60)
    await fleet.create(agent_id="b", heartbeat_s=60)
    folder = fleet.sessions.store.folder.path
    await fleet.stop()
    one = q.create_action("agent_interrupt", "t", agent_id="a", guidance="dogs", mode="steer")
    other = q.create_action("agent_pause", "t", agent_id="b", action_id=one["action_id"])
    writer = queue_writer.QueueWriter(folder)
    await asyncio.to_thread(writer.append, one)
    await asyncio.to_thread(writer.append, other)
    await fleet.start("start-2")
    got = await fleet.receipt(one["action_id"])
    await until_async(lambda: unprocessed(folder) == 0)
    assert (got["type"], got["outcome"]) == ("agent_interrupt", "applied")
    assert one["action_id"] in _applied(fleet)
    assert one["action_id"] not in _applied(fleet, "b")


async def test_what_waits_is_applied_in_the_order_of_its_commit(fleet):
    """A process whose clock is hours behind comes in its turn all the same."""
    folder = fleet.sessions.store.folder.path
    await fleet.stop()  # or each would be taken up before the next is there
    sent = []
    for back_h, made in enumerate(
        (
            q.create_action("create_agent", "t", agent_id="a", agent_type="odd"),
            q.create_action("agent_pause", "t", agent_id="a"),
            q.create_action("agent_destroy", "t", agent_id="a"),
        )
    ):
        made["created_at"] -= timedelta(hours=back_h)
        sent.append(made)
    writer = queue_writer.QueueWriter(folder)
    for made in sent:
        await asyncio.to_thread(writer.append, made)
    await fleet.start("start-2")
    outcomes = [(await fleet.receipt(made["action_id"]))["outcome"] for made in sent]
    assert outcomes == ["applied"] * 3


async def test_what_another_program_puts_into_the_table_is_taken_up(fleet):
    """While the worker runs, in the table's order, with its outcome in the table; sent by a helper
    as well it has one effect."""
    await fleet.create(heartbeat_s=60)
    rows = [
        q.create_action("agent_interrupt", "t", agent_id="a", guidance=f"g{n}", mode="steer")
        for n in range(3)
    ]
    table = fleet.store.reader.table(queue.TABLE)
    await asyncio.to_thread(
        table.add, as_arrow(queue.TABLE, *({**row, queue.NUMBER: None} for row in rows))
    )
    for row in rows:
        await until_async(lambda row=row: row["action_id"] in _applied(fleet), "it is applied")
    await fleet.ask(q.enqueue, rows[0])
    assert _applied(fleet)[1:] == [row["action_id"] for row in rows]

    def outcomes():
        stored = fleet.store.reader.stored(queue.TABLE, "type = 'agent_interrupt'").to_pylist()
        return [row["outcome"] for row in stored]

    await until_async(lambda: outcomes() == ["applied"] * 3, "the table has the outcomes")


_ENQUEUES = """
import sys
import queue_imp
for line in sys.stdin:
    print(queue_imp.agent_interrupt("a", "t", line.strip()), flush=True)
"""


async def test_two_processes_that_enqueue_for_one_session_are_taken_in_turn(fleet):
    """A call that begins after another has returned comes after it, whichever process it is in."""
    await fleet.create(heartbeat_s=60)
    processes = [child(_ENQUEUES) for _ in "12"]

    def enqueue(n):
        process = processes[n % 2] if n % 3 else processes[0]
        process.stdin.write(f"g{n}\n")
        process.stdin.flush()
        return process.stdout.readline().strip()

    sent = [await asyncio.to_thread(enqueue, n) for n in range(40)]
    await fleet.receipt(sent[-1])
    assert _applied(fleet)[1:] == sent
    for process in processes:
        process.communicate()


async def test_what_comes_close_together_is_taken_up_together(fleet, monkeypatch):
    """The first at once, and what comes within a moment of it in one go: one commit for all."""
    await fleet.create(heartbeat_s=60)
    taken, poll_once = [], Dispatcher.poll_once

    async def counted(dispatcher):
        taken.append(count := await poll_once(dispatcher))
        return count

    monkeypatch.setattr(Dispatcher, "poll_once", counted)
    monkeypatch.setattr("agent_core.dispatch.dispatcher._TAKE_PAUSE_S", 2.0)
    began = time.monotonic()
    await fleet.do(q.agent_interrupt, "a", "t", "first")
    assert time.monotonic() - began < 2.0
    sent = [await asyncio.to_thread(q.agent_interrupt, "a", "t", f"g{n}") for n in range(5)]
    await fleet.receipt(sent[-1])
    assert [count for count in taken if count] == [1, 5]
    assert _applied(fleet)[2:] == sent
