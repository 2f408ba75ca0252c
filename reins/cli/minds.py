"""`reins beliefs` and `reins memories`: what a session holds true, what it remembers, and why."""

from typing import Any

import click

from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from reins.mind import fold_memories, memories_from, of_life
from reins.mind.rows import of_session
from reins.web.views.mind_folds import (
    beliefs_shown,
    claims_in,
    contradictions_shown,
    memory_shown,
)
from store import agents_config
from store.agent_state import get_agent_state
from store.evidence import list_evidence
from store.memories import list_memories
from store.reading import reader
from store.times import now_us, to_us

_POINTS = 60
_EVERY = 1_000
_VALUE_COLUMNS = 80


@click.command("beliefs", cls=FolderCommand, help="what a session believes, and the evidence")
@data_option
@click.argument("session")
@click.option("--json", "as_json", is_flag=True)
def beliefs(*, session: str, as_json: bool) -> None:
    session_id, life = _life_of(session)
    rows = of_life(list_evidence(session_id, store=reader()), life)
    config, at = agents_config.get_agent_config(session_id), now_us()
    claims = [] if config is None else claims_in(config["config"])
    found = beliefs_shown(rows, at, most_evidence=_EVERY, points=_POINTS, claims=claims)
    if as_json:
        print_json(found, indent=2)
        return
    for each in found:
        print(f"{each['probability']:.2f}  {terminal.shown(each['claim'])}{_how(each)}")
        for piece in each["evidence"]:
            print(f"      {_piece(piece)}")
    for pair in contradictions_shown(rows, at, claims):
        decided = f"the rule lets {pair['stands']} stand" if pair["stands"] else "decide which"
        print(terminal.shown(f"{pair['one']} and {pair['other']} cannot both be: {decided}"))


@click.command("memories", cls=FolderCommand, help="what a session, an agent or all remember")
@data_option
@click.argument("session", required=False)
@click.option("--agent", help="those of an agent, for all of its sessions")
@click.option("--shared", is_flag=True, help="those that all share")
@click.option("--json", "as_json", is_flag=True, help="all versions, with where each is from")
def memories(*, session: str | None, agent: str | None, shared: bool, as_json: bool) -> None:
    rows = _memories_of(session, agent, shared=shared)
    held = fold_memories(memories_from(rows)).recall_all("", now_us())
    if as_json:
        newest = {(key, each.version) for key, each in held.items()}
        shown = [memory_shown(row, held=(row["key"], row["version"]) in newest) for row in rows]
        print_json(shown, indent=2)
        return
    values = {(row["key"], row["version"]): row["value"] for row in rows}
    for key, each in held.items():
        value = terminal.shown(values[key, each.version])
        print(f"{terminal.shown(key)}: {terminal.cut(value, _VALUE_COLUMNS)}  #{each.version}")


def _memories_of(session: str | None, agent: str | None, *, shared: bool) -> list[dict[str, Any]]:
    """The rows of one scope. Raises: ValueError where not one of the three is given."""
    if [session is not None, agent is not None, shared].count(True) != 1:
        raise ValueError("give a SESSION, or --agent and its id, or --shared, one of them")
    if session is not None:
        session_id, life = _life_of(session)
        return of_session(list_memories(session_id, store=reader()), life)
    if agent is not None:
        return list_memories(agent_id=agent, scope="agent", store=reader())
    return list_memories(scope="shared", store=reader())


def _life_of(session: str) -> tuple[str, int]:
    """The session's id, and when it was created. Raises: ValueError."""
    session_id = agents_config.as_stored(session)
    state = get_agent_state(session_id, store=reader())
    if state is None:
        raise ValueError(f"there is no session {session_id}; see reins status")
    return session_id, to_us(state["created_at"])


def _how(belief: dict[str, Any]) -> str:
    words = [name for name in ("contested", "uncertain") if belief[name]]
    return f"  ({', '.join(words)})" if words else ""


def _piece(piece: dict[str, Any]) -> str:
    """One piece: its weight, whose word it is, the row of the log, its id for an undo."""
    said = f" “{terminal.shown(piece['text'])}”" if piece["text"] else ""
    back = "  taken back" if piece["undone_by"] else ""
    source = terminal.shown(piece["source"])
    return f"{piece['weight']:+.2f} {source} #{piece['seq']}{said}  {piece['evidence_id']}{back}"
