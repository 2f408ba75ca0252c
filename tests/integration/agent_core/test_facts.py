"""Facts of agents and people: on record with the call, seen by whom they are for, taken back."""

import asyncio
import json

import pytest

import queue_imp as q
import reins.facts.acting  # noqa: F401 - hands its handlers in
from reins.facts.facts import Facts
from reins.tools.builtin import facts as tools
from reins.tools.registry import Registry
from reins.tools.tool import Tool
from reins.tools.toolbox import Toolbox
from store.facts import list_facts, newest_facts
from tests.integration.agent_core.tasking import Tasks
from tests.support import data_folder
from tests.support.handiwork import answer, finished


class Knowing(Tasks):
    def __init__(self, folder, *answers):
        super().__init__(folder, *answers)
        own = [each for each in vars(tools).values() if isinstance(each, Tool)]
        self.toolbox = Toolbox(Registry([*self.hands.registry.tools.values(), *own]))

    def more(self, store):
        self.facts = Facts(store)
        return (self.facts,)

    async def said(self, *answers, agent_id="a", session_id="a", **config):
        """The texts of the outcomes of these calls, in a new session."""
        self.model.answers += [*answers, finished()]
        before = len(self.log(session_id))
        config = {"goal": "know", "tools": ["test", "facts"], "max_iterations": 30} | config
        got = await self.do(
            q.agent_create, agent_id, "ann", agent_type="task", session_id=session_id,
            config=config,
        )  # fmt: skip
        assert got["outcome"] == "applied", got
        await self.until_row("final", session_id=session_id)
        rows = [json.loads(row["payload"] or "{}") for row in self.log(session_id)[before:]]
        return [each["outcome"]["text"] for each in rows if "outcome" in each]

    async def applied(self, helper, *args, **more):
        got = await self.do(helper, *args, **more)
        assert got["outcome"] == "applied", got
        return got

    async def refused(self, helper, *args, **more):
        got = await self.do(helper, *args, **more)
        assert got["outcome"] == "rejected", got
        return got["error"]

    def rows(self, **match):
        return list_facts(store=self.store.reader, **match)


