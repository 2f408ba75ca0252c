"""Panelists over a real store: asked once, steered, started anew, and asked by a parent."""

import asyncio
import json

import pytest

import queue_imp as q
from agent_core.agent.services import Services
from agent_core.children.children import Children
from agent_core.inbox.inbox import Inbox
from reins.llm import Completion, Model
from reins.tools.registry import Registry
from reins.tools.toolbox import Toolbox
from tests.integration.agent_core.conftest import Fleet
from tests.support import data_folder
from tests.support.waiting import until_async

MODULES = ("agents_impl.orchestrator.agent", "agents_impl.panelist.agent")
QUESTION = "Should cats vote?"
PANEL = {
    name: {"agent_type": "panelist", "config": {"name": name, "tone": tone}}
    for name, tone in {"Mara": "noir", "Finn": "pirate", "Odile": "poetic"}.items()
}


class Voices(Model):
    """Answers for panelists, each by name and tone, once it is let; plans a panel and sums up."""

    def __init__(self):
        self.asked, self.let = [], asyncio.Event()
        self.let.set()

    async def stream(self, function, schema=None, **arguments):
        self.asked.append((function, arguments))
        await self.let.wait()
        text = f"{arguments['name']}: Yes, says {arguments['name']}, {arguments['tone']}."
        return Completion(text, 3, 4, 1.0, 1, "scripted", demonstration=False)

    async def structured(self, function, shape, **arguments):
        self.asked.append((function, arguments))
        return Answered(shape(**self._value(function, arguments)))

    def _value(self, function, arguments):
        if function == "PlanTasks":
            names = [card.partition(":")[0] for card in arguments["workers"]]
            return {
                "tasks": [
                    {"id": f"t{n}", "worker": name, "brief": arguments["goal"], "acceptance": "ok"}
                    for n, name in enumerate(names, 1)
                ]
            }
        if function == "JudgeResult":
            return {"verdict": "accept", "reason": "it is an answer"}
        return {"status": "done", "summary": " / ".join(arguments["tasks"])}

    def calls(self, function="PanelistAnswer"):
        return [arguments for name, arguments in self.asked if name == function]


class Answered:
    def __init__(self, value):
        self.value = value


class Panel(Fleet):
    def __init__(self, folder):
        self.voices = Voices()
        super().__init__(folder, modules=MODULES)

    def make_parts(self, store):
        children, inbox = Children(), Inbox(store)
        self.services = Services(
            children, inbox, Toolbox(Registry({})), store.reader,
            per_session={Model: lambda _: self.voices},
        )  # fmt: skip
        self.parts = {"children": children, "inbox": inbox}

    async def panelist(self, name="mara", **config):
        config = {"name": "Mara", "tone": "noir", "goal": QUESTION} | config
        got = await self.do(q.agent_create, name, "ann", agent_type="panelist", config=config)
        assert got["outcome"] == "applied", got

    async def until_status(self, session_id, status):
        await until_async(
            lambda: (self.state(session_id) or {}).get("status") == status,
            f"{session_id} is {status}",
        )

    def result(self, session_id):
        return json.loads(self.log(session_id)[-1]["payload"])["result"]


@pytest.fixture
async def panel(data):
    made = Panel(data)
    await made.start()
    yield made
    await made.stop()
    await asyncio.to_thread(data_folder.verified, data)


async def test_it_answers_with_one_call_and_ends(panel):
    """Created, one tick, the end; the result has the report."""
    await panel.panelist()
    await panel.until_status("mara", "completed")
    assert panel.kinds("mara")[-2:] == ["tick", "final"]
    assert panel.kinds("mara").count("tick") == len(panel.voices.calls()) == 1
    result = panel.result("mara")
    assert result["output"] == "Yes, says Mara, noir."
    assert result["payload"] == {
        "status": "done", "goal": QUESTION, "summary": "Yes, says Mara, noir.", "files": [],
        "facts": [],
    }  # fmt: skip


async def test_guidance_while_it_asks_counts(panel):
    """The call is given up and made again, with the guidance; there is still one answer."""
    panel.voices.let.clear()
    await panel.panelist()
    await until_async(panel.voices.calls, "the model is asked")
    for guidance in ("tone pirate", "be brief"):
        got = await panel.do(q.agent_interrupt, "mara", "ann", guidance)
        assert got["outcome"] == "applied", got
    panel.voices.let.set()
    await panel.until_status("mara", "completed")
    last = panel.voices.calls()[-1]
    assert (last["tone"], last["instructions"]) == ("pirate", ["be brief"])
    assert panel.result("mara")["output"] == "Yes, says Mara, pirate."
    assert panel.kinds("mara").count("tick") == 1
    late = await panel.do(q.agent_interrupt, "mara", "ann", "be long")
    assert late["outcome"] == "rejected"


async def test_a_worker_that_starts_anew_asks_again(panel):
    """What was in flight left no row: the question is asked by the next one, with what it knew."""
    panel.voices.let.clear()
    await panel.panelist()
    await until_async(panel.voices.calls, "the model is asked")
    await panel.do(q.agent_interrupt, "mara", "ann", "be brief")
    await panel.stop(grace_s=0.0)
    panel.voices.let.set()
    await panel.start("start-2")
    await panel.until_status("mara", "completed")
    assert panel.voices.calls()[-1]["instructions"] == ["be brief"]
    assert panel.kinds("mara").count("tick") == 1


async def test_a_panel_is_asked_by_an_orchestrator(panel):
    """Three side by side, each in its own voice; each is judged, and the sum has all."""
    config = {"goal": QUESTION, "workers": PANEL, "share": False}
    got = await panel.do(q.agent_create, "panel", "ann", agent_type="orchestrator", config=config)
    assert got["outcome"] == "applied", got
    await panel.until_status("panel", "completed")
    began = [
        json.loads(row["payload"]).get("began") for row in panel.log("panel") if row["payload"]
    ]
    assert "began panel.t1.1, panel.t2.1, panel.t3.1" in began, "in one tick"
    assert {call["name"]: call["tone"] for call in panel.voices.calls()} == {
        "Mara": "noir", "Finn": "pirate", "Odile": "poetic",
    }  # fmt: skip
    assert {call["question"] for call in panel.voices.calls()} == {f"{QUESTION}\n\nAccepted if: ok"}
    assert len(panel.voices.calls("JudgeResult")) == 3
    report = panel.result("panel")["payload"]
    assert [(each["worker"], each["status"], each["summary"]) for each in report["tasks"]] == [
        ("Mara", "done", "Yes, says Mara, noir."),
        ("Finn", "done", "Yes, says Finn, pirate."),
        ("Odile", "done", "Yes, says Odile, poetic."),
    ]


async def test_a_panelist_without_a_name_is_refused_with_its_orchestrator(panel):
    """Before anything begins: the worker's configuration is checked."""
    workers = {"nobody": {"agent_type": "panelist"}}
    config = {"goal": QUESTION, "workers": workers}
    got = await panel.do(q.agent_create, "panel", "ann", agent_type="orchestrator", config=config)
    assert got["outcome"] == "rejected"
    assert "name" in got["error"]
