"""`reins fact`: facts of agents and people, with where they come from; changing them."""

from collections.abc import Callable
from typing import Any, Literal

import click

import queue_imp
from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from reins.cli.steer import acting, answer
from store import agents_config
from store.facts import newest_facts

_Decorated = Callable[..., Any]


@click.group(
    "fact",
    help="who stands to whom, since when, on whose word: list, about, paths, why, remember, end, "
    "retract, restore, alias",
)
def fact() -> None:
    """The verbs stand below."""


def _seen(function: _Decorated) -> _Decorated:
    for option in (
        click.option("--json", "as_json", is_flag=True),
        click.option("--known-at", metavar="WHEN", help="as far as it was known then"),
        click.option("--at", "true_at", metavar="WHEN", help="true then; else now"),
        click.option("--agent", help="with those of an agent"),
        click.option("--session", help="with those of a session and its agent"),
    ):
        function = option(function)
    return function


def _whose(function: _Decorated) -> _Decorated:
    function = click.option("--agent", help="of an agent, for all of its sessions")(function)
    return click.option("--session", help="of a session, by its id")(function)


_text = click.option("--text", default="", help="why")


@click.command("list", cls=FolderCommand, help="the newest facts, whoever holds them")
@data_option
@click.argument("part", required=False, default="")
@click.option("--source", help="on whose word")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
def list_(*, part: str, source: str | None, limit: int) -> None:
    for row in newest_facts(containing=part, source=source, limit=limit):
        whose = {"session": f" of session {row['session_id']}", "agent": f" of {row['agent_id']}"}
        print(_line(row) + terminal.shown(whose.get(row["scope"], "")))


@click.command("about", cls=FolderCommand, help="all that is held about a person, a place, a thing")
@data_option
@click.argument("name")
@click.option("--history", is_flag=True, help="all facts that were ever held")
@_seen
def about(*, name: str, history: bool, as_json: bool, **more: Any) -> None:
    found = queue_imp.facts_about(name, history=history, **_view(more))
    if as_json:
        print_json(found, indent=2)
        return
    print(terminal.shown(", ".join(found["names"])))
    for each in found["facts"]:
        print(f"  {_line(each)}")
    if found["near"]:
        print(terminal.shown(f"may be the same as: {', '.join(found['near'])}"))


@click.command("paths", cls=FolderCommand, help="a shortest chain of facts between two")
@data_option
@click.argument("start")
@click.argument("goal")
@click.option("--steps", type=click.IntRange(1, 6), default=6, show_default=True)
@_seen
def paths(*, start: str, goal: str, steps: int, as_json: bool, **more: Any) -> None:
    found = queue_imp.fact_path(start, goal, steps, **_view(more))
    if as_json:
        print_json(found, indent=2)
    elif found is None:
        print(f"no chain of {steps} facts leads there")
    else:
        for each in found["facts"]:
            print(_line(each))


@click.command("why", cls=FolderCommand, help="on whose word a fact rests, and what came of it")
@data_option
@click.argument("fact_id")
def why(*, fact_id: str) -> None:
    print_json(queue_imp.fact_why(fact_id), indent=2)


@acting("remember", "assert a fact: SUBJECT RELATION OBJECT")
@click.argument("subject")
@click.argument("relation")
@click.argument("object", metavar="OBJECT")
@click.option("--from", "valid_from", metavar="WHEN", help="true from then on")
@click.option("--to", "valid_to", metavar="WHEN", help="until then")
@click.option("--source", help="on whose word (default: the document's, or --actor's)")
@click.option("--document", help="the document that says so")
@click.option("--functional", is_flag=True, help="the relation has one object at a time")
@click.option("--confidence", type=float, default=1.0, show_default=True)
@_text
@_whose
def remember(*, subject: str, relation: str, actor: str, wait: float | None, **more: Any) -> None:
    owner = _owner(more)
    given = {**more, **owner}
    answer(queue_imp.fact_remember(subject, relation, given.pop("object"), actor, **given),
           wait_s=wait)  # fmt: skip


@acting("end", "say that a fact is true no longer")
@click.argument("fact_id")
@click.option("--at", metavar="WHEN", help="from then on; else from now on")
@_text
def end(*, fact_id: str, at: str | None, text: str, actor: str, wait: float | None) -> None:
    answer(queue_imp.fact_end(fact_id, actor, at, text), wait_s=wait)


@acting("retract", "say that a fact, or all of a --source, was never so")
@click.argument("fact_id", required=False)
@click.option("--source", help="all that rests on its word alone")
@_text
def retract(
    *, fact_id: str | None, source: str | None, text: str, actor: str, wait: float | None
) -> None:
    answer(queue_imp.fact_retract(actor, fact_id, source=source, text=text), wait_s=wait)


@acting("restore", "take the newest end or retraction back")
@click.argument("fact_id", required=False)
@click.option("--source", help="all that rests on its word alone")
@_text
def restore(
    *, fact_id: str | None, source: str | None, text: str, actor: str, wait: float | None
) -> None:
    answer(queue_imp.fact_restore(actor, fact_id, source=source, text=text), wait_s=wait)


@acting("alias", "decide whether two names are of one: same or different")
@click.argument("name")
@click.argument("other")
@click.argument("decision", type=click.Choice(["same", "different"]))
@_text
@_whose
def alias(
    *,
    name: str,
    other: str,
    decision: Literal["same", "different"],
    text: str,
    actor: str,
    wait: float | None,
    **more: Any,
) -> None:
    sent = queue_imp.alias_decide(name, other, actor, decision, text, **_owner(more))
    answer(sent, wait_s=wait)


def _view(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a helper that looks."""
    session, agent = given.pop("session"), given.pop("agent")
    return {**given, "session_id": session, "agent_id": agent if session is None else None}


def _owner(given: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a helper that changes. Raises: ValueError."""
    session, agent = given.pop("session"), given.pop("agent")
    if session is not None and agent is not None:
        raise ValueError("give --session or --agent, not both; without them all share it")
    if session is not None:
        session = agents_config.as_stored(session)
        found = agents_config.get_agent_config(session)
        if found is None:
            raise ValueError(f"there is no session {session!r:.160}; see reins status")
        return {"scope": "session", "agent_id": found["agent_id"], "session_id": session}
    return {"scope": "shared"} if agent is None else {"scope": "agent", "agent_id": agent}


def _line(told: dict[str, Any]) -> str:
    words = f"{told['subject']} · {told['relation']} · {told['object']}"
    times = [str(told[name] or "…")[:10] for name in ("valid_from", "valid_to")]
    span = "" if times == ["…", "…"] else f"  {times[0]} to {times[1]}"
    state = "  (retracted)" if told.get("retracted") else ""
    return terminal.shown(f"{words}{span}{state}  says {told['source']}  {told['fact_id']}")


for verb in (list_, about, paths, why, remember, end, retract, restore, alias):
    fact.add_command(verb)
