"""One `python app.py` as a person starts it, and the helpers' way into its data folder."""

import json
import re
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import queue_imp as q
from store.agent_steps import list_steps
from store.reading import reader
from tests.support.waiting import until
from tests.support.worker import Worker


class App:
    """A real process on a real port. REINS_DATA must name its folder: the helpers look there."""

    def __init__(self, data: Path, logs: Path, *flags: str, **settings: str | None) -> None:
        self.data, self._logs, self._settings = data, logs, settings
        self._starts = 0
        self._start(*(flags or ("--port", "0")))

    def _start(self, *flags: str) -> None:
        self._starts += 1
        self.worker = Worker(
            self.data, self._logs.with_name(f"{self._logs.name}-{self._starts}"),
            "app.py", "--data", str(self.data), *flags, settings=self._settings,
        )  # fmt: skip
        self.at = until(self._address, "its address")

    def _address(self) -> str:
        assert self.worker.process.poll() is None, self.worker.stderr.read_text()
        found = re.search(r"http://\S+?:\d+", self.worker.stdout.read_text())
        return found[0] if found else ""

    @property
    def port(self) -> str:
        return self.at.rsplit(":", 1)[1]

    def start_again(self) -> None:
        """The same folder at the same address, after a kill."""
        self._start("--port", self.port)

    def end(self) -> None:
        self.worker.__exit__()

    def page_of(self, session_id: str, query: str = "") -> str:
        return f"{self.at}/sessions/{quote(session_id, safe='')}{query}"

    def create(self, agent_id: str, subject: str | None = None, **more: Any) -> None:
        self.applied([q.agent_create(agent_id, "ann", subject, **more)])

    def create_odd(self, *agent_ids: str, **config: Any) -> None:
        """Agents that do what a test asks for; at rest but for `config`."""
        given = {"heartbeat_s": 3_600, **config}
        self.applied(
            [q.agent_create(each, "ann", agent_type="odd", config=given) for each in agent_ids]
        )

    def converse(self, conversation_id: str, *names: str, **config: Any) -> None:
        """A conversation, and personas of these names in it: Ada of `tea` is the agent tea-ada."""
        self.applied([q.conversation_create(conversation_id, "ann", f"About {conversation_id}")])
        given = {"conversation_id": conversation_id, **config}
        self.applied(
            [
                q.agent_create(
                    f"{conversation_id}-{name.lower()}", "ann", agent_type="persona",
                    config={**given, "name": name},
                )
                for name in names
            ]
        )  # fmt: skip

    def applied(self, action_ids: Iterable[str]) -> None:
        for action_id in action_ids:
            receipt = q.wait_for_action(action_id)
            assert receipt["outcome"] == "applied", receipt

    def rejected(self, action_id: str) -> str:
        receipt = q.wait_for_action(action_id)
        assert receipt["outcome"] == "rejected", receipt
        return receipt["error"]

    def steps(self, session_id: str) -> list[dict[str, Any]]:
        return list_steps(session_id, limit=100_000, store=reader(self.data))

    def now(self, session_id: str) -> dict[str, Any]:
        """What the API says of a session: cheap, however long its log is."""
        return self.read(f"/api/sessions/{quote(session_id, safe='')}")

    def read(self, path: str) -> Any:
        """What the API answers."""
        with urllib.request.urlopen(f"{self.at}{path}", timeout=10) as answer:
            return json.load(answer)

    def ticked(self, session_id: str, times: int = 1, deadline_s: float = 30) -> int:
        """Until it has ticked so often; returns how often that was."""
        return until(
            lambda: (ticks := self.now(session_id)["ticks"]) >= times and ticks,
            f"{times} ticks of {session_id}",
            deadline_s,
        )

    def became(self, session_id: str, status: str) -> None:
        until(lambda: self.now(session_id)["status"] == status, f"{session_id} {status}")

    def went_through(self, session_id: str, kind: str) -> None:
        """Until a row of that kind is in its log."""
        until(
            lambda: any(row["kind"] == kind for row in self.steps(session_id)),
            f"a row `{kind}` of {session_id}",
        )
