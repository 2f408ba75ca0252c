"""`reins tools servers | agree`, and the tools of MCP servers for the other verbs."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import click

from reins.cli.outcome import EXIT_USAGE, CommandError, Ending, print_json
from reins.settings import Settings
from reins.tools import Registry
from reins.tools.mcp.config import ServerEntry, default_file, read
from reins.tools.mcp.launching import Launcher
from reins.tools.mcp.pins import PinError, Pins
from reins.tools.mcp.servers import McpServers
from reins.tools.mcp.telling import told_without
from reins.tools.sandbox.probing import probe
from reins.tools.workspaces import root_of


@asynccontextmanager
async def with_servers(
    settings: Settings, registry: Registry, connects: Callable[[str], bool]
) -> AsyncIterator[tuple[Registry, McpServers]]:
    """All tools, those of MCP servers among them; these servers are connected to meanwhile.

    Raises: McpConfigError.
    """
    entries = read(settings.mcp or default_file())
    confine = partial(probe, unconfined=settings.tools_unconfined)
    launcher = Launcher(root_of(settings) / ".mcp", confine)
    servers = McpServers(Pins(settings.data), launcher, lambda: None)
    try:
        await servers.take(entries, connects)
        await servers.settled()
        yield servers.beside(registry), servers
    finally:
        await servers.stop()


def unknown_yet(settings: Settings) -> Callable[[str], bool]:
    """True for a server whose tools nobody has seen yet. Raises: McpConfigError, PinError."""
    seen = {each["name"] for each in told_without(settings) if each["tools"]}
    return lambda name: name not in seen


def behind(settings: Settings, tool: str) -> Callable[[str], bool]:
    """True for the server that has this tool. Raises: McpConfigError."""
    entries: Mapping[str, ServerEntry] = read(settings.mcp or default_file())
    found = [name for name in entries if tool.startswith(f"{_as_named(name)}__")]
    return lambda name: name in found


def _as_named(server: str) -> str:
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in server)


def add_verbs(group: click.Group, settings_of: Callable[[], Settings]) -> None:
    """Give the group the verbs for MCP servers."""

    @group.command("servers", cls=Ending, help="list MCP servers, or show one with changed tools")
    @click.argument("name", required=False)
    @click.option("--json", "as_json", is_flag=True, help="print all that is known, as JSON")
    def servers(*, name: str | None, as_json: bool) -> None:
        found = _known(settings_of(), name)
        if as_json:
            print_json(found, indent=2)
            return
        for each in found:
            confined = "sandboxed" if each["sandbox"] else "unconfined"
            kind = "http" if each["transport"] == "http" else f"stdio, {confined}"
            print(f"{each['name']:<16} {kind:<20} {len(each['tools'])} tools  {each['where']}")
            for spec in each["offered"]:
                _print_offered(each["name"], spec, whole=name is not None)

    @group.command("agree", cls=Ending, help="agree to specs of a server that changed or are new")
    @click.argument("server")
    @click.argument("tool", nargs=-1, required=True)
    @click.option("--actor", default="shell", show_default=True, help="who agrees")
    def agree(*, server: str, tool: tuple[str, ...], actor: str) -> None:
        pins = Pins(settings_of().data)
        try:
            agreed = pins.agree(server, dict.fromkeys(tool), actor)
        except PinError as error:
            raise CommandError(f"{error}; see: reins tools servers {server}", EXIT_USAGE) from error
        print(f"agreed: {', '.join(agreed)}; a worker that runs takes it within a second")


def _known(settings: Settings, name: str | None) -> list[dict[str, Any]]:
    try:
        found = told_without(settings)
    except ValueError as error:
        raise CommandError(error, EXIT_USAGE) from error
    chosen = [each for each in found if name in (None, each["name"])]
    if name is not None and not chosen:
        known = ", ".join(each["name"] for each in found) or "none"
        raise CommandError(f"there is no MCP server {name!r}; there are {known}", EXIT_USAGE)
    return chosen


def _print_offered(server: str, offered: Mapping[str, Any], *, whole: bool) -> None:
    kind = "is new" if offered["before"] is None else "has changed"
    tool = offered["tool"]
    print(f"  {tool} {kind}; nobody has it before: reins tools agree {server} {tool}")
    if whole:
        for word in ("before", "now"):
            if offered[word] is not None:
                print(f"    {word}: {json.dumps(offered[word], ensure_ascii=False)}")
