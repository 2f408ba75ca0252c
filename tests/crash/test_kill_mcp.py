"""kill -9 in the middle of a call of an MCP server: unknown and not repeated, or done again."""

import json
import shutil

import queue_imp as q
from reins.tools.mcp.pins import Pins
from store.agent_steps import list_steps
from store.queue import writer as queue_writer
from store.reading import Reader
from tests.integration.tools.mcp.conftest import lines, raw
from tests.support import data_folder
from tests.support.waiting import until
from tests.support.worker import Workers

TOOLS = {"append": {"outward": False}, "put": {"idempotent": True, "outward": False}}


def outcome(session, data):
    for row in list_steps(session, limit=1_000, store=Reader(data)):
        payload = json.loads(row["payload"] or "{}")
        if row["kind"] == "tick" and "outcome" in payload:
            return payload["outcome"]
    return None


def test_a_worker_that_is_killed_in_a_call(tmp_path, empty_folder):
    """`append` was asked for once and is unknown; `put`, declared idempotent, was asked twice."""
    data, servers = tmp_path / "data", [tmp_path / "append", tmp_path / "put"]
    shutil.copytree(empty_folder, data)
    specs = tmp_path / "mcp.json"
    named = {each.name: raw(each, tools=TOOLS) for each in servers}
    specs.write_text(json.dumps({"mcpServers": named}))
    for each in servers:
        (each / "slow").touch()
    settings = {
        "REINS_AGENT_MODULES": '["agents_impl", "tests.support.mcp_tasks"]',
        "REINS_MCP": str(specs),
    }
    writer = queue_writer.writer_at(data)
    acknowledged = []
    with Workers() as workers:
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        pins = Pins(data)
        until(lambda: all(pins.read(each.name).agreed for each in servers), "both are connected")
        for tool in ("append", "put"):
            config = {"goal": f"{tool}__{tool}", "tools": ["*__*"], "approvals": "allow_medium"}
            action = q.create_action(
                "create_agent", "ann", agent_id=tool, agent_type="mcp_task", config=config
            )
            writer.append(action)
            acknowledged.append(action["action_id"])
        until(lambda: all(lines(each, "calls") for each in servers), "both are in their calls")
        workers.kill(worker)
        for each in servers:
            (each / "slow").unlink()
        worker = workers.start(data, tmp_path / "worker.log", **settings)
        until(lambda: outcome("append", data) and outcome("put", data), "both go on")
        assert outcome("append", data)["kind"] == "unknown"
        assert "not repeated" in outcome("append", data)["text"]
        assert outcome("put", data)["text"] == "put done"
        workers.stop(worker)
    assert [lines(each, "calls") for each in servers] == [["append append"], ["put put"] * 2]
    data_folder.check(data, acknowledged)
