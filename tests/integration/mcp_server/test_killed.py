"""A client that dies in the middle of a call leaves one action: not none, and not two."""

import json
import random
import signal
import subprocess
import time

import psutil
import pytest
from mcp import Client

from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store import agent_steps
from store.queue import reading as queue_reading
from store.reading import Reader
from tests.integration.mcp_server.conftest import ENVIRONMENT, over_stdio
from tests.support.program import ROOT, Program
from tests.support.waiting import until

KILLS = 20
NUMBERS = sorted(map(str, range(KILLS)))
CLIENT = """
import json, subprocess, sys, time
server = subprocess.Popen(
    [sys.executable, "-m", "reins", "mcp", "--data", sys.argv[1], "--actor", "ann"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE,
)
print(server.pid, flush=True)
for message in json.loads(sys.argv[2]):
    server.stdin.write(json.dumps(message).encode() + b"\\n")
    server.stdin.flush()
time.sleep(600)
"""


def messages(*calls):
    """What a client of the older era sends, all in one go."""
    about = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    opening = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    return opening + [
        {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}
        for number, call in enumerate(calls, 1)
    ]


def steer(text, *, key="", wait_s=30):
    given = {"session_id": "a", "guidance": text, "wait_s": wait_s, "idempotency_key": key}
    return {"name": "steer", "arguments": given}


def sent(folder):
    """The guidance of all actions that steer, in the queue of a folder."""
    rows = queue_reading.everything(Reader(folder))
    return sorted(
        json.loads(row["payload"])["guidance"] for row in rows if row["type"] == "agent_interrupt"
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder whose queue has the creation of a session, and no worker on it."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("REINS_HEARTBEAT_S", "0.1")
    create = {"agent_id": "a", "wait_s": 0}
    serve(tmp_path / "data", {"name": "create_session", "arguments": create})
    return tmp_path / "data"


def serve(folder, *calls, kill_after_s=None):
    """A server whose client sends these and goes at once; with a time, the server is killed."""
    server = Program(
        ["-m", "reins", "mcp", "--data", folder, "--actor", "ann"],
        cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    server.stdin.write("".join(json.dumps(each) + "\n" for each in messages(*calls)))
    server.stdin.flush()
    if kill_after_s is not None:
        server.stdout.readline()  # it serves
        time.sleep(kill_after_s)
        server.kill()
    server.stdin.close()
    server.stdout.close()
    server.wait(60)


def test_a_client_killed_while_it_waits_leaves_one_action(folder):
    """Its server ends by itself; sent again with its key, it is the same action, applied once."""
    call = steer("owls", key="k")
    client = Program(
        ["-c", CLIENT, folder, json.dumps(messages(call))],
        cwd=ROOT, env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
    )  # fmt: skip
    server = psutil.Process(int(client.stdout.readline()))
    until(lambda: sent(folder), "it is in the queue")
    client.send_signal(signal.SIGKILL)
    client.wait(60)
    client.stdout.close()
    server.wait(60)
    assert sent(folder) == ["owls"]
    serve(folder, call)
    assert sent(folder) == ["owls"], "the same key, the same action"
    runtime = Runtime(load_settings())
    thread = RuntimeThread(runtime)
    thread.start()
    try:
        until(lambda: applied(folder, "owls") == 1, "it is applied")
    finally:
        thread.stop()
    assert applied(folder, "owls") == 1


def applied(folder, text):
    rows = agent_steps.list_steps("a", store=Reader(folder))
    return sum(json.loads(row["payload"] or "{}").get("guidance") == text for row in rows)


def test_a_client_that_goes_at_once_has_asked(folder):
    """What came whole before its end is done, though it waits for no answer: with no key at all."""
    for number in range(KILLS):
        serve(folder, steer(f"{number}"))
    assert sent(folder) == NUMBERS


def test_kills_at_any_moment_and_a_retry_leave_one_action_each(folder):
    """Whether the server or the client dies, and when, the retry with the key makes it one."""
    moments = random.Random(13)
    calls = [steer(f"{number}", key=f"k{number}") for number in range(KILLS)]
    for call in calls:
        serve(folder, call, kill_after_s=moments.uniform(0, 0.15))
    before = sent(folder)
    assert len(before) == len(set(before))
    serve(folder, *(steer(f"{number}", key=f"k{number}", wait_s=0) for number in range(KILLS)))
    assert sent(folder) == NUMBERS


async def test_a_key_is_one_call(folder):
    """Another call under a used key is refused, and says which action has it."""
    async with Client(over_stdio(folder)) as client:
        first = await client.call_tool("steer", steer("owls", key="k", wait_s=0)["arguments"])
        other = await client.call_tool("steer", steer("cats", key="k", wait_s=0)["arguments"])
    assert other.is_error
    assert first.structured_content["action_id"] in other.content[0].text
    assert "no worker runs on this data folder" in first.structured_content["note"]
    assert sent(folder) == ["owls"]
