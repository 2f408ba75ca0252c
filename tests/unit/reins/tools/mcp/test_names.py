"""Tools of servers by name: what they are called, and which fall together."""

import re
import time
from types import SimpleNamespace

from reins.tools.declaring import tool
from reins.tools.mcp.config import ServerEntry
from reins.tools.mcp.pins import ServerPins
from reins.tools.mcp.servers import McpServers
from reins.tools.mcp.tool import McpTool, name_of
from reins.tools.registry import Registry

ENTRY = ServerEntry(command="x")


def made(server, name):
    return McpTool(server, ENTRY, {"name": name, "inputSchema": {"type": "object"}}, None)


def having(*tools):
    servers = McpServers(None, None, lambda: None)
    servers.live["s"] = SimpleNamespace(
        name="s", entry=ENTRY, state="connected", about="", starts=1, fault_count=0, faults=[],
        pins=ServerPins(), tools={each.tool: each for each in tools},
    )  # fmt: skip
    return servers


def test_names_are_those_that_models_may_call():
    """At most 64 letters, digits and underscores; a long one keeps apart from its like."""
    assert name_of("my-time", "get.now") == "my_time__get_now"
    long, other = name_of("s", "x" * 80), name_of("s", "x" * 81)
    assert long != other
    for each in (long, other):
        assert re.fullmatch(r"[A-Za-z0-9_]{1,64}", each)


def test_two_that_fall_together_are_both_refused():
    """Which of them would be called nobody could say; the server is told of, the others stay."""
    servers = having(made("s", "a.b"), made("s", "a_b"), made("s", "c"))
    assert [*servers.beside(Registry(())).tools] == ["s__c"]
    assert servers.told()[0]["clashes"] == ["s__a_b", "s__a_b"]
    assert servers.told()[0]["tools"] == ["s__c"]


def test_a_tool_of_ones_own_goes_before():
    """One of a server never takes the place of another."""

    @tool(risk="low", name="s__c")
    async def own() -> str:
        "Own."
        return ""

    servers = having(made("s", "c"))
    assert servers.beside(Registry([own])).tools == {"s__c": own}
    assert servers.told()[0]["tools"] == []


def test_a_check_costs_little():
    """Validation is some ten microseconds, not milliseconds, a call."""
    each = made("s", "c")
    began = time.perf_counter()
    for _ in range(100):
        each.check({"a": 1})
    assert time.perf_counter() - began < 1.0
