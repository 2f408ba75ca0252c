"""Facts: who stands to whom in which relation, since when, and on whose word."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from reins.tools.context import Context, Facts, Scope
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_SHOWN = 60
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_FactId = Annotated[str, Field(min_length=1, max_length=256, description="as about tells it")]
_Time = Annotated[
    str | None, Field(max_length=40, description="2019, 2019-05-01 or ISO 8601; none: not known")
]
_Text = Annotated[str, Field(max_length=1_000, description="why, in words")]
_Source = Annotated[
    str | None, Field(max_length=400, description="on whose word: a person, an address")
]
_Scope = Annotated[
    Scope, Field(description="session: this work; agent: your later work too; shared: all agents")
]


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def remember_fact(
    context: Context,
    subject: _Name,
    relation: Annotated[str, Field(min_length=1, max_length=200, description="such as works at")],
    object: _Name,  # noqa: A002 - the third part of a fact has no other name
    *,
    source: _Source = None,
    document: Annotated[
        str | None, Field(max_length=400, description="the document or address that says so")
    ] = None,
    valid_from: _Time = None,
    valid_to: _Time = None,
    confidence: Annotated[float, Field(gt=0, le=1)] = 1.0,
    functional: Annotated[
        bool, Field(description="the relation has one object at a time: this ends the older one")
    ] = False,
    text: _Text = "",
    scope: _Scope = "session",
) -> str:
    """Remember a fact, such as Ann · works at · Elm Ltd, with where it comes from."""
    told = await _facts(context).remember(
        subject, relation, object, source=source, document=document, valid_from=valid_from,
        valid_to=valid_to, confidence=confidence, functional=functional, text=text, scope=scope,
    )  # fmt: skip
    lines = [f"remembered as fact {told['fact_id']}"]
    if told["relation"] != relation:
        lines = [f"proposed as fact {told['fact_id']}: a person decides whether they are the same"]
    if told["ended"]:
        lines.append(f"this ends {', '.join(told['ended'])}")
    lines += [f"{name} may be {' or '.join(near)}" for name, near in told["near"].items()]
    return "\n".join(lines)


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def end_fact(context: Context, fact_id: _FactId, at: _Time = None, text: _Text = "") -> str:
    """Say that a fact is true no longer, from a time on or from now; it stays in the history."""
    await _facts(context).end(fact_id, at, text)
    return "ended"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None)
async def retract_fact(
    context: Context,
    fact_id: Annotated[str | None, Field(max_length=256, description="or a source")] = None,
    source: Annotated[
        str | None, Field(max_length=400, description="all that rests on its word alone")
    ] = None,
    text: _Text = "",
) -> str:
    """Say that a fact, or all that rests on the word of a source alone, was never so."""
    count = await _facts(context).retract(fact_id, source, text)
    return f"retracted: {count} {'fact' if count == 1 else 'facts'}"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def about(
    context: Context,
    name: _Name,
    *,
    true_at: _Time = None,
    known_at: _Time = None,
    history: Annotated[bool, Field(description="also what is over or was retracted")] = False,
) -> str:
    """List what is held about a person, a place or a thing: now, at a time, or as known then."""
    found = await _facts(context).about(
        name, true_at=true_at or "now", known_at=known_at, history=history
    )
    lines = [] if len(found["names"]) == 1 else [f"names: {', '.join(found['names'])}"]
    lines += [_line(fact) for fact in found["facts"][:_SHOWN]]
    if (left := found["more"] + len(found["facts"][_SHOWN:])) > 0:
        lines.append(f"{left} more; ask for neighbours by a relation")
    if found["near"]:
        lines.append(f"may be the same as: {', '.join(found['near'])}")
    return "\n".join(lines) or "[nothing is true of it then; history tells what was]"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def neighbours(
    context: Context,
    name: _Name,
    relation: Annotated[str | None, Field(max_length=200)] = None,
    true_at: _Time = None,
) -> str:
    """List whom or what one fact leads to, by any relation or by one."""
    found = await _facts(context).neighbours(name, relation, true_at=true_at or "now")
    lines = [_line(fact) for fact in found[:_SHOWN]]
    if found[_SHOWN:]:
        lines.append(f"{len(found) - _SHOWN} more; ask by a relation")
    return "\n".join(lines) or "[nothing is beside it]"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def paths(
    context: Context,
    start: _Name,
    goal: _Name,
    steps: Annotated[int, Field(ge=1, le=6)] = 6,
) -> str:
    """Find a shortest chain of facts from one to the other."""
    found = await _facts(context).paths(start, goal, steps)
    if found is None:
        return f"[no chain of {steps} facts leads there]"
    return _chain(found["facts"]) or "[they are the same]"


@tool(risk="low", idempotent=True, attempts=1, breaker_failures=None, brings_in=True)
async def why(context: Context, fact_id: _FactId) -> str:
    """Say on whose word a fact rests, what has been said about it since, and who says it too."""
    found = await _facts(context).why(fact_id)
    lines = [_line(found)]
    lines += [f"{name}: {value}" for name, value in found["from"].items()]
    if found["text"]:
        lines.append(f"text: {found['text']}")
    lines += [f"{each['at']} {each['op']} {each['text']}".strip() for each in found["changes"]]
    lines += [f"also said: {_line(each)}" for each in found["also_said"]]
    return "\n".join(lines)


def _chain(facts: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(_line(fact) for fact in facts)


def _line(fact: Mapping[str, Any]) -> str:
    """A fact in a line, with its id, its time and its source."""
    words = [f"{fact['subject']} · {fact['relation']} · {fact['object']}"]
    if fact["valid_from"] or fact["valid_to"]:
        words.append(f"{(fact['valid_from'] or '…')[:10]} to {(fact['valid_to'] or '…')[:10]}")
    if fact["confidence"] < 1:
        words.append(f"confidence {fact['confidence']:g}")
    if fact.get("retracted"):
        words.append("retracted")
    words += [f"says {fact['source']}", f"id {fact['fact_id']}"]
    return "; ".join(words)


def _facts(context: Context) -> Facts:
    if context.facts is None:
        raise ToolError("there are no facts here; sessions of tasks have them")
    return context.facts
