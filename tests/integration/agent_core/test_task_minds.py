"""Minds of tasks: their tools remember with the row of the call's result, or not at all."""

import asyncio

import pytest

import queue_imp as q
from reins.tools.builtin.memory import forget, recall, remember, restore
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from tests.integration.agent_core.tasking import Tasks
from tests.support import data_folder
from tests.support.handiwork import answer, finished
from tests.support.minds import folded
from tests.support.waiting import until_async


class Minds(Tasks):
    def __init__(self, folder, *answers):
        super().__init__(folder, *answers)
        tools = [*self.hands.registry.tools.values(), remember, recall, forget, restore]
        self.toolbox = Toolbox(Registry(tools))

    async def until_said(self, *answers, **config):
        """The texts of the outcomes of these calls."""
        self.model.answers += [*answers, finished()]
        await self.task(tools=["test", "memory"], **config)
        await self.until_row("final")
        return [outcome["text"] for _, outcome in self.acts()]

    def folded(self):
        return folded("a", self.store.reader)


@pytest.fixture
async def tasks(data):
    made = Minds(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_a_task_remembers_forgets_and_restores(tasks):
    """Each is a version on record with the row of its result; thoughts see what is remembered."""
    said = await tasks.until_said(
        answer("remember", key="house", text="Elm Street 3"),
        answer("remember", key="house", text="Oak Street 4"),
        answer("recall", key="house"),
        answer("forget", key="house"),
        answer("restore", key="house", version=1),
        answer("recall"),
    )
    assert said == [
        "kept under 'house'", "kept under 'house'", "Oak Street 4", "forgotten", "Elm Street 3",
        "house: Elm Street 3",
    ]  # fmt: skip
    evidence, memories = tasks.folded()
    assert evidence == []
    assert [(row["kind"], row["version"]) for row in memories] == [
        ("put", 1), ("put", 2), ("forget", 3), ("restore", 4),
    ]  # fmt: skip
    keys = [call["key"] for call, _ in tasks.acts() if call["tool"] != "recall"]
    assert [row["call_id"] for row in memories] == keys
    facts = [arguments["facts"] for _, arguments in tasks.model.asked]
    assert facts[0] == facts[4] == []
    assert facts[2] == ["remembered under 'house': Oak Street 4"]
    assert facts[-1] == ["remembered under 'house': Elm Street 3"]


async def test_a_call_that_fails_leaves_nothing(tasks):
    """What is too long, and what is not there; the result says what would do."""
    said = await tasks.until_said(
        answer("remember", key="long", text="ü" * 3_000),
        answer("forget", key="nothing"),
        answer("restore", key="nothing"),
        answer("remember", key="nothing", text=""),
    )
    assert "6,000 bytes of at most 4,000" in said[0]
    assert "nothing is kept under 'nothing'; kept: nothing" in said[1]
    assert "nothing" in said[2]
    assert said[3] == "nothing was kept there"
    assert tasks.folded() == ([], [])


async def test_a_full_mind_leaves_older_versions_to_their_rows_and_then_refuses(tasks):
    """A key that is written over and over has room; more keys than fit are refused, and told."""
    over = [answer("remember", key="k", text=f"{n}" + "x" * 3_900) for n in range(6)]
    more = [answer("remember", key=f"k{n}", text="x" * 3_900) for n in range(4)]
    said = await tasks.until_said(*over, *more, max_iterations=20)
    assert said[:9] == [*["kept under 'k'"] * 6, *[f"kept under 'k{n}'" for n in range(3)]]
    assert "the mind of a session holds 16,384 bytes" in said[9]
    facts = tasks.model.asked[-1][1]["facts"]
    shown = [line.partition(":")[0] for line in facts]
    assert shown == [f"remembered under {key!r}" for key in ("k2", "k1", "k0", "k")]


async def test_a_person_believes_in_a_task_and_takes_it_back(tasks):
    """Guidance of the same words as for a plan, over a restart."""
    tasks.model.answers += [answer("remember", key="k", text="v"), *[answer("look")] * 200]
    await tasks.task(tools=["test", "memory"])
    await tasks.until_row("tick")
    tasks.model.held = asyncio.Event()
    word = {"type": "believe", "claim": "price is right"}
    said = await tasks.do(q.agent_interrupt, "a", "ann", word, mode="now")
    row = next(row for row in tasks.log() if row["seq"] == said["applied_seq"])
    assert row["text"] == "price is right: 0.50 → 0.73"
    await tasks.stop()
    other = Minds(tasks.folder, answer("look"))
    other.model.held = asyncio.Event()
    await other.start("start-2")
    tasks.stop = other.stop  # the fixture's
    await other.model.thinking.wait()  # what comes before the tick begins is not left waiting
    asked = await other.ask(q.guidance_undo, said["action_id"], "bob")
    await until_async(lambda: other.sessions.live["a"].mailbox, "it has arrived")
    other.model.held.set()
    undone = await other.receipt(asked)
    row = next(row for row in other.log() if row["seq"] == undone["applied_seq"])
    assert row["text"] == "undo: taken back: price is right: 0.73 → 0.50"
    evidence, memories = other.folded()
    assert [(each["kind"], each["actor"]) for each in evidence] == [
        ("evidence", "ann"), ("undo", "bob"),
    ]  # fmt: skip
    assert len(memories) == 1
