"""Actions are checked before they are written: what cannot be meant is refused by name."""

import json
import math
from types import SimpleNamespace

import pytest

import queue_imp
from agent_core.actions.payloads import PAYLOADS
from queue_imp import ActionError, create_action
from reins import sending
from store import new_ids
from store.journal.rows import as_arrow
from store.queue import table as queue


@pytest.fixture
def written(monkeypatch):
    """The actions that a helper would have written."""
    rows = []
    writer = SimpleNamespace(append=lambda *given: rows.extend(given), confirm=rows.extend)
    monkeypatch.setattr(sending, "writer", lambda: writer)
    return rows


def test_an_action_is_a_row_of_the_queue():
    """`create_action` gives every column of the table, and fits it."""
    row = create_action("agent_pause", "ann", agent_id="a1", reason="lunch", metadata={"k": [1]})
    assert {*row, queue.NUMBER} == set(queue.TABLE.schema.names)  # its number comes with the commit
    assert as_arrow(queue.TABLE, {**row, queue.NUMBER: None}).num_rows == 1
    assert json.loads(row["payload"]) == {"agent_id": "a1", "reason": "lunch"}
    assert (row["session_id"], row["processed"], row["outcome"]) == ("a1", False, None)


def test_payloads_of_the_helpers(written, monkeypatch):
    """Each helper writes its type and the payload that was promised, without what was not given."""
    queue_imp.agent_create("a1", "ann", "cats", config={"heartbeat_s": 1}, session_id="s1")
    queue_imp.agent_pause_action("a1", "ann", "lunch")
    queue_imp.agent_resume_action("a1", "ann")
    queue_imp.agent_interrupt("a1", "ann", {"subject": "dogs"}, mode="now")
    queue_imp.agent_destroy_action("a1", "ann", session_id="s1")
    queue_imp.agent_restore_action("a1", "ann", session_id="s1")
    queue_imp.environment_reload_action("ann", prompts=True)
    queue_imp.conversation_create("c1", "ann", "Room")
    queue_imp.conversation_pause("c1", "ann", "lunch")
    queue_imp.conversation_resume("c1", "ann")
    queue_imp.conversation_set("c1", "ann", pace="brisk")
    queue_imp.conversation_end("c1", "ann")
    queue_imp.post_message("c1", "ann", "hello")
    queue_imp.publish("prices", "ann", {"usd": 1})
    queue_imp.topic_set("prices", "ann", max_unread=5, when_full="wait")
    queue_imp.dead_letter_replay("dead_1", "ann")
    given = {"topic": "prices", "when": "every:5m", "message": 1}
    queue_imp.schedule_set("s", "ann", **given)
    queue_imp.schedule_pause("s", "ann")
    queue_imp.schedule_run("s", "ann")
    queue_imp.schedule_remove("s", "ann")
    queue_imp.board_put("plans", "a", "ann", [1], expect=0)
    queue_imp.board_delete("plans", "a", "ann")
    queue_imp.memory_put("k", "ann", [1], agent_id="a1", session_id="s1", expires_in_s=5.0)
    queue_imp.memory_forget("k", "ann", scope="agent", agent_id="a1")
    queue_imp.memory_restore("k", "ann", 2, scope="shared")
    queue_imp.evidence_undo("a1", "ann", ["e1"])
    queue_imp.fact_remember("Ann", "is in", "Bonn", "ann", valid_from="2019", source="Mara")
    queue_imp.fact_end("f1", "ann", "2020")
    queue_imp.fact_retract("ann", source="Mara", text="made up")
    queue_imp.fact_restore("ann", "f1")
    queue_imp.alias_decide("a", "b", "ann", "same", scope="agent", agent_id="a1")
    queue_imp.add_document("notes/a", "ann", text="tea", title="Tea")
    queue_imp.remove_document("doc_0123456789ab", "ann")
    item = {"item_id": "i1", "agent_id": "a1", "session_id": "s1", "call_hash": "h"}
    monkeypatch.setattr(queue_imp, "_item", lambda _: item)
    queue_imp.inbox_decide("i1", "ann", "approve", remember={"scope": "agent", "argv": ["ls"]})
    queue_imp.rule_revoke("r1", "ann")
    queue_imp.view_save("On call", "ann", {"query": "group=type"})
    queue_imp.note_add("a1", "ann", 4, "here it turned")
    queue_imp.agent_hasten("a1", "ann", "act_1")
    assert [row["type"] for row in written] == list(PAYLOADS)
    assert [json.loads(row["payload"]) for row in written] == [
        {"agent_id": "a1", "session_id": "s1", "initial_subject": "cats", "agent_type": "joke",
         "config": {"heartbeat_s": 1}},
        {"agent_id": "a1", "reason": "lunch"},
        {"agent_id": "a1"},
        {"agent_id": "a1", "guidance": {"subject": "dogs"}, "mode": "now"},
        {"agent_id": "a1", "session_id": "s1"},
        {"agent_id": "a1", "session_id": "s1"},
        {"prompts": True},
        {"conversation_id": "c1", "title": "Room"},
        {"conversation_id": "c1", "reason": "lunch"},
        {"conversation_id": "c1"},
        {"conversation_id": "c1", "pace": "brisk"},
        {"conversation_id": "c1"},
        {"conversation_id": "c1", "text": "hello"},
        {"topic": "prices", "message": {"usd": 1}},
        {"topic": "prices", "max_unread": 5, "when_full": "wait"},
        {"letter_id": "dead_1"},
        {"schedule_id": "s", "topic": "prices", "when": "every:5m", "zone": "UTC",
         "catch_up": "latest", "message": 1},
        {"schedule_id": "s", "paused": True},
        {"schedule_id": "s"},
        {"schedule_id": "s"},
        {"board": "plans", "key": "a", "value": [1], "expect": 0},
        {"board": "plans", "key": "a"},
        {"agent_id": "a1", "session_id": "s1", "scope": "session", "key": "k", "value": [1],
         "expires_in_s": 5.0},
        {"agent_id": "a1", "scope": "agent", "key": "k"},
        {"scope": "shared", "key": "k", "version": 2},
        {"agent_id": "a1", "ids": ["e1"], "text": ""},
        {"scope": "shared", "subject": "Ann", "relation": "is in", "object": "Bonn",
         "valid_from": "2019", "confidence": 1.0, "source": "Mara", "text": ""},
        {"fact_id": "f1", "at": "2020", "text": ""},
        {"source": "Mara", "text": "made up"},
        {"fact_id": "f1", "text": ""},
        {"scope": "agent", "agent_id": "a1", "name": "a", "other": "b", "decision": "same",
         "text": ""},
        {"title": "Tea", "source": "notes/a", "text": "tea"},
        {"document_id": "doc_0123456789ab"},
        {"agent_id": "a1", "session_id": "s1", "item_id": "i1", "decision": "approve",
         "call_hash": "h", "remember": {
             "scope": "agent", "argv": ["ls"], "more": False, "anything": False}},
        {"rule_id": "r1"},
        {"name": "On call", "kind": "view", "content": {"query": "group=type"}},
        {"agent_id": "a1", "seq": 4, "text": "here it turned"},
        {"agent_id": "a1", "guidance_id": "act_1"},
    ]  # fmt: skip


