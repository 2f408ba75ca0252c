"""The parts of a subscriber: its configuration, its state, and a message as it gets it."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, Field

from agent_core.actions.sources import Wakes
from agent_core.agent.base import AgentConfig
from reins.bus.delivery import Bad, Place
from reins.bus.message import TopicMessage

MAX_TOPICS = 500
"""Topics whose cursors one snapshot keeps."""


GROUP = r"^[A-Za-z0-9_-]{1,64}$"


class ReactiveConfig(AgentConfig):
    """`on`: topics that it subscribes to, and what else wakes it.

    `since`: from which message on, of the topics that there are, and from which file on.

    `batch`: messages of one tick; `attempts`: after so many the message becomes a dead letter.
    `group`: of all subscribers with this name one gets each message. It has `lease_s` for it, anew
    with each message that it has used; then another gets it.
    """

    on: Annotated[list[Wakes], Field(min_length=1, max_length=32)]
    batch: int = Field(20, ge=1, le=100)
    attempts: int = Field(3, ge=1, le=10)
    group: Annotated[str, Field(pattern=GROUP)] | None = None
    lease_s: float = Field(60.0, gt=0, le=86_400, allow_inf_nan=False)


class ReactiveState(BaseModel):
    """`on`: as it is configured, so that its row says it.

    `cursors`: the newest message of each topic that it has used, committed with that tick."""

    on: list[str] = []
    group: str | None = None
    cursors: dict[str, int] = {}
    served: str = ""
    bad: Bad | None = None
    trying: Place | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message of a topic, for one subscriber.

    `topic` and `number` are those under which it was published, also where it is given again out of
    the dead letters; then `replay_of` names the letter. **Units**: `at` is microseconds since 1970.
    """

    topic: str
    number: int
    message: Any
    author: str
    message_id: str
    at: int
    source: Place
    replay_of: str | None = None

    @classmethod
    def of(cls, topic: str, got: TopicMessage) -> "Delivery":
        about = got.about
        return cls(
            topic=about.get("topic", topic),
            number=about.get("number", got.number),
            message=got.message,
            author=got.author,
            message_id=got.message_id,
            at=got.at,
            source=Place(topic, got.number),
            replay_of=about.get("replay_of"),
        )


def mailbox(session_id: str) -> str:
    """The topic with one reader: what is given to this session alone."""
    return f"@{session_id}"
