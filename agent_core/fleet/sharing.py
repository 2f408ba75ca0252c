"""Configurations that sessions share: many are created alike, and a model is half a KiB."""

from collections.abc import Callable
from typing import Any

from agent_core.agent.looping import LoopingAgentBase


class SharedConfigs:
    """The newest configuration of each type, by its JSON; agents only read theirs."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[type[LoopingAgentBase], str, Any]] = {}

    def get(self, kind: type[LoopingAgentBase], as_json: str, make: Callable[[], Any]) -> Any:
        """The configuration that is this JSON, made if it is not that of the session before."""
        known = self._newest.get(kind.agent_type)
        if known is None or known[0] is not kind or known[1] != as_json:
            known = self._newest[kind.agent_type] = (kind, as_json, make())
        return known[2]
