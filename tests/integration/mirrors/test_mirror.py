"""Mirrors on real servers: they follow, never go back, catch up, and hold up nobody."""

import asyncio
import contextlib
import threading
import time

import pytest

import queue_imp as q
from agents import Runtime
from reins.kv import open_kv
from reins.mirrors import mirror as mirrors
from reins.runtime_thread import RuntimeThread
from reins.settings import SettingsError, load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from tests.integration.web.support import Api
from tests.support.waiting import until

ON_SERVERS = pytest.mark.parametrize("kind", ["redis", "postgres"], indirect=True)
PLAN = {"kind": "task", "name": "remember", "args": {"key": "house", "value": {"floor": 2}}}


@pytest.fixture
def server(place, request):
    """The one that has the rows of `place`; it runs again at the end."""
    found = request.getfixturevalue(f"{place.kind}_server")
    yield found
    found.thaw()
    with contextlib.suppress(AssertionError):
        found.stop()
    found.start()


class House:
    """A worker with a mirror, started and stopped as often as a test likes."""

    def __init__(self, url):
        self.url = url

    @contextlib.contextmanager
    def worker(self, **settings):
        with RuntimeThread(Runtime(load_settings(mirror=self.url, **settings))) as runtime:
            yield runtime

    def scan(self, prefix=""):
        async def read():
            async with open_kv(self.url) as kv:
                rows = await kv.scan(f"reins/{prefix}")
                return {row.key.removeprefix("reins/"): row.value for row in rows}

        return asyncio.run(read())

    def get(self, key):
        return self.scan(key).get(key)

    def put(self, key, value, seq):
        async def write():
            async with open_kv(self.url) as kv:
                return await kv.put_newer(f"reins/{key}", value, seq)

        return asyncio.run(write())


@pytest.fixture
def house(place, tmp_path, monkeypatch):
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_HEARTBEAT_S", "0.05")
    return House(place.url)


def applied(action_id):
    got = q.wait_for_action(action_id)
    assert got["outcome"] == "applied", got
    return got


def metrics(runtime):
    """The samples of `/metrics` without labels, by name."""
    with Api(runtime.settings, runtime) as api:
        text = api.client.get("/metrics", base_url="http://127.0.0.1:8700").get_data(as_text=True)
    lines = [line.split(" ") for line in text.splitlines() if line and line[0] != "#"]
    return {name: float(value) for name, value in lines if "{" not in name}


def level(runtime):
    until(lambda: runtime.mirror.figures().lag_rows == 0, "the mirror has all", 30)
    until(lambda: runtime.mirror.figures().error is None, "it is well", 30)


def follows(house):
    """The mirror has, at some moment, a state that is no older than that before the call."""
    seq = list_steps("joker")[-1]["seq"]
    until(lambda: (house.get("session/joker") or {"seq": 0})["seq"] >= seq, "it follows", 30)


@ON_SERVERS
def test_the_newest_states_follow(house):
    """Of sessions, memories of every scope, and boards; what is deleted says so."""
    with house.worker() as runtime:
        applied(q.agent_create("joker", "ann", "cats"))
        applied(q.agent_create("plan", "ann", agent_type="plan", config={"plan": PLAN}))
        applied(q.memory_put("k", "ann", 1, scope="shared"))
        applied(q.memory_put("k", "ann", 2, scope="shared"))
        applied(q.memory_put("k", "ann", 3, scope="agent", agent_id="joker"))
        applied(q.board_put("b", "kept", "ann", {"n": 1}))
        applied(q.board_put("b", "gone", "ann", 1))
        applied(q.board_delete("b", "gone", "ann"))
        until(lambda: get_agent_state("plan")["status"] == "completed", "the plan is done")
        follows(house)
        applied(q.agent_pause_action("joker", "ann"))
        until(lambda: house.get("session/joker")["status"] == "paused", "the pause follows")
        level(runtime)
        found = house.scan()
        figures = metrics(runtime)
        health = runtime.health().mirror
    assert figures["reins_mirror_lag_rows"] == figures["reins_mirror_lag_seconds"] == 0
    assert figures["reins_mirror_puts_total"] >= len(found) - 1
    assert figures["reins_mirror_failures_total"] == 0
    state = get_agent_state("joker")
    assert found["session/joker"]["status"] == "paused" == state["status"]
    assert found["session/joker"]["state"]["subject"] == "cats"
    assert found["session/joker"]["iteration"] == state["iteration"]
    assert found["session/plan"]["status"] == "completed"
    assert found["memory/session/plan/house"]["value"] == {"floor": 2}
    assert (found["memory/shared//k"]["value"], found["memory/shared//k"]["version"]) == (2, 2)
    assert found["memory/agent/joker/k"]["value"] == 3
    assert found["board/b/kept"]["value"] == {"n": 1}
    assert (found["board/b/gone"]["deleted"], found["board/b/gone"]["version"]) == (True, 3)
    assert found["place"]["journal_n"] >= found["session/joker"]["journal_n"]
    assert (health["lag_rows"], health["lag_s"], health["error"]) == (0, 0.0, None)


