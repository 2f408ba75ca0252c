"""The types of actions, each with its payload: the only list of them.

Data comes in from outside here. A further type is a model in this file, and a handler.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from agent_core.actions.boards import BoardName, checked_value
from agent_core.actions.documents import (
    MAX_INLINE,
    MAX_TITLE,
    Digest,
    DocumentId,
    Source,
    is_address,
)
from agent_core.actions.facts import (
    MAX_NAME_CHARS,
    MAX_SOURCE_CHARS,
    MAX_TEXT_CHARS,
    MAX_TIME_CHARS,
)
from agent_core.actions.ids import Id, KnownId
from agent_core.actions.memories import MAX_MEMORY_KEY, checked_memory
from agent_core.actions.scheduling import ScheduleId
from agent_core.actions.topics import OpenTopic, TopicName, WhenFull, checked_message
from agent_core.actions.when import MAX_WHEN, read_when
from store.conversations import MAX_CEILING

NORMAL_URGENCY = 5
_MAX_FIXED = 100
CatchUp = Literal["latest", "all", "none"]
"""What of a schedule's runs is made up for that no worker was there for."""
MAX_NOTE = 4_000
"""Characters of a note."""


MAX_UNREAD = 1_000_000_000
"""Messages of a topic that may be unread, at the most."""


class Payload(BaseModel):
    """The payload of one type of action.

    `urgency`: the higher, the sooner among sessions, 0 to 9; within one session the order of
    arrival holds. `makes`: its ids are of something new. `opens_conversation`: goes before
    other lanes of a poll, since their sessions may need what it makes. `lane`: that of all actions
    of the type, whomever they name.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    action_type: ClassVar[str]
    urgency: ClassVar[int] = NORMAL_URGENCY
    makes: ClassVar[bool] = False
    opens_conversation: ClassVar[bool] = False
    lane: ClassVar[str | None] = None


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


class Undoes(BaseModel):
    """The interrupt that another takes back: its action, and how often the session was guided by
    then. It holds as long as nothing newer guides the session.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    action_id: KnownId
    guided: int


class AgentInterrupt(ToSession):
    action_type = "agent_interrupt"
    urgency = 6

    guidance: dict[str, Any] | str
    mode: Literal["steer", "now"] = "steer"
    undoes: Undoes | None = None


class AgentHasten(ToSession):
    """Guidance that waits for the end of a tick is applied now, as if its mode had been `now`."""

    action_type = "agent_hasten"
    urgency = 7

    guidance_id: KnownId


class AgentDestroy(ToSession):
    action_type = "agent_destroy"
    urgency = 9

    reason: str | None = None


class AgentRestore(ToSession):
    """Takes a destroy back."""

    action_type = "agent_restore"


class NoteAdd(ToSession):
    """A person's remark about one row of the log; also of a session that has ended."""

    action_type = "note_add"

    seq: Annotated[int, Field(ge=1)]
    text: Annotated[str, Field(min_length=1, max_length=MAX_NOTE)]


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
    branch_of: KnownId | None = None
    """A conversation whose messages it begins with, up to number `upto`."""
    upto: Annotated[int, Field(ge=1)] | None = None


class ToConversation(Payload):
    """A payload that names a conversation."""

    conversation_id: KnownId


class ConversationPause(ToConversation):
    """No persona of it speaks until it is resumed."""

    action_type = "conversation_pause"
    urgency = 8

    reason: str | None = None


class ConversationResume(ToConversation):
    """Its personas speak again, and their messages without a person's count anew."""

    action_type = "conversation_resume"


class ConversationSet(ToConversation):
    """Changes what is given; the rest stays."""

    action_type = "conversation_set"
    urgency = 6

    title: str | None = None
    pace: Literal["calm", "brisk", "free"] | None = None
    ceiling: Annotated[int, Field(ge=1, le=MAX_CEILING)] | None = None


class ConversationEnd(ToConversation):
    """Nobody speaks in it any more; its personas complete, and its transcript stays."""

    action_type = "conversation_end"
    urgency = 9

    reason: str | None = None


class PostMessage(Payload):
    action_type = "post_message"

    conversation_id: KnownId
    text: str


class Publish(Payload):
    """A message of a topic; which topic is made with its first one."""

    action_type = "publish"

    topic: OpenTopic
    message: Annotated[JsonValue, AfterValidator(checked_message)]


class TopicSet(Payload):
    """The bounds of a topic: what is left out is as the settings say."""

    action_type = "topic_set"
    urgency = 6

    topic: TopicName
    max_unread: Annotated[int, Field(ge=1, le=MAX_UNREAD)] | None = None
    max_age_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    when_full: WhenFull = "reject"


