"""Every invariant of a data folder, looked at while a worker runs or not."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from reins.verifying import (
    asked,
    boards,
    calls,
    files,
    known,
    minds,
    numbers,
    papers,
    receipts,
    states,
    talks,
)
from reins.verifying.facts import Facts
from reins.verifying.finding import Finding
from reins.verifying.log_checks import LOG_CHECKS
from store.errors import TableDamagedError
from store.snapshot import take

_SHOWN = 100


class Check(NamedTuple):
    """One invariant: how its findings are made, and what holds where there are none."""

    find: Callable[[Facts], Iterator[Finding]]
    holds: str


CHECKS: dict[str, Check] = {
    "tables_read": Check(files.tables_read, "every table reads, and so does each version kept"),
    "indices_agree": Check(files.indices_agree, "an index finds what a scan finds"),
    "versions_kept": Check(files.versions_kept, "no table is older than what was synced"),
    "files_unchanged": Check(files.files_unchanged, "a data file is as it was written"),
    "nothing_missing": Check(files.nothing_missing, "no row is known to be gone with a damage"),
    "nothing_set_aside": Check(files.nothing_set_aside, "no acknowledged row was set aside"),
    "acknowledged_there": Check(
        numbers.acknowledged_there, "the journal goes on to the last number that was acknowledged"
    ),
    "queue_acknowledged": Check(
        numbers.queue_acknowledged, "the queue's file has what it acknowledged, as it was committed"
    ),
    "journal_whole": Check(
        numbers.journal_whole, "the journal has what was committed, with no gaps after the flushed"
    ),
    "journal_agrees": Check(numbers.journal_agrees, "a record is the same in journal and table"),
    "numbers_unique": Check(numbers.numbers_unique, "a number of the journal stands for one row"),
    "numbers_given": Check(numbers.numbers_given, "no row has a number that was not yet given"),
    "states_once": Check(states.states_once, "a session has one state and one configuration"),
    "states_derived": Check(states.states_derived, "a state is what its newest row leads to"),
    "configs_there": Check(states.configs_there, "a session has the configuration of its life"),
    "messages_in_order": Check(talks.messages_in_order, "messages go from 1, without gaps"),
    "message_ids_unique": Check(talks.message_ids_unique, "a message is there once"),
    "replies_have_ticks": Check(talks.replies_have_ticks, "a reply and its tick are both there"),
    "posts_have_actions": Check(talks.posts_have_actions, "a person's message has its action"),
    "conversations_there": Check(talks.conversations_there, "what is spoken in is there"),
    "participants_agree": Check(talks.participants_agree, "who takes part is not over"),
    "actions_applied_once": Check(receipts.actions_applied_once, "one action, one effect"),
    "actions_queued": Check(receipts.actions_queued, "an action that was applied is queued"),
    "outcomes_complete": Check(receipts.outcomes_complete, "what is processed has its outcome"),
    "receipts_confirmed": Check(receipts.receipts_confirmed, "a receipt is what the log says"),
    "unmarked_remembered": Check(receipts.unmarked_remembered, "no action would be applied twice"),
    "items_in_log": Check(asked.items_in_log, "an item of the inbox is what its log leads to"),
    "rules_have_items": Check(asked.rules_have_items, "a rule and its decision are both there"),
    "minds_folded": Check(
        minds.minds_folded, "a session believes and remembers what its rows come to"
    ),
    "boards_announced": Check(
        boards.boards_announced, "a board holds what its announcements lead to"
    ),
    "memories_numbered": Check(
        minds.memories_numbered, "a version of a memory beyond sessions is given once"
    ),
    "facts_rooted": Check(
        known.facts_rooted, "what was said of a fact is on record once, and the fact is there"
    ),
    "documents_whole": Check(papers.documents_whole, "a version of a document has all of its text"),
    "blobs_whole": Check(papers.blobs_whole, "a file of a document is there, as it came"),
    "calls_unique": Check(calls.calls_unique, "an attempt of a model call is on record once"),
    "calls_have_rows": Check(calls.calls_have_rows, "calls belong to rows that are there"),
    "calls_counted": Check(calls.calls_counted, "a row counts what its calls took"),
}
"""The checks beside those from row to row of a log, by name."""

HOLDS: dict[str, str] = {
    **{name: check.holds for name, check in CHECKS.items()},
    "rows_well_formed": "a row of the log is what a session writes",
    **{name: holds for name, (_, holds) in LOG_CHECKS.items()},
}
"""Every check's name, and what holds where it finds nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that does not hold; `left_out` counts findings beyond a hundred of a check."""

    folder: Path
    upto: int
    rows: int
    sessions: int
    actions: int
    findings: list[Finding]
    left_out: dict[str, int] = field(default_factory=dict)
    not_checked: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "ok": self.ok,
            "upto": self.upto,
            "rows": self.rows,
            "sessions": self.sessions,
            "actions": self.actions,
            "findings": [finding.as_dict() for finding in self.findings],
            "left_out": self.left_out,
            "not_checked": self.not_checked,
        }


def verify(folder: Path | str) -> Report:
    """Look at everything; what is found is looked at a second time, and reported if it is there.

    Raises: FolderUnusableError, FormatUnknownError.
    """
    report = look(Path(folder))
    if report.ok:
        return report
    # What was in motion, or compacted away while it was read, is not there any more.
    again = look(Path(folder))
    places = {finding.place for finding in report.findings}
    return _shortened(again, [f for f in again.findings if f.place in places])


def _shortened(report: Report, findings: list[Finding]) -> Report:
    """The report with at most a hundred findings of each check."""
    counts, shown = Counter[str](), []
    for finding in findings:
        counts[finding.check] += 1
        if counts[finding.check] <= _SHOWN:
            shown.append(finding)
    left_out = {name: count - _SHOWN for name, count in counts.items() if count > _SHOWN}
    return Report(
        report.folder,
        report.upto,
        report.rows,
        report.sessions,
        report.actions,
        shown,
        left_out,
        report.not_checked if shown else [],
    )


def look(folder: Path) -> Report:
    """Look at everything once.

    Raises: FolderUnusableError, FormatUnknownError.
    """
    snapshot = take(folder)
    facts = Facts(snapshot)
    findings: list[Finding] = []
    not_checked: list[str] = []
    for name, check in CHECKS.items():
        try:
            findings += check.find(facts)
        except TableDamagedError:
            not_checked.append(name)  # `tables_read` says why
    try:
        findings += facts.logs.findings
        rows, sessions = facts.logs.rows, len(facts.logs.newest)
    except TableDamagedError:
        not_checked += ["rows_well_formed", *LOG_CHECKS]
        rows = sessions = 0
    actions = 0 if "outcomes_complete" in not_checked else len(facts.actions)
    return Report(folder, snapshot.upto, rows, sessions, actions, findings, {}, not_checked)
