"""The environment of calls: routes and prompts, replaced as one at a reload."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reins.llm.caller import Caller
from reins.llm.errors import ModelConfigError
from reins.llm.routes.metrics import RouteNow
from reins.llm.routes.models_file import RouteConfig
from reins.llm.routes.open_route import OpenRoute


@dataclass(frozen=True, slots=True)
class RouteSet:
    """The open routes. `functions` has the characters of each prompt's template."""

    config: RouteConfig
    routes: Mapping[str, OpenRoute]
    chains: Mapping[str, tuple[OpenRoute, ...]]
    embeddings: OpenRoute
    functions: Mapping[str, int]
    prompts: Path
    record_prompts: bool

    @property
    def default(self) -> OpenRoute:
        return self.routes[self.config.default]

    def name_for(self, caller: Caller) -> str:
        """The route that a caller's calls take: its own, its type's, or the default."""
        return caller.route or self.config.agents.get(caller.agent_type) or self.config.default

    def chain(self, name: str) -> tuple[OpenRoute, ...]:
        """A route and its fallbacks, in order.

        Raises: ModelConfigError when there is none of that name.
        """
        chain = self.chains.get(name)
        if chain is None:
            raise ModelConfigError(
                f"There is no model route {name!r}; there are {', '.join(sorted(self.chains))}. "
                "Name one of these, or add it to the models file and reload."
            )
        return chain

    def now(self) -> list[RouteNow]:
        shown = list(self.routes.values())
        if self.embeddings not in shown and self.embeddings.metrics.calls:
            shown.append(self.embeddings)
        return [
            route.now(
                used_by=self._users(route.spec.name),
                is_default=route.spec.name == self.config.default,
            )
            for route in shown
        ]

    def _users(self, name: str) -> list[str]:
        users = sorted(who for who, route in self.config.agents.items() if route == name)
        if name == self.config.default:
            users.append("everything else")
        if name == self.embeddings.spec.name:
            users.append("embeddings")
        return users
