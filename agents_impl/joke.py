"""An agent that tells jokes about a subject, until it is told of another."""

from pydantic import BaseModel, ConfigDict, Field

from agent_core.agent.base import AgentConfig
from agent_core.agent.guidance import GuidanceRejectedError, Understood
from agent_core.agent.looping import LoopingAgentBase
from agent_core.agent.results import StepResult
from agent_core.agent.words import Words, changed
from agents_impl import subject_words
from reins.llm import Completion, Model, ModelError

_REMEMBERED = 5


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
    words = Words(
        "What should the jokes be about? now about dogs",
        examples=("about dogs", "enough of cats, tell some about the sea", '{"subject": "tea"}'),
        read=subject_words.read,
    )

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

    async def guide(self, guidance: JokeGuidance | str) -> Understood:
        before = self.state.subject
        if isinstance(guidance, str):
            self.state.subject = await self._subject_of(guidance)
        else:
            self.state.subject = guidance.subject
        return Understood(changed("subject", before, self.state.subject), {"subject": before})

    async def _subject_of(self, text: str) -> str:
        """The subject that a text asks for in other words than plain ones."""
        try:
            answer = await self.services.get(Model).call("ExtractSubject", guidance=text)
        except ModelError as error:
            raise GuidanceRejectedError(
                f"no subject was found in {text[:80]!r} without the model, which failed: {error}. "
                'Give it as {"subject": "dogs"}.'
            ) from error
        subject = answer.text.strip().strip("\"'.").strip()[:200]
        if not subject_words.is_said_in(subject, text) or subject.casefold() == "none":
            raise subject_words.asking(f"the model found none in {text[:80]!r}")
        return subject
