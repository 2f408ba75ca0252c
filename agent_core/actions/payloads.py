"""What each type of action must carry: the worker's edge, where data comes in from outside."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from queue_imp import checked_id


def _id(value: str) -> str:
    return checked_id(value, "id")


Id = Annotated[str, AfterValidator(_id)]


class Payload(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ToSession(Payload):
    """A payload that names a session; without `session_id`, the agent's own."""

    agent_id: Id
    session_id: Id | None = None

    @property
    def address(self) -> str:
        return self.session_id or self.agent_id


class CreateAgent(ToSession):
    agent_type: str = "joke"
    initial_subject: str | None = None
    config: dict[str, Any] | None = None


class AgentPause(ToSession):
    reason: str | None = None


class AgentResume(ToSession):
    pass


class AgentInterrupt(ToSession):
    guidance: dict[str, Any] | str
    mode: Literal["steer", "now"] = "steer"


class AgentDestroy(ToSession):
    reason: str | None = None


class ConversationCreate(Payload):
    conversation_id: Id
    title: str | None = None


class PostMessage(Payload):
    conversation_id: Id
    text: str


class EnvironmentReload(BaseModel):
    """Takes anything: what it was for is kept in the queue."""
