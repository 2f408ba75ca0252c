"""Personas of which only the tick is tested: a conversation in memory, and a scripted model."""

import asyncio
from types import SimpleNamespace

import orjson

from agent_core.agent.results import StepResult
from agent_core.agent.services import Services
from agent_core.conversations.conversations import Conversations
from agent_core.conversations.message import Message
from agents_impl.persona.agent import PersonaAgent, PersonaConfig
from reins.llm import Completion, Model
from store.times import now_us


class ScriptedModel(Model):
    """Answers from a list, then with what all say; keeps what it was asked."""

    def __init__(self, *answers, otherwise="Well."):
        self.answers, self.otherwise, self.asked = list(answers), otherwise, []
        self.streamed = []
        self.called = asyncio.Event()
        self.held: asyncio.Event | None = None

    async def stream(self, function, schema=None, **arguments):
        self.streamed.append(function)
        return await self.call(function, **arguments)

    async def call(self, function, schema=None, **arguments):
        self.asked.append((function, arguments))
        self.called.set()
        if self.held is not None:
            await self.held.wait()
        answer = self.answers.pop(0) if self.answers else self.otherwise
        if isinstance(answer, Exception):
            raise answer
        return Completion(answer, 3, 4, 1.0, 1, "scripted", demonstration=False)

    def last(self, function="PersonaReply"):
        """The arguments of the newest call of it, its messages taken apart."""
        arguments = next(a for name, a in reversed(self.asked) if name == function)
        return arguments | {"messages": [orjson.loads(each) for each in arguments["messages"]]}

    def calls(self, function):
        return sum(name == function for name, _ in self.asked)


class Room:
    """One conversation, without a store."""

    def __init__(self, *answers):
        self.model = ScriptedModel(*answers)
        self.conversations = Conversations(None)
        self.conversation = self.conversations.get("c")
        self.conversation._loaded = True

    def persona(self, name="Cy", services=(), **config):
        session_id = name.casefold()
        services = Services(self.conversations, *services)
        services._services[Model] = self.model
        session = SimpleNamespace(
            session_id=session_id, agent_id=session_id, created_at=1_000, iteration=0, failures=0,
            clock=now_us,
            mailbox=SimpleNamespace(wake=lambda: None),
            scope=SimpleNamespace(ticking=False, abort=lambda why: None),
        )  # fmt: skip
        made = PersonaAgent(
            session=session,
            config=PersonaConfig(**{"name": name, "conversation_id": "c", **config}),
            services=services,
        )
        session.agent = made
        self.conversation.admit(session_id, name)
        return made

    async def say(self, text="What do you think?", author="ann", session_id=None):
        """A person says something; with a `session_id`, another agent does."""
        said = Message(self.conversation.newest + 1, author, session_id, text)
        async with self.conversation._writing(said):
            pass

    async def others_say(self, count, text="So it is."):
        for _ in range(count):
            await self.say(text, "Di", "di")

    async def tick(self, persona):
        """One tick, and what its chassis does around it: what is said is in the transcript."""
        try:
            result = await persona.tick()
            if isinstance(result, StepResult) and result.payload["spoke"]:
                await self.say(result.text, persona.name, persona.member_id)
                persona.session.iteration += 1
        finally:
            self.conversation.floor.release(persona)
        return result

    async def guide(self, persona, raw):
        return await persona.guide(persona.parse_guidance(raw))


def rested(persona, seconds):
    """It spoke this long ago."""
    persona.state.spoke_at = now_us() - int(seconds * 1_000_000)


def reason(result):
    """Why a tick's row says that it was silent; None if it spoke."""
    assert isinstance(result, StepResult), result
    if result.payload["spoke"]:
        return None
    assert result.text.startswith("silent: ")
    return result.payload["reason"]