@ON_SERVERS
def test_an_outage_holds_up_nobody_and_is_caught_up(house, server):
    """Ticks go on, the lag is told in rows and seconds; then all is there."""
    with house.worker() as runtime:
        applied(q.agent_create("joker", "ann", "cats"))
        follows(house)
        server.kill()
        before = list_steps("joker")[-1]["seq"]
        until(lambda: list_steps("joker")[-1]["seq"] > before + 20, "it ticks on")
        figures = until(
            lambda: (found := runtime.mirror.figures()).lag_rows > 10 and found, "the lag is told"
        )
        assert figures.lag_s > 0
        assert figures.error is not None
        assert "s3cret" not in figures.error
        assert figures.failures >= 1
        applied(q.board_put("b", "meanwhile", "ann", 1))
        server.start()
        until(lambda: runtime.mirror.figures().error is None, "it is back", 60)
        follows(house)
        assert house.get("board/b/meanwhile")["value"] == 1


@ON_SERVERS
def test_it_goes_on_where_it_was_after_a_restart(house, monkeypatch):
    """Also with what came while no mirror was there, whether it is followed or read anew."""
    with house.worker() as runtime:
        applied(q.agent_create("joker", "ann", "cats"))
        follows(house)
    for far_behind in (50_000, 3):
        monkeypatch.setattr(mirrors, "_FAR_BEHIND", far_behind)
        mirrored = house.url
        house.url = None
        with house.worker() as runtime:
            assert runtime.mirror is None
            assert runtime.health().mirror is None
            applied(q.board_put("b", "k", "ann", far_behind))
            seen = list_steps("joker")[-1]["seq"]
            until(lambda seen=seen: list_steps("joker")[-1]["seq"] > seen + 5, "it ticks")
        house.url = mirrored
        with house.worker() as runtime:
            follows(house)
            level_at = house.get("place")["journal_n"]
            assert level_at > 0
            until(lambda: house.get("board/b/k") is not None, "the board follows")
            until(lambda n=far_behind: house.get("board/b/k")["value"] == n, "so does its value")


@ON_SERVERS
def test_it_never_goes_back(house, server):
    """What a reader sees of a session only grows, over kills of the server and restarts of both."""
    seen, over, errors = [], threading.Event(), []

    def watch():
        async def look():
            while not over.is_set():
                async with open_kv(house.url, timeout_s=1.0) as kv:
                    with contextlib.suppress(Exception):
                        while not over.is_set():
                            entry = await kv.get("reins/session/joker")
                            if entry is not None:
                                seen.append(entry.value["seq"])
                            await asyncio.sleep(0.002)

        try:
            asyncio.run(look())
        except Exception as error:  # noqa: BLE001 - raised in the test's thread
            errors.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        for round_ in range(3):
            with house.worker() as runtime:
                if not round_:
                    applied(q.agent_create("joker", "ann", "cats"))
                follows(house)
                server.kill()
                time.sleep(0.2)
                server.start()
                until(lambda: runtime.mirror.figures().error is None, "it is back", 60)
                follows(house)
    finally:
        over.set()
        thread.join()
    assert not errors
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


@ON_SERVERS
def test_a_mirror_of_another_folder_is_left_alone(house, tmp_path, monkeypatch):
    """And one that is ahead of an older copy: it says what to do, and writes nothing."""
    with house.worker() as runtime:
        applied(q.agent_create("joker", "ann", "cats"))
        follows(house)
    found = house.scan()
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "other"))
    with house.worker() as runtime:
        applied(q.agent_create("joker", "ann", "dogs"))
        until(lambda: "of another data folder" in (runtime.mirror.figures().error or ""), "told")
        assert house.scan() == found
    with house.worker(mirror_prefix="reins/other/") as runtime:
        until(lambda: house.get("other/session/joker") is not None, "a prefix of its own")
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    house.put("place", {**found["place"], "journal_n": 1 << 40}, 1 << 40)
    with house.worker() as runtime:
        until(lambda: "a mirror never goes back" in (runtime.mirror.figures().error or ""), "told")


def test_an_address_that_is_none_is_refused_without_repeating_it(monkeypatch):
    """It may hold a password."""
    monkeypatch.setenv("REINS_MIRROR", "http://me:s3cret@host/")
    with pytest.raises(SettingsError, match="expected an address") as told:
        load_settings()
    assert "s3cret" not in str(told.value)
