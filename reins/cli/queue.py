"""The REPL helpers from a shell: `python -m queue_imp create agent1 --subject cats`."""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import queue_imp
from store import agent_state, agent_steps, conversations, messages
from store.errors import StoreError
from store.following import Follower
from store.lance.tables import Table
from store.reading import reader, typed

_FOLLOW_S = 0.1
_CHECK_S = 1.0
"""Two commits within one turn of the file system's clock look like one: it is read this often."""
_PAGE = 500
_INTERRUPTED = 130  # what shells say of Ctrl-C


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    flags = parser.parse_args(arguments)
    if flags.data:
        os.environ["REINS_DATA"] = flags.data  # helpers and readers take it from the settings
    try:
        flags.run(flags)
    except (ValueError, StoreError, KeyError, TimeoutError) as error:
        message = error.args[0] if isinstance(error, KeyError) else error
        print(f"reins: {message}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the output has gone; nothing is left to say, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 0 if flags.run in (_watch, _transcript) else _INTERRUPTED
    return 0


def _create(flags: argparse.Namespace) -> None:
    given = _parsed(flags.config, "--config") if flags.config else None
    action_id = queue_imp.agent_create(
        flags.agent_id,
        flags.actor,
        flags.subject,
        agent_type=flags.type,
        session_id=flags.session,
        config=given,
    )
    _answer(flags, action_id)


def _pause(flags: argparse.Namespace) -> None:
    _answer(
        flags, queue_imp.agent_pause_action(*_who(flags), flags.reason, session_id=flags.session)
    )


def _resume(flags: argparse.Namespace) -> None:
    _answer(flags, queue_imp.agent_resume_action(*_who(flags), session_id=flags.session))


def _interrupt(flags: argparse.Namespace) -> None:
    text = flags.guidance
    guidance = (
        _parsed(text, "guidance that begins with {") if text.lstrip().startswith("{") else text
    )
    mode: queue_imp.Mode = "now" if flags.now else "steer"
    _answer(
        flags,
        queue_imp.agent_interrupt(*_who(flags), guidance, mode=mode, session_id=flags.session),
    )


def _destroy(flags: argparse.Namespace) -> None:
    _answer(
        flags, queue_imp.agent_destroy_action(*_who(flags), flags.reason, session_id=flags.session)
    )


def _reload(flags: argparse.Namespace) -> None:
    _answer(flags, queue_imp.environment_reload_action(flags.actor))


def _conversation(flags: argparse.Namespace) -> None:
    _answer(flags, queue_imp.conversation_create(flags.conversation_id, flags.actor, flags.title))


def _post(flags: argparse.Namespace) -> None:
    _answer(flags, queue_imp.post_message(flags.conversation_id, flags.actor, flags.text))


def _transcript(flags: argparse.Namespace) -> None:
    """What was said; with `--follow`, also what is said from now on, until interrupted."""
    if conversations.get_conversation(flags.conversation_id) is None:
        raise ValueError(
            f"there is no conversation {flags.conversation_id}; "
            f"create it: python -m queue_imp conversation {flags.conversation_id}"
        )
    for row in _messages(flags.conversation_id, flags.after, follow=flags.follow):
        print(json.dumps(row, default=str) if flags.json else _said(row), flush=True)


def _said(row: dict[str, Any]) -> str:
    at: datetime = row["created_at"]
    who = row["author"] if row["agent_id"] is None else f"{row['author']} ({row['agent_id']})"
    return f"{at.astimezone():%H:%M:%S}  #{row['number']:<5} {who}: {row['text']}"


def _status(flags: argparse.Namespace) -> None:
    rows = agent_state.list_agent_states()
    if flags.agent_id:
        rows = [row for row in rows if flags.agent_id in (row["agent_id"], row["session_id"])]
    if flags.json:
        print(json.dumps(rows, default=str, indent=2))
        return
    if not rows:
        print("no sessions yet; make one: python -m queue_imp create agent1 --subject cats")
        return
    line = "{:<10} {:<20} {:<20} {:<10} {:>6}  {}"
    print(line.format("STATUS", "AGENT", "SESSION", "TYPE", "TICKS", "LATEST"))
    for row in rows:
        latest = row["error"] or row["result"] or ""
        columns = (row["status"], row["agent_id"], row["session_id"], row["agent_type"])
        print(line.format(*columns, row["iteration"], " ".join(latest.split())[:80]))


def _watch(flags: argparse.Namespace) -> None:
    """Follow a session's log until interrupted; with `--until-end`, until its last row."""
    session_id = flags.session or flags.agent_id
    if not agent_steps.list_steps(session_id, 0, 1):
        print(
            f"waiting for session {session_id} …; if it does not come, see what became of its "
            "create: python -m queue_imp status, or create it with --wait",
            file=sys.stderr,
        )
    for row in _rows(session_id, flags.after_seq):
        print(json.dumps(row, default=str) if flags.json else _line(row), flush=True)
        if row["kind"] == "final" and flags.until_end:
            return


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
    """What has come, once there may be something; costs next to nothing while there is not."""
    ends_at = time.monotonic() + _CHECK_S
    while not feed.touched() and time.monotonic() < ends_at:
        time.sleep(_FOLLOW_S)
    more = True
    while more:
        found, more = feed.poll()
        yield from (row for _, row in found)


def _line(row: dict[str, Any]) -> str:
    at: datetime = row["created_at"]
    text = row["text"] if row["error"] is None else f"{row['text']}: {row['error']}"
    payload = json.loads(row["payload"] or "{}")
    told = payload.get("guidance")
    if told is not None:
        text = f"{text}  ← {told if isinstance(told, str) else json.dumps(told)}"
    return f"{at.astimezone():%H:%M:%S}  #{row['seq']:<5} {row['kind']:<8} {text}"


def _answer(flags: argparse.Namespace, action_id: str) -> None:
    if not flags.wait:
        print(action_id)
        return
    receipt = queue_imp.wait_for_action(action_id, flags.wait)
    if receipt["outcome"] == "rejected":
        raise ValueError(f"{action_id} was rejected: {receipt['error']}")
    at = "" if receipt["applied_seq"] is None else f" at #{receipt['applied_seq']}"
    print(f"{action_id} {receipt['outcome']}{at}")


def _parsed(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is {text[:80]!r}; expected JSON: {error}") from None


def _who(flags: argparse.Namespace) -> tuple[str, str]:
    return flags.agent_id, flags.actor


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m queue_imp", description="Steer the agents of a data folder."
    )
    parser.add_argument("--data", help="data folder (REINS_DATA)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, text: str, *, acts: bool = True) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--data", default=argparse.SUPPRESS, help="data folder (REINS_DATA)")
        made.set_defaults(run=run)
        if acts:
            made.add_argument("--actor", default=_user(), help="who asks (default: you)")
            made.add_argument(
                "--wait",
                type=float,
                nargs="?",
                const=30.0,
                metavar="S",
                help="wait up to S seconds (30) for the outcome",
            )
        return made

    def addressed(name: str, run: Any, text: str, *, acts: bool = True) -> argparse.ArgumentParser:
        made = command(name, run, text, acts=acts)
        made.add_argument("agent_id")
        made.add_argument("--session", help="session_id, if not the agent's own")
        return made

    create = addressed("create", _create, "create an agent's session")
    create.add_argument("--subject", help="what it begins with")
    create.add_argument("--type", default="joke", help="agent type (default: joke)")
    create.add_argument("--config", help="configuration, as JSON")
    addressed("pause", _pause, "pause at the next safe point").add_argument("--reason")
    addressed("resume", _resume, "go on")
    interrupt = addressed("interrupt", _interrupt, "give new guidance")
    interrupt.add_argument("guidance", help="a text, or JSON that begins with {")
    interrupt.add_argument("--now", action="store_true", help="abort the tick in flight for it")
    addressed("destroy", _destroy, "end a session").add_argument("--reason")
    talk = command("conversation", _conversation, "create a conversation")
    talk.add_argument("conversation_id")
    talk.add_argument("--title")
    post = command("post", _post, "say something in a conversation, as --actor")
    post.add_argument("conversation_id")
    post.add_argument("text")
    transcript = command("transcript", _transcript, "print a conversation", acts=False)
    transcript.add_argument("conversation_id")
    transcript.add_argument("--after", type=int, default=0, metavar="N")
    transcript.add_argument("--follow", action="store_true", help="go on with what is said")
    transcript.add_argument("--json", action="store_true", help="a JSON object per message")
    command("reload", _reload, "read settings, prompts and agent types again")
    status = command("status", _status, "list the sessions", acts=False)
    status.add_argument("agent_id", nargs="?")
    status.add_argument("--json", action="store_true")
    watch = addressed("watch", _watch, "follow a session's log", acts=False)
    watch.add_argument("--after-seq", type=int, default=0)
    watch.add_argument("--json", action="store_true", help="a JSON object per row")
    watch.add_argument("--until-end", action="store_true", help="end with the session")
    return parser


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "shell"
