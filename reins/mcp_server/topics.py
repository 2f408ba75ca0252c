"""The tools of topics: which there are, what was published, who subscribes, and publishing."""

from dataclasses import asdict
from typing import Any

from pydantic import Field

from agent_core.actions.action import create_action
from agent_core.actions.ids import ActionError
from agent_core.actions.topics import checked_message, checked_topic
from reins.bus.subscribers import list_subscribers
from reins.mcp_server.acting import SENT, Acting, sent
from reins.mcp_server.errors import RefusedError
from reins.mcp_server.looking import MATERIAL, within
from reins.mcp_server.tool import Arguments, Call, Name, ServedTool
from store import dead_letters, topics
from store.times import iso


class ListTopics(Arguments):
    limit: int = Field(50, ge=1, le=500)
    after: str = Field("", description="the next_after of the page before")


class ReadTopic(Arguments):
    topic: Name
    after: int = Field(0, ge=0, description="a cursor: messages with a higher number come")
    newest: bool = Field(default=False, description="begin with the newest limit messages instead")
    limit: int = Field(50, ge=1, le=500)


class OneTopic(Arguments):
    topic: Name


class PublishMessage(Acting):
    topic: Name
    message: Any = Field(description="a text, or JSON; subscribers get it as it is")


def _list_topics(call: Call) -> dict[str, Any]:
    given: ListTopics = call.arguments
    found = topics.newest_numbers(store=call.desk.store)
    dead: dict[str, int] = {}
    for row in dead_letters.list_dead_letters(store=call.desk.store):
        dead[row["topic"]] = dead.get(row["topic"], 0) + 1
    names = sorted(name for name in found if name > given.after and not name.startswith("@"))
    shown = within(
        {"topic": name, "messages": found[name], "dead_letters": dead.get(name, 0)}
        for name in names[: given.limit]
    )
    page: dict[str, Any] = {"topics": shown}
    if len(shown) < len(names):
        page["next_after"] = shown[-1]["topic"]
    return page


def _read_topic(call: Call) -> dict[str, Any]:
    given: ReadTopic = call.arguments
    store, topic = call.desk.store, _there(call)
    after = given.after
    if given.newest:
        after = max(after, topics.newest_numbers(store=store).get(topic, 0) - given.limit)
    rows = topics.list_topic_messages(topic, after, given.limit + 1, store=store)
    shown = within(
        {
            "number": row["number"],
            "author": row["author"],
            "message": topics.message_of(row),
            "at": iso(row["created_at"]),
        }
        for row in rows[: given.limit]
    )
    return {
        "messages": shown,
        "next_after": shown[-1]["number"] if shown else after,
        "more": len(shown) < len(rows),
    }


def _list_subscribers(call: Call) -> dict[str, Any]:
    found = list_subscribers(_there(call), store=call.desk.store)
    return {"subscribers": within(asdict(each) for each in found), "count": len(found)}


def _there(call: Call) -> str:
    topic: str = call.arguments.topic
    if topics.get_topic(topic, store=call.desk.store) is None:
        raise RefusedError(f"there is no topic {topic!r}; see list_topics, or publish to it")
    return topic


def _publish(call: Call) -> dict[str, Any]:
    given: PublishMessage = call.arguments

    def make() -> dict[str, Any]:
        try:
            topic, message = checked_topic(given.topic), checked_message(given.message)
        except ActionError as error:
            raise RefusedError(str(error)) from None
        return create_action("publish", call.desk.actor, topic=topic, message=message)

    return sent(call, make)


LOOKING_AT_TOPICS = (
    ServedTool(
        "list_topics",
        "List topics",
        "List topics, by name, each with how many messages it has and how many dead letters wait.",
        ListTopics,
        _list_topics,
        reads=True,
    ),
    ServedTool(
        "read_topic",
        "Read a topic",
        f"Read messages of a topic from a cursor on, oldest first. {MATERIAL}",
        ReadTopic,
        _read_topic,
        reads=True,
    ),
    ServedTool(
        "list_subscribers",
        "List the subscribers of a topic",
        "List the sessions that subscribe to a topic, and how many messages and seconds each is "
        "behind, furthest behind first.",
        OneTopic,
        _list_subscribers,
        reads=True,
    ),
)
PUBLISHING = (
    ServedTool(
        "publish",
        "Publish to a topic",
        "Publish a message to a topic; the sessions that subscribe to it may act on it. The author "
        f"is the actor of this server. {SENT}",
        PublishMessage,
        _publish,
        reaches_out=True,
    ),
)