@pytest.fixture
async def knowing(data):
    made = Knowing(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


def known(name, *parts, **more):
    return answer("remember_fact", subject=name, relation=parts[0], object=parts[1], **more)


def about(name, **more):
    return [
        (each["subject"], each["relation"], each["object"])
        for each in q.facts_about(name, **more)["facts"]
    ]


async def test_a_task_remembers_ends_and_retracts(knowing):
    """Each with the row of its call, told as what is true, what was, and on whose word."""
    said = await knowing.said(
        known("Ann", "works at", "Elm Ltd", valid_from="2019", functional=True, source="Mara"),
        known("Ann", "works at", "Oak Ltd", valid_from="2024-03-01", document="doc 1"),
        known("Oak Ltd", "is in", "Bonn", confidence=0.5),
        answer("about", name="ann"),
        answer("about", name="Ann", true_at="2020"),
        answer("about", name="Ann", history=True),
        answer("neighbours", name="Oak Ltd"),
        answer("paths", start="Ann", goal="bonn"),
        answer("paths", start="Elm Ltd", goal="Bonn", steps=1),
    )
    rows = knowing.rows(session_id="a")
    first, second, third = [row["fact_id"] for row in rows if row["relation"] != "is a"]
    assert f"this ends {first}" in said[1]
    assert said[3] == f"Ann · works at · Oak Ltd; 2024-03-01 to …; says doc 1; id {second}"
    old = f"Ann · works at · Elm Ltd; 2019-01-01 to 2024-03-01; says Mara; id {first}"
    assert said[4] == old
    assert said[5].splitlines() == [said[3], old]
    where = f"Oak Ltd · is in · Bonn; confidence 0.5; says a; id {third}"
    assert said[6].splitlines() == [where, said[3]]
    assert said[7].splitlines() == [said[3], where]
    assert said[8] == "[no chain of 1 facts leads there]"
    calls = [(call["key"], outcome) for call, outcome in knowing.acts()]
    by_call = {row["call_id"]: row["seq"] for row in rows}
    assert list(by_call) == [key for key, _ in calls[:3]]
    logged = {row["seq"]: json.loads(row["payload"] or "{}") for row in knowing.log()}
    assert [logged[seq]["call"]["key"] for seq in by_call.values()] == list(by_call)
    assert logged[by_call[calls[0][0]]]["facts"]["did"][-1] == "fact: Ann · works at · Elm Ltd"


async def test_a_call_that_fails_leaves_nothing(knowing):
    """What is not there, is no time or has no room in time; the result says what would do."""
    said = await knowing.said(
        answer("end_fact", fact_id="nothing"),
        answer("about", name="nobody"),
        known("Ann", "works at", "Elm", valid_from="soon"),
        known("Ann", "works at", "Elm", valid_from="2020", valid_to="2019"),
        answer("retract_fact"),
        answer("retract_fact", source="nobody"),
        known("Ann", "not alias of", "Anna"),
        answer("why", fact_id="nothing"),
    )
    words = ("there is no fact 'nothing'", "nothing is known of 'nobody'", "expected a time",
             "expected an end", "either fact_id or source", "is not the source",
             "is decided by people", "there is no fact")  # fmt: skip
    assert [word in text for word, text in zip(words, said, strict=True)] == [True] * len(words)
    assert knowing.rows() == []


async def test_who_sees_what(knowing):
    """A session's facts are its own, an agent's are for its later sessions, shared ones for all."""
    await knowing.said(
        known("own", "r", "x"),
        known("agents", "r", "x", scope="agent"),
        known("everybodys", "r", "x", scope="shared"),
    )
    names = ("own", "agents", "everybodys")
    asks = [answer("about", name=name) for name in names]
    same = await knowing.said(*asks, session_id="b")
    assert ["nothing is known" in text for text in same] == [True, False, False]
    other = await knowing.said(*asks, agent_id="c", session_id="c")
    assert ["nothing is known" in text for text in other] == [True, True, False]
    assert about("everybodys") == [("everybodys", "r", "x")]
    assert about("agents", agent_id="a") == [("agents", "r", "x")]
    assert about("own", agent_id="a", session_id="a") == [("own", "r", "x")]
    for more in ({}, {"agent_id": "a"}):
        with pytest.raises(ValueError, match="nothing is known of 'own'"):
            about("own", **more)


async def test_a_retracted_source_takes_along_what_rests_on_it_alone(knowing):
    """Whoever holds it; what another source says, too, stands on its word, and all comes back."""
    await knowing.said(
        known("Ann", "lives in", "Bonn", source="Mara", scope="shared"),
        known("Ann", "lives in", "Bonn", source="Bob", scope="shared"),
        known("Ann", "owns", "a boat", source="Mara"),
    )
    first, second, _ = [row["fact_id"] for row in knowing.rows()]
    assert q.fact_why(first)["also_said"][0]["fact_id"] == second
    got = await knowing.applied(q.fact_retract, "ann", source="Mara", text="she made it up")
    assert got["applied_seq"] == 2
    assert [each["source"] for each in q.facts_about("Ann")["facts"]] == ["Bob"]
    assert about("Ann", session_id="a", agent_id="a") == [("Ann", "lives in", "Bonn")]
    told = q.fact_why(first)
    assert told["retracted"]
    assert [(each["op"], each["actor"], each["text"]) for each in told["changes"]] == [
        ("retract", "ann", "she made it up")
    ]
    assert "not the source" in await knowing.refused(q.fact_retract, "ann", source="Mara")
    assert (await knowing.applied(q.fact_restore, "bob", source="Mara"))["applied_seq"] == 2
    assert len(about("Ann", session_id="a", agent_id="a")) == 3


async def test_people_assert_end_retract_and_restore(knowing):
    """On record as theirs; the fact's id is the action's; what cannot be is rejected."""
    got = await knowing.applied(
        q.fact_remember, "Elm Ltd", "is in", "Bonn", "ann", valid_from="2019-05", functional=True,
        text="said on the phone",
    )  # fmt: skip
    fact_id = got["action_id"]
    told = q.fact_why(fact_id)
    assert (told["source"], told["from"]["actor"], told["text"]) == (
        "ann", "ann", "said on the phone",
    )  # fmt: skip
    assert "would end at" in await knowing.refused(q.fact_end, fact_id, "bob", "2018")
    await knowing.applied(q.fact_end, fact_id, "bob", "2021-01-01", "they moved")
    assert about("Elm Ltd") == []
    assert about("Elm Ltd", true_at="2020") == [("Elm Ltd", "is in", "Bonn")]
    await knowing.applied(q.fact_restore, "ann", fact_id)
    assert about("Elm Ltd") == [("Elm Ltd", "is in", "Bonn")]
    assert "nothing to restore" in await knowing.refused(q.fact_restore, "ann", fact_id)
    newer = await knowing.applied(q.fact_remember, "Elm Ltd", "is in", "Köln", "ann")
    assert q.fact_why(fact_id)["ended_by"] == newer["action_id"]
    await knowing.applied(q.fact_retract, "bob", newer["action_id"])
    assert about("Elm Ltd") == [("Elm Ltd", "is in", "Bonn")]
    for helper, args, words in (
        (q.fact_end, ("nothing", "ann"), "there is no fact"),
        (q.fact_remember, ("a", "alias of", "b", "ann"), "alias_decide"),
        (q.fact_remember, ("a", "r", "b", "ann"), "no session"),
    ):
        more = {"scope": "session", "agent_id": "gone"} if words == "no session" else {}
        assert words in await knowing.refused(helper, *args, **more)
    newest = newest_facts(store=knowing.store.reader, containing="KÖLN")
    assert [row["fact_id"] for row in newest] == [newer["action_id"]]


async def test_two_names_are_joined_by_people_alone(knowing):
    """Near names are proposed, an agent's word is a proposal, too; a decision is a fact."""
    said = await knowing.said(
        known("Mara Schmidt", "works at", "Elm Ltd", scope="shared"),
        known("Mara Schmitt", "owns", "a boat", scope="shared"),
        known("Mara Schmidt", "alias of", "M. Schmitt", scope="shared"),
        answer("about", name="Mara Schmidt"),
    )
    assert "Mara Schmitt may be Mara Schmidt" in said[1]
    assert "a person decides" in said[2]
    assert "works at" in said[3]
    assert "boat" not in said[3]
    assert q.facts_about("Mara Schmidt")["near"] == ["Mara Schmitt"]
    same = await knowing.applied(q.alias_decide, "Mara Schmidt", "mara schmitt", "ann", "same")
    assert q.facts_about("Mara Schmidt")["names"] == ["Mara Schmidt", "Mara Schmitt"]
    assert ("Mara Schmitt", "owns", "a boat") in about("mara schmidt")
    assert "decided already" in await knowing.refused(
        q.alias_decide, "Mara Schmitt", "Mara Schmidt", "ann", "same"
    )
    await knowing.applied(q.alias_decide, "Mara Schmitt", "Mara Schmidt", "bob", "different")
    assert q.facts_about("Mara Schmidt")["names"] == ["Mara Schmidt"]
    assert q.facts_about("Mara Schmidt")["near"] == []
    assert q.fact_why(same["action_id"])["retracted"]


async def test_facts_go_on_after_a_restart(knowing):
    """The view is the fold of the rows; a second life of a session knows nothing of the first."""
    await knowing.said(known("Ann", "r", "x", scope="shared"), known("Ann", "r", "y"), finished())
    before = q.facts_about("Ann", agent_id="a", session_id="a")
    await knowing.stop()
    other = Knowing(knowing.folder)
    await other.start("start-2")
    knowing.stop, knowing.store = other.stop, other.store
    assert q.facts_about("Ann", agent_id="a", session_id="a") == before
    fact_id = before["facts"][-1]["fact_id"]
    await other.applied(q.fact_end, fact_id, "ann")
    said = await other.said(answer("about", name="Ann"), agent_id="b", session_id="b")
    assert said == ["[nothing is true of it then; history tells what was]"]
    assert other.facts.figures().reads >= 1
