"""A persona's reply, as an effect of its tick: message and tick are one commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson

from agent_core.agent.effects import Prepared
from agent_core.conversations.conversation import Conversation
from agent_core.conversations.floor import Member


@dataclass(frozen=True, slots=True)
class ReplyEffect:
    """Writes one message with the tick's row, under the number that it gets at that moment.

    Overtaken where somebody has spoken after message number `seen`: the tick is then done again.
    """

    conversation: Conversation
    member: Member
    agent_id: str
    message_id: str
    seen: int
    text: str
    tone: str
    tick: int
    demonstration: bool

    @property
    def key(self) -> str:
        return f"conversation {self.conversation.conversation_id}"

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        async with self.conversation.reply(
            self.member,
            self.text,
            message_id=self.message_id,
            seen=self.seen,
            agent_id=self.agent_id,
            metadata=orjson.dumps(self._metadata()).decode(),
        ) as reply:
            if reply is None:
                yield None
            else:
                yield Prepared([reply.record], {"number": reply.number})

    def _metadata(self) -> dict[str, object]:
        """Where nothing but a demonstration answered, the message says so."""
        demonstration = {"demonstration": True} if self.demonstration else {}
        return {"tone": self.tone, "tick": self.tick, **demonstration}
