"""One life of a session, by the protocol's own client: over stdio and HTTP, in both eras."""

import asyncio
import time
from urllib.parse import quote

import pytest
from mcp import MCPError

from reins.mcp_server.methods import TOOLS

WAYS = [
    ("stdio", "auto", "2026-07-28"),
    ("stdio", "legacy", "2025-11-25"),
    ("http", "auto", "2026-07-28"),
    ("http", "legacy", "2025-11-25"),
]
DEADLINE_S = 30


async def told(client, tool, **arguments):
    """What a tool gave, which did not fail."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def refused(client, tool, **arguments):
    """What a tool said that failed."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return result.content[0].text


async def waited(client, tool, fits, **arguments):
    """The first answer of a tool that fits."""
    ends_at = time.monotonic() + DEADLINE_S
    while not fits(found := await told(client, tool, **arguments)):
        assert time.monotonic() < ends_at, found
        await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize(("transport", "era", "version"), WAYS)
async def test_each_tool_does_its_work(connect, transport, era, version):
    """The same tools by every way: a life, the inbox, conversations, resources, errors."""
    me = f"{transport}/{era}"  # an id that an address has to encode
    async with connect(transport, era) as client:
        assert client.protocol_version == version
        assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)
        await a_life(client, me)
        await the_inbox(client, f"asks {me}")
        await a_conversation(client, f"talk {me}")
        await a_topic(client, f"news.{transport}-{era}")
        await resources(client, f"talk {me}", me)
        await wrong_calls(client)


async def a_topic(client, topic):
    """Published once for its key, read, and told with who subscribes."""
    key = f"publish {topic}"
    for _ in range(2):
        sent = await told(client, "publish", topic=topic, message={"n": 1}, idempotency_key=key)
        assert (sent["outcome"], sent["applied_seq"]) == ("applied", 1)
    page = await told(client, "read_topic", topic=topic)
    assert [(row["author"], row["message"]) for row in page["messages"]] == [("ann", {"n": 1})]
    listed = await told(client, "list_topics")
    assert {"topic": topic, "messages": 1, "dead_letters": 0} in listed["topics"]
    found = await told(client, "list_subscribers", topic=topic)
    assert found == {"subscribers": [], "count": 0}
    assert "there is no topic" in await refused(client, "read_topic", topic="nothing.here")
    assert "expected parts of letters" in await refused(client, "publish", topic="a b", message=1)


async def a_life(client, me):
    """Created, read from a cursor, steered with the receipt, paused, resumed and destroyed."""
    made = await told(client, "create_session", agent_id=me, idempotency_key=f"make {me}")
    assert (made["outcome"], made["actor"]) == ("applied", "ann")
    again = await told(client, "create_session", agent_id=me, idempotency_key=f"make {me}")
    assert again == {**made, "sent_before": True}
    log = await told(client, "read_log", session_id=me, wait_s=10)
    assert log["rows"][0]["seq"] == 1
    steered = await told(client, "steer", session_id=me, guidance="owls")
    assert steered["outcome"] == "applied"
    rest = await told(
        client, "read_log", session_id=me, after_seq=steered["applied_seq"] - 1, wait_s=10
    )
    assert steered["action_id"] in rest["rows"][0]["applied_actions"]
    assert (await told(client, "pause", session_id=me))["outcome"] == "applied"
    shown = await told(client, "get_session", session_id=me)
    assert (shown["status"], shown["agent_type"]) == ("paused", "joke")
    assert (await told(client, "resume", session_id=me))["outcome"] == "applied"
    ended = await told(client, "destroy", session_id=me, reason="done")
    assert (await told(client, "get_action", action_id=ended["action_id"])) == ended
    listed = await told(client, "list_sessions", status=["stopped"])
    assert me in [line["session_id"] for line in listed["sessions"]]
    late = await refused(client, "steer", session_id=me, guidance="cats")
    assert "is stopped, which cannot be steered" in late


async def the_inbox(client, me):
    """What waits for a person is shown whole, and decided as it was seen."""
    await told(client, "create_session", agent_id=me, agent_type="asking")
    found = await waited(client, "list_inbox", lambda page: page["items"], session_id=me)
    [item] = found["items"]
    assert (item["tool"], item["args"], item["risk"]) == (
        "write_note", {"text": "hello"}, "medium",
    )  # fmt: skip
    about = {"item_id": item["item_id"], "decision": "approve"}
    stale = await refused(client, "decide", **about, call_hash="another")
    assert "rejected" in stale
    assert (await told(client, "decide", **about, call_hash=item["call_hash"]))["outcome"] == (
        "applied"
    )
    assert "nothing is left to decide" in await refused(client, "decide", **about)
    assert (await told(client, "list_rules"))["rules"] == []


async def a_conversation(client, me):
    """A message is posted and read."""
    await told(client, "create_conversation", conversation_id=me, title="cats")
    posted = await told(client, "post_message", conversation_id=me, text="hello")
    assert posted["outcome"] == "applied"
    read = await told(client, "read_conversation", conversation_id=me)
    assert [(each["author"], each["text"]) for each in read["messages"]] == [("ann", "hello")]
    listed = await told(client, "list_conversations")
    assert me in [each["conversation_id"] for each in listed["conversations"]]


async def resources(client, talk, session):
    """Session, log and transcript are resources, with addresses of their own."""
    listed = [str(entry.uri) for entry in (await client.list_resources()).resources]
    mine = [
        f"reins://conversations/{quote(talk, safe='')}",
        f"reins://sessions/{quote(session, safe='')}",
        f"reins://sessions/{quote(session, safe='')}/log",
    ]
    assert set(mine) <= set(listed)
    texts = [(await client.read_resource(uri)).contents[0].text for uri in mine]
    for text, part in zip(texts, ("#1 ann: hello", '"status": "stopped"', "#1 "), strict=True):
        assert part in text
    assert len((await client.list_resource_templates()).resource_templates) == 3
    with pytest.raises(MCPError, match="there is no resource"):
        await client.read_resource("reins://sessions/nobody")


async def wrong_calls(client):
    """An assistant that reads the error can mend its call."""
    nobody = await refused(client, "steer", session_id="nobody", guidance="cats")
    assert "list_sessions shows those that there are" in nobody
    wrong = await refused(client, "steer", session="a", guidance="cats")
    assert "session_id: Field required" in wrong
    assert "It takes session_id, guidance, mode (optional)" in wrong
    with pytest.raises(MCPError, match="unknown tool 'stear'; the tools are"):
        await client.call_tool("stear", {})
