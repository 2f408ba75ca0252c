"""The mind of a session: as its snapshot keeps it, changed act by act, and the rows of that."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from reins.mind import remembering
from reins.mind.actions import CHANGES
from reins.mind.arguments import Believe
from reins.mind.beliefs import Belief, Beliefs, fold
from reins.mind.claims import Claim
from reins.mind.contradictions import contradictions
from reins.mind.errors import MindError, TooLargeError
from reins.mind.evidence import Evidence, Row, Undo, undone
from reins.mind.lineage import NOWHERE, Lineage
from reins.mind.memories import Memories, MemoryRow, Scope
from reins.mind.reading import problems, size_bytes
from reins.mind.remembering import Stamp
from reins.mind.rows import record_of
from reins.mind.state import AgentState
from reins.plans.naming import unknown
from store.journal.file import Record

HELD_BYTES = 16 * 1024
"""Of a snapshot, for all that a session remembers and believes."""
_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True)
class Act:
    """A change of a mind that is asked for: its name, its arguments, and on what it rests."""

    name: str
    given: Any
    lineage: Lineage = NOWHERE


@dataclass(frozen=True, slots=True)
class Owner:
    """The life of a session whose mind it is. **Units**: `created_at` in microseconds."""

    session_id: str
    agent_id: str
    created_at: int

    def columns(self) -> dict[str, Any]:
        """The columns that all rows of this life have."""
        return {
            "session_id": self.session_id, "agent_id": self.agent_id, "life": self.created_at
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Mind:
    """The two parts of an AgentState that acts change; its bound is that of both together."""

    memory: Memories
    beliefs: Beliefs


class Held:
    """A session's mind, from its snapshot and back, and the rows that acts have left meanwhile.

    Acts are numbered in the snapshot, and rows have their ids of that number: what is not committed
    has used none, so that no two rows on record have one id, however often a task is done again.
    """

    def __init__(
        self,
        kept: Mapping[str, Any],
        owner: Owner,
        beyond: Memories | None = None,
        claims: Mapping[Claim, float] | None = None,
    ) -> None:
        """`kept` is what `as_json` gave; empty for a session that knows nothing yet. `beyond` has
        the memories of its agent, and those that all share; None where there are none to be had.
        `claims` are declared, each with the reliability of evidence that says none.
        """
        self._owner = owner
        self._acts: int = kept.get("acts", 0)
        self._has_beyond = beyond is not None
        memory = Memories.from_json(kept.get("memory", {}))
        if beyond is not None:
            memory = replace(memory, agent=beyond.agent, shared=beyond.shared)
        declared = claims or {}
        self._reliability = {claim.id: value for claim, value in declared.items()}
        self._contradictions: list[dict[str, Any]] = list(kept.get("contradictions", ()))
        beliefs = Beliefs.from_json(kept.get("beliefs", {})).declared(*declared)
        self._state = _Mind(memory, beliefs)
        self._rows: list[Row | MemoryRow] = []
        self.did: list[str] = []
        """A line for each act."""

    @property
    def memory(self) -> Memories:
        return self._state.memory

    @property
    def beliefs(self) -> Beliefs:
        return self._state.beliefs

    def take(self, acts: Sequence[Act], at: int) -> None:
        """Do all of them, or none. Raises: MindError."""
        before = self._state, self._acts, [*self._rows], [*self.did]
        try:
            for act in acts:
                self._do(act, at)
            self._fit()
        except MindError:
            self._state, self._acts, self._rows, self.did = before
            raise

    def _do(self, act: Act, at: int) -> None:
        change, _ = CHANGES[act.name]
        scope: Scope = getattr(act.given, "scope", None) or "session"
        if scope != "session" and not self._has_beyond:
            raise MindError(f"there are no memories of the scope {scope} here")
        stamp = Stamp(self._next_id(), at, act.given.source, self._placed(act.lineage))
        given = self._with_reliability(act.given)
        after = change(cast("AgentState", self._state), given, stamp)  # of it only these parts
        rows: list[Evidence | MemoryRow] = [*after.memory.fresh, *after.beliefs.fresh]
        if scope != "session":
            after.memory.check_room(scope)
        self._state = _Mind(after.memory.committed(), after.beliefs.committed())
        self._rows += rows
        self.did += [self._told(row, self._state.beliefs, at) for row in rows]

    def _with_reliability(self, given: Any) -> Any:
        """The act with the reliability that is declared for its claim, where it says none."""
        if not isinstance(given, Believe) or "reliability" in given.model_fields_set:
            return given
        reliability = self._reliability.get(given.claim)
        return (
            given if reliability is None else given.model_copy(update={"reliability": reliability})
        )

    def contradictions(self, at: int) -> list[dict[str, Any]]:
        """The pairs of claims that exclude each other and are both believed, as rows tell of them:
        `one`, `other`, `rule`, `stands`, and since when. Neither belief is changed by it.
        """
        known = {(each["one"], each["other"]): each["since"] for each in self._contradictions}
        found = [
            {
                "one": each.one.claim,
                "other": each.other.claim,
                "rule": each.rule,
                "stands": each.stands,
                "since": known.get((each.one.claim, each.other.claim), at),
            }
            for each in contradictions(self.beliefs, at)
        ]
        self._contradictions = found
        return found

    def believe(self, act: Act, at: int) -> tuple[str, str]:
        """Add a piece of evidence; returns the change of its claim in a line, and the piece's id.

        Raises: MindError.
        """
        claim, before = act.given.claim, self.beliefs
        self.take([act], at)
        return changed(claim, before, self.beliefs, at), self._rows[-1].id

    def restore(self, row: MemoryRow, act: Act, at: int) -> None:
        """Bring back a version that the state does not keep, by its row. Raises: MindError."""
        given = act.given
        before = self._state, self._acts
        stamp = Stamp(self._next_id(), at, given.source, self._placed(act.lineage))
        made = remembering.restore(
            self.memory, row.key, stamp, version=row, scope=row.scope, expect=given.expect,
            expires_at=given.expires_at(at),
        )  # fmt: skip
        self._state = replace(self._state, memory=self.memory.followed_by(made))
        self._rows.append(made)
        self.did.append(self._told(made, self.beliefs, at))
        try:
            self._fit()
        except MindError:
            self._state, self._acts = before
            self._rows.pop()
            self.did.pop()
            raise

    def undo(
        self, ids: Sequence[str], rows: Iterable[Row], text: str, lineage: Lineage, at: int
    ) -> tuple[str, str]:
        """Take rows back; `rows` are all of this life. Returns the changes of claims in a line, and
        the undo's id.

        Raises: MindError for a row that is not there, or is taken back already.
        """
        known = {row.id: row for row in rows}
        gone = undone(known.values())
        for each in ids:
            if each not in known:
                raise MindError(f"{unknown('evidence', each, known)} of {self._owner.session_id}")
            if each in gone:
                raise MindError(f"evidence {each!r} is taken back already; nothing to do")
        at = max(at, *(row.at + 1 for row in known.values()))
        row = Undo(
            id=self._next_id(), at=at, undoes=tuple(ids), text=text,
            lineage=self._placed(lineage),
        )  # fmt: skip
        before = self.beliefs
        after = fold([*known.values(), row], before.claims.values())
        self._state = replace(self._state, beliefs=after)
        self._rows.append(row)
        names = sorted({*before.folds, *after.folds})
        moved = [name for name in names if before.folds.get(name) != after.folds.get(name)]
        line = "; ".join(changed(name, before, after, at) for name in moved) or "no claim moves"
        self.did.append(f"undo {', '.join(ids)}: {line}")
        return line, row.id

    @property
    def beyond(self) -> list[MemoryRow]:
        """The rows of memories beyond the session that acts have left: each is committed only where
        its version still follows what there is.
        """
        return [row for row in self._rows if isinstance(row, MemoryRow) and row.scope != "session"]

    def as_json(self) -> dict[str, Any]:
        """The mind as the snapshot keeps it: of memories those of the session."""
        return {
            "memory": replace(self.memory, agent={}, shared={}).as_json(),
            "beliefs": self.beliefs.as_json(),
            "acts": self._acts,
            **({"contradictions": self._contradictions} if self._contradictions else {}),
        }

    def _fit(self) -> None:
        """Leave older versions to their rows where there is no room. Raises: TooLargeError."""
        if size_bytes(self.as_json(), "the mind") > HELD_BYTES:
            self._state = replace(self._state, memory=self.memory.without_older())
        size = size_bytes(self.as_json(), "the mind")
        if size > HELD_BYTES:
            raise TooLargeError(
                f"the mind of a session holds {HELD_BYTES:,} bytes, given {size:,}; remember less "
                "under fewer keys, hold fewer claims, or keep what is long in a file"
            )

    def records(self) -> list[Callable[[int], Record]]:
        """The rows of what was done, each made once the `seq` of its row of the log is known."""
        owner = self._owner.columns()
        return [partial(record_of, row, owner) for row in self._rows]

    def _next_id(self) -> str:
        self._acts += 1
        owner = self._owner
        made = f"{owner.session_id}:{owner.created_at}:{self._acts}"
        return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()

    def _placed(self, lineage: Lineage) -> Lineage:
        return replace(lineage, session_id=self._owner.session_id)

    @staticmethod
    def _told(row: Evidence | MemoryRow, beliefs: Beliefs, at: int) -> str:
        if isinstance(row, MemoryRow):
            scope = "" if row.scope == "session" else f"{row.scope}, "
            return f"{row.kind} {row.key[:_SHOWN_CHARS]} ({scope}version {row.version})"
        verb = "doubt" if row.opposes else "believe"
        return f"{verb} {row.claim[:_SHOWN_CHARS]}: {beliefs.belief(row.claim, at).probability:.2f}"


def act_of(name: str, args: Mapping[str, Any], lineage: Lineage = NOWHERE) -> Act:
    """The act of this name with these arguments. Raises: MindError."""
    given = arguments(CHANGES[name][1], args)
    if isinstance(given, Believe):
        given.likelihoods(doubts=name == "doubt")
    document = given.document
    return Act(name, given, lineage if document is None else replace(lineage, document=document))


def arguments(model: type[BaseModel], args: Mapping[str, Any]) -> Any:
    """The arguments, checked. Raises: MindError."""
    try:
        return model.model_validate(args)
    except ValidationError as error:
        raise MindError(f"its arguments do not fit: {problems(error)}") from None


def changed(name: str, before: Beliefs, after: Beliefs, at: int) -> str:
    """The claim before and after: `price is right: 0.62 → 0.81`."""
    was: Belief = before.belief(name, at)
    return f"{name}: {was.probability:.2f} → {after.belief(name, at).probability:.2f}"
