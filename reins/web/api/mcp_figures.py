"""The figures of MCP servers, as `/metrics` has them."""

from reins.web.api.figure import Figure, by, one

_STATES = ("starting", "connected", "waiting", "stopped")
OF_MCP = (
    Figure(
        "reins_mcp_server_state",
        "1 for the `state` that the MCP server is in; `waiting`: until it is tried again",
        by("state", lambda told: {each: float(told["state"] == each) for each in _STATES}),
    ),
    Figure(
        "reins_mcp_server_starts_total",
        "connections to the MCP server that were begun; if it grows, the server keeps ending",
        one(lambda told: told["starts"]),
    ),
    Figure(
        "reins_mcp_server_faults_total",
        "things that went wrong with the MCP server; GET /api/mcp/servers says which",
        one(lambda told: told["fault_count"]),
    ),
    Figure(
        "reins_mcp_server_tools",
        "tools of the MCP server that agents have",
        one(lambda told: len(told["tools"])),
    ),
    Figure(
        "reins_mcp_server_specs_offered",
        "specs of tools that changed or are new, and wait for a person",
        one(lambda told: len(told["offered"])),
    ),
)
