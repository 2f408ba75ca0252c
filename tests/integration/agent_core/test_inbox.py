"""The inbox: what sessions ask of people, and what a decision leads to."""

import asyncio
import json
from typing import Any

import pytest

import queue_imp
from agent_core.actions.deciding import decision_about
from agent_core.actions.ids import ActionError
from agent_core.agent.services import Services
from agent_core.dispatch.handlers import Context, inbox_decide
from agent_core.dispatch.queued import QueuedAction
from agent_core.inbox.inbox import Inbox
from agent_core.session.controls import Applied
from store import approval_rules, inbox
from store.store import Store
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.waiting import until_async


class Asking(Fleet):
    """A fleet of agents that ask."""

    def __init__(self, folder) -> None:
        super().__init__(folder, modules=("tests.support.asking_agents",))

    def make_parts(self, store: Store) -> None:
        self.inbox = Inbox(store)
        self.services = Services(self.inbox)
        self.parts = {"inbox": self.inbox}

    async def begin(self) -> None:
        await self.inbox.start(self.sessions.live)

    async def stop(self, grace_s: float = 2.0) -> None:
        await self.inbox.stop()
        await super().stop(grace_s)

    async def asking(self, agent_id: str = "a", **config: Any) -> dict[str, Any]:
        """A new session, and what it asks."""
        got = await self.do(
            queue_imp.agent_create, agent_id, "tester", agent_type="asking", config=config
        )
        assert got["outcome"] == "applied", got
        return await self.until_asked(agent_id)

    async def until_asked(self, session_id: str = "a") -> dict[str, Any]:
        return await until_async(
            lambda: next(iter(queue_imp.inbox_items("all", session_id=session_id)), None), "an item"
        )

    async def until_state(self, item_id: str, state: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            row = inbox.get_item(item_id)
            return row if row is not None and row["state"] == state else None

        return await until_async(there, f"state {state}")

    async def decide(self, item: dict[str, Any], decision: str, **parts: Any) -> dict[str, Any]:
        return await self.do(queue_imp.inbox_decide, item["item_id"], "ann", decision, **parts)

    def agent(self, session_id: str = "a") -> Any:
        return self.sessions.live[session_id].agent


@pytest.fixture
async def asking(data):
    made = Asking(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_an_approval_lets_the_call_go_once(asking):
    """The session waits and says so; after the approval the call is made once, and the item says
    in which row."""
    item = await asking.asking()
    assert (item["kind"], item["tool"], item["state"]) == ("approval", "write_note", "asked")
    waits = json.loads(asking.state()["waits"])
    assert waits["kind"] == "approval"
    assert waits["item_id"] == item["item_id"]
    got = await asking.decide(item, "approve")
    assert got["outcome"] == "applied", got
    row = await asking.until_state(item["item_id"], "ran")
    assert (row["decided_by"], row["decision"]) == ("ann", "approve")
    assert asking.agent().state.done == [{"text": "hello"}]
    assert asking.state()["waits"] is None
    told = {each["seq"]: each for each in asking.log()}
    decided = told[got["applied_seq"]]
    assert decided["kind"] == "guidance"
    assert json.loads(decided["payload"])["type"] == "decision"
    assert json.loads(told[row["outcome_seq"]]["payload"])["settled"]["state"] == "ran"


async def test_a_tick_follows_a_decision_at_once(asking):
    """Nobody waits for a heartbeat once a person has decided."""
    asking.quicken(heartbeat_s=60.0)
    item = await asking.asking()
    await asking.decide(item, "approve")
    await asking.until_state(item["item_id"], "ran")


async def test_a_rejection_is_told_with_its_reason(asking):
    """The call is not made, and the agent hears why."""
    item = await asking.asking()
    await asking.decide(item, "reject", reason="not on a Friday")
    await until_async(lambda: asking.agent().state.heard, "the rejection")
    assert asking.agent().state.done == []
    row = inbox.get_item(item["item_id"])
    assert (row["state"], row["reason"]) == ("rejected", "not on a Friday")
    assert any("not on a Friday" in each["text"] for each in asking.log())


async def test_an_answer_reaches_the_agent(asking):
    """A question is answered with a text; an approval is no answer to it."""
    item = await asking.asking(kind="question", tool="ask_person", args={"question": "which?"})
    assert json.loads(asking.state()["waits"])["reason"] == "which?"
    got = await asking.decide(item, "approve")
    assert got["outcome"] == "rejected"
    assert "is a question; expected answer or reject" in got["error"]
    assert "needs a text" in (await asking.decide(item, "answer", text="  "))["error"]
    assert (await asking.decide(item, "answer", text="the second"))["outcome"] == "applied"
    await until_async(lambda: asking.agent().state.heard == ["answer"], "the answer")
    assert inbox.get_item(item["item_id"])["answer"] == "the second"


async def test_edited_arguments_are_checked_and_classified_again(asking):
    """Arguments that do not fit are refused and nothing has changed; those that do are used, and
    the item has the risk that they have."""
    item = await asking.asking()
    got = await asking.decide(item, "edit", args={"wrong": 1})
    assert "text: Field required" in got["error"]
    assert inbox.get_item(item["item_id"])["state"] == "asked"
    assert "whole arguments" in (await asking.decide(item, "edit"))["error"]
    assert (await asking.decide(item, "edit", args={"text": "rm"}))["outcome"] == "applied"
    row = await asking.until_state(item["item_id"], "ran")
    assert asking.agent().state.done == [{"text": "rm"}]
    assert (row["risk"], json.loads(row["final_args"])) == ("high", {"text": "rm"})
    assert json.loads(row["args"]) == {"text": "hello"}


async def test_the_second_of_two_decisions_is_rejected_with_a_word(asking):
    """Whoever comes second hears what was decided, and by whom; it has no effect."""
    item = await asking.asking()
    asking.agent().due_at = 0.0
    first, second = await asyncio.gather(
        asking.decide(item, "reject", reason="no"), asking.decide(item, "approve")
    )
    outcomes = sorted([first["outcome"], second["outcome"]])
    assert outcomes == ["applied", "rejected"]
    third = await asking.decide(item, "approve")
    assert third["outcome"] == "rejected"
    assert "nothing is left to decide" in third["error"]
    assert "ann" in third["error"]


async def test_a_decision_sent_again_has_one_effect(asking):
    """The same action, sent again, gives the same receipt."""
    item = await asking.asking()
    first = await asking.decide(item, "approve", action_id="mine")
    await asking.until_state(item["item_id"], "ran")
    again = await asking.decide(item, "approve", action_id="mine")
    assert first == again
    assert asking.agent().state.done == [{"text": "hello"}]


async def test_a_decision_about_another_call_is_refused(asking):
    """A decision holds for the call that the person saw."""
    item = await asking.asking()
    got = await asking.do(
        queue_imp.enqueue, decision_about({**item, "call_hash": "other"}, "ann", "approve")
    )
    assert "another call" in got["error"]
    assert inbox.get_item(item["item_id"])["state"] == "asked"


async def test_what_changed_since_is_stale(asking):
    """The call is not made if what it touches is another by then; the item says so."""
    item = await asking.asking()
    asking.agent().config.touches = "changed since"
    await asking.decide(item, "approve")
    await asking.until_state(item["item_id"], "stale")
    assert asking.agent().state.done == []


async def test_expiry_is_not_a_rejection(asking):
    """Nobody decides in time: the item is expired, the agent hears so, and a decision that comes
    too late is refused."""
    item = await asking.asking(expires_in_s=0.2)
    row = await asking.until_state(item["item_id"], "expired")
    assert (row["decision"], row["decided_by"]) == ("expire", "expiry")
    await until_async(lambda: asking.agent().state.heard == ["expire"], "the expiry")
    assert asking.agent().state.done == []
    late = await asking.decide(item, "approve")
    assert late["outcome"] == "rejected"
    assert "is expired" in late["error"]


async def test_a_decision_after_the_time_is_rejected_although_nobody_was_told(asking):
    """The clock decides, not the loop that looks at it."""
    await asking.inbox.expiry.stop()
    item = await asking.asking(expires_in_s=0.05)
    await until_async(lambda: asking.inbox.held.get(item["item_id"]).over, "its end")
    got = await asking.decide(item, "approve")
    assert got["outcome"] == "rejected"
    assert "expired at" in got["error"]


async def test_the_items_of_a_destroyed_session_are_withdrawn(asking):
    """With its last row; a decision finds nothing to decide, and its rules hold no longer."""
    item = await asking.asking(times=2)
    await asking.decide(item, "approve", remember={"scope": "session", "anything": True})
    await asking.until_state(item["item_id"], "ran")
    await asking.do(queue_imp.agent_destroy_action, "a", "ann")
    other = await asking.asking("b")
    await asking.do(queue_imp.agent_destroy_action, "b", "ann")
    assert inbox.get_item(other["item_id"])["state"] == "withdrawn"
    got = await asking.decide(other, "approve")
    assert "is withdrawn" in got["error"]
    [rule] = approval_rules.list_rules(revoked=True)
    assert rule["revoked_by"] == "the end of the session"
    assert len(asking.inbox.rules) == 0
    assert queue_imp.inbox_items() == []


async def test_a_decision_while_the_session_is_destroyed(asking):
    """Destroy and decision at once: each has an outcome, and the item is settled either way."""
    item = await asking.asking()
    ended, got = await asyncio.gather(
        asking.do(queue_imp.agent_destroy_action, "a", "ann"), asking.decide(item, "approve")
    )
    assert ended["outcome"] == "applied"
    assert got["outcome"] in ("applied", "rejected")
    assert inbox.get_item(item["item_id"])["state"] in ("withdrawn", "unknown", "ran")


async def test_a_decision_in_the_middle_of_a_restart(asking):
    """It waits in the queue, and is taken up by the next worker; so are deadlines and rules."""
    item = await asking.asking()
    timed = await asking.asking("b", expires_in_s=0.5)
    first = await asking.asking("c", times=2)
    await asking.decide(first, "approve", remember={"scope": "type", "anything": True})
    await asking.stop()
    action_id = await asking.ask(queue_imp.inbox_decide, item["item_id"], "ann", "approve")
    await asking.start("start-2")
    assert json.loads(asking.state()["waits"] or "{}").get("kind") in (None, "approval")
    assert (await asking.receipt(action_id))["outcome"] == "applied"
    await asking.until_state(item["item_id"], "ran")
    await asking.until_state(timed["item_id"], "expired")
    assert asking.agent().state.done == [{"text": "hello"}]
    assert len(asking.inbox.rules) == 1


async def test_an_applied_decision_that_was_not_marked_is_not_applied_again(asking):
    """The worker died between the commit and the mark: the receipt is what the log says."""
    item = await asking.asking()
    session = asking.sessions.live["a"]
    got = await asking.decide(item, "approve", action_id="once")
    await until_async(lambda: "once" not in session.unmarked, "the mark")
    session.unmarked["once"] = got["applied_seq"]
    action = decision_about(item, "ann", "approve", action_id="once")
    again = await inbox_decide(Context(asking.sessions, None, asking._reload), QueuedAction(action))
    assert again == Applied(got["applied_seq"])


async def test_a_paused_session_takes_decisions_and_acts_when_it_goes_on(asking):
    """Clocks stand and nothing is made while it is paused."""
    item = await asking.asking()
    await asking.do(queue_imp.agent_pause_action, "a", "ann")
    assert (await asking.decide(item, "approve"))["outcome"] == "applied"
    assert asking.agent().state.done == []
    await asking.do(queue_imp.agent_resume_action, "a", "ann")
    await asking.until_state(item["item_id"], "ran")


async def test_many_decisions_are_one_append_and_a_receipt_each(asking):
    """Decided over a filter: each has its own outcome, also where one was decided before."""
    for agent_id in ("a", "b", "c"):
        await asking.asking(agent_id)
    await asking.asking("d", tool="other")
    items = queue_imp.inbox_items(tool="write_note")
    await asking.decide(items[0], "reject")
    action_ids = await asking.ask(queue_imp.inbox_decide_many, items, "ann", "approve")
    outcomes = [(await asking.receipt(each))["outcome"] for each in action_ids]
    assert outcomes == ["rejected", "applied", "applied"]
    assert [item["tool"] for item in queue_imp.inbox_items()] == ["other"]


async def test_high_risk_is_approved_alone(asking):
    """Not together with others, which are not sent either; rejected it is as all others."""
    await asking.asking("a")
    high = await asking.asking("b", risk="high")
    items = queue_imp.inbox_items()
    with pytest.raises(ActionError, match=f"{high['item_id']} is of high risk: it is decided"):
        await asyncio.to_thread(queue_imp.inbox_decide_many, items, "ann", "approve")
    assert len(queue_imp.inbox_items()) == 2
    [action_id] = await asking.ask(queue_imp.inbox_decide_many, [high], "ann", "reject")
    assert (await asking.receipt(action_id))["outcome"] == "applied"


async def test_a_rule_decides_from_then_on_until_it_is_revoked(asking):
    """An approval that is remembered lets the same call go without asking, in its scope alone."""
    argv = {"argv": ["git", "status"]}
    item = await asking.asking(args=argv, argv=argv["argv"], times=2)
    await asking.decide(item, "approve", remember={"scope": "type"})
    await until_async(lambda: asking.agent().state.heard == ["approve", "rule allow"], "the rule")
    assert len(asking.agent().state.done) == 2
    got = await asking.do(
        queue_imp.agent_create, "b", "ann", agent_type="asking",
        config={"args": argv, "argv": argv["argv"]},
    )  # fmt: skip
    assert got["outcome"] == "applied"
    await until_async(lambda: asking.agent("b").state.heard == ["rule allow"], "the rule")
    [rule] = approval_rules.list_rules()
    assert inbox.get_item(item["item_id"])["rule_id"] == rule["rule_id"]
    assert (await asking.do(queue_imp.rule_revoke, rule["rule_id"], "bob"))["outcome"] == "applied"
    got = await asking.do(queue_imp.rule_revoke, rule["rule_id"], "bob")
    assert "no rule" in got["error"]
    assert (await asking.asking("c", args=argv, argv=argv["argv"]))["state"] == "asked"


@pytest.mark.parametrize("beside", [{"stdin": "rm -rf *"}, {"cwd": "elsewhere"}])
async def test_a_remembered_command_is_remembered_with_its_input_and_its_folder(asking, beside):
    """The call as it stands, with what it was given; another input, or one at all, asks again."""
    plain = {"args": {"argv": ["cat"]}, "argv": ["cat"]}
    given = {"args": {"argv": ["cat"], **beside}, "argv": ["cat"]}
    await asking.decide(await asking.asking(**plain), "approve", remember={"scope": "type"})
    item = await asking.asking("b", **given)
    await asking.decide(item, "approve", remember={"scope": "type"})
    await asking.do(queue_imp.agent_create, "c", "ann", agent_type="asking", config=given)
    await until_async(lambda: asking.agent("c").state.heard == ["rule allow"], "the rule")
    other = {"argv": ["cat"], "stdin": "another"}
    assert (await asking.asking("d", args=other, argv=["cat"]))["state"] == "asked"


async def test_deny_wins_and_forbids_an_approval(asking):
    """A rejection that is remembered denies; no approval passes it before it is revoked."""
    waiting = await asking.asking("w")
    item = await asking.asking(times=2)
    await asking.decide(item, "reject", remember={"scope": "type"})
    await until_async(lambda: asking.agent().state.heard == ["reject", "rule deny"], "the rule")
    got = await asking.decide(waiting, "approve")
    assert "revoke the rule first" in got["error"]


@pytest.mark.parametrize(
    ("config", "remember", "why"),
    [
        ({"risk": "high"}, {}, "a call of high risk is never remembered"),
        ({"shell": True}, {}, "a shell line or a command that runs another is never"),
        ({"outward": True, "outside": True}, {}, "a call of high risk is never remembered"),
        ({"argv": ["ls"]}, {"anything": True}, "name the argv"),
        ({"argv": ["bash", "x"]}, {"argv": ["bash"], "more": True}, "any command may follow"),
        ({"argv": ["ls", "-l"], "args": {}}, {"argv": ["cat"]}, "would not hold for the call"),
        ({"hosts": ["evil.com"]}, {"hosts": ["\uff45vil.com"]}, "as in evil.com"),
        ({"paths": ["a/b"]}, {"paths": ["c/**"]}, "would not hold for the call"),
        (
            {"argv": ["cat"], "args": {"argv": ["cat"], "stdin": "x"}},
            {"argv": ["cat"]},
            "without stdin",
        ),
    ],
)
async def test_what_is_never_remembered(asking, config, remember, why):
    """The decision is refused as a whole: nobody believes in a rule that is not there."""
    item = await asking.asking(**config)
    got = await asking.decide(item, "approve", remember={"scope": "session", **remember})
    assert got["outcome"] == "rejected"
    assert why in got["error"]
    assert inbox.get_item(item["item_id"])["state"] == "asked"
    assert approval_rules.list_rules() == []
    assert (await asking.decide(item, "approve"))["outcome"] == "applied"


async def test_agents_that_ask_nothing_refuse(asking):
    """The hook of an agent's base refuses, and the item stays as it was."""
    item = await asking.asking()
    asking.agent().state.pending.item_id = "another"
    got = await asking.decide(item, "approve")
    assert "not what is waited for" in got["error"]
    assert inbox.get_item(item["item_id"])["state"] == "asked"


async def test_the_last_decisions_like_it(asking):
    """Five, the newest first, of people alone."""
    for number in range(7):
        item = await asking.asking(f"s{number}")
        await asking.decide(item, "approve" if number % 2 else "reject", reason=str(number))
    expired = await asking.asking("e", expires_in_s=0.05)
    await asking.until_state(expired["item_id"], "expired")
    open_item = await asking.asking("o")
    like = inbox.list_decided_like("approval", "write_note", open_item["item_id"])
    assert [row["reason"] for row in like] == ["6", "5", "4", "3", "2"]


async def test_figures(asking):
    """Open items by kind, the age of the oldest, decisions by kind."""
    item = await asking.asking()
    await asking.asking("q", kind="question", tool="ask_person")
    figures = asking.inbox.figures()
    assert figures.open == {"approval": 1, "question": 1}
    assert 0 < figures.oldest_s < 20
    await asking.decide(item, "approve")
    assert asking.inbox.figures().decided == {("approval", "approve"): 1}


async def test_an_item_that_is_too_large_fails_the_tick(asking):
    """It is told what to do, and nothing is asked."""
    await asking.do(
        queue_imp.agent_create, "a", "ann", agent_type="asking",
        config={"args": {"text": "x" * 200_000}},
    )  # fmt: skip
    row = await asking.until_row("error")
    assert "Keep what is large in a file" in row["error"]
    assert queue_imp.inbox_items() == []


async def test_what_a_destroyed_session_asked_is_asked_again(asking):
    """A restore opens its items and holds its rules, and the decision leads on as it would have."""
    first = await asking.asking("b", times=2)
    await asking.decide(first, "approve", remember={"scope": "session", "anything": True})
    await asking.until_state(first["item_id"], "ran")
    item = await asking.asking()
    for each in ("a", "b"):
        await asking.do(queue_imp.agent_destroy_action, each, "ann")
    assert inbox.get_item(item["item_id"])["state"] == "withdrawn"
    for each in ("a", "b"):
        got = await asking.do(queue_imp.agent_restore_action, each, "ann")
        assert got["outcome"] == "applied", got["error"]
    assert len(asking.inbox.rules) == 1
    assert approval_rules.list_rules()[0]["revoked_by"] is None
    [again] = queue_imp.inbox_items()
    assert again["item_id"] == item["item_id"]
    assert json.loads(asking.state()["waits"])["kind"] == "approval"
    assert (await asking.decide(again, "approve"))["outcome"] == "applied"
    await asking.until_state(item["item_id"], "ran")
