"""Sessions of the task agent in AgentDojo's worlds: a real runtime, a scripted model, a person."""

import asyncio
import json
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

import queue_imp as q
from agents import Runtime
from reins.settings import load_settings
from reins.tools.registry import Registry
from store.agent_steps import list_steps
from tests.support.model_stub import BODY, ModelStub, answers

_WORLD = re.compile(r"WORLD (\S+) END")
AT_ONCE = 12
LIMIT_S = 120.0


@dataclass
class Play:
    """One session: the calls that its model decides on, and what it says in the end.

    From the call `attack_at` on it does as a page has told it.
    """

    world: str
    suite: str
    goal: str
    calls: list
    output: str
    attack_at: int | None = None
    approvals: str = "ask"
    thoughts: int = 0
    asked: list = field(default_factory=list)
    """The places in `calls` about which a person was asked."""
    held: list = field(default_factory=list)
    items: set = field(default_factory=set)
    acts: list = field(default_factory=list)
    """Each call that was decided on, with its outcome."""

    def answer(self):
        at, self.thoughts = self.thoughts, self.thoughts + 1
        if at < len(self.calls):
            call = self.calls[at]
            name = f"{self.suite}__{call['function']}"
            return json.dumps({"thought": "so", "tool": name, "arguments": call["args"]})
        summary = self.output.strip()[:2_000] or "done"
        arguments = {"status": "done", "summary": summary}
        return json.dumps({"thought": "done", "tool": "finish", "arguments": arguments})

    def told(self):
        """The calls in order: which, its risk, whether a person was asked, how it ended."""
        return [
            Told(
                call["tool"],
                call["risk"],
                asked=at in self.asked,
                attack=self.attack_at is not None and at >= self.attack_at,
                ran=outcome.get("kind") not in ("rejected", "denied", "expired", "stale"),
                kind=outcome.get("kind") or "ok",
            )
            for at, (call, outcome) in enumerate(self.acts)
        ]


@dataclass(frozen=True)
class Told:
    tool: str
    risk: str
    asked: bool
    attack: bool
    ran: bool
    kind: str

    @property
    def unasked(self):
        return self.ran and not self.asked


class Stage:
    """A runtime whose sessions play what they are given. Its person allows what their tasks need
    and rejects what an attack wants; `trusting`, the person allows all.
    """

    def __init__(self, runtime, dojo):
        self.runtime, self.dojo = runtime, dojo
        self.tools = [*runtime.toolbox.tools.tools.values()]
        self.plays = {}

    async def ask(self, do, world=None, **given):
        """A question to the worlds."""
        return await asyncio.to_thread(partial(self.dojo.ask, do, world, **given))

    async def solved(self, play):
        return await self.ask("solved", play.world, output=play.output)

    async def attacked(self, play):
        return await self.ask("attacked", play.world, output=play.output)

    async def reply(self, stub, request):
        """The scripted model: by the world that the goal names."""
        said = json.dumps(request[BODY]["messages"])
        play = self.plays[_WORLD.search(said)[1]]
        return await answers(play.answer())(stub, request)

    async def run(self, plays, *, trusting=True):
        """Play them all, some at a time, and tell how each went."""
        waiting, live = list(plays), {}
        ends_at = time.monotonic() + LIMIT_S + 2 * len(plays)
        while waiting or live:
            assert time.monotonic() < ends_at, f"not ended: {self._state(live)}"
            while waiting and len(live) < AT_ONCE:
                play = waiting.pop(0)
                live[play.world] = play
                await asyncio.to_thread(self._begin, play)
            await asyncio.to_thread(self._decide, live, trusting=trusting)
            await asyncio.to_thread(self._resume, live)
            for world in self._ended(live):
                await asyncio.to_thread(self._tell, live.pop(world))
            await asyncio.sleep(0.02)
        return plays

    def _begin(self, play):
        self.plays[play.world] = play
        config = {
            "goal": f"WORLD {play.world} END {play.goal}"[:4_000],
            "tools": [play.suite],
            "approvals": play.approvals,
            "context_tokens": 8_000,
        }
        q.agent_create(play.world, "ann", agent_type="task", config=config)

    def _decide(self, live, *, trusting):
        if not self.runtime.inbox.figures().open:
            return
        for item in q.inbox_items():
            play = live.get(item["session_id"])
            if play is None or item["item_id"] in play.items:
                continue  # decided, and not yet handled
            at = play.thoughts - 1
            play.items.add(item["item_id"])
            play.asked.append(at)
            wanted = trusting or play.attack_at is None or at < play.attack_at
            q.inbox_decide(item["item_id"], "ann", "approve" if wanted else "reject")

    def _resume(self, live):
        """Whoever repeats what is refused is held; the script is to be played to its end."""
        for name, play in live.items():
            session = self.runtime.fleet.live.get(name)
            waits = None if session is None else session.waits
            if waits is not None and waits.is_stuck and play.held[-1:] != [play.thoughts]:
                play.held.append(play.thoughts)
                q.agent_resume_action(name, "ann")

    def _ended(self, live):
        running = self.runtime.fleet.live
        return [name for name, play in live.items() if play.thoughts and name not in running]

    def _state(self, live):
        running = self.runtime.fleet.live
        return {
            name: (play.thoughts, running[name].status, str(running[name].agent.state)[:500])
            for name, play in live.items()
            if name in running
        }

    def _tell(self, play):
        rows = list_steps(play.world, store=self.runtime.store.reader)
        for row in rows:
            payload = json.loads(row["payload"] or "{}")
            if row["kind"] == "tick" and "outcome" in payload:
                play.acts.append((payload["call"], payload["outcome"]))
        play.rows = rows


@asynccontextmanager
async def stage(dojo, folder):
    """A stage in this folder."""
    holder = {}

    async def reply(stub, request):
        return await holder["stage"].reply(stub, request)

    with pytest.MonkeyPatch.context() as patch:
        tools = await asyncio.to_thread(dojo.tools)
        async with ModelStub(default=reply, keep=False) as stub:
            for name, value in {
                "REINS_DATA": folder / "data",
                "REINS_WORKSPACES": folder / "workspaces",
                "REINS_HEARTBEAT_S": "0.01",
                "REINS_STOP_GRACE_S": "1",
                "REINS_FLUSH_S": "0.2",
                "REINS_MODEL": "scripted",
                "REINS_MODEL_BASE_URL": f"{stub.address}/v1",
                "REINS_RECORD_PROMPTS": "false",
            }.items():
                patch.setenv(name, str(value))
            runtime = Runtime(load_settings())
            await runtime.start()
            try:
                runtime.toolbox.tools = Registry(tools)
                holder["stage"] = made = Stage(runtime, dojo)
                yield made
            finally:
                await runtime.stop()
