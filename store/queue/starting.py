"""The queue's file at a start: it has what it acknowledged, or a person goes on without."""

import contextlib

from store.folder import DataFolder
from store.journal.proof import Proof
from store.lance.damage import Missing, ranges_text
from store.lance.giving_up import give_up
from store.queue.table import TABLE


def account_for_queue(folder: DataFolder, proof: Proof, *, roll_back: bool) -> None:
    """Raises: RollBackNeededError where the file has lost actions, or outcomes of actions."""
    gone = [*([proof.lacking] if proof.lacking else []), *proof.unread]
    if not gone:
        return
    why = proof.why if proof.lacking else "some actions are not what was committed"
    rows = sum(high - low + 1 for low, high in gone)
    numbers = f"queue_n {ranges_text(gone)}"
    found = f"the queue {folder.queue} has lost actions, or outcomes, that were acknowledged"
    lost = Missing(TABLE.name, rows, f"{why}; {numbers}")
    give_up(folder.path, found, lost, roll_back=roll_back)


def complete_queue(folder: DataFolder, proof: Proof) -> None:
    """Make the file, or open it once: no number that was given out is given out again."""
    with contextlib.closing(folder.open_queue(checked=True)) as file:
        file.forget([n for low, high in proof.unread for n in range(low, high + 1)])
        if proof.lacking or proof.unread:
            file.go_on_after(proof.lacking[1] if proof.lacking else 0)
