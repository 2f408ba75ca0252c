"""Acknowledged rows that are lost: a start goes on without them only where a person asks for it."""

from pathlib import Path

import structlog

from store.errors import RollBackNeededError
from store.lance import damage
from store.lance.damage import Missing

_logger = structlog.get_logger(__name__)
_ROLL_BACK = "reins store repair --roll-back"


def give_up(folder: Path, found: str, lost: Missing, *, roll_back: bool) -> None:
    """Keep on record what is lost. Raises: RollBackNeededError, where nobody has asked to go on."""
    if not roll_back:
        raise refusal(folder, f"{found} ({lost.why})", str(lost))
    damage.keep(folder, [lost])
    _logger.error("rows acknowledged before are lost", missing=str(lost), why=lost.why)


def refusal(folder: Path, found: str, without: str) -> RollBackNeededError:
    """The error of a start that does not go on by itself."""
    return RollBackNeededError(
        f"{found}. Nothing was changed. Restore the folder from a backup, or go on without "
        f"{without}: {_ROLL_BACK} --data {folder}"
    )
