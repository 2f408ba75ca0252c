"""`reins models check [route]`: try the routes as they are set, a line for each."""

import asyncio
from collections.abc import AsyncIterator

import click

from reins.cli.outcome import CommandError, Ending
from reins.llm.baml.prompts import PROMPTS
from reins.llm.check import RouteCheck, check_embeddings, check_plan, tried
from reins.llm.embeddings.embedder import Embedder
from reins.llm.embeddings.http import HttpEmbedder
from reins.llm.embeddings.wordllama import WordEmbedder
from reins.llm.errors import ModelConfigError
from reins.llm.from_settings import model_settings
from reins.llm.routes.models_file import RouteConfig
from reins.llm.routes.opener import Opener, configured, words_plan
from reins.llm.routes.wiring import sender_for
from reins.llm.settings import OFFLINE, WORDLLAMA, ModelSettings, Route, RouteSpec
from reins.settings import SettingsError, load_settings

EXIT_BROKEN = 1
EXIT_UNUSABLE = 2


async def check(settings: ModelSettings, name: str | None) -> AsyncIterator[RouteCheck]:
    """Try each route for itself, so that one that cannot be opened hides no other.

    Raises: ModelConfigError when the file cannot be used, or there is no such route.
    """
    config = configured(settings)
    names = [n for n, spec in config.routes.items() if n != OFFLINE or spec.file]
    if name is not None:
        if name not in config.routes:
            raise ModelConfigError(f"There is no route {name!r}; there are {', '.join(names)}.")
        names = [name]
    opener = Opener(PROMPTS)
    try:
        for each in names:
            yield await tried(each, _check(opener, config, config.routes[each], settings))
    finally:
        await opener.stop()


async def _check(
    opener: Opener, config: RouteConfig, spec: RouteSpec, settings: ModelSettings
) -> RouteCheck:
    if spec.provider == WORDLLAMA:
        return await _with_embedder(spec.name, words_plan().route, WordEmbedder())
    plan = await opener.plan(spec, settings.environ)
    if spec.name != config.embeddings or spec.name in config.answering:
        return await check_plan(spec.name, plan, spec)
    sender = await asyncio.to_thread(sender_for, plan)
    embedder = HttpEmbedder(plan.route, address=plan.address, sender=sender, key=plan.key)
    return await _with_embedder(spec.name, plan.route, embedder)


async def _with_embedder(name: str, route: Route, embedder: Embedder) -> RouteCheck:
    try:
        return await check_embeddings(name, route, embedder)
    finally:
        await embedder.stop()


async def _print_all(settings: ModelSettings, name: str | None) -> bool:
    """A line for each route as it comes. Whether all work."""
    ok = True
    async for found in check(settings, name):
        print(_line(found), flush=True)
        ok = ok and found.ok
    return ok


def _line(found: RouteCheck) -> str:
    took = "" if found.latency_ms is None or not found.ok else f"  ({found.latency_ms:.0f} ms)"
    return f"{found.name}: {found.message}{took}"


@click.group(help="The routes to models.")
def models() -> None:
    pass


@models.command("check", cls=Ending, help="try each route once and name its faults")
@click.argument("route", required=False, help="only this one")
def _check_routes(*, route: str | None) -> int:
    try:
        ok = asyncio.run(_print_all(model_settings(load_settings()), route))
    except (SettingsError, ModelConfigError) as error:
        raise CommandError(error, EXIT_UNUSABLE) from error
    return 0 if ok else EXIT_BROKEN
