"""The types of agents there are: found in modules, read again without a restart."""

from collections.abc import Iterable
from types import ModuleType

from agent_core.agent.looping import LoopingAgentBase
from reins import fresh_modules


class AgentTypeError(ValueError):
    """A module of agent types cannot be used; the types that there were stay."""


class AgentTypes:
    """Agent types by name, from every module of the given packages and modules."""

    def __init__(self, places: Iterable[str]) -> None:
        self.places = tuple(places)
        self.by_name: dict[str, type[LoopingAgentBase]] = {}

    def read(self, places: Iterable[str] | None = None) -> "AgentTypes":
        """The types as they stand in the modules now, read anew; this registry stays as it is.

        `places` are those of another setting. Raises: AgentTypeError.
        """
        fresh = AgentTypes(self.places if places is None else places)
        anew = bool(self.by_name)
        try:
            with fresh_modules.imported(fresh.places, anew=anew) as modules:
                fresh.by_name = _types_in(modules)
        except (Exception, SystemExit) as error:
            raise AgentTypeError(
                f"agent types in {', '.join(fresh.places)} cannot be read: "
                f"{type(error).__name__}: {error}. Mend the module."
            ) from error
        return fresh

    def take(self, fresh: "AgentTypes") -> list[str]:
        """Use the types that were read; returns the names of those that changed."""
        changed = [
            name for name, kind in fresh.by_name.items() if self.by_name.get(name) is not kind
        ]
        self.places, self.by_name = fresh.places, fresh.by_name
        return changed

    def get(self, name: str) -> type[LoopingAgentBase] | None:
        return self.by_name.get(name)

    def names(self) -> list[str]:
        return sorted(self.by_name)


def _types_in(modules: Iterable[ModuleType]) -> dict[str, type[LoopingAgentBase]]:
    found: dict[str, type[LoopingAgentBase]] = {}
    for module in modules:
        for value in vars(module).values():
            if not isinstance(value, type) or not issubclass(value, LoopingAgentBase):
                continue
            if value.__module__ != module.__name__ or not value.agent_type:
                continue
            if value.agent_type in found:
                raise AgentTypeError(f"two agent types are named {value.agent_type!r}")
            if not hasattr(value, "State"):
                raise AgentTypeError(f"{value.__name__} has no State; give it a Pydantic model")
            found[value.agent_type] = value
    return found
