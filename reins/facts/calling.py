"""Facts as a call of a tool has them: a change counts with the row of the call's end."""

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from agent_core.agent.effects import Effect, Prepared
from agent_core.session.session import Session
from reins.facts import asking
from reins.facts.fact import Moment, Op, Place, Scope, asserted, when
from reins.facts.facts import Facts, owners_of
from reins.facts.making import check_end, check_room, declared
from reins.facts.naming import ALIAS, DIFFERENT, PROPOSED, FactError, normal
from reins.facts.near import near_names
from reins.facts.rows import Owner, of_session, record_of
from reins.facts.view import View

_SHOWN_CHARS = 200
_MOST_CHANGES = 200
"""Of one call or task."""


@dataclass(slots=True)
class FactRows:
    """Changes of facts as an effect of a tick; the tick's payload tells of them as `facts`."""

    facts: Facts | None
    by: Owner
    changes: dict[Owner, list[Op]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=lambda: {"did": [], "ids": []})
    key: str = "facts"

    def add(self, changes: "Changes") -> None:
        """Add the changes of a call or a task."""
        for owner, op in changes.ops:
            self.changes.setdefault(owner, []).append(op)
            self.told["did"].append(line_of(op))
            self.told["ids"].append(op.id)

    @asynccontextmanager
    async def prepare(self) -> AsyncIterator[Prepared | None]:
        records = [
            partial(record_of, op, owner, self.by)
            for owner, ops in self.changes.items()
            for op in ops
        ]
        prepared = Prepared(records, {"facts": self.told})
        if self.facts is None:
            yield prepared
            return
        async with self.facts.committing(self.changes):
            yield prepared


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes that a call or a task asks for, in their order."""

    ops: Sequence[tuple[Owner, Op]] = ()


def effect_of(facts: Facts | None, session: Session, *changes: Changes) -> list[Effect]:
    """The changes as an effect of a tick; none where nothing is changed."""
    rows = FactRows(facts, _own(session))
    for each in changes:
        rows.add(each)
    return [rows] if rows.changes else []


class CallFacts:
    """The facts that a session sees: its own, its agent's, and those of all.

    What is changed is on record with the row of the call's or task's end, or not at all; until then
    nobody sees it. `facts` is asked for at the first use; without it, as in a replay, changes are
    taken as they are, and nothing can be read. Raises: FactError.
    """

    def __init__(self, facts: Callable[[], Facts], session: Session, key: str) -> None:
        self._get, self._session, self._key = facts, session, key
        self._ops: list[tuple[Owner, Op]] = []
        self._told: Mapping[str, Any] | None = None

    # -- changes

    async def remember(
        self,
        subject: str,
        relation: str,
        object: str,  # noqa: A002 - the third part of a fact has no other name
        *,
        valid_from: str | int | None = None,
        valid_to: str | int | None = None,
        confidence: float = 1.0,
        source: str | None = None,
        document: str | None = None,
        text: str = "",
        scope: Scope = "session",
        functional: bool = False,
    ) -> dict[str, Any]:
        """Assert a fact. `functional`: its relation has one object at a time from now on, so that
        a newer one ends the older.

        Gives `fact_id`, the facts that give way (`ended`) and names that may mean the same
        (`near`).
        """
        owner, place = self._owner(scope), Place(call_id=self._key, document=document)
        if normal(relation) in (ALIAS, DIFFERENT):
            relation = _proposed(relation, subject, object)
        whose = source or document or self._session.session_id
        op = asserted(
            self._id("assert", subject, relation, object, source, valid_from), self._now,
            subject, relation, object, source=whose, text=text, scope=scope, place=place,
            valid_from=when(valid_from, "valid_from"), valid_to=when(valid_to, "valid_to"),
            confidence=confidence,
        )  # fmt: skip
        view = await self._view()
        if view is not None:
            check_room(view, scope, len(self._ops) + 1)
        if functional and (view is None or not view.at().is_functional(normal(relation))):
            self._add(owner, declared(self._id("functional", relation), op.at, op))
        ended = [] if view is None else _giving_way(view, op, functional=functional)
        self._add(owner, op)
        told = {"fact_id": op.id, "relation": op.relation, "ended": ended}
        return told | {"near": [] if view is None else await self._near(view, subject, object)}

    async def end(self, fact_id: str, at: str | int | None = None, text: str = "") -> None:
        """Say that a fact is not true any more, from `at` on; without it from now on."""
        owner, known = await self._find(fact_id)
        moment = self._now if at is None else when(at, "at")
        check_end(None if known is None else known.valid_from, moment)
        if (view := await self._view()) is not None and view.find(fact_id) is not None:
            asking.check_switch(view, "end", fact_id)
        self._change(owner, "end", fact_id, "", text, valid_to=moment)

    async def retract(
        self, fact_id: str | None = None, *, source: str | None = None, text: str = ""
    ) -> int:
        """Say that a fact, or all that rests on the word of a `source` alone, was never so.

        Gives the number of facts. What another source says, too, stands on its word.
        """
        return await self._switch("retract", fact_id, source, text)

    async def restore(
        self, fact_id: str | None = None, *, source: str | None = None, text: str = ""
    ) -> int:
        """Take the newest end or retraction of a fact, or the retraction of a `source`, back."""
        return await self._switch("restore", fact_id, source, text)

    async def _switch(self, op: Any, fact_id: str | None, source: str | None, text: str) -> int:
        if (fact_id is None) == (source is None):
            raise FactError("give either fact_id or source")
        if fact_id is not None:
            owner, _ = await self._find(fact_id)
            view = await self._view()
            if view is not None:
                asking.check_switch(view, op, fact_id)
            self._change(owner, op, fact_id, "", text)
            return 1
        found = asking.of_source(await self._view(), op, source or "")
        for scope in found:
            self._change(self._owner(scope), op, "", source or "", text)
        return sum(found.values())

    # -- questions

    async def about(
        self, name: str, *, true_at: Any = "now", known_at: Any = None, history: bool = False
    ) -> dict[str, Any]:
        """All that is held about an entity: `names`, `facts` that are true, names that may mean the
        same (`near`). `history`: all facts that were ever held.
        """
        view = await self._seen()
        seen = view.at(self._moment(None if history else true_at, known_at))
        told = asking.about(seen, name, history=history)
        near = await self._get().near(*self._owners)
        return told | {"near": near_names(seen, near, normal(name))}

    async def neighbours(
        self, name: str, relation: str | None = None, *, true_at: Any = "now", known_at: Any = None
    ) -> list[dict[str, Any]]:
        """The entities that one fact leads to, each with the fact."""
        view = await self._seen()
        return asking.neighbours(view.at(self._moment(true_at, known_at)), name, relation)

    async def paths(
        self, start: str, goal: str, steps: int = 6, *, true_at: Any = "now", known_at: Any = None
    ) -> dict[str, Any] | None:
        """A shortest chain of facts between two entities; None where there is none."""
        view = await self._seen()
        return asking.path_between(view.at(self._moment(true_at, known_at)), start, goal, steps)

    async def why(self, fact_id: str) -> dict[str, Any]:
        """On whose word a fact rests, and what has been said about it since."""
        return await asking.why(await self._seen(), fact_id, self._get().reader)

    # -- what is left

    def done_before(self, told: Mapping[str, Any] | None) -> None:
        """The call is done again from its record: the words of its row."""
        self._told = told

    @property
    def changes(self) -> Changes:
        """The changes that were asked for."""
        return Changes(tuple(self._ops))

    def effects(self) -> list[Effect]:
        """The rows of what was changed."""
        if self._told is not None:
            return [FactRows(None, self._owners[0], told=dict(self._told))]
        return effect_of(self._service(), self._session, self.changes)

    # -- parts

    @property
    def _owners(self) -> tuple[Owner, Owner, Owner]:
        return owners_of(_own(self._session))

    def _owner(self, scope: Scope) -> Owner:
        for owner in self._owners:
            if owner.scope == scope:
                return owner
        raise FactError(f"scope is {scope!r:.40}; expected session, agent or shared")

    def _service(self) -> Facts | None:
        try:
            return self._get()
        except LookupError:
            return None

    async def _view(self) -> View | None:
        facts = self._service()
        return None if facts is None else await facts.view(*self._owners)

    async def _seen(self) -> View:
        view = await self._view()
        if view is None:
            raise FactError("there are no facts to be read here")
        return view

    def _moment(self, true_at: Any, known_at: Any) -> Moment:
        at = self._now if true_at == "now" else when(true_at, "true_at")
        return Moment(at, when(known_at, "known_at"))

    async def _near(self, view: View, *names: str) -> dict[str, list[str]]:
        """Names that may mean the same, of those that are new."""
        beside, seen = await self._get().near(*self._owners), view.at()
        found = {
            name: near_names(seen, beside, normal(name)) for name in names if not view.shown(name)
        }
        return {name: near for name, near in found.items() if near}

    async def _find(self, fact_id: str) -> tuple[Owner, Any]:
        for owner, op in self._ops:
            if op.op == "assert" and op.fact_id == fact_id:
                return owner, op
        view = await self._view()
        if view is None:
            return self._owner("session"), None
        scope, graph, number = asking.found(view, fact_id)
        return self._owner(scope), graph.fact(number)

    @property
    def _now(self) -> int:
        return self._session.clock()

    def _change(
        self, owner: Owner, kind: Any, fact_id: str, source: str, text: str, **more: Any
    ) -> None:
        op = asking.change(
            self._id(kind, fact_id, source, owner.scope, more), kind, self._now, owner.scope,
            fact_id=fact_id, source=source, text=text, place=Place(call_id=self._key), **more,
        )  # fmt: skip
        self._add(owner, op)

    def _add(self, owner: Owner, op: Op) -> None:
        if len(self._ops) >= _MOST_CHANGES:
            raise FactError(f"one call or task changes {_MOST_CHANGES} facts at the most")
        self._ops.append((owner, replace(op, at=op.at + len(self._ops))))

    def _id(self, *parts: Any) -> str:
        """The same for a call that is made again, another for each change of it."""
        session = self._session
        made = (session.session_id, session.created_at, self._key, len(self._ops), *parts)
        return hashlib.blake2b(repr(made).encode(), digest_size=16).hexdigest()


def _own(session: Session) -> Owner:
    return of_session(session.session_id, session.agent_id, session.created_at)


def line_of(op: Op) -> str:
    """The change in a line."""
    if op.op == "assert":
        line = f"fact: {op.subject} · {op.relation} · {op.object}"
    else:
        line = f"{op.op} {op.fact_id or f'all that {op.source} said'}"
    return line[:_SHOWN_CHARS]


def _giving_way(view: View, op: Op, *, functional: bool) -> list[str]:
    seen = view.at()
    if functional:
        seen.declare(normal(op.relation))
    return [each.fact.fact_id for each in seen.ended_by(op)]


def _proposed(relation: str, subject: str, other: str) -> str:
    """Agents propose that two names are of one entity; people decide. Raises: FactError."""
    if normal(relation) == DIFFERENT:
        raise FactError(f"whether {subject!r:.80} is {other!r:.80} is decided by people")
    return PROPOSED
