"""Opens routes: from their configuration to what calls go over."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from reins.breaker import Breaker
from reins.llm.baml.prompts import read_prompts, text_functions
from reins.llm.embeddings.embedder import Embedder
from reins.llm.embeddings.http import HttpEmbedder
from reins.llm.embeddings.wordllama import WordEmbedder
from reins.llm.errors import Kind, ModelConfigError
from reins.llm.limits.admission import Admission
from reins.llm.offline import OfflineModel
from reins.llm.routes.metrics import RouteMetrics
from reins.llm.routes.models_file import WORDS, RouteConfig, own_config, read_config
from reins.llm.routes.open_route import OpenRoute
from reins.llm.routes.providers import Plan, check_constraint, own_spec, plan, plan_offline
from reins.llm.routes.route_set import RouteSet
from reins.llm.routes.wiring import open_wire
from reins.llm.settings import OFFLINE, WORDLLAMA, ModelSettings, Route, RouteSpec
from reins.llm.wire.sender import Sender
from reins.llm.wire.wire import Wire

Refuse = Callable[[Collection[str]], str | None]
"""Returns the reason why the routes cannot be these names alone; None if they can."""


class Opener:
    """Makes sets of routes; what a new set shares with the old one stays open."""

    def __init__(self, prompts: Path) -> None:
        self._prompts = prompts
        self.offline = OfflineModel()
        self._words: WordEmbedder | None = None
        self._embedders: list[Embedder] = []
        self._senders: list[Sender] = []
        self._sources: Mapping[str, str] = {}

    async def route_set(
        self, settings: ModelSettings, old: RouteSet | None, refuse: Refuse | None = None
    ) -> RouteSet:
        """Open every route that is named somewhere; `refuse` has the last word.

        Raises: ModelConfigError; nothing of the old routes has changed then.
        """
        config = await asyncio.to_thread(configured, settings)
        files = await asyncio.to_thread(read_prompts, self._prompts)
        opened = {
            name: await self._open(config.routes[name], settings, files, old)
            for name in _named(config, old)
        }
        if refuse is not None and (why := refuse(config.routes.keys())) is not None:
            raise ModelConfigError(why)
        # From here on nothing fails: the limits of the old routes change.
        before = {} if old is None else old.routes
        routes = {
            name: _route(config.routes[name], *made, before.get(name))
            for name, made in opened.items()
        }
        embeddings = self._embedding_route(config, routes, old)
        self._sources = files
        return RouteSet(
            config=config,
            routes=routes,
            chains=_chains(config, routes),
            embeddings=embeddings,
            functions=text_functions(files),
            prompts=self._prompts,
            record_prompts=settings.record_prompts,
        )

    async def with_offline(self, settings: ModelSettings, old: RouteSet) -> RouteSet:
        """The same routes, and the demonstration among them."""
        spec = old.config.routes[OFFLINE]
        made, wire = await self._open(spec, settings, self._sources, None)
        routes = {**old.routes, OFFLINE: _route(spec, made, wire, None)}
        chains = _chains(old.config, routes)
        return replace(old, routes=routes, chains=chains)

    async def stop(self) -> None:
        """Close what the sets hold open; once more does nothing."""
        embedders, self._embedders, self._words = self._embedders, [], None
        senders, self._senders = self._senders, []
        for embedder in embedders:
            await embedder.stop()
        for sender in senders:
            await sender.stop()
        await self.offline.stop()

    async def _open(
        self,
        spec: RouteSpec,
        settings: ModelSettings,
        files: Mapping[str, str],
        old: RouteSet | None,
    ) -> tuple[Plan, Wire | None]:
        check_constraint(spec)
        if spec.provider == WORDLLAMA:
            return words_plan(), None
        made = await self.plan(spec, settings.environ)
        before = None if old is None else old.routes.get(spec.name)
        same = before.answering if before and before.plan == made else None
        if same is not None and files == self._sources:
            return made, same
        # The same address again keeps its connections; a sender that is not used any more stays
        # open for the calls in flight, until `stop`.
        sender = None if same is None else same.sender
        wire = await asyncio.to_thread(open_wire, made, spec, files, sender)
        if sender is None:
            self._senders.append(wire.sender)
        return made, wire

    async def plan(self, spec: RouteSpec, environ: Mapping[str, str]) -> Plan:
        """The plan of a route; for the demonstration its server is started.

        It is left open by a later change of route, for the calls still in flight; `stop` closes it.
        """
        if spec.provider != OFFLINE:
            return plan(spec, environ)
        await self.offline.start()
        return plan_offline(spec, address=self.offline.address, token=self.offline.token)

    def _embedding_route(
        self, config: RouteConfig, routes: dict[str, OpenRoute], old: RouteSet | None
    ) -> OpenRoute:
        """The route of embeddings; every route that makes some gets its embedder."""
        before = old.embeddings if old else None
        for name, route in routes.items():
            if route.spec.provider == WORDLLAMA:
                routes[name] = replace(route, embedder=self._word_embedder())
            elif name == config.embeddings:
                routes[name] = replace(route, embedder=self._http_embedder(route, before))
        if config.embeddings is not None:
            return routes[config.embeddings]
        same = before if before and before.spec.name == WORDS else None
        spec = RouteSpec(WORDS, WORDLLAMA, WordEmbedder.MODEL)
        route = _route(spec, words_plan(), None, same)
        return replace(route, embedder=self._word_embedder())

    def _word_embedder(self) -> Embedder:
        if self._words is None:
            self._words = WordEmbedder()
            self._embedders.append(self._words)
        return self._words

    def _http_embedder(self, route: OpenRoute, before: OpenRoute | None) -> Embedder:
        if before and before.embedder and before.plan == route.plan:
            return before.embedder
        # The one before stays open for the calls in flight, until `stop`.
        made = HttpEmbedder(
            route.target,
            address=route.plan.address,
            sender=route.wire.sender,
            key=route.plan.key,
            timeout_s=route.spec.longest_attempt_s,
        )
        self._embedders.append(made)
        return made


def configured(settings: ModelSettings) -> RouteConfig:
    """The routes that the settings and their file name.

    Raises: ModelConfigError.
    """
    own = own_spec(settings)
    if settings.models_file is None:
        return own_config(own)
    return read_config(settings.models_file, settings.environ, own)


def _named(config: RouteConfig, old: RouteSet | None) -> list[str]:
    """The routes to open: all but a demonstration that nobody uses."""
    used = config.answering | (old.routes.keys() if old else set())
    return [n for n, spec in config.routes.items() if n != OFFLINE or spec.file or n in used]


def _chains(
    config: RouteConfig, routes: Mapping[str, OpenRoute]
) -> dict[str, tuple[OpenRoute, ...]]:
    return {
        name: tuple(routes[each] for each in config.chain(name))
        for name, route in routes.items()
        if route.answering is not None
    }


def _route(spec: RouteSpec, made: Plan, wire: Wire | None, before: OpenRoute | None) -> OpenRoute:
    """An open route; admission and breaker are the old ones' where it leads to the same place."""
    if before is not None and _place(before.plan) == _place(made):
        admission, breaker = before.admission, before.breaker
        admission.limit(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)
        breaker.limit(spec.breaker_failures, spec.breaker_rest_s)
    else:
        admission = Admission(spec.concurrency, spec.requests_per_minute, spec.tokens_per_minute)
        breaker = Breaker[Kind](spec.breaker_failures, spec.breaker_rest_s)
    metrics = RouteMetrics() if before is None else before.metrics
    return OpenRoute(spec, made, wire, admission, breaker, metrics)


def _place(made: Plan) -> tuple[Route, str | None]:
    return made.route, made.key


def words_plan() -> Plan:
    return Plan(Route(WORDLLAMA, WordEmbedder.MODEL, "in this process"), "", {})
