"""The handlers of people's changes of facts, and of their decisions about aliases."""

import hashlib
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from agent_core.actions.handling import Action, handles
from agent_core.actions.payloads import (
    AliasDecide,
    FactEnd,
    FactRemember,
    FactRestore,
    FactRetract,
    ToFactOrSource,
    ToFacts,
)
from agent_core.agent.services import Services
from agent_core.session.controls import Applied, Outcome, Rejected
from agent_core.session.session import Session
from reins.facts import asking
from reins.facts.fact import Op, OpKind, Place, asserted, when
from reins.facts.facts import Facts
from reins.facts.making import check_end, check_room, declared
from reins.facts.naming import ALIAS, DIFFERENT, PROPOSED, FactError, normal
from reins.facts.rows import SHARED, Owner, of_agent, of_session, owner_of
from reins.threads import READS
from store.facts import list_facts
from store.id_forms import is_same
from store.store import Store
from store.times import now_us

Row = dict[str, Any]
Changed = dict[Owner, list[Op]]


class Sessions(Protocol):
    """All sessions, as far as facts need them."""

    store: Store
    services: Services

    async def find_usable(self, session_id: str) -> Session | None: ...


class Worker(Protocol):
    """The worker, as handlers of facts know it."""

    @property
    def fleet(self) -> Sessions: ...


class _Changing:
    """One action that changes facts: its rows have ids made of the action's, so that they count
    once however often it is applied.
    """

    def __init__(self, worker: Worker, action: Action) -> None:
        self.fleet, self.action = worker.fleet, action
        self.facts = worker.fleet.services.get(Facts)
        self.place = Place(actor=action.actor, message_id=action.action_id)
        self.now = now_us()
        self.changes: Changed = {}
        self._made = 0

    async def rows(self, **match: Any) -> list[Row]:
        return await READS.call(list_facts, store=self.fleet.store.reader, **match)

    def next_id(self) -> str:
        """The action's own id for the first row, others made of it."""
        self._made += 1
        own = self.action.action_id
        if self._made == 1:
            return own
        return hashlib.blake2b(f"{own} {self._made}".encode(), digest_size=16).hexdigest()

    def add(self, owner: Owner, op: Op) -> None:
        self.changes.setdefault(owner, []).append(op)

    def change(self, owner: Owner, kind: OpKind, text: str, **named: Any) -> None:
        """Add the row that ends, retracts or restores."""
        self.add(owner, asking.change(
            self.next_id(), kind, self.now, owner.scope, text=text, place=self.place, **named,
        ))  # fmt: skip

    async def commit(self, count: int = 1) -> Outcome:
        await self.facts.commit(self.changes)
        return Applied(count)

    def is_done(self, rows: Sequence[Row]) -> bool:
        """True where it was applied before a crash, or an error of the store."""
        return any(row["message_id"] == self.action.action_id for row in rows)

    async def owners(self, asked: ToFacts) -> tuple[Owner, ...]:
        """Whose facts, and those seen with them. Raises: FactError."""
        if asked.scope == "shared":
            return (SHARED,)
        if asked.scope == "agent":
            return of_agent(asked.agent_id or ""), SHARED
        session = await self.fleet.find_usable(asked.address)
        if session is None or not is_same(session.agent_id, asked.agent_id or ""):
            raise FactError(
                f"there is no session {asked.address} of agent {asked.agent_id} that can be used; "
                "check the ids"
            )
        own = of_session(session.session_id, session.agent_id, session.created_at)
        return own, of_agent(session.agent_id), SHARED


@handles(FactRemember)
async def fact_remember(worker: Worker, action: Action) -> Outcome:
    """The fact's id is the action's."""
    return await _outcome(_remembered(_Changing(worker, action), action.payload(FactRemember)))


@handles(FactEnd)
async def fact_end(worker: Worker, action: Action) -> Outcome:
    """At its end the fact has begun."""
    return await _outcome(_ended(_Changing(worker, action), action.payload(FactEnd)))


@handles(FactRetract)
async def fact_retract(worker: Worker, action: Action) -> Outcome:
    """Its outcome says how many facts it was."""
    return await _outcome(
        _switched(_Changing(worker, action), action.payload(FactRetract), "retract")
    )


@handles(FactRestore)
async def fact_restore(worker: Worker, action: Action) -> Outcome:
    """As `fact_retract`."""
    return await _outcome(
        _switched(_Changing(worker, action), action.payload(FactRestore), "restore")
    )


@handles(AliasDecide)
async def alias_decide(worker: Worker, action: Action) -> Outcome:
    """It is a fact itself, which is retracted as any other."""
    return await _outcome(_decided(_Changing(worker, action), action.payload(AliasDecide)))


async def _outcome(changed: Awaitable[Outcome]) -> Outcome:
    try:
        return await changed
    except FactError as error:
        return Rejected(str(error))


