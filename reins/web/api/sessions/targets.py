"""Target sessions of a request, as the worker will find them when it takes up the action."""

from typing import NamedTuple

from werkzeug.utils import cached_property

from agent_core.session.status import Status, Verb
from reins.web.api.context import ApiContext
from reins.web.http.problem import RequestRefusedError, unknown
from store.queue import reading as queue_reading


class Target(NamedTuple):
    agent_id: str
    session_id: str
    agent_type: str
    status: Status


class Targets:
    """The sessions that one request is for."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context
        self._index = context.current()

    def get(self, session_id: str, verb: Verb) -> Target:
        """The session, if the verb fits it. Raises: RequestRefusedError.

        One whose creation waits in the queue is there by the time that this is taken up.
        """
        found = self._seen(session_id)
        if found is None or verb not in found.status.verbs:
            found = self._created.get(session_id) or self._seen(session_id)
        if found is None:
            raise unknown("session", session_id, "create it first, or check the id")
        if verb not in found.status.verbs:
            raise RequestRefusedError(409, _unable(found, verb))
        return found

    def _seen(self, session_id: str) -> Target | None:
        row = self._index.get(session_id)
        if row is None:
            return None
        return Target(row["agent_id"], session_id, row["agent_type"], Status(row["status"]))

    @cached_property
    def _created(self) -> dict[str, Target]:
        """Those whose creation is in the queue; what has just left it is in the index."""
        found = {}
        for row in queue_reading.waiting(self._context.bridge.store, ["create_agent"]):
            kind = str(queue_reading.payload_of(row).get("agent_type", "joke"))
            agent_id, session_id = row["agent_id"], row["session_id"]
            found[session_id] = Target(agent_id, session_id, kind, Status.RUNNING)
        self._context.current()
        return found


def _unable(found: Target, verb: Verb) -> str:
    start = f"session {found.session_id} is {found.status}; expected one that"
    if verb == "restore":
        return f"{start} was destroyed. There is nothing to undo."
    able = "is not over" if verb in Status.FAILED.verbs else "has not ended"
    then = "Create it again to go on with its log."
    if not found.status.over:  # it has failed, and its id is not free
        then = "Resume it first: it goes on from its last good state."
    return f"{start} {able}. {then}"
