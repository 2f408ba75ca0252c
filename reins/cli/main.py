"""`reins`: one command with verbs. A verb's module is imported when it is asked for."""

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from reins import process
from reins.cli.outcome import run
from reins.version import VERSION


class Verb(NamedTuple):
    """The module that holds a verb under its name, and the verb's line in the help.

    `serves`: it runs until a signal, which may come while its module is imported.
    """

    module: str
    help: str
    serves: bool = False

    def command(self, name: str) -> click.Command:
        """The verb itself, imported now."""
        found: click.Command = getattr(importlib.import_module(self.module), name)
        return found


class LazyGroup(click.Group):
    """A group that lists its verbs without importing them: the help must not take seconds."""

    def __init__(self, *, verbs: Mapping[str, Verb], summary: str, name: str | None = None) -> None:
        super().__init__(
            name, help=summary, context_settings={"help_option_names": ["-h", "--help"]}
        )
        self.verbs = verbs

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.verbs)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        return self.verbs[name].command(name) if name in self.verbs else None

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = self.verbs.get(arguments[0])
        if verb is not None and verb.serves:
            process.begin()
        return super().resolve_command(context, arguments)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in self.verbs.items()])


STEER = {
    "create": Verb("reins.cli.steer", "create an agent's session, or those of several agents"),
    "pause": Verb("reins.cli.steer", "pause at the next safe point"),
    "resume": Verb("reins.cli.steer", "go on"),
    "interrupt": Verb("reins.cli.steer", "give new guidance"),
    "hasten": Verb("reins.cli.steer", "apply guidance now that waits for the end of a tick"),
    "undo": Verb("reins.cli.steer", "take guidance back that was applied"),
    "destroy": Verb("reins.cli.steer", "end a session"),
    "undestroy": Verb("reins.cli.steer", "take a destroy back, within ten minutes"),
    "conversation": Verb("reins.cli.steer", "create a conversation"),
    "post": Verb("reins.cli.steer", "say something in a conversation, as --actor"),
    "transcript": Verb("reins.cli.look", "print a conversation"),
    "search": Verb("reins.cli.search", "search everything that was said"),
    "publish": Verb("reins.cli.topics", "publish a message to a topic"),
    "bound": Verb("reins.cli.topics", "set how far the subscribers of a topic may be behind"),
    "topic": Verb(
        "reins.cli.topics", "print the messages of a topic, its dead letters or subscribers"
    ),
    "redeliver": Verb("reins.cli.topics", "give a dead letter to its subscriber again"),
    "reload": Verb("reins.cli.steer", "read settings, prompts and agent types again"),
    "attention": Verb("reins.cli.attention", "list what needs a person, by cause"),
    "inbox": Verb("reins.cli.inbox", "list what waits for a person"),
    "decide": Verb(
        "reins.cli.inbox", "decide about an item of the inbox: approve, edit, reject or answer"
    ),
    "rules": Verb("reins.cli.inbox", "list the rules of approval, or revoke one"),
    "status": Verb("reins.cli.look", "list the sessions"),
    "views": Verb(
        "reins.cli.saved", "list the saved views of the session list, save one, or remove one"
    ),
    "watch": Verb("reins.cli.look", "follow a session's log"),
    "sql": Verb(
        "reins.cli.sql", "run one SELECT over the tables, with the rows that wait for their flush"
    ),
    "find": Verb("reins.cli.find", "search in a session's log"),
    "note": Verb("reins.cli.find", "pin a remark to a row of a session's log"),
}
"""The verbs of both `reins` and `python -m queue_imp`."""

reins = click.version_option(VERSION, prog_name="reins")(
    LazyGroup(
        summary="Run many long-lived AI agents, and steer each of them while it runs.",
        verbs={
            "run": Verb("reins.cli.processes", "run web and worker in one process", serves=True),
            "work": Verb("reins.cli.processes", "run the worker alone", serves=True),
            **STEER,
            "board": Verb(
                "reins.cli.board", "values that agents and people share: list, get, put, delete"
            ),
            "fact": Verb(
                "reins.cli.fact",
                "who stands to whom, since when, on whose word: list, about, paths, why, "
                "remember, end, retract, restore, alias",
            ),
            "documents": Verb(
                "reins.cli.documents", "what agents read and cite: add, list, show, remove"
            ),
            "room": Verb("reins.cli.room", "steer a conversation: pause, resume, set, end"),
            "models": Verb("reins.cli.models", "the routes to models: check"),
            "tools": Verb("reins.cli.tools", "the tools that agents can use: list, show, call"),
            "mcp": Verb("reins.cli.mcp", "serve an assistant that speaks MCP, over stdio"),
            "usage": Verb("reins.cli.usage", "cost, failures and waits of calls of models"),
            "report": Verb("reins.cli.report", "time, cost, success rates and waits of a session"),
            "beliefs": Verb("reins.cli.minds", "what a session believes, and the evidence"),
            "memories": Verb("reins.cli.minds", "what a session, an agent or all remember"),
            "mind": Verb(
                "reins.cli.mind",
                "change what is remembered or believed: put, forget, restore, undo",
            ),
            "webhooks": Verb("reins.cli.webhooks", "webhooks that call people: list, test"),
            "schedules": Verb(
                "reins.cli.schedules", "what is published when: list, set, pause, run, remove"
            ),
            "plan": Verb("reins.cli.plan", "plans in JSON files: check, run"),
            "replay": Verb("reins.cli.replay", "sessions done again with no model: record, run"),
            "store": Verb("reins.cli.store", "a data folder as a whole: verify, repair"),
        },
    )
)


def main(arguments: Sequence[str] | None = None, *, program: str = "reins") -> int:
    """The console script. Returns the exit code."""
    here = str(Path.cwd())
    if here not in sys.path:
        # Agent types lie in the working folder, as `python -m` has it; last, to hide nothing.
        sys.path.append(here)
    return run(reins, arguments, program=program)
