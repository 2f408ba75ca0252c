"""The state of an agent with a mind, in five parts, each with its bound and its lens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from reins.mind.beliefs import Beliefs
from reins.mind.memories import Memories
from reins.mind.reading import check_size, read
from reins.plans.json_value import as_json
from reins.plans.lenses import Lens, lens

BOUNDS_BYTES: Mapping[str, int] = {
    "data": 16 * 1024,
    "memory": 16 * 1024,
    "beliefs": 16 * 1024,
    "profile": 4 * 1024,
    "scratch": 8 * 1024,
}
"""The most that each part may take as JSON; together they leave a snapshot of 64 KiB some room."""
_MENDS: Mapping[str, str] = {
    "data": "keep what is larger in a file or a memory's row",
    "memory": "forget what is not needed, or keep it in a file",
    "beliefs": "commit its fresh rows, or hold fewer claims",
    "profile": "say it in fewer words",
    "scratch": "take out what is done with",
}


@dataclass(frozen=True, slots=True)
class AgentState:
    """The work of an agent, what it remembers and believes, what it is, and what is at hand.

    `data`, `profile` and `scratch` are JSON. Raises: TooLargeError for a part above its bound,
    MindError for what JSON does not hold.
    """

    data: dict[str, Any] = field(default_factory=dict)
    memory: Memories = field(default_factory=Memories)
    beliefs: Beliefs = field(default_factory=Beliefs)
    profile: dict[str, Any] = field(default_factory=dict)
    scratch: dict[str, Any] = field(default_factory=dict)

    __pydantic_config__ = ConfigDict(extra="forbid")

    def __post_init__(self) -> None:
        for name, most_bytes in BOUNDS_BYTES.items():
            check_size(
                _part(self, name), f"the part {name!r} of the state", most_bytes, _MENDS[name]
            )

    def as_json(self) -> dict[str, Any]:
        """The same as a plan and a snapshot hold it. All five parts are there, empty ones too.

        Raises: ValueError with the place of what JSON does not hold.
        """
        return {name: as_json(_part(self, name), name) for name in BOUNDS_BYTES}

    @classmethod
    def from_json(cls, given: Any) -> "AgentState":
        """The state of which `as_json` made this. Raises: MindError."""
        return read(cls, given, "the state")


def _part(state: AgentState, name: str) -> Any:
    part = getattr(state, name)
    return part.as_json() if isinstance(part, Memories | Beliefs) else part


data_of: Lens[AgentState, dict[str, Any]] = lens("data")
memory_of: Lens[AgentState, Memories] = lens("memory")
beliefs_of: Lens[AgentState, Beliefs] = lens("beliefs")
profile_of: Lens[AgentState, dict[str, Any]] = lens("profile")
scratch_of: Lens[AgentState, dict[str, Any]] = lens("scratch")


def _set(_given: Any, state: AgentState) -> dict[str, Any]:
    return state.as_json()


mind_of: Lens[dict[str, Any], AgentState] = lens(AgentState.from_json, _set)
"""The state in its JSON: `lens("mind") | mind_of | beliefs_of` are beliefs in a plan's state. The
JSON must have all five parts, as `AgentState().as_json()` has.
"""
