"""The report of a session in a data folder, read from any process, with or without a worker."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from reins.reporting.figures import Report, report_of
from store import agent_steps, model_calls
from store.reading import Reader

_PAGE = 500


def session_report(session_id: str, *, store: Reader) -> Report | None:
    """The report of a session as it is now; None where there is no log of it.

    Reads its whole log, a page in memory at a time. Model calls are those that are kept
    (`REINS_RECORD_DAYS`); time, tokens and cost of ticks are in the log for good.
    """
    rows = agent_steps.list_steps(session_id, 0, 1, store=store)
    if not rows:
        return None
    calls = model_calls.list_calls_in_brief(rows[0]["session_id"], store=store)
    return report_of(_rows(session_id, store), calls, datetime.now(UTC))


def _rows(session_id: str, store: Reader) -> Iterator[dict[str, Any]]:
    after = 0
    while rows := agent_steps.list_steps(session_id, after, _PAGE, store=store):
        yield from rows
        after = rows[-1]["seq"]
