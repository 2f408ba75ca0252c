"""`reins tools list | show | call`: the tools there are, and a try of one by hand."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click

from reins import logs
from reins.cli.mcp_servers import add_verbs, behind, unknown_yet, with_servers
from reins.cli.outcome import EXIT_USAGE, CommandError, Ending, print_json
from reins.llm import ModelConfigError, ModelRouter
from reins.llm.caller import Nobody
from reins.llm.from_settings import model_settings
from reins.settings import Settings, SettingsError, load_settings
from reins.tools import Context, Outcome, Registry, Tool, ToolError, ToolModuleError, calls_here
from reins.tools.describing import described
from reins.tools.mcp.config import McpConfigError
from reins.tools.mcp.servers import McpServers
from reins.tools.sandbox.probing import probe

EXIT_NOTHING = 1
EXIT_UNUSABLE = 2
_MODEL = "llm"


def _loaded() -> tuple[Settings, Registry]:
    try:
        settings = load_settings()
        logs.configure("error", "text")  # the outcome is printed
        return settings, Registry.load(settings.tools)
    except (SettingsError, ToolModuleError) as error:
        raise CommandError(error, EXIT_UNUSABLE) from error


@asynccontextmanager
async def _tool(name: str) -> AsyncIterator[tuple[Settings, Tool]]:
    """A tool; one of an MCP server while that is connected."""
    settings, registry = _loaded()
    try:
        if name in registry.tools:
            yield settings, registry.get(name)
            return
        async with with_servers(settings, registry, behind(settings, name)) as (every, servers):
            if name not in every.tools:
                _say_faults(servers)
            yield settings, every.get(name)
    except (ToolError, McpConfigError) as error:
        raise CommandError(error, EXIT_USAGE) from error


def _say_faults(servers: McpServers) -> None:
    for each in servers.told():
        for fault in each["faults"]:
            print(f"MCP server {each['name']}: {fault['text']}", file=sys.stderr)


async def _every(settings: Settings, registry: Registry) -> Registry:
    """All tools; MCP servers that nobody has seen yet are connected to."""
    try:
        async with with_servers(settings, registry, unknown_yet(settings)) as (every, servers):
            _say_faults(servers)
            return every
    except ValueError as error:
        raise CommandError(error, EXIT_UNUSABLE) from error


@click.group(help="The tools that agents can use.")
def tools() -> None:
    pass


@tools.command("list", cls=Ending, help="list all tools, or those that the words mean")
@click.argument("wanted", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="print all that there is, as JSON")
def _list(*, wanted: tuple[str, ...], as_json: bool) -> None:
    settings, registry = _loaded()
    registry = asyncio.run(_every(settings, registry))
    try:
        found = registry.select(wanted) if wanted else registry.tools
    except ToolError as error:
        raise CommandError(error, EXIT_USAGE) from error
    if as_json:
        print_json([described(each) for each in found.values()], indent=2)
        return
    confinement = asyncio.run(probe(unconfined=settings.tools_unconfined))
    for name, each in found.items():
        said = each.description.partition("\n")[0]
        print(f"{name:<16} {each.group:<10} {each.policy.risk.name:<7} {said}")
    print(f"\ncommands here: {confinement.kind}, {confinement.detail}")


@tools.command("show", cls=Ending, help="print a tool's description, schema and policy, as JSON")
@click.argument("name")
def _show(*, name: str) -> None:
    async def shown() -> dict[str, Any]:
        async with _tool(name) as (_, tool):
            return described(tool)

    print_json(asyncio.run(shown()), indent=2)


@tools.command("call", cls=Ending, help="call a tool, without an agent and without being asked")
@click.argument("name")
@click.option("--json", "arguments", default="{}", help="its arguments, as a JSON object")
@click.option(
    "--workspace",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="the folder in which it works",
)
def _call(*, name: str, arguments: str, workspace: Path | None) -> int:
    try:
        given = json.loads(arguments)
    except ValueError as error:
        raise CommandError(f"--json is no JSON: {error}", EXIT_USAGE) from error
    if not isinstance(given, dict):
        raise CommandError(f"--json must be an object, given {arguments[:80]}", EXIT_USAGE)
    context = Context(workspace=None if workspace is None else workspace.resolve())

    async def made() -> Outcome:
        async with _tool(name) as (settings, tool):
            return await _made(tool, given, context, settings)

    try:
        outcome = asyncio.run(made())
    except ModelConfigError as error:
        raise CommandError(error, EXIT_UNUSABLE) from error
    if not outcome.ok:
        raise CommandError(f"{name}: {outcome.error} ({outcome.kind})", EXIT_NOTHING)
    print(outcome.text())
    return 0


async def _made(tool: Tool, given: dict[str, Any], context: Context, settings: Settings) -> Outcome:
    if tool.group != _MODEL:
        return await calls_here().call(tool, given, context)
    async with _models(settings) as router:
        context.model = router.for_caller(Nobody())
        return await calls_here().call(tool, given, context)


@asynccontextmanager
async def _models(settings: Settings) -> AsyncIterator[ModelRouter]:
    router = ModelRouter(model_settings(settings))
    await router.start()
    try:
        yield router
    finally:
        await router.stop()


add_verbs(tools, lambda: _loaded()[0])
