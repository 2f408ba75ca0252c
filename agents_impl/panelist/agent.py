"""An agent that is asked one question, answers it in its own voice, and ends."""

from typing import Any

from agent_core.agent.guidance import Understood, is_for_chassis
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from agent_core.session.controls import Control, Interrupt
from agents_impl.fitting import within
from agents_impl.panelist.models import (
    PANELIST_WORDS,
    PanelistConfig,
    PanelistGuidance,
    PanelistState,
    Report,
)
from agents_impl.persona.context import cut, newest_texts
from agents_impl.persona.manner import Order
from agents_impl.persona.speech import own_words
from reins.llm import Completion, Model
from reins.llm.tokens import tokens_of
from reins.tools.outcome import bounded

_CONTEXT_TOKENS = 12_000
_BESIDE_TOKENS = 500
"""Sent beside what is cut to fit: the rules of the prompt, name and tone."""

_ANSWER_BYTES = 4_000
_GOAL_CHARS = 1_000
_NO_ANSWER = "the model gave no answer in its voice"


class PanelistAgent(LoopingAgentBase):
    """A persona that is asked one question: one call of the model, one answer, and it completes.

    Guidance counts until the answer is on record.
    """

    agent_type = "panelist"
    Config = PanelistConfig
    State = PanelistState
    Guidance = PanelistGuidance
    words = PANELIST_WORDS

    def first_state(self) -> PanelistState:
        return PanelistState(tone=self.config.tone)

    def report(self) -> dict[str, Any] | None:
        return None if self.state.report is None else self.state.report.model_dump()

    async def tick(self) -> StepResult:
        config, state = self.config, self.state
        answer = await within(_CONTEXT_TOKENS, state, self._ask, beside_tokens=_BESIDE_TOKENS)
        said = bounded(own_words(answer.text, config.name, ()) or "", _ANSWER_BYTES)
        state.report = Report(
            status="done" if said else "failed",
            goal=config.goal[:_GOAL_CHARS],
            summary=said or _NO_ANSWER,
        )
        return StepResult(
            state.report.summary,
            {
                "tone": state.tone,
                "instructions": state.instructions,
                "model": answer.model,
                "demonstration": answer.demonstration,
                "attempts": answer.attempts,
            },
            done=True,
        )

    async def _ask(self, tokens: int) -> Completion:
        """Ask with what fits: of instructions and facts the newest count. Raises: ModelError."""
        config, state = self.config, self.state
        about = cut(config.about, tokens // 8)
        instructions = newest_texts(state.instructions, tokens // 4)
        question = cut(config.goal, tokens // 2)
        left = tokens - sum(map(tokens_of, (about, question, *instructions)))
        return await self.services.get(Model).stream(
            "PanelistAnswer",
            name=config.name,
            tone=state.tone,
            about=about,
            instructions=instructions,
            question=question,
            facts=newest_texts(config.facts, left),
        )

    # -- guidance

    def on_control(self, control: Control) -> None:
        # No tick follows the one in flight, so guidance that waited for its end would be lost.
        if isinstance(control, Interrupt) and not is_for_chassis(control.raw):
            self.session.scope.abort("guidance")
        super().on_control(control)

    async def guide(self, guidance: Order | str) -> Understood:
        state: PanelistState = self.state
        return state.instruct(guidance) if isinstance(guidance, str) else guidance.take(state)
