"""The handlers of actions about topics."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import DeadLetterReplay, Publish, TopicSet
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Outcome, Rejected
from agent_core.session.session import Session
from reins.bus.subscribing import mailbox
from reins.bus.topic import Draft
from reins.bus.topics import Topics
from reins.threads import READS
from store import dead_letters
from store.messages import get_message
from store.store import Store
from store.times import now_us, to_us
from store.topics import message_of


class Sessions(Protocol):
    """All sessions, as far as topics need them."""

    store: Store
    services: Services
    replayed: set[str]

    async def find_usable(self, session_id: str) -> Session | None: ...


class Worker(Protocol):
    """The worker, as handlers of topics know it."""

    @property
    def fleet(self) -> Sessions: ...


@handles(Publish)
async def publish(worker: Worker, action: Action) -> "asyncio.Future[Outcome]":
    """Its outcome names the message's number."""
    payload: Publish = action.payload(Publish)
    number = worker.fleet.services.get(Topics).publish(
        payload.topic,
        Draft(
            author=action.actor,
            message=payload.message,
            message_id=action.action_id,
            again=action.action_id in worker.fleet.replayed,
        ),
    )
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def settle(number: "asyncio.Future[int]") -> None:
        if number.cancelled() or outcome.done():
            return
        full = number.exception()
        outcome.set_result(Applied(number.result()) if full is None else Rejected(str(full)))

    number.add_done_callback(settle)
    return outcome


@handles(TopicSet)
async def topic_set(worker: Worker, action: Action) -> Outcome:
    """The topic's bounds, for all who publish from then on."""
    payload: TopicSet = action.payload(TopicSet)
    topics = worker.fleet.services.get(Topics)
    await topics.load()
    row = topics.rooms.row(payload.topic)
    if row is None or row["set_action"] != action.action_id:
        by = {"set_by": action.actor, "set_at": now_us(), "set_action": action.action_id}
        await topics.set_bounds({**payload.model_dump(), **by})
    return Applied()


@handles(DeadLetterReplay)
async def replay(worker: Worker, action: Action) -> Outcome:
    """The message goes to its subscriber's mailbox, and the letter says so, in one commit."""
    letter_id = action.payload(DeadLetterReplay).letter_id
    fleet = worker.fleet
    reader = fleet.store.reader
    row = await READS.call(dead_letters.get_dead_letter, letter_id, store=reader)
    if row is None:
        return Rejected(f"there is no dead letter {letter_id}; see GET /api/topics/TOPIC/dead")
    if row["replayed_action"] == action.action_id:
        return Applied()
    if row["replayed_by"] is not None:
        return Rejected(
            f"dead letter {letter_id} was replayed by {row['replayed_by']}; if it failed again, it "
            "is a dead letter of another id"
        )
    session = await fleet.find_usable(row["session_id"])
    if session is None or session.ended:
        return Rejected(
            f"session {row['session_id']} has ended, and takes no message; publish it again"
        )
    found = await READS.call(get_message, row["message_id"], store=reader)
    if found is None:
        return Rejected(f"message {row['message_id']} is not there; see `reins store verify`")
    await _give_again(fleet, action, row, found)
    return Applied()


async def _give_again(
    fleet: Sessions, action: Action, row: Mapping[str, Any], found: dict[str, Any]
) -> None:
    draft = Draft(
        author=found["author"],
        message=message_of(found),
        message_id=action.action_id,
        again=True,
        about={
            "replay_of": row["letter_id"],
            "topic": row["topic"],
            "number": row["number"],
        },
    )
    marked = {
        **row,
        "buried_at": _us(row["buried_at"]),
        "replayed_by": action.actor,
        "replayed_at": now_us(),
        "replayed_action": action.action_id,
    }
    topics = fleet.services.get(Topics)
    await topics.add(mailbox(row["session_id"]), [draft], [dead_letters.record(marked)])
    topics.dead[row["topic"]] -= 1


def _us(at: datetime | int) -> int:
    """A time as it is journalled; rows of the table have it as a datetime."""
    return at if isinstance(at, int) else to_us(at)
