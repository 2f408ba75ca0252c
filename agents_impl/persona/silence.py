"""The reasons of a persona to say nothing now."""

import random
from dataclasses import dataclass
from typing import Protocol

from agent_core.conversations.conversation import Conversation
from agent_core.conversations.message import Message
from agents_impl.persona.cooldown import Cooldown
from agents_impl.persona.models import PersonaConfig, PersonaState, Reason
from reins.names.hearing import is_named


class Speaker(Protocol):
    """The part of a persona that decides whether it speaks."""

    conversation: Conversation
    cooldown: Cooldown
    config: PersonaConfig
    state: PersonaState

    @property
    def member_id(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class NotNow:
    """The reason of its silence, and after how many seconds it looks again."""

    reason: Reason
    text: str
    next_in_s: float | None = None


def why_silent(  # noqa: PLR0911 - a reason each
    persona: Speaker, news: list[Message]
) -> NotNow | None:
    """The reason to say nothing to what is newest; None: it may speak."""
    conversation = persona.conversation
    if persona.state.muted:
        return NotNow("muted", "muted")
    if conversation.rules.paused_by is not None:
        return NotNow("paused", f"the room is paused by {conversation.rules.paused_by}")
    newest = conversation.held(conversation.newest - 1)
    own_last = bool(newest) and newest[-1].session_id == persona.member_id
    if own_last and not any(message.session_id is None for message in news):
        return NotNow("own_last", "its own message is the newest")
    if persona.state.asked:
        return None
    ceiling = conversation.rules.ceiling or persona.config.max_agent_turns
    if conversation.agent_turns >= ceiling:
        return NotNow("ceiling", f"{ceiling} messages of agents without a person's")
    present = persona.conversation.present.values()
    if any(is_named(message.text, persona.name, present) for message in news):
        return None
    return _not_yet(persona)


def _not_yet(persona: Speaker) -> NotNow | None:
    left_s = persona.cooldown.left_s(persona.state.spoke_at, persona.state.cooldown_s)
    if left_s > 0:
        return NotNow("cooldown", f"cooldown, {left_s:.1f} s left", left_s)
    if not _joins_in(persona):
        chance = f"talkativeness {persona.state.talkativeness:g}"
        return NotNow("talkativeness", f"not this time, {chance}")
    return None


def _joins_in(persona: Speaker) -> bool:
    """Decided by the newest message, so that a tick that is done again decides the same."""
    talkativeness = float(persona.state.talkativeness)
    if talkativeness >= 1:  # most often so, and a generator takes its time to seed
        return True
    chance = random.Random(f"{persona.member_id} {persona.conversation.newest}")  # noqa: S311 - no secret
    return chance.random() < talkativeness
