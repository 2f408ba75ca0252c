"""The offline model's server: who goes away in the middle is no fault of anybody."""

import asyncio

import orjson

from reins.llm.offline.server import OfflineModel

BODY = orjson.dumps(
    {"model": "offline", "stream": True, "messages": [{"role": "user", "content": "cats " * 200}]}
)


async def ask_and_go(model, *, sent, read):
    """A call that is given up: with a part of it sent, or a part of its answer read."""
    port = int(model.address.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {model.token}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    writer.write(head.encode() + BODY[:sent])
    await writer.drain()
    got = await reader.read(read) if read else b""
    writer.transport.abort()
    return got


async def test_streams_that_are_given_up_log_nothing(caplog):
    """Before the answer, in the middle of it, and before the request was whole."""
    model = OfflineModel()
    await model.start()
    try:
        for _ in range(20):
            await ask_and_go(model, sent=50, read=0)
            await ask_and_go(model, sent=len(BODY), read=0)
            await ask_and_go(model, sent=len(BODY), read=100)
        whole = await ask_and_go(model, sent=len(BODY), read=1_000)
    finally:
        await model.stop()
    assert b"200 OK" in whole
    assert [record.getMessage() for record in caplog.records if record.levelno > 20] == []


async def test_starts_make_one_key_known():
    """Each key that is known is looked for in every row, for as long as the process lives."""
    known = set()
    for _ in range(3):
        model = OfflineModel()
        await model.start()
        known.add(model.token)
        await model.stop()
    assert len(known) == 1
