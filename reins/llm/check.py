"""Whether a route works, in words: one small call, and what to do where it fails."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from reins.llm.baml.failures import classify, failure
from reins.llm.baml.prompts import CLIENTS_FILE
from reins.llm.baml.runtime import Answer, BamlError, Compiled
from reins.llm.embeddings.embedder import Embedder
from reins.llm.errors import Kind, ModelConfigError, ModelError, place_of
from reins.llm.routes.providers import Plan
from reins.llm.settings import Route

LIMIT_S = 20.0

# A function of its own: a check does not depend on the prompts, nor they on it.
PROBE = """function Probe() -> string {
  client Route
  prompt #"
    {{ _.role("user") }}
    Answer with the single word OK.
  "#
}
"""
ANSWERED: frozenset[Kind] = frozenset({"truncated", "refused", "empty", "too_long"})
"""These come of a model that works; what it said does not matter here."""

CREDIT = ("insufficient_quota", "credit balance", "billing", "payment")

SAID: dict[Kind, str] = {
    "rate_limited": "it works, but the account's limit of requests or tokens is reached just now. "
    "Wait, or raise the limit",
    "overloaded": "it is overloaded. Wait and try again",
    "server": "it has a fault on its side. Wait and try again",
    "unreachable": "nobody answers at that address. Check that the server runs, base_url and the "
    "network",
    "timeout": "no answer in time. Check that the server runs and is quick enough",
    "auth": "the key is not accepted. Check it and its rights",
    "bad_request": "the request is not accepted. Check the model's name, temperature and "
    "max_tokens",
    "not_found": "there is nothing at that address. Check base_url (it usually ends in /v1)",
    "garbage": "what answers there is no model. Check base_url (it usually ends in /v1)",
}


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """What came of trying a route; `said` is for a person."""

    name: str
    ok: bool
    said: str
    latency_ms: float | None = None


async def tried(name: str, trying: Awaitable[RouteCheck]) -> RouteCheck:
    """What came of trying a route, whatever it raises: one that is broken hides no other."""
    try:
        return await trying
    except ModelConfigError as error:
        return RouteCheck(name, ok=False, said=str(error))
    except Exception as error:  # noqa: BLE001 - its words may quote a password
        said = f"it cannot be tried ({place_of(error)}). Check its settings."
        return RouteCheck(name, ok=False, said=said)


async def check_plan(name: str, plan: Plan, limit_s: float) -> RouteCheck:
    """Call a route once, beside all limits."""
    sources = {CLIENTS_FILE: plan.source, "probe.baml": PROBE}
    compiled = await asyncio.to_thread(Compiled, sources, plan.values)
    answer = Answer()
    began = time.perf_counter()
    error: ModelError | None = None
    try:
        async with asyncio.timeout(min(limit_s, LIMIT_S)):
            await compiled.call("Probe", {}, answer)
    except BamlError as raised:
        error = classify(raised, answer, plan.route)
    except TimeoutError:
        error = failure("timeout", plan.route, "no answer in time")
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    if error is None or error.kind in ANSWERED:
        return RouteCheck(name, ok=True, said=f"ok: {plan.route}", latency_ms=latency_ms)
    return RouteCheck(name, ok=False, said=_said(plan.route, error, answer), latency_ms=latency_ms)


async def check_embeddings(name: str, route: Route, embedder: Embedder) -> RouteCheck:
    """Have one word embedded."""
    answer = Answer()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LIMIT_S):
            await embedder.embed(["word"], answer)
    except ModelError as error:
        return RouteCheck(name, ok=False, said=_said(route, error, answer))
    except TimeoutError:
        slow = failure("timeout", route, "no answer in time")
        return RouteCheck(name, ok=False, said=_said(route, slow, answer))
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    return RouteCheck(name, ok=True, said=f"ok: {route}", latency_ms=latency_ms)


def _said(route: Route, error: ModelError, answer: Answer) -> str:
    said = SAID.get(error.kind) or "it cannot be used"
    body = answer.raw.lower()
    refused = error.kind in {"auth", "rate_limited", "bad_request"}
    spent = answer.status == 402 or "the quota is spent" in str(error)  # noqa: PLR2004
    if spent or (refused and any(word in body for word in CREDIT)):
        said = "the account has no credit left. Add some, or take another key"
    elif error.kind in {"not_found", "bad_request"} and "model" in body:
        said = f"it knows no model {route.model!r}, or it does not suit. Check the model's name"
    status = "" if answer.status is None else f" (HTTP {answer.status})"
    return f"{route}: {said}{status}."
