"""Commands that look into a data folder: `reins status`, `watch` and `transcript`."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click

from agent_core.session.mood import mood_of
from agent_core.session.waiting import STUCK
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from store import agent_state, agent_steps, agents_config, conversations, messages
from store.following import Follower
from store.id_forms import is_same
from store.lance.tables import Table
from store.reading import reader, typed
from store.times import from_us

_FOLLOW_S = 0.1
_CHECK_S = 1.0
"""Two commits within one turn of the file system's clock look like one: it is read this often."""
_PAGE = 500
_AT = "%Y-%m-%d %H:%M:%S"


@click.command("transcript", cls=FolderCommand, exit_interrupted=0, help="print a conversation")
@data_option
@click.argument("conversation_id")
@click.option("--after", type=int, default=0, metavar="N")
@click.option("--follow", is_flag=True, help="go on with new messages")
@click.option("--json", "as_json", is_flag=True, help="a JSON object per message")
def transcript(*, conversation_id: str, after: int, follow: bool, as_json: bool) -> None:
    conversation_id = conversations.as_stored(conversation_id)
    if conversations.get_conversation(conversation_id) is None:
        raise ValueError(
            f"there is no conversation {conversation_id}; "
            f"create it: {_program()} conversation {conversation_id}"
        )
    for row in _messages(conversation_id, after, follow=follow):
        _print(row, _message_line, as_json=as_json)


@click.command("status", cls=FolderCommand, help="list the sessions")
@data_option
@click.argument("agent_id", required=False)
@click.option("--json", "as_json", is_flag=True)
def status(*, agent_id: str | None, as_json: bool) -> None:
    rows = agent_state.list_agent_states()
    if agent_id:
        ids = ("agent_id", "session_id")
        rows = [row for row in rows if any(is_same(row[each], agent_id) for each in ids)]
    if as_json:
        print_json(rows, indent=2)
        return
    if not rows:
        print(f"no sessions yet; make one: {_program()} create agent1 --subject cats")
        return
    print(_columns("STATUS", "MOOD", "AGENT", "SESSION", "TYPE", "TICKS", "LATEST"))
    for row in rows:
        latest = " ".join((_waits(row) or row["error"] or row["result"] or "").split())
        how = (row["status"], mood_of(snapshot_of(row)))
        columns = (*how, row["agent_id"], row["session_id"], row["agent_type"])
        print(_columns(*columns, str(row["iteration"]), terminal.cut(latest, 80)))


@click.command("watch", cls=FolderCommand, exit_interrupted=0, help="follow a session's log")
@data_option
@click.argument("agent_id")
@click.option("--session", help="session_id, if not the agent's own")
@click.option("--after-seq", type=int, default=0)
@click.option("--json", "as_json", is_flag=True, help="a JSON object per row")
@click.option("--until-end", is_flag=True, help="end with the session")
def watch(
    *, agent_id: str, session: str | None, after_seq: int, as_json: bool, until_end: bool
) -> None:
    session_id = agents_config.as_stored(session or agent_id)
    if not agent_steps.list_steps(session_id, 0, 1):
        print(
            f"waiting for session {terminal.shown(session_id)} …; if it does not come, see what "
            f"became of its create: {_program()} status, or create it with --wait",
            file=sys.stderr,
            flush=True,
        )
    for row in _rows(session_id, after_seq):
        _print(row, _row_line, as_json=as_json)
        if row["kind"] == "final" and until_end:
            return


def snapshot_of(row: dict[str, Any]) -> dict[str, Any]:
    """The snapshot of a row of `agent_state`, whose own columns hold where they differ."""
    snapshot: dict[str, Any] = json.loads(row["snapshot"] or "{}")
    own = {name: row[name] for name in ("status", "error") if row[name] is not None}
    return {"status": "stopped", **snapshot, **own}


_WAITS = {
    STUCK: "is stuck",
    "approval": "waits for approval",
    "question": "waits for an answer",
}


def _waits(row: dict[str, Any]) -> str:
    """The thing that a session waits for, since when and why; empty where it waits for nothing."""
    if not row["waits"]:
        return ""
    waits = json.loads(row["waits"])
    since = "" if waits["since"] is None else f" since {from_us(waits['since']).astimezone():{_AT}}"
    what = _WAITS.get(waits["kind"]) or f"waits for the {waits['kind']}"
    return f"{what}{since}: {waits['reason']}"


def _columns(*values: str) -> str:
    *texts, ticks, latest = map(terminal.shown, values)
    widths = (10, 8, 20, 20, 10)
    padded = (terminal.padded(text, width) for text, width in zip(texts, widths, strict=True))
    return f"{' '.join(padded)} {ticks:>6}  {latest}"


def _print(row: dict[str, Any], line: Callable[[dict[str, Any]], str], *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print(terminal.hanging(line(row)), flush=True)


def _program() -> str:
    """The name by which the process was called, so that a hint can be typed as it stands."""
    return str(click.get_current_context().find_root().info_name)


def _rows(session_id: str, after: int) -> Iterator[dict[str, Any]]:
    """The rows of a session's log above `after`: those that there are, then those that come."""

    def read(after: int) -> list[dict[str, Any]]:
        return agent_steps.list_steps(session_id, after, _PAGE)

    own = {"session_id": session_id}
    yield from _numbered(agent_steps.TABLE, own, "seq", read, after=after)


def _messages(conversation_id: str, after: int, *, follow: bool) -> Iterator[dict[str, Any]]:
    """The messages above `after`: those that there are; with `follow`, those that come, too."""

    def read(after: int) -> list[dict[str, Any]]:
        return messages.list_messages(conversation_id, after, _PAGE)

    own = {"conversation_id": conversation_id}
    yield from _numbered(messages.TABLE, own, "number", read, after=after, follow=follow)


def _numbered(
    table: Table,
    own: dict[str, str],
    number: str,
    read: Callable[[int], list[dict[str, Any]]],
    *,
    after: int,
    follow: bool = True,
) -> Iterator[dict[str, Any]]:
    """The rows with these columns and a `number` above `after`, in order; `read` reads a page."""
    feed = Follower(reader(), [table])
    # In this order: what is written meanwhile is seen twice, never missed.
    feed.start()
    while rows := read(after):
        yield from rows
        after = rows[-1][number]
    while follow:
        for row in _news(feed):
            if own.items() <= row.items() and row[number] > after:
                yield typed(table, row)
                after = row[number]


def _news(feed: Follower) -> Iterator[dict[str, Any]]:
    """The rows that have come, once there may be some; costs next to nothing until then."""
    ends_at = time.monotonic() + _CHECK_S
    while not feed.touched() and time.monotonic() < ends_at:
        time.sleep(_FOLLOW_S)
    more = True
    while more:
        found, more = feed.poll()
        yield from (row for _, row in found)


def _row_line(row: dict[str, Any]) -> str:
    at: datetime = row["created_at"]
    text = row["text"] if row["error"] is None else f"{row['text']}: {row['error']}"
    payload = json.loads(row["payload"] or "{}")
    guidance = payload.get("guidance")
    if guidance is not None:
        text = f"{text}  ← {guidance if isinstance(guidance, str) else json.dumps(guidance)}"
    return f"{at.astimezone():%H:%M:%S}  #{row['seq']:<5} {row['kind']:<8} {text}"


def _message_line(row: dict[str, Any]) -> str:
    at: datetime = row["created_at"]
    who = row["author"] if row["agent_id"] is None else f"{row['author']} ({row['agent_id']})"
    return f"{at.astimezone():%H:%M:%S}  #{row['number']:<5} {who}: {row['text']}"
