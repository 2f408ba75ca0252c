"""A writer of PostgreSQL that commits late, while another one waits for the same key."""

import asyncio

import psycopg
import pytest

from reins.kv import postgres


@pytest.mark.parametrize("kind", ["postgres"], indirect=True)
async def test_a_writer_that_waited_has_the_higher_version(place, postgres_server):
    """It asks for its version once it is alone on the key, not before it waits."""
    kv = place.open()
    await kv.put("other", 0)
    async with (
        await psycopg.AsyncConnection.connect(postgres_server.url()) as slow,
        await psycopg.AsyncConnection.connect(postgres_server.url(), autocommit=True) as looking,
    ):
        given = {"key": "key", "value": "1"}
        await slow.execute(postgres._WRITE, given)
        waiting = asyncio.create_task(kv.put("key", 2))
        while not await blocked(looking):
            assert not waiting.done()
            await asyncio.sleep(0.01)
        cursor = await slow.execute(postgres._WRITE, given)
        [version] = await cursor.fetchone()
        await slow.commit()
        assert await waiting > version


async def blocked(connection):
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    )
    return (await cursor.fetchone())[0]
