"""Agent types of sessions, for texts that are found by them."""

from collections.abc import Iterable

from store.agents_config import get_agent_configs
from store.reading import Reader


class Types:
    """The agent type of each session, looked up once."""

    def __init__(self, store: Reader) -> None:
        self._store = store
        self._known: dict[str, str] = {}

    def look_up(self, session_ids: Iterable[str]) -> None:
        """Read those of sessions that are not known, by one query."""
        missing = sorted(set(session_ids) - self._known.keys())
        if missing:
            found = get_agent_configs(missing, store=self._store)
            self._known.update({each: row["agent_type"] for each, row in found.items()})

    def get(self, session_id: str | None) -> str | None:
        """The type, if it was looked up and is known."""
        return None if session_id is None else self._known.get(session_id)
