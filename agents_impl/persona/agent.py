"""An agent that takes part in a conversation, with a name and a tone, at its own pace."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from agent_core.agent.base import AgentRejectedError
from agent_core.agent.guidance import Understood
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import Quiet, StepResult
from agent_core.conversations.conversation import Conversation
from agent_core.conversations.conversations import Conversations
from agent_core.conversations.message import (
    ConversationEndedError,
    ConversationUnknownError,
    Message,
    NameTakenError,
)
from agent_core.session.controls import Control, Pause, Stop
from agents_impl.fitting import within
from agents_impl.persona.composing import BESIDE_TOKENS, MEMORIES, compose
from agents_impl.persona.context import Context
from agents_impl.persona.cooldown import Cooldown
from agents_impl.persona.manner import Order
from agents_impl.persona.models import (
    PERSONA_WORDS,
    PersonaConfig,
    PersonaGuidance,
    PersonaState,
    Reason,
    Silence,
)
from agents_impl.persona.reply import ReplyEffect
from agents_impl.persona.silence import NotNow, why_silent
from agents_impl.persona.speech import speech_of
from agents_impl.recalling import recalled_beyond
from reins.llm import Completion, Model
from reins.llm.tokens import BYTES_PER_TOKEN
from reins.remembering.recollection import Recalled
from store.journal.file import Record
from store.times import now_us

_DECIDED: tuple[Reason, ...] = ("own_last", "passed", "talkativeness")
"""What is newest is done with; after the other reasons it may still be answered."""
_CUES = 3
"""Messages by which memories are looked for, the newest."""
_NAMESPACE = uuid.UUID("6d9c2a52-3f1e-4c57-9a3e-0c7b7b7c1d10")


class PersonaAgent(LoopingAgentBase):
    """Replies to what others say in its conversation, when its turn has come.

    A decision is taken when there is something new; why it stays silent is in its log, once.
    """

    agent_type = "persona"
    Config = PersonaConfig
    State = PersonaState
    Guidance = PersonaGuidance
    words = PERSONA_WORDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conversation: Conversation = self.services.get(Conversations).get(
            self.config.conversation_id
        )
        self.cooldown = Cooldown()
        self._is_next = False
        self._recalled = Recalled()

    def first_state(self) -> PersonaState:
        return PersonaState(
            tone=self.config.tone,
            cooldown_s=self.config.cooldown_s,
            talkativeness=self.config.talkativeness,
        )

    # -- its place in the conversation

    @property
    def member_id(self) -> str:
        return self.session.session_id

    @property
    def name(self) -> str:
        return str(self.config.name)

    async def admit(self) -> Sequence[Record]:
        try:
            await self.conversation.load()
            self.conversation.admit(self.member_id, self.name)
        except (ConversationUnknownError, ConversationEndedError, NameTakenError) as error:
            raise AgentRejectedError(str(error)) from error
        return [self._participant(left_at=None)]

    def closing_records(self) -> Sequence[Record]:
        self.conversation.dismiss(self.member_id)
        return [*super().closing_records(), self._participant(left_at=now_us())]

    def _participant(self, left_at: int | None) -> Record:
        row = {
            "participant_id": self.member_id,
            "conversation_id": self.conversation.conversation_id,
            "agent_id": self.session.agent_id,
            "session_id": self.member_id,
            "name": self.name,
            "joined_at": self.session.created_at,
            "left_at": left_at,
        }
        return Record("participants", orjson.dumps(row), self.member_id)

    async def run(self) -> None:
        with self.conversation.floor.listening(self):
            await super().run()

    async def settle_held(self, held: dict[str, Any]) -> None:
        self._is_next = False  # also without a tick: others would wait for one that is held
        await super().settle_held(held)

    def after_tick(self) -> None:
        super().after_tick()
        if not self._is_next:
            self.conversation.floor.release(self)

    def on_control(self, control: Control) -> None:
        super().on_control(control)
        if self._is_next and isinstance(control, Pause | Stop):
            self._is_next = False
            self.conversation.floor.release(self)

    def restart(self) -> bool:
        ticking = self.session.scope.ticking
        self.session.scope.abort("news")
        return ticking

    # -- one tick

    async def tick(self) -> StepResult | Quiet:
        self._is_next = False
        await self.conversation.load()
        if self.conversation.rules.ended_by is not None:
            return self._leave(self.conversation.rules.ended_by)
        news = self._news()
        if not news and not self.state.asked:
            return Quiet()
        silence = why_silent(self, news)
        if silence is not None:
            return self._silent(silence, self.conversation.newest)
        floor = self.conversation.floor
        if not floor.take(self, at_once=self.state.asked):
            return Quiet()  # it is told when the other has ended
        self._is_next = floor.wait_s > 0
        return Quiet(floor.wait_s) if self._is_next else await self._compose()

    def _news(self) -> list[Message]:
        """The messages of others since it last looked."""
        since = self.conversation.held(self.state.last_seen)
        return [message for message in since if message.session_id != self.member_id]

    def _leave(self, ended_by: str) -> StepResult:
        return StepResult(
            text=f"the conversation was ended by {ended_by}",
            payload={
                "spoke": False,
                "conversation_id": self.conversation.conversation_id,
                "number": self.conversation.newest,
            },
            done=True,
        )

    def _silent(self, why: NotNow, seen: int, *, asked_model: bool = False) -> StepResult | Quiet:
        """On record, but for a reason that is there already and took no call of the model."""
        state = self.state
        if why.reason in _DECIDED:
            state.last_seen = seen
        known = state.silence is not None and state.silence.reason == why.reason
        if known and not state.asked and not asked_model:
            return Quiet(why.next_in_s)
        state.asked = False
        state.silence = Silence(reason=why.reason, text=why.text, number=seen, at=now_us())
        return StepResult(
            text=f"silent: {why.text}",
            payload={
                "spoke": False,
                "reason": why.reason,
                "conversation_id": self.conversation.conversation_id,
                "number": seen,
                **self._take_recalled(),
            },
            next_in_s=why.next_in_s,
        )

    # -- speaking

    async def _compose(self) -> StepResult | Quiet:
        seen = self.conversation.newest
        self._recalled = recalled = await self._recall()
        answer, context = await within(
            self.state.context_tokens or self.config.context_tokens,
            self.state,
            lambda tokens: compose(
                self.conversation,
                self.services.get(Model),
                me=self.member_id,
                config=self.config,
                state=self.state,
                tokens=tokens,
                memories=recalled.lines,
            ),
            beside_tokens=BESIDE_TOKENS,
        )
        present = self.conversation.present.items()
        others = [name for who, name in present if who != self.member_id]
        speech = speech_of(answer.text, self.name, [*others, *context.speakers])
        if speech.text is None:
            return self._silent(NotNow("passed", speech.why), seen, asked_model=True)
        return self._speak(speech.text, seen, answer, context)

    async def _recall(self) -> Recalled:
        """The memories of its agent and of all that are to the point of what was said last."""
        words = [message.text for message in self._news()][-_CUES:]
        cues = [("message", "\n".join(words)), ("about", self.config.about)]
        sent = [self.state.context_tokens or self.config.context_tokens]
        sent += [] if self.state.fits_tokens is None else [self.state.fits_tokens]
        tokens = min(self.config.memory_tokens, min(sent) // MEMORIES)
        return await recalled_beyond(self.session, lambda: cues, tokens * BYTES_PER_TOKEN)

    def _take_recalled(self) -> dict[str, Any]:
        """The memories that the reply was told, for its row."""
        recalled, self._recalled = self._recalled, Recalled()
        return recalled.payload()

    def told_failed(self) -> dict[str, Any]:
        return self._take_recalled()

    def _speak(self, text: str, seen: int, answer: Completion, context: Context) -> StepResult:
        state = self.state
        state.last_seen = seen
        state.spoke_at = now_us()
        self.cooldown.begin(state.spoke_at)
        state.turns += 1
        state.asked = False
        state.silence = None
        return StepResult(
            text=text,
            payload={
                "spoke": True,
                "conversation_id": self.conversation.conversation_id,
                "message_id": self._message_id(),
                "number": seen + 1,
                "tone": state.tone,
                "model": answer.model,
                "demonstration": answer.demonstration,
                "attempts": answer.attempts,
                "context": context.shown(),
                **self._take_recalled(),
            },
            effects=[
                ReplyEffect(
                    conversation=self.conversation,
                    member=self,
                    agent_id=self.session.agent_id,
                    message_id=self._message_id(),
                    seen=seen,
                    text=text,
                    tone=state.tone,
                    tick=self.session.iteration + 1,
                    demonstration=answer.demonstration,
                )
            ],
        )

    def _message_id(self) -> str:
        """The same for a tick that is done again, another for each life of a session."""
        tick = f"{self.member_id}\n{self.session.created_at}\n{self.session.iteration + 1}"
        return f"msg_{uuid.uuid5(_NAMESPACE, tick).hex}"

    # -- guidance

    async def guide(self, guidance: Order | str) -> Understood:
        state: PersonaState = self.state
        return state.instruct(guidance) if isinstance(guidance, str) else guidance.take(state)