class DeadLetterReplay(Payload):
    """Gives a message that a subscriber could not use to that subscriber again."""

    action_type = "dead_letter_replay"

    letter_id: KnownId


class ScheduleSet(Payload):
    """Publishes to a topic when it is due; set anew under its id, it is changed."""

    action_type = "schedule_set"

    schedule_id: ScheduleId
    topic: OpenTopic
    when: Annotated[str, Field(min_length=1, max_length=MAX_WHEN)]
    zone: Annotated[str, Field(min_length=1, max_length=MAX_WHEN)] = "UTC"
    catch_up: CatchUp = "latest"
    message: Annotated[JsonValue, AfterValidator(checked_message)] = None

    @model_validator(mode="after")
    def _comes(self) -> "ScheduleSet":
        read_when(self.when, self.zone)
        return self


class ToSchedule(Payload):
    """A payload that names a schedule."""

    schedule_id: KnownId


class SchedulePause(ToSchedule):
    """Nothing that is due while it is paused is made up for."""

    action_type = "schedule_pause"
    urgency = 8

    paused: bool = True


class ScheduleRun(ToSchedule):
    """Publishes now, once more than it is due."""

    action_type = "schedule_run"


class ScheduleRemove(ToSchedule):
    action_type = "schedule_remove"
    urgency = 9


class ToBoard(Payload):
    """A payload that names a key of a board. `expect`: the version that must be there, 0: none."""

    board: BoardName
    key: Id
    expect: Annotated[int, Field(ge=0)] | None = None


class BoardPut(ToBoard):
    """Gives a key a value; which board is made with its first one."""

    action_type = "board_put"

    value: Annotated[JsonValue, AfterValidator(checked_value)]


class BoardDelete(ToBoard):
    """Takes a key and its value away."""

    action_type = "board_delete"


class ToMemory(Payload):
    """A payload that names a memory: of a session, of an agent, or one that all share.

    `expect`: the version that must be there, 0: none.
    """

    scope: Literal["session", "agent", "shared"] = "session"
    agent_id: KnownId | None = None
    session_id: KnownId | None = None
    key: Annotated[str, Field(min_length=1, max_length=MAX_MEMORY_KEY)]
    expect: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _is_somebodys(self) -> "ToMemory":
        if (self.agent_id is None) != (self.scope == "shared"):
            raise ValueError("a memory that all share has no agent_id, any other has one")
        if self.session_id is not None and self.scope != "session":
            raise ValueError("session_id goes with the scope session")
        return self

    @property
    def address(self) -> str:
        return self.session_id or self.agent_id or ""


class MemoryPut(ToMemory):
    """Gives a key a value, as a person's."""

    action_type = "memory_put"
    urgency = 6

    value: Annotated[JsonValue, AfterValidator(checked_memory)]
    expires_in_s: Annotated[float, Field(gt=0, le=1e10)] | None = None


class MemoryForget(ToMemory):
    """Lets a key be recalled no more."""

    action_type = "memory_forget"
    urgency = 6


class MemoryRestore(ToMemory):
    """Brings a version of a key back; without one the newest with a value before this."""

    action_type = "memory_restore"
    urgency = 6

    version: Annotated[int, Field(ge=1)] | None = None
    expires_in_s: Annotated[float, Field(gt=0, le=1e10)] | None = None


class EvidenceUndo(ToSession):
    """Takes evidence of a session back, as if it had never been said."""

    action_type = "evidence_undo"
    urgency = 6

    ids: Annotated[list[KnownId], Field(min_length=1, max_length=100)]
    text: Annotated[str, Field(max_length=1_000)] = ""


class ToFacts(Payload):
    """A payload that names whose facts: of a session, of an agent, or those that all share."""

    urgency = 6
    lane = "facts"

    scope: Literal["session", "agent", "shared"] = "shared"
    agent_id: KnownId | None = None
    session_id: KnownId | None = None

    @model_validator(mode="after")
    def _is_somebodys(self) -> "ToFacts":
        if (self.agent_id is None) != (self.scope == "shared"):
            raise ValueError("facts that all share have no agent_id, any others have one")
        if self.session_id is not None and self.scope != "session":
            raise ValueError("session_id goes with the scope session")
        return self

    @property
    def address(self) -> str:
        return self.session_id or self.agent_id or ""


_FactName = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
_FactTime = Annotated[str, Field(min_length=1, max_length=MAX_TIME_CHARS)]
_FactText = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]
_FactSource = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARS)]


