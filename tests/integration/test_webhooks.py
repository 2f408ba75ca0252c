"""A real worker calls a real receiver, which is away, slow, gone, or there."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

import queue_imp as q
from agents import Runtime
from reins.cli.main import main as cli
from reins.settings import load_settings
from reins.webhooks import episodes
from store.webhook_calls import list_webhook_calls
from tests.support import data_folder
from tests.support.waiting import until_async
from tests.support.web_sites import site

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
PATH = "/services/T0/very-secret-path"
ONE_TICK = {"budget": {"session": {"ticks": 1}}}


class Receiver:
    """What was received, and the statuses that are answered one after the other; the last stays."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.got = []

    async def __call__(self, request):
        body = await request.read()
        self.got.append((request.headers, body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            await asyncio.sleep(3600)
        return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/"})

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.got]

    def told(self, number=-1):
        """What was told, after its signature was checked."""
        headers, body = self.got[number]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(b"k" * 32, signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        return json.loads(body)


@pytest.fixture
def world(tmp_path, monkeypatch):
    """Starts a worker that looks often, and calls what the file names."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_WEBHOOKS", str(tmp_path / "webhooks.json"))
    monkeypatch.setattr(episodes, "OVER_S", 0.3)

    @asynccontextmanager
    async def running(**hooks):
        entries = {
            name: {"url": place.url(PATH), "secret": SECRET, "after_s": 0, **more}
            for name, (place, more) in hooks.items()
        }
        (tmp_path / "webhooks.json").write_text(json.dumps({"webhooks": entries}))
        runtime = Runtime(load_settings(heartbeat_s=0.05))
        runtime.webhooks._look_s, runtime.webhooks._pauses_s = 0.05, (0.05, 0.1, 0.2)
        await runtime.start()
        try:
            yield runtime
        finally:
            await runtime.stop()
            await asyncio.to_thread(data_folder.verified, tmp_path / "data")

    return running


async def do(helper, *given, **more):
    action = await asyncio.to_thread(helper, *given, **more)
    return await asyncio.to_thread(q.wait_for_action, action, 30)


async def hold(name="dear", **config):
    return await do(q.agent_create, name, "ann", "cats", config={**ONE_TICK, **config})


async def limit(ticks):
    guidance = {"type": "set_budget", "scope": "session", "ticks": ticks}
    return await do(q.agent_interrupt, "dear", "ann", guidance)


async def calls(runtime, *states):
    """The calls, once they are all in these states."""

    def read():
        found = list_webhook_calls(store=runtime.store.reader)
        return [row["state"] for row in found] == list(states) and found

    return await until_async(read)


async def test_a_receiver_that_fails_at_first_is_told_once(world):
    """Signed, under one id at each attempt, with whom it concerns; and then no more of it."""
    receiver = Receiver(500, 302, 200)
    async with site(receiver) as place, world(ops=(place, {})) as runtime:
        await hold()
        [row] = await calls(runtime, "delivered")
        assert (row["attempts"], row["status"], row["kind"]) == (3, 200, "held")
        assert receiver.ids == [row["call_id"]] * 3
        told = receiver.told()
        assert (told["type"], told["data"]["sessions"]) == ("concern.held", ["dear"])
        assert told["text"].startswith("Reins: held: ")
        assert "ticks" in told["data"]["text"]
        looks = runtime.webhooks._episodes["ops"]
        await asyncio.sleep(0.5)  # several looks, in none of which it is told again
        assert looks is runtime.webhooks._episodes["ops"]
        assert len(receiver.got) == 3


async def test_a_restart_does_not_call_again_and_a_new_episode_does(world):
    """What a worker before has told is known; once it was over, the next time is another call."""
    receiver = Receiver(200)
    async with site(receiver) as place:
        async with world(ops=(place, {})) as runtime:
            await hold()
            await calls(runtime, "delivered")
        async with world(ops=(place, {})) as runtime:
            await asyncio.sleep(0.5)
            assert len(receiver.got) == 1
            assert (await limit(9**9))["outcome"] == "applied"
            await until_async(lambda: list_webhook_calls(store=runtime.store.reader)[0]["over_at"])
            assert (await limit(1))["outcome"] == "applied"
            await calls(runtime, "delivered", "delivered")
        assert len(set(receiver.ids)) == len(receiver.ids) == 2


async def test_what_was_not_delivered_before_a_stop_is_after_the_start(world):
    """Under the same id, with the same body: the receiver can tell that it is no other call."""
    receiver = Receiver(503)
    async with site(receiver) as place:
        async with world(ops=(place, {})) as runtime:
            runtime.webhooks._deliverers["ops"]._pauses_s = (0.05, 3600.0)
            await hold()
            await until_async(lambda: len(receiver.got) == 2)
            [row] = await calls(runtime, "waiting")
        receiver.statuses = [204]
        async with world(ops=(place, {})) as runtime:
            [row] = await calls(runtime, "delivered")
        assert set(receiver.ids) == {row["call_id"]}
        assert len({body for _, body in receiver.got}) == 1
        assert row["attempts"] == len(receiver.got) == 3


async def test_a_receiver_that_is_away_or_hangs_delays_no_tick(world):
    """Sessions tick on, another webhook is told, and who is away is given up in the end."""
    hanging, away, there = Receiver(None), Receiver(500), Receiver(200)
    async with site(hanging) as one, site(away) as two, site(there) as three:
        hooks = {"hangs": (one, {}), "away": (two, {}), "there": (three, {})}
        async with world(**hooks) as runtime:
            await do(q.agent_create, "well", "ann", "dogs")
            await hold()
            await until_async(lambda: there.got and hanging.got and len(away.got) == 4)
            ticks = runtime.fleet.live["well"].iteration
            await until_async(lambda: runtime.fleet.live["well"].iteration > ticks + 5)
            rows = await until_async(lambda: _settled(runtime, 2))
    states = {row["webhook"]: (row["state"], row["attempts"]) for row in rows}
    assert states == {"hangs": ("waiting", 0), "away": ("given_up", 4), "there": ("delivered", 1)}


def _settled(runtime, count):
    found = list_webhook_calls(store=runtime.store.reader)
    return sum(row["state"] != "waiting" for row in found) == count and found


async def test_kinds_and_rejections(world):
    """Each webhook is told of its own kinds; a refusal is told with who asked and why."""
    money, refusals = Receiver(200), Receiver(410)
    async with site(money) as one, site(refusals) as two:
        hooks = {"money": (one, {"kinds": ["budget"]}), "no": (two, {"kinds": ["rejected"]})}
        async with world(**hooks) as runtime:
            await hold()
            receipt = await do(q.agent_pause_action, "nobody", "bob")
            assert receipt["outcome"] == "rejected"
            await until_async(lambda: money.got and refusals.got)
            assert money.told()["data"]["kind"] == "held"
            told = refusals.told()["data"]["text"]
            assert "agent_pause of bob" in told
            assert receipt["error"] in told
            [told] = [each for each in runtime.webhooks.told() if each["name"] == "no"]
            await until_async(lambda: runtime.webhooks._deliverers["no"].gone)
            await do(q.agent_pause_action, "no one", "bob")
            rows = await until_async(lambda: _settled(runtime, 3))
    states = {row["state"]: row["error"] for row in rows}
    assert states.keys() == {"dropped", "given_up", "delivered"}
    assert "410" in states["dropped"]
    assert (len(money.got), len(refusals.got)) == (1, 1)


async def test_a_trial_from_the_shell_and_no_secret_anywhere(world, capsys):
    """The trial says whether it was taken; neither key nor path of the address is on record."""
    receiver = Receiver(200, 500)
    async with site(receiver) as place, world(ops=(place, {})) as runtime:
        assert await asyncio.to_thread(cli, ["webhooks", "test", "ops"]) == 0
        assert receiver.told()["type"] == "test"
        assert "it was taken (200)" in capsys.readouterr().out
        sent = await runtime.webhooks.try_one("ops")
        assert sent.error == "it answered 500"
        assert await asyncio.to_thread(cli, ["webhooks", "test", "nobody"]) == 2
        await hold()
        await until_async(lambda: len(receiver.got) > 3)
        assert await asyncio.to_thread(cli, ["webhooks", "list"]) == 0
        told = capsys.readouterr()
        assert f"ops: http://{place.place} (signed)" in told.out
        rows = list_webhook_calls(store=runtime.store.reader)
        everything = json.dumps([told.out, told.err, runtime.webhooks.told(), rows], default=str)
    assert SECRET not in everything
    assert "very-secret-path" not in everything
