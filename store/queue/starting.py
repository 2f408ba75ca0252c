"""The queue's file at a start: it has what it acknowledged, or a person goes on without."""

import contextlib

import structlog

from store.errors import RollBackNeededError
from store.folder import DataFolder
from store.journal.proof import Proof
from store.lance import damage
from store.lance.damage import Missing, ranges_text
from store.lance.repair import ROLL_BACK
from store.queue.table import TABLE

_logger = structlog.get_logger(__name__)


def account_for_queue(folder: DataFolder, proof: Proof, *, roll_back: bool) -> None:
    """Raises: RollBackNeededError where the file has lost actions, or outcomes of actions."""
    gone = [*([proof.lacking] if proof.lacking else []), *proof.unread]
    if not gone:
        return
    why = proof.why if proof.lacking else "some actions are not what was committed"
    rows = sum(high - low + 1 for low, high in gone)
    lost = Missing(TABLE.name, rows, f"{why}; queue_n {ranges_text(gone)}")
    if not roll_back:
        raise RollBackNeededError(
            f"the queue {folder.queue} has lost actions, or outcomes, that were acknowledged "
            f"({why}). Nothing was changed. Restore the folder from a backup, or go on without "
            f"{lost} (queue_n {ranges_text(gone)}): {ROLL_BACK} --data {folder.path}"
        )
    damage.keep(folder.path, [lost])
    _logger.error("actions acknowledged before are lost", missing=str(lost), why=why)


def complete_queue(folder: DataFolder, proof: Proof) -> None:
    """Make the file, or open it once: no number that was given out is given out again."""
    with contextlib.closing(folder.open_queue(checked=True)) as file:
        file.forget([n for low, high in proof.unread for n in range(low, high + 1)])
        if proof.lacking or proof.unread:
            file.go_on_after(proof.lacking[1] if proof.lacking else 0)
