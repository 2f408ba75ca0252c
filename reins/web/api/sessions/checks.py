"""The checks of a create: against sessions that are there, those to come, and the type's config."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import orjson

from agent_core.actions.ids import ActionError
from agent_core.agent.creation import CreateError, Creation
from agent_core.session.status import Status
from reins.names.known_ids import KnownIds
from reins.web.api.agent_types import types_of
from reins.web.api.context import ApiContext
from reins.web.api.sessions.plan_checks import check_plan
from reins.web.http.problem import RequestRefusedError, flaw, unfit
from reins.web.views.rows import Row
from store import agents_config
from store.queue import reading as queue_reading

_CHANGE = ("create_agent", "agent_destroy")
"""Actions after which a session is there, or is over."""


class Checks:
    """Everything that stands against new sessions; those that pass count from then on."""

    def __init__(self, context: ApiContext, waiting: Iterable[Row]) -> None:
        """`waiting`: what is in the queue about these sessions, oldest first."""
        self._context = context
        self._index = context.current()
        self._ids = KnownIds(self._index)
        self._last = {row["session_id"]: row for row in waiting}
        self._passed: dict[str, Creation] = {}
        self._own: dict[str, Mapping[str, Any] | None] = {}

    @classmethod
    def of_one(cls, context: ApiContext, session_id: str) -> Self:
        return cls(context, queue_reading.waiting(context.bridge.store, _CHANGE, session_id))

    @classmethod
    def of_many(cls, context: ApiContext) -> Self:
        return cls(context, queue_reading.waiting(context.bridge.store, _CHANGE))

    def check(self, asked: Creation) -> None:
        """Raises: RequestRefusedError, where the worker would refuse it."""
        with _refusing():
            self._check_free(asked)
            kind, config = asked.check_config(
                types=types_of(self._context),
                own=self._own_config(asked.agent_id) if asked.further else None,
                knows_route=self._context.bridge.knows_route,
            )
        if kind.agent_type == "plan":
            check_plan(config, self._context.bridge)
        self._passed[asked.session_id] = asked
        self._ids.add(asked.session_id)
        if not asked.further:
            stored = config.model_dump(mode="json", exclude_none=True)
            self._own[asked.agent_id] = {"agent_type": kind.agent_type, "config": stored}

    def _check_free(self, asked: Creation) -> None:
        """Raises: CreateError, and RequestRefusedError where it will be there by then."""
        address = asked.session_id
        if address in self._passed:
            raise CreateError(f"session {address} is named twice; name each once")
        last = self._last.get(address)
        if last is not None and last["type"] == "create_agent":
            raise RequestRefusedError(
                409,
                f"the creation of session {address} is in the queue already, as action "
                f"{last['action_id']}; wait for it, or choose another id",
            )
        known = self._index.get(address)
        if known is None:
            asked.check_unlike(self._ids.look_alike(address))
        else:
            asked.check_free(known["agent_id"], Status(known["status"]) if last is None else None)
            asked.check_orphaned(known["parent_session_id"])

    def _own_config(self, agent_id: str) -> Mapping[str, Any] | None:
        """Type and configuration of the agent's own session, for a further one."""
        if agent_id not in self._own:
            own = agents_config.get_agent_config(agent_id, store=self._context.bridge.store)
            is_own = own is not None and own["agent_id"] == agent_id
            self._own[agent_id] = _stored(own) if own is not None and is_own else None
        return self._own[agent_id]


@contextlib.contextmanager
def naming_entry(number: int) -> Iterator[None]:
    """Say of what is refused which entry of a list it is, counted from 0."""
    try:
        yield
    except ActionError as error:
        raise unfit(f"body.{number}", str(error)) from None
    except RequestRefusedError as refused:
        places = [
            {**each, "where": each["where"].replace("body", f"body.{number}", 1)}
            for each in refused.problems
        ]
        why = f"entry {number}: {refused.detail.rstrip('.')}. Nothing was created"
        raise RequestRefusedError(refused.code, why, places) from None


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Answer a create that cannot be with a problem, field by field."""
    try:
        yield
    except CreateError as error:
        if error.where is None:
            raise RequestRefusedError(409, str(error)) from None
        if error.errors is None:
            raise unfit(f"body.{error.where}", str(error)) from None
        found = error.errors.errors(include_url=False)[:20]
        flaws = [flaw(f"body.{error.where}", each) for each in found]
        raise RequestRefusedError(422, str(error), flaws) from None


def _stored(row: Row) -> dict[str, Any]:
    return {"agent_type": row["agent_type"], "config": orjson.loads(row["config"] or "{}")}
