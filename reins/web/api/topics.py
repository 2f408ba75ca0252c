"""Topics: their messages, publishing one, and the dead letters of those who could not use one."""

from dataclasses import asdict
from typing import Annotated, Any

from flask import Response
from pydantic import Field

import queue_imp
from agent_core.actions.ids import ActionError, KnownId
from agent_core.actions.topics import OpenTopic, TopicName, WhenFull, checked_message
from reins.bus import subscribers
from reins.web.api.accepted import IF_ROOM, accepted
from reins.web.api.context import ApiContext, api_context
from reins.web.http.fields import MAX_NUMBER, ActorBody, Digits, Flag, Input, Number, Whole, Words
from reins.web.http.idempotency import KeyHeader
from reins.web.http.openapi import group
from reins.web.http.paging import cursor_of, parts_of
from reins.web.http.problem import RequestRefusedError, refusals, unfit, unknown
from reins.web.views.conversations import within
from reins.web.views.rows import Row, Wire
from store import dead_letters, topic_bounds, topics
from store.times import iso

api = group("topics", "topics")
_Limit = Annotated[int, Field(ge=1, le=1_000), Digits]


class TopicPath(Input):
    topic: TopicName


class OpenTopicPath(Input):
    topic: OpenTopic


class LetterPath(Input):
    letter_id: KnownId


class TopicsQuery(Input):
    limit: _Limit = 100
    cursor: Words = ""


class TopicMessagesQuery(Input):
    after: Annotated[Number, Field(description="from the message after this one on")] = 0
    limit: _Limit = 100


class DeadLettersQuery(Input):
    replayed: Annotated[Flag, Field(description="also those that were given again")] = False
    limit: _Limit = 100
    cursor: Words = ""


class PublishBody(ActorBody):
    message: Annotated[Any, Field(description="JSON, or a text")]


class BoundsBody(ActorBody):
    max_unread: Annotated[
        Annotated[int, Field(ge=1, le=MAX_NUMBER), Whole] | None,
        Field(description="messages; else as the settings say"),
    ] = None
    max_age_s: Annotated[
        Annotated[float, Field(gt=0, allow_inf_nan=False)] | None,
        Field(description="seconds; else as the settings say"),
    ] = None
    when_full: WhenFull = "reject"


class ReplayBody(ActorBody):
    pass


class TopicRow(Wire):
    """A topic, and how many messages were published there."""

    topic: str
    messages: int


class TopicList(Wire):
    """A page of topics, by name."""

    items: list[TopicRow]
    next_cursor: str | None


class TopicMessageRow(Wire):
    """A message of a topic, numbered from 1 without gaps; an agent's has its session."""

    topic: str
    number: int
    message_id: str
    author: str
    agent_id: str | None
    session_id: str | None
    message: Any
    created_at: str


class TopicMessageList(Wire):
    """Messages, oldest first; `next_cursor` is the `after` of the next page."""

    items: list[TopicMessageRow]
    next_cursor: str | None


class SubscriberRow(Wire):
    """A session that subscribes: the newest message that it has used, and how far it is behind.

    `lag` is in messages, `lag_s` the age of the oldest one that it has not used. Members
    of one `group` share both.
    """

    session_id: str
    agent_id: str
    status: str
    cursor: int
    lag: int
    lag_s: float
    group: str | None


class BoundsRow(Wire):
    """The bounds of a topic; null is as the settings say."""

    max_unread: int | None
    max_age_s: float | None
    when_full: WhenFull
    set_by: str
    set_at: str


class SubscriberList(Wire):
    """The subscribers of a topic, furthest behind first, and the bounds that were set for it."""

    items: list[SubscriberRow]
    bounds: BoundsRow | None


class DeadLetterRow(Wire):
    """A message that a subscriber could not use, after so many attempts."""

    letter_id: str
    topic: str
    number: int
    message_id: str
    agent_id: str
    session_id: str
    attempts: int
    error: str
    buried_at: str
    replayed_by: str | None
    replayed_at: str | None


class DeadLetterList(Wire):
    """A page of dead letters, by id."""

    items: list[DeadLetterRow]
    next_cursor: str | None


@api.get("/api/topics", responses={200: TopicList})
def list_topics(query: TopicsQuery) -> dict[str, Any]:
    """Topics, by name."""
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    found = topics.newest_numbers(store=api_context().bridge.store)
    names = sorted(name for name in found if name > after and not name.startswith("@"))
    shown = names[: query.limit]
    more = len(names) > len(shown)
    return {
        "items": [{"topic": name, "messages": found[name]} for name in shown],
        "next_cursor": cursor_of(shown[-1]) if more else None,
    }


