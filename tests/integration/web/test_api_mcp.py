"""MCP servers over HTTP: listed, at a glance, in the metrics; agreeing to specs that changed."""

import json

import pytest

from reins.settings import load_settings
from reins.tools.mcp.pins import hash_of
from tests.integration.tools.mcp.conftest import raw
from tests.support.mcp_raw import SPECS, TEXT, spec
from tests.support.waiting import until

ANN = {"actor": "ann"}
RUG = spec("echo", "Another one.", TEXT)


@pytest.fixture
def settings(settings, tmp_path, monkeypatch):
    file = {"mcpServers": {"one": raw(tmp_path / "one")}}
    (tmp_path / "mcp.json").write_text(json.dumps(file))
    monkeypatch.setenv("REINS_MCP", str(tmp_path / "mcp.json"))
    return load_settings()


def listed(api):
    [found] = api.get("/api/mcp/servers")["items"]
    return found


def test_a_server_is_told_and_its_changed_tool_agreed_to(api, tmp_path):
    """The spec that was looked at is named by its hash; the tool is there again."""
    server = until(lambda: (found := listed(api))["state"] == "connected" and found)
    assert (server["where"], server["sandbox"]) == (raw(tmp_path / "one")["command"], False)
    assert "one__echo" in server["tools"]
    tools = {each["name"]: each for each in api.get("/api/tools")["items"]}
    assert tools["one__echo"]["policy"]["brings_in"]
    [now] = api.get("/api/system")["mcp"]
    assert (now["name"], now["state"], now["tools"], now["fault"]) == ("one", "connected", 10, None)
    metrics = api.client.get("/metrics", base_url="http://127.0.0.1:8700").get_data(as_text=True)
    assert 'reins_mcp_server_state{server="one",state="connected"} 1.0' in metrics
    assert 'reins_mcp_server_tools{server="one"} 10.0' in metrics

    (tmp_path / "one" / "specs.json").write_text(json.dumps([RUG, *SPECS[1:]]))
    api.done("/api/environment/reload", ANN)
    worker = api.runtime.tools.mcp.live["one"]
    api.runtime.loop.call_soon_threadsafe(worker._connection.changed.set)
    offered = until(lambda: listed(api)["offered"])
    assert [each["tool"] for each in offered] == ["echo"]
    assert (offered[0]["now"]["description"], offered[0]["sha256"]) == (
        "Another one.", hash_of(RUG),
    )  # fmt: skip
    assert "one__echo" not in listed(api)["tools"]
    assert api.get("/api/system")["mcp"][0]["offered"] == 1
    agree = "/api/mcp/servers/one/agree"
    refused = api.post(agree, {"tools": {"echo": "0" * 64}, **ANN}, status=409)
    assert "changed again" in refused["detail"]
    api.post("/api/mcp/servers/two/agree", {"tools": {"echo": "0" * 64}, **ANN}, status=404)
    agreed = api.post(agree, {"tools": {"echo": offered[0]["sha256"]}, **ANN}, status=200)
    assert agreed == {"tools": ["echo"]}
    until(lambda: "one__echo" in listed(api)["tools"])


def test_without_a_worker_they_are_told_by_the_file(idle, tmp_path):
    """Nothing is started for that; a file that is broken is told."""
    server = listed(idle)
    assert (server["state"], server["tools"]) == ("elsewhere", [])
    assert not (tmp_path / "one" / "starts").exists()
    (tmp_path / "mcp.json").write_text("{")
    assert "is no JSON" in idle.get("/api/mcp/servers", status=503)["detail"]
    assert idle.get("/api/system")["mcp"] is None
