"""MCP servers of a worker: settings, reload, what is told of them, and what they cost unused."""

import json
import shutil

import pytest

from agents import Runtime
from reins.settings import load_settings
from reins.tools.outcome import ToolError
from tests.integration.tools.mcp.conftest import raw
from tests.support.program import ROOT, ran
from tests.support.waiting import until_async

UNUSED = f"""
import asyncio, sys
sys.path.insert(0, {str(ROOT)!r})
import agents, app, reins.cli.main
from reins.settings import load_settings

async def main():
    runtime = agents.Runtime(load_settings())
    await runtime.start()
    await runtime.reload()
    await runtime.stop()

asyncio.run(main())
heavy = ("mcp", "mcp_types", "httpx2", "reins.tools.mcp.tool", "reins.tools.mcp.server")
print("found", [each for each in heavy if each in sys.modules])
"""


def test_nothing_is_imported_until_a_server_is_configured(tmp_path, empty_folder):
    """Neither by imports of ours, nor by a worker that starts, reloads and stops."""
    data = shutil.copytree(empty_folder, tmp_path / "data")
    code, out, err = ran(["-c", UNUSED], cwd=tmp_path, env={"REINS_DATA": str(data)})
    assert code == 0, err
    assert out.splitlines()[-1] == "found []"


@pytest.fixture
def file(tmp_path, monkeypatch, empty_folder):
    monkeypatch.setenv("REINS_DATA", str(shutil.copytree(empty_folder, tmp_path / "data")))
    monkeypatch.setenv("REINS_MCP", str(tmp_path / "mcp.json"))
    return tmp_path / "mcp.json"


async def test_a_reload_takes_a_changed_file(file, tmp_path):
    """New servers and tools at once; a file that is broken is told, and changes nothing."""
    file.write_text(json.dumps({"mcpServers": {"one": raw(tmp_path / "one")}}))
    runtime = Runtime(load_settings())
    await runtime.start()
    try:

        async def until_there(name):
            await until_async(lambda: name in runtime.toolbox.tools.tools, f"{name} is there")

        await until_there("one__echo")
        assert "read_file" in runtime.toolbox.tools.tools
        file.write_text(json.dumps({"mcpServers": {"two": raw(tmp_path / "two")}}))
        await runtime.reload()
        await until_there("two__echo")
        with pytest.raises(ToolError):
            runtime.toolbox.select(["one__echo"])
        file.write_text('{"mcpServers": {"two": {"url": "http://x", "command": "y"}}}')
        with pytest.raises(ValueError, match="give either command"):
            await runtime.reload()
        assert (await runtime.toolbox.select(["two__echo"])["two__echo"].acall(text="x")) == "x"
    finally:
        await runtime.stop()
    assert [each["state"] for each in runtime.tools.mcp.told()] == ["stopped"]


def shell(tmp_path, *words):
    env = {"REINS_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    return ran(["-m", "reins", "tools", *words], cwd=tmp_path, env=env)


def test_the_shell_lists_and_tries_them(tmp_path):
    """From mcp.json of the working folder; each verb connects to no more than it needs."""
    (tmp_path / "data").mkdir()
    file = {"mcpServers": {"one": raw(tmp_path / "one"), "no": {"command": "/nothing"}}}
    (tmp_path / "mcp.json").write_text(json.dumps(file))
    code, out, err = shell(tmp_path, "list", "one__*")
    assert (code, "one__echo        mcp_one    medium  Say it again." in out) == (0, True), err
    assert "MCP server no: " in err
    call = ["call", "one__echo", "--json", '{"text": "salut"}']
    assert shell(tmp_path, *call)[:2] == (0, "salut\n")
    shown = json.loads(shell(tmp_path, "show", "one__echo")[1])
    assert (shown["group"], shown["policy"]["brings_in"]) == ("mcp_one", True)
    told = shell(tmp_path, "servers")[1]
    assert "one              stdio, unconfined    10 tools" in told
    assert "does not" not in told
    code, _, err = shell(tmp_path, "agree", "one", "echo")
    assert (code, "to agree to" in err) == (2, True)
    assert shell(tmp_path, "servers", "two")[0] == 2