@api.get("/api/topics/<segment:topic>", responses={200: TopicMessageList, **refusals(404)})
def list_topic_messages(path: TopicPath, query: TopicMessagesQuery) -> dict[str, Any]:
    """Messages of a topic, after a number."""
    context = api_context()
    rows = topics.list_topic_messages(
        path.topic, query.after, query.limit + 1, store=context.bridge.store
    )
    if not rows:
        _check_there(context, path.topic)
    shown = within(rows[: query.limit])
    more = len(shown) < len(rows)
    return {
        "items": [_message_row(path.topic, row) for row in shown],
        "next_cursor": str(shown[-1]["number"]) if more else None,
    }


@api.post("/api/topics/<segment:topic>", responses={**IF_ROOM, **refusals(400, 413, 415)})
def publish(path: OpenTopicPath, header: KeyHeader, body: PublishBody) -> Response:
    """Publish a message; its outcome names its number. The first one makes the topic."""

    context = api_context()

    def make() -> dict[str, Any]:
        if (full := context.bridge.topic_full(path.topic)) is not None:
            raise RequestRefusedError(429, full)
        try:
            message = checked_message(body.message)
        except ActionError as error:
            raise unfit("body.message", str(error)) from None
        return queue_imp.create_action("publish", body.actor, topic=path.topic, message=message)

    return accepted(context, header, make)


@api.put("/api/topics/<segment:topic>", responses={**IF_ROOM, **refusals(400, 413, 415)})
def set_bounds(path: TopicPath, header: KeyHeader, body: BoundsBody) -> Response:
    """Set how far subscribers may be behind, and what becomes of one message more."""

    def make() -> dict[str, Any]:
        return queue_imp.create_action("topic_set", topic=path.topic, **body.model_dump())

    return accepted(api_context(), header, make)


@api.get(
    "/api/topics/<segment:topic>/subscribers", responses={200: SubscriberList, **refusals(404)}
)
def list_topic_subscribers(path: TopicPath) -> dict[str, Any]:
    """Subscribers of a topic, and how far each is behind, without reading its log."""
    context = api_context()
    store = context.bridge.store
    found = subscribers.list_subscribers(path.topic, store=store)
    bounds = topic_bounds.get_topic_bounds(path.topic, store=store)
    if not found and bounds is None:
        _check_there(context, path.topic)
    return {
        "items": [asdict(each) for each in found],
        "bounds": None if bounds is None else _bounds_row(bounds),
    }


@api.get("/api/topics/<segment:topic>/dead", responses={200: DeadLetterList, **refusals(404)})
def list_dead_letters(path: TopicPath, query: DeadLettersQuery) -> dict[str, Any]:
    """Messages of a topic that a subscriber could not use, and that were not given again since."""
    context = api_context()
    [after] = parts_of(query.cursor, str) if query.cursor else [""]
    rows = dead_letters.list_dead_letters(
        path.topic,
        replayed=query.replayed,
        after=after,
        limit=query.limit + 1,
        store=context.bridge.store,
    )
    if not rows:
        _check_there(context, path.topic)
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    return {
        "items": [_letter_row(row) for row in shown],
        "next_cursor": cursor_of(shown[-1]["letter_id"]) if more else None,
    }


@api.post(
    "/api/dead-letters/<segment:letter_id>/replay",
    responses={**IF_ROOM, **refusals(400, 404, 409, 413, 415)},
)
def replay_dead_letter(path: LetterPath, header: KeyHeader, body: ReplayBody) -> Response:
    """Give the message to its subscriber again."""
    context = api_context()

    def make() -> dict[str, Any]:
        row = dead_letters.get_dead_letter(path.letter_id, store=context.bridge.store)
        if row is None:
            raise unknown("dead letter", path.letter_id, "see GET /api/topics/TOPIC/dead")
        if row["replayed_by"] is not None:
            raise RequestRefusedError(
                409,
                f"dead letter {path.letter_id} was replayed by {row['replayed_by']}; nothing is "
                "to be done",
            )
        return queue_imp.create_action("dead_letter_replay", body.actor, letter_id=path.letter_id)

    return accepted(context, header, make)


def _check_there(context: ApiContext, topic: str) -> None:
    if topics.get_topic(topic, store=context.bridge.store) is None:
        raise unknown("topic", topic, "publish a message first, with POST /api/topics/TOPIC")


def _message_row(topic: str, row: Row) -> dict[str, Any]:
    own = ("number", "message_id", "author", "agent_id", "session_id")
    return {name: row[name] for name in own} | {
        "topic": topic,
        "message": topics.message_of(row),
        "created_at": iso(row["created_at"]),
    }


def _bounds_row(row: Row) -> dict[str, Any]:
    own = ("max_unread", "max_age_s", "when_full", "set_by")
    return {name: row[name] for name in own} | {"set_at": iso(row["set_at"])}


def _letter_row(row: Row) -> dict[str, Any]:
    times = ("buried_at", "replayed_at")
    shown = {name: row[name] for name in DeadLetterRow.model_fields if name not in times}
    return shown | {name: None if row[name] is None else iso(row[name]) for name in times}