class FactRemember(ToFacts):
    """Asserts a fact, on the word of the actor or of a `source`; its id is the action's.

    `functional`: the relation has one object at a time, so that a newer fact ends the older.
    """

    action_type = "fact_remember"

    subject: _FactName
    relation: _FactName
    object: _FactName
    valid_from: _FactTime | None = None
    valid_to: _FactTime | None = None
    confidence: Annotated[float, Field(gt=0, le=1)] = 1.0
    source: _FactSource | None = None
    document: _FactSource | None = None
    text: _FactText = ""
    functional: bool = False


class FactEnd(Payload):
    """Says that a fact is true no longer, from `at` on; without it from now on."""

    action_type = "fact_end"
    urgency = 6
    lane = "facts"

    fact_id: KnownId
    at: _FactTime | None = None
    text: _FactText = ""


class ToFactOrSource(Payload):
    """A payload that names a fact, or all that rests on the word of a source, whoever holds it."""

    urgency = 6
    lane = "facts"

    fact_id: KnownId | None = None
    source: _FactSource | None = None
    text: _FactText = ""

    @model_validator(mode="after")
    def _names_one(self) -> "ToFactOrSource":
        if (self.fact_id is None) == (self.source is None):
            raise ValueError("give either fact_id or source")
        return self


class FactRetract(ToFactOrSource):
    """Says that a fact, or all that rests on a source alone, was never so."""

    action_type = "fact_retract"


class FactRestore(ToFactOrSource):
    """Takes the newest end or retraction of a fact, or the retraction of a source, back."""

    action_type = "fact_restore"


class AliasDecide(ToFacts):
    """Decides whether two names are of one entity; what was decided before gives way."""

    action_type = "alias_decide"

    name: _FactName
    other: _FactName
    decision: Literal["same", "different"]
    text: _FactText = ""


class DocumentAdd(Payload):
    """Stores a document, or a version of it: its `text`, the file of the digest `blob`, or what is
    at the address `source`.
    """

    action_type = "document_add"

    source: Source
    text: Annotated[str, Field(max_length=MAX_INLINE)] | None = None
    blob: Digest | None = None
    media_type: Annotated[str, Field(max_length=MAX_TITLE)] | None = None
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)] | None = None

    @model_validator(mode="after")
    def _has_one_content(self) -> "DocumentAdd":
        if self.text is not None and self.blob is not None:
            raise ValueError("give either text or blob")
        if self.text is None and self.blob is None and not is_address(self.source):
            raise ValueError("give text or blob, or an address (http://, https://) as source")
        return self


class DocumentRemove(Payload):
    """Ends a document: it is found no more, and its versions stay."""

    action_type = "document_remove"
    urgency = 6

    document_id: DocumentId


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


class SavedView(BaseModel):
    """A list of sessions, or a search, as it is shown: the query of its address."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str = Field(max_length=4_000)


class SavedTemplate(BaseModel):
    """The beginning of new sessions."""

    model_config = ConfigDict(extra="forbid", strict=True)

    agent_type: Id
    config: dict[str, Any] = {}
    description: str | None = None


_SAVED: dict[str, type[BaseModel]] = {
    "view": SavedView,
    "search": SavedView,
    "template": SavedTemplate,
}


class ViewSave(Payload):
    """A view of the list, a search, or a template of sessions, by its name; without `content`,
    removed.
    """

    action_type = "view_save"

    name: Id
    kind: Literal["view", "search", "template"] = "view"
    content: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> "ViewSave":
        if self.content is not None:
            _SAVED[self.kind].model_validate(self.content)
        return self


PAYLOADS: dict[str, type[Payload]] = {
    kind.action_type: kind
    for kind in (
        CreateAgent,
        AgentPause,
        AgentResume,
        AgentInterrupt,
        AgentDestroy,
        AgentRestore,
        EnvironmentReload,
        ConversationCreate,
        ConversationPause,
        ConversationResume,
        ConversationSet,
        ConversationEnd,
        PostMessage,
        Publish,
        TopicSet,
        DeadLetterReplay,
        ScheduleSet,
        SchedulePause,
        ScheduleRun,
        ScheduleRemove,
        BoardPut,
        BoardDelete,
        MemoryPut,
        MemoryForget,
        MemoryRestore,
        EvidenceUndo,
        FactRemember,
        FactEnd,
        FactRetract,
        FactRestore,
        AliasDecide,
        DocumentAdd,
        DocumentRemove,
        InboxDecide,
        RuleRevoke,
        ViewSave,
        NoteAdd,
        AgentHasten,
    )
}
"""Action type to payload; every other place reads it here."""