def test_actions_of_one_process_keep_their_order():
    """No two actions have the same time, and a later one has a later one; ids are all different."""
    rows = [create_action("agent_resume", "ann", agent_id="a1") for _ in range(2_000)]
    times = [row["created_at"] for row in rows]
    assert times == sorted(set(times))
    assert len({row["action_id"] for row in rows}) == 2_000


def test_what_ends_or_holds_comes_before_what_adds():
    """What ends or holds a session comes before what adds to it."""
    urgency = {kind: create_action(kind, "ann")["urgency"] for kind in PAYLOADS}
    assert urgency["agent_destroy"] > urgency["agent_pause"] > urgency["agent_interrupt"]
    assert urgency["agent_interrupt"] > urgency["create_agent"] == urgency["agent_resume"]


@pytest.mark.parametrize(
    "name", ["", "x" * 257, "x" * 10_000, "a\nb", "a\x00b", "\x7f", "\x9f", "\ud800", None, 5, b"a"]
)
def test_ids_that_are_none(written, name):
    """An id that is empty, too long, no text or more than one line: one error that names the
    field, short enough to read, and nothing is written."""
    for call in (
        lambda: queue_imp.agent_create(name, "ann"),
        lambda: queue_imp.agent_pause_action("a1", name),
        lambda: queue_imp.conversation_create(name, "ann"),
        lambda: queue_imp.agent_create("a1", "ann", agent_type=name),
    ):
        if name is None and call.__code__.co_consts[1:2] == ("ann",):
            continue
        with pytest.raises(ActionError) as caught:
            call()
        assert len(str(caught.value)) < 200
        assert str(caught.value).split()[0] in (
            "agent_id", "actor", "conversation_id", "agent_type",
        )  # fmt: skip
    assert written == []


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: create_action("agent_explode", "ann"), "agent_explode.*expected one of"),
        (lambda: create_action("agent_pause", "ann", agent_id="a", urgency=10), "urgency is 10"),
        (lambda: create_action("agent_pause", "ann", agent_id="a", urgency=-1), "urgency is -1"),
        (lambda: create_action("agent_pause", "ann", agent_id="a", urgency="9"), "urgency is '9'"),
        (lambda: create_action("agent_pause", "ann", description=5), "description is 5"),
        (lambda: create_action("agent_pause", "ann", description="\ud800"), "description"),
        (lambda: create_action("agent_pause", "ann", metadata={"x": object()}), "metadata"),
        (lambda: create_action("agent_pause", "ann", reason="\udfff"), "payload"),
        (lambda: create_action("agent_pause", "ann", n=math.nan), "payload"),
        (lambda: queue_imp.agent_create("a", "ann", config=["no"]), "config is .*expected a dict"),
        (lambda: queue_imp.agent_interrupt("a", "ann", {}), "guidance is"),
        (lambda: queue_imp.agent_interrupt("a", "ann", ""), "guidance is"),
        (lambda: queue_imp.agent_interrupt("a", "ann", 5), "guidance is 5"),
        (lambda: queue_imp.agent_interrupt("a", "ann", "x", mode="cancel"), "mode is 'cancel'"),
        (
            lambda: queue_imp.agent_interrupt("a", "ann", "x" * 300_000),
            "expected 262144 at the most",
        ),
        (lambda: queue_imp.post_message("c", "ann", "  "), "text is"),
        (lambda: queue_imp.post_message("c", "ann", None), "text is None"),
    ],
)
def test_what_cannot_be_meant(written, call, named):
    """One clear error, with what was given; nothing is written."""
    with pytest.raises(ActionError, match=named):
        call()
    assert written == []