async def _remembered(changing: _Changing, asked: FactRemember) -> Outcome:
    if changing.is_done(await changing.rows(fact_id=changing.action.action_id)):
        return Applied(1)
    if normal(asked.relation) in (ALIAS, PROPOSED, DIFFERENT):
        raise FactError(
            f"the relation is {asked.relation!r}; that two names are of one entity, or are not, "
            "is decided by alias_decide"
        )
    owners = await changing.owners(asked)
    view, actor = await changing.facts.view(*owners), changing.action.actor
    check_room(view, owners[0].scope, 2)
    op = asserted(
        changing.next_id(), changing.now + 1, asked.subject, asked.relation, asked.object,
        source=asked.source or asked.document or actor, text=asked.text, scope=owners[0].scope,
        place=replace(changing.place, document=asked.document), confidence=asked.confidence,
        valid_from=when(asked.valid_from, "valid_from"), valid_to=when(asked.valid_to, "valid_to"),
    )  # fmt: skip
    if asked.functional and not view.at().is_functional(normal(asked.relation)):
        changing.add(owners[0], declared(changing.next_id(), changing.now, op))
    changing.add(owners[0], op)
    return await changing.commit()


async def _ended(changing: _Changing, asked: FactEnd) -> Outcome:
    rows = await changing.rows(fact_id=asked.fact_id)
    if changing.is_done(rows):
        return Applied(1)
    owner = _owner_in(rows, asked.fact_id)
    view = await changing.facts.view(owner)
    _, graph, number = asking.found(view, asked.fact_id)
    moment = changing.now if asked.at is None else when(asked.at, "at")
    check_end(graph.fact(number).valid_from, moment)
    asking.check_switch(view, "end", asked.fact_id)
    changing.change(owner, "end", asked.text, fact_id=asked.fact_id, valid_to=moment)
    return await changing.commit()


async def _switched(changing: _Changing, asked: ToFactOrSource, kind: OpKind) -> Outcome:
    if asked.fact_id is None:
        return await _switched_source(changing, asked.source or "", kind, asked.text)
    rows = await changing.rows(fact_id=asked.fact_id)
    if changing.is_done(rows):
        return Applied(1)
    owner = _owner_in(rows, asked.fact_id)
    asking.check_switch(await changing.facts.view(owner), kind, asked.fact_id)
    changing.change(owner, kind, asked.text, fact_id=asked.fact_id)
    return await changing.commit()


async def _switched_source(changing: _Changing, source: str, kind: OpKind, text: str) -> Outcome:
    """Of all who hold a fact on its word."""
    rows, count = await changing.rows(source=source), 0
    is_done = changing.is_done(rows)
    for owner in dict.fromkeys(owner_of(row) for row in rows if row["op"] == "assert"):
        graph = (await changing.facts.view(owner)).graphs[0][1]
        if is_done or (kind == "restore") == graph.is_retracted_source(source):
            count += len(graph.of_source(source))
            changing.change(owner, kind, text, source=source)
    if is_done:
        return Applied(count)
    if not count:
        state = "a retracted source" if kind == "restore" else "the source of a fact that stands"
        raise FactError(f"{source!r:.80} is not {state}; the list of facts tells of sources")
    return await changing.commit(count)


async def _decided(changing: _Changing, asked: AliasDecide) -> Outcome:
    if changing.is_done(await changing.rows(fact_id=changing.action.action_id)):
        return Applied(1)
    if normal(asked.name) == normal(asked.other):
        raise FactError(f"{asked.name!r} and {asked.other!r} are one name already")
    owners = await changing.owners(asked)
    view = await changing.facts.view(*owners)
    check_room(view, owners[0].scope, 1)
    relation, against = (ALIAS, DIFFERENT) if asked.decision == "same" else (DIFFERENT, ALIAS)
    seen = view.at()
    if seen.between(asked.name, asked.other, relation):
        raise FactError(f"it is decided already: {asked.name} · {relation} · {asked.other}")
    changing.add(owners[0], asserted(
        changing.next_id(), changing.now, asked.name, relation, asked.other,
        source=changing.action.actor, text=asked.text, scope=owners[0].scope,
        place=changing.place,
    ))  # fmt: skip
    for held in seen.between(asked.name, asked.other, against, PROPOSED):
        owner = next(each for each in owners if each.scope == held.scope)
        changing.change(owner, "retract", asked.text, fact_id=held.fact.fact_id)
    return await changing.commit()


def _owner_in(rows: Sequence[Row], fact_id: str) -> Owner:
    """Whose fact it is. Raises: FactError."""
    for row in rows:
        if row["op"] == "assert":
            return owner_of(row)
    raise FactError(f"there is no fact {fact_id!r:.80}; about a name, the ids of facts are told")
