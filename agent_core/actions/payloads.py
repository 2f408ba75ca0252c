"""The types of actions, each with its payload: the only list of them.

Data comes in from outside here. A further type is a model in this file, and a handler.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_core.actions.ids import Id, KnownId

NORMAL_URGENCY = 5
_MAX_FIXED = 100


class Payload(BaseModel):
    """The payload of one type of action.

    `urgency`: the higher, the sooner among sessions, 0 to 9; within one session the order of
    arrival holds. `makes`: its ids are of something new. `opens_conversation`: goes before
    other lanes of a poll, since their sessions may need what it makes.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    action_type: ClassVar[str]
    urgency: ClassVar[int] = NORMAL_URGENCY
    makes: ClassVar[bool] = False
    opens_conversation: ClassVar[bool] = False


class ToSession(Payload):
    """A payload that names a session; without `session_id`, the agent's own."""

    agent_id: KnownId
    session_id: KnownId | None = None

    @property
    def address(self) -> str:
        return self.session_id or self.agent_id


class CreateAgent(ToSession):
    action_type = "create_agent"
    makes = True

    agent_id: Id
    session_id: Id | None = None
    agent_type: str = "joke"
    initial_subject: str | None = None
    config: dict[str, Any] | None = None


class AgentPause(ToSession):
    action_type = "agent_pause"
    urgency = 8

    reason: str | None = None


class AgentResume(ToSession):
    action_type = "agent_resume"

    mode: Literal["steer", "now"] = "steer"


class AgentInterrupt(ToSession):
    action_type = "agent_interrupt"
    urgency = 6

    guidance: dict[str, Any] | str
    mode: Literal["steer", "now"] = "steer"


class AgentDestroy(ToSession):
    action_type = "agent_destroy"
    urgency = 9

    reason: str | None = None


class EnvironmentReload(Payload):
    """Takes anything: the queue keeps what it was for."""

    model_config = ConfigDict(extra="allow")

    action_type = "environment_reload"


class ConversationCreate(Payload):
    action_type = "conversation_create"
    makes = True
    opens_conversation = True

    conversation_id: Id
    title: str | None = None


class PostMessage(Payload):
    action_type = "post_message"

    conversation_id: KnownId
    text: str


class Remember(BaseModel):
    """The part of a decision that holds from then on, for this session, agent or type.

    Without `argv`, `paths`, `hosts` or `anything` it is the call as it stands. `more`: further
    tokens may follow those of `argv`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    scope: Literal["session", "agent", "type"]
    argv: Annotated[list[str], Field(min_length=1, max_length=_MAX_FIXED)] | None = None
    more: bool = False
    paths: Annotated[list[str], Field(min_length=1, max_length=_MAX_FIXED)] | None = None
    hosts: Annotated[list[str], Field(min_length=1, max_length=_MAX_FIXED)] | None = None
    anything: bool = False


class InboxDecide(Payload):
    """A decision about an item of the inbox, as it was when the person saw it (`call_hash`)."""

    action_type = "inbox_decide"
    urgency = 7

    item_id: KnownId
    agent_id: KnownId | None = None
    session_id: KnownId | None = None
    decision: Literal["approve", "edit", "reject", "answer"]
    call_hash: str | None = None
    args: dict[str, Any] | None = None
    text: str | None = None
    reason: str | None = None
    remember: Remember | None = None


class RuleRevoke(Payload):
    action_type = "rule_revoke"

    rule_id: KnownId


PAYLOADS: dict[str, type[Payload]] = {
    kind.action_type: kind
    for kind in (
        CreateAgent,
        AgentPause,
        AgentResume,
        AgentInterrupt,
        AgentDestroy,
        EnvironmentReload,
        ConversationCreate,
        PostMessage,
        InboxDecide,
        RuleRevoke,
    )
}
"""Action type to payload; every other place reads it here."""