def test_what_no_worker_could_read_is_refused(written):
    """A message nested deeper than the worker reads: at once, not after its receipt's wait."""
    deep = []
    for _ in range(220):
        deep = [deep]
    with pytest.raises(ActionError, match="payload is nested too deep"):
        queue_imp.publish("prices", "ann", deep)
    queue_imp.publish("prices", "ann", [[]] * 300)
    assert len(written) == 1


def test_deep_nesting_is_refused(written):
    """Guidance nested deeper than JSON can be written is refused like any other wrong one."""
    deep = {}
    for _ in range(200_000):
        deep = {"d": deep}
    with pytest.raises(ActionError, match="payload is not plain JSON"):
        queue_imp.agent_interrupt("a", "ann", deep)
    assert written == []
    while deep:
        deep = deep["d"]  # taken apart by hand: freeing it at once recurses as deep


def test_an_id_of_the_callers_own():
    """Every door takes an `action_id`; one that nobody could name is refused."""
    assert create_action("agent_pause", "ann", agent_id="a", action_id="k 1")["action_id"] == "k 1"
    for unfit in ("", "a\nb", "x" * 300, 5):
        with pytest.raises(ActionError, match="action_id"):
            create_action("agent_pause", "ann", agent_id="a", action_id=unfit)


def test_many_creations_are_checked_and_written_at_once(monkeypatch):
    """`agents_create` makes one action for each entry, in order, in one append; `actor` is that of
    entries without one."""
    appends = []
    writer = SimpleNamespace(append=lambda *rows: appends.append(rows), confirm=lambda *_: None)
    monkeypatch.setattr(sending, "writer", lambda: writer)
    entries = [
        {"agent_id": "a1", "initial_subject": "cats", "urgency": 7},
        {"agent_id": "a1", "session_id": "s1", "actor": "bob", "config": {"heartbeat_s": 1}},
        {"agent_id": "a2", "agent_type": "persona", "description": "a second"},
    ]
    ids = queue_imp.agents_create(entries, "ann")
    [rows] = appends
    assert [row["action_id"] for row in rows] == ids
    assert [(row["type"], row["session_id"], row["actor"], row["urgency"]) for row in rows] == [
        ("create_agent", "a1", "ann", 7),
        ("create_agent", "s1", "bob", 5),
        ("create_agent", "a2", "ann", 5),
    ]
    assert [json.loads(row["payload"]) for row in rows] == [
        {"agent_id": "a1", "agent_type": "joke", "initial_subject": "cats"},
        {"agent_id": "a1", "session_id": "s1", "agent_type": "joke", "config": {"heartbeat_s": 1}},
        {"agent_id": "a2", "agent_type": "persona"},
    ]
    assert queue_imp.agents_create([], "ann") == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("b", "entry 1: it is 'b'; expected a dict of agent_id, actor"),
        ({}, "entry 1: agent_id is missing"),
        ({"agent_id": "b", "subject": "cats"}, "entry 1: 'subject' is none of agent_id, actor"),
        ({"agent_id": "b\nc"}, "entry 1: agent_id is .*no line breaks.*Nothing was sent"),
        ({"agent_id": "b", "actor": None}, "entry 1: actor is None"),
        ({"agent_id": "b", "config": ["no"]}, "entry 1: config is .*expected a dict"),
        ({"agent_id": "a"}, "entry 1: session_id is 'a', as in entry 0; name each once"),
        ({"agent_id": "b", "action_id": "k"}, "entry 1: action_id is 'k', as in entry 0"),
    ],
)
def test_an_entry_that_cannot_be_meant(written, entry, why):
    """The error names the entry, and nothing is written, of the others neither."""
    entries = [{"agent_id": "a", "action_id": "k"}, entry, {"agent_id": "c"}]
    with pytest.raises(ActionError, match=why):
        queue_imp.agents_create(entries, "ann")
    with pytest.raises(ActionError, match="entry 0: actor is missing"):
        queue_imp.agents_create([{"agent_id": "a"}])
    assert written == []


def test_an_action_that_its_caller_has_seen_is_no_new_one(written, monkeypatch):
    """Another process may have sent it between the look and the append."""
    monkeypatch.setattr(sending, "find_action", lambda _: None)
    action = create_action("agent_pause", "ann", agent_id="a1")
    queue_imp.enqueue(action)
    assert written == [action]
    assert not new_ids.take(action["action_id"])
