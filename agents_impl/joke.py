"""An agent that tells jokes about a subject, until it is told of another."""

import re

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import GuidanceRejectedError
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from reins.llm import Completion, Model, ModelError

_REMEMBERED = 5
_PLAIN_CHARS = 200
_ABOUT = re.compile(
    r"^(?:(?:please|now|and|ok|okay|so|tell|some|more|jokes?|one|me|us|a|few|switch|to|talk|do)[,\s]+)*"
    r"(?:about|on)\s+(?P<subject>[^.!?,;\n]{1,80}?)(?:,?\s+(?:please|now|instead))*[.!]*$",
    re.IGNORECASE,
)


class JokeConfig(AgentConfig):
    subject: str = Field("cats", min_length=1, max_length=200)


class JokeState(BaseModel):
    subject: str
    told: list[str] = []


class JokeGuidance(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    subject: str = Field(min_length=1, max_length=200)


class JokeAgent(LoopingAgentBase):
    """Each tick tells one joke about the subject; guidance changes the subject."""

    agent_type = "joke"
    Config = JokeConfig
    State = JokeState
    Guidance = JokeGuidance

    def first_state(self) -> JokeState:
        return JokeState(subject=self.config.subject)

    async def tick(self) -> StepResult:
        answer = await self._joke()
        self.state.told = [*self.state.told, answer.text[:200]][-_REMEMBERED:]
        return StepResult(
            text=answer.text,
            payload={
                "subject": self.state.subject,
                "model": answer.model,
                "demonstration": answer.demonstration,
                "attempts": answer.attempts,
            },
        )

    async def _joke(self) -> Completion:
        model, state = self.services.get(Model), self.state
        try:
            return await model.stream("TellAJoke", subject=state.subject, told=state.told)
        except ModelError as error:
            if error.kind != "context_too_long" or not state.told:
                raise
            return await model.stream("TellAJoke", subject=state.subject, told=[])

    async def guide(self, guidance: JokeGuidance | str) -> str:
        if isinstance(guidance, str):
            subject = await self._subject_of(guidance)
        else:
            subject = guidance.subject
        self.state.subject = subject
        return f"subject: {subject}"

    async def _subject_of(self, text: str) -> str:
        """The subject that a free text asks for; plain sentences need no model."""
        plain = " ".join(text.split())
        # Only what a person would type: a pattern takes its time over a long text.
        if len(plain) <= _PLAIN_CHARS and (match := _ABOUT.match(plain)):
            return match["subject"].strip()
        try:
            answer = await self.services.get(Model).call("ExtractSubject", guidance=text)
        except ModelError as error:
            raise GuidanceRejectedError(
                f"no subject was found in {text[:80]!r} without the model, which failed: {error}. "
                'Give it as {"subject": "dogs"}.'
            ) from error
        subject = answer.text.strip().strip("\"'.").strip()[:200]
        if not subject:
            raise GuidanceRejectedError(
                f'the model found no subject in {text[:80]!r}. Give it as {{"subject": "dogs"}}.'
            )
        return subject
