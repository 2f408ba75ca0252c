"""The mind of a session as its snapshot has it, compared with its rows."""

import json
from collections import Counter

from reins.mind import Beliefs, Memories, evidence_from, fold, fold_memories, memories_from
from reins.mind.rows import of_life
from store.agent_steps import list_steps
from store.evidence import list_evidence
from store.memories import list_memories


def folded(session_id, store):
    """The evidence and the memories on record, once they are those of the newest snapshot."""
    rows = list_steps(session_id, limit=1 << 31, store=store)
    snapshot = json.loads(rows[-1]["state"])
    kept, life = snapshot["agent"].get("mind", {}), snapshot["created_at"]
    evidence = of_life(list_evidence(session_id, store=store), life)
    memories = of_life(list_memories(session_id, store=store), life)
    for name, found in (("evidence_id", evidence), ("memory_id", memories)):
        twice = [each for each, n in Counter(row[name] for row in found).items() if n > 1]
        assert not twice, f"rows of one id: {twice}"
    assert Beliefs.from_json(kept.get("beliefs", {})) == fold(evidence_from(evidence))
    own = [row for row in memories if row["scope"] == "session"]
    assert Memories.from_json(kept.get("memory", {})) == fold_memories(memories_from(own))
    assert kept.get("acts", 0) == len(evidence) + len(memories)
    rows = [row for row in rows if json.loads(row["state"])["created_at"] == life]
    told = {row["seq"]: json.loads(row["payload"] or "{}").get("mind") for row in rows}
    counted = Counter(row["seq"] for row in (*evidence, *memories))
    assert counted == {seq: len(mind["did"]) for seq, mind in told.items() if mind}
    return evidence, memories
