"""The owner of all routes: start, reload, stop, and a model for each caller."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from reins.llm.baml.prompts import PROMPTS
from reins.llm.caller import Caller, Nobody
from reins.llm.check import RouteCheck, check_embeddings, check_plan, tried
from reins.llm.errors import ModelConfigError
from reins.llm.model import Model
from reins.llm.routes.metrics import RouteNow
from reins.llm.routes.open_route import OpenRoute
from reins.llm.routes.opener import Opener, Refuse
from reins.llm.routes.route_set import RouteSet
from reins.llm.settings import OFFLINE, ModelSettings

log = structlog.get_logger(__name__)


class ModelRouter(Model):
    """Opens the routes that the settings name; itself a model without a caller.

    `start` fails where a setting is wrong, so that the first call does not. `stop` may be called
    at any time and more than once; the callers end their calls first. Lives on one loop; `routes`
    may be called from any thread.
    """

    def __init__(self, settings: ModelSettings, *, prompts: Path = PROMPTS) -> None:
        super().__init__(self, Nobody())
        self._settings = settings
        self._opener = Opener(prompts)
        self._route_set: RouteSet | None = None
        self._changing = asyncio.Lock()
        self.answered: Callable[[str], object] = _nobody
        """Told of each route that a check finds answering."""

    async def start(self) -> None:
        """Open the routes and compile the prompts.

        Raises: ModelConfigError.
        """
        async with self._changing:
            if self._route_set is not None:
                return
            try:
                self._route_set = await self._opener.route_set(self._settings, None, None)
            finally:
                if self._route_set is None:
                    await self._opener.stop()

    async def stop(self) -> None:
        """Close what `start` opened."""
        async with self._changing:
            self._route_set = None
            await self._opener.stop()

    async def reload(
        self, settings: ModelSettings | None = None, *, refuse: Refuse | None = None
    ) -> None:
        """Read the prompts and the models file again, and take the settings if given.

        `refuse` is asked with the names of the new routes, before any is in use. Raises:
        ModelConfigError; then the old ones stay in use. Calls in flight keep theirs.
        """
        async with self._changing:
            old = self.running()  # a stopped model stays stopped
            given = settings or self._settings
            self._route_set = await self._opener.route_set(given, old, refuse)
            self._settings = given
        log.info(
            "model routes read again",
            route=str(self.running().default.target),
            routes=", ".join(self.running().routes),
            prompts=str(self.running().prompts),
        )

    def for_caller(self, caller: Caller) -> Model:
        """A model whose calls are routed, paid and recorded for this caller."""
        return Model(self, caller)

    def routes(self) -> list[RouteNow]:
        """Each route as it stands; none when the models are not running. From any thread."""
        route_set = self._route_set
        return [] if route_set is None else route_set.now()

    def knows(self, route: str) -> bool:
        """True if there is a route of that name. From any thread."""
        route_set = self._route_set
        return route_set is not None and route in route_set.config.routes

    async def check(self, name: str | None = None) -> list[RouteCheck]:
        """Try a route, or all of them, with one small call outside of limits and accounts.

        Raises: ModelConfigError when there is no such route.
        """
        route_set = self.running()
        routes = dict(route_set.routes)
        if name is not None:
            if name == OFFLINE:
                routes = dict((await self.with_offline()).routes)
            if name == route_set.embeddings.spec.name:
                routes[name] = route_set.embeddings
            if name not in routes:
                route_set.chain(name)  # raises
            routes = {name: routes[name]}
        checks = [tried(name, self._check(route)) for name, route in routes.items()]
        return list(await asyncio.gather(*checks))

    def running(self) -> RouteSet:
        if self._route_set is None:
            raise ModelConfigError("The models are not running. Await ModelRouter.start() first.")
        return self._route_set

    async def with_offline(self) -> RouteSet:
        """The routes with the demonstration, which opens at its first use."""
        async with self._changing:
            old = self.running()
            if OFFLINE not in old.routes:
                self._route_set = await self._opener.with_offline(self._settings, old)
            return self.running()

    async def _check(self, route: OpenRoute) -> RouteCheck:
        name = route.spec.name
        if route.embedder is not None and name not in self.running().config.answering:
            return await check_embeddings(name, route.target, route.embedder)
        found = await check_plan(name, route.plan, route.spec)
        if found.ok:
            route.breaker.close()
            route.admission.end_backoff()
            self.answered(name)
        return found


def _nobody(_route: str) -> None:
    """Nobody is to be told."""
