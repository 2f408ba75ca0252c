"""Minds: what an agent remembers and believes, as values that rows are folded into.

Nothing here knows agents, workers or tables. Importing this package starts nothing.
"""

from reins.mind.actions import CHANGES, join_minds, mind_actions
from reins.mind.beliefs import Belief, Beliefs, Change, fold, what_if
from reins.mind.claims import Claim
from reins.mind.contradictions import RULES, Contradiction, Rule, contradictions
from reins.mind.curve import Point, history
from reins.mind.errors import (
    LateEvidenceError,
    MindError,
    TooLargeError,
    VersionConflictError,
)
from reins.mind.evidence import Evidence, Row, Undo, in_force, likelihoods, resting_on, undone
from reins.mind.held import HELD_BYTES, Act, Held, Owner, act_of
from reins.mind.lineage import Lineage
from reins.mind.memories import Memories, Memory, MemoryRow, Scope, fold_memories
from reins.mind.remembering import Stamp, forget, put, restore
from reins.mind.rows import evidence_from, memories_from, of_life
from reins.mind.state import (
    BOUNDS_BYTES,
    AgentState,
    beliefs_of,
    data_of,
    memory_of,
    mind_of,
    profile_of,
    scratch_of,
)
from reins.mind.tasks import TaskMind, mind_in, session_actions

__all__ = [
    "BOUNDS_BYTES",
    "CHANGES",
    "HELD_BYTES",
    "RULES",
    "Act",
    "AgentState",
    "Belief",
    "Beliefs",
    "Change",
    "Claim",
    "Contradiction",
    "Evidence",
    "Held",
    "LateEvidenceError",
    "Lineage",
    "Memories",
    "Memory",
    "MemoryRow",
    "MindError",
    "Owner",
    "Point",
    "Row",
    "Rule",
    "Scope",
    "Stamp",
    "TaskMind",
    "TooLargeError",
    "Undo",
    "VersionConflictError",
    "act_of",
    "beliefs_of",
    "contradictions",
    "data_of",
    "evidence_from",
    "fold",
    "fold_memories",
    "forget",
    "history",
    "in_force",
    "join_minds",
    "likelihoods",
    "memories_from",
    "memory_of",
    "mind_actions",
    "mind_in",
    "mind_of",
    "of_life",
    "profile_of",
    "put",
    "resting_on",
    "restore",
    "scratch_of",
    "session_actions",
    "undone",
    "what_if",
]
