"""A check of a route: one small call, and a message that says what to do where it fails."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus

from reins.llm.calls.answer_schema import AnswerSchema, sent_over
from reins.llm.embeddings.embedder import Embedder
from reins.llm.errors import Kind, ModelConfigError, ModelError, place_of
from reins.llm.routes.providers import Plan
from reins.llm.routes.wiring import open_wire
from reins.llm.settings import Route, RouteSpec
from reins.llm.wire.errors import WireError
from reins.llm.wire.failures import OF_FORMAT, classify, failure
from reins.llm.wire.response import Exchange, WireResponse

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
PROBED = AnswerSchema(
    "tools",
    lambda: {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
)
ANSWERED: frozenset[Kind] = frozenset({"truncated", "refused", "empty", "too_long"})
"""These come of a model that works; the text of their answer does not matter here."""

TOLD: frozenset[Kind] = frozenset({"unreachable", "context_too_long"})
"""The words of these say already what is the matter."""

CREDIT = (
    "insufficient_quota", "insufficient balance", "insufficient_balance", "credit balance",
    "billing", "payment",
)  # fmt: skip

MESSAGES: dict[Kind, str] = {
    "rate_limited": "it works, but the account has reached its limit of requests or tokens. "
    "Wait, or raise the limit",
    "overloaded": "it is overloaded. Wait and try again",
    "server": "it has a fault on its side. Wait and try again",
    "timeout": "no answer in time. Check that the server runs and is quick enough",
    "auth": "the key is not accepted. Check it and its rights",
    "bad_request": "the request is not accepted. Check the model's name, temperature and "
    "max_tokens",
    "not_found": "the server does not know that path. Check base_url (it usually ends in /v1)",
    "garbage": "the server there is not a model: it answered with {came}. Check base_url (it "
    "usually ends in /v1)",
}


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """Result of trying a route; `message` is for a person."""

    name: str
    ok: bool
    message: str
    latency_ms: float | None = None


async def tried(name: str, trying: Awaitable[RouteCheck]) -> RouteCheck:
    """The result of trying a route, whatever it raises: one that is broken hides no other."""
    try:
        return await trying
    except ModelConfigError as error:
        return RouteCheck(name, ok=False, message=str(error))
    except Exception as error:  # noqa: BLE001 - its words may quote a password
        message = f"it cannot be tried ({place_of(error)}). Check its settings."
        return RouteCheck(name, ok=False, message=message)


async def check_plan(name: str, plan: Plan, spec: RouteSpec) -> RouteCheck:
    """Call a route once, outside of its limits."""
    wire = await asyncio.to_thread(open_wire, plan, spec, {"probe.baml": PROBE})
    exchange = Exchange()
    given, answer = sent_over(spec, PROBED, {}, exchange)
    began = time.perf_counter()
    error: ModelError | None = None
    try:
        async with asyncio.timeout(min(spec.longest_attempt_s, LIMIT_S)):
            await wire.call("Probe", given, exchange, answer)
    except WireError as raised:
        error = classify(raised, exchange.response, plan.route, exchange.option)
    except TimeoutError:
        error = failure("timeout", plan.route, "no answer in time")
    finally:
        await wire.sender.stop()
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    if error is None or error.kind in ANSWERED:
        return RouteCheck(name, ok=True, message=f"ok: {plan.route}", latency_ms=latency_ms)
    message = _message(plan.route, error, exchange.response)
    return RouteCheck(name, ok=False, message=message, latency_ms=latency_ms)


async def check_embeddings(name: str, route: Route, embedder: Embedder) -> RouteCheck:
    """Embed one word."""
    exchange = Exchange()
    began = time.perf_counter()
    try:
        async with asyncio.timeout(LIMIT_S):
            await embedder.embed(["word"], exchange)
    except ModelError as error:
        return RouteCheck(name, ok=False, message=_message(route, error, exchange.response))
    except TimeoutError:
        slow = failure("timeout", route, "no answer in time")
        return RouteCheck(name, ok=False, message=_message(route, slow, exchange.response))
    latency_ms = round((time.perf_counter() - began) * 1000, 1)
    return RouteCheck(name, ok=True, message=f"ok: {route}", latency_ms=latency_ms)


def _message(route: Route, error: ModelError, response: WireResponse) -> str:
    if error.kind in TOLD or OF_FORMAT in str(error):
        return str(error)
    message = MESSAGES.get(error.kind) or "it cannot be used"
    body = response.raw.lower()
    refused = error.kind in {"auth", "rate_limited", "bad_request"}
    spent = response.status == HTTPStatus.PAYMENT_REQUIRED or "the quota is spent" in str(error)
    if spent or (refused and any(word in body for word in CREDIT)):
        message = "the account has no credit left. Add some, or take another key"
    elif error.kind in {"not_found", "bad_request"} and "model" in body:
        message = f"it does not know the model {route.model!r}, or cannot use it. Check the name"
    message = message.replace("{came}", response.stray or "what cannot be read")
    return f"{route}: {message}{_status(response)}."


def _status(response: WireResponse) -> str:
    if response.status is None:
        return ""
    if response.fault is None:
        return f" (HTTP {response.status})"
    return f" ({response.fault.status or 'an error'} inside of HTTP {response.status})"
