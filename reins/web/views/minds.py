"""Beliefs and memories of sessions as the API shows them."""

from typing import Any, Literal

from reins.web.views.rows import Wire


class EvidenceShown(Wire):
    """A piece of evidence: nats that it weighs by itself, below 0 against the claim.

    `undone_by` is the id of the row that took it back. The rest says where it comes from: the row
    of the session's log, the key of a task or a call, the action of a person's guidance, a
    document, a person.
    """

    evidence_id: str
    at: str
    weight: float
    p_if_true: float
    p_if_false: float
    reliability: float
    source: str
    text: str
    undone_by: str | None
    seq: int
    call_id: str | None
    message_id: str | None
    document: str | None
    actor: str | None


class PointShown(Wire):
    """The probability of a claim at a moment."""

    at: str
    probability: float


class BeliefShown(Wire):
    """A claim as it stands: log-odds, support and opposition in nats.

    `contested`: much speaks for it and much against it; `uncertain`: little does. `pieces` counts
    the evidence in force, `evidence` has the newest, also what was taken back, oldest first.
    """

    claim: str
    probability: float
    log_odds: float
    support: float
    opposition: float
    contested: bool
    uncertain: bool
    pieces: int
    last_at: str | None
    evidence: list[EvidenceShown]
    points: list[PointShown]


class ContradictionShown(Wire):
    """Two claims that cannot both be true, and are both likelier than not.

    `stands`: the one that the declared `rule` lets stand; null where a person is to decide.
    """

    one: str
    other: str
    rule: str | None
    stands: str | None


class MemoryShown(Wire):
    """A version of a memory. `held`: it is the newest of its key, neither forgotten nor expired.

    A person's change of a memory of an agent, or of all, is of no session: its `session_id` is
    empty, its `seq` 0.
    """

    memory_id: str
    kind: Literal["put", "forget", "restore"]
    session_id: str
    agent_id: str
    scope: Literal["session", "agent", "shared"]
    key: str
    version: int
    value: Any
    held: bool
    source: str
    at: str
    expires_at: str | None
    restores: int | None
    seq: int
    call_id: str | None
    message_id: str | None
    document: str | None
    actor: str | None
