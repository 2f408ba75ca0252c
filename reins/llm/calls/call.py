"""The policy of one call: places, attempts, waits, the breaker, and the fallbacks of a route."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from reins.llm.caller import CallRecord
from reins.llm.calls.accounting import ABORTED, Accounting
from reins.llm.completion import Completion
from reins.llm.errors import COUNTED, Kind, ModelConfigError, ModelError, place_of, summed_up
from reins.llm.limits.admission import BackingOffError
from reins.llm.limits.backoff import wait_s
from reins.llm.routes.open_route import OpenRoute
from reins.llm.wire.errors import WireError
from reins.llm.wire.failures import ADVICE, classify, failure
from reins.llm.wire.response import Exchange

NO_FALLBACK: frozenset[Kind] = frozenset({"refused", "too_long"})
"""Failures that another route would not mend: the call itself is at fault."""

UNREPEATED: frozenset[Kind] = frozenset({"unfit"})
"""Failures after which a call does not try the same route again, though a later call may."""

GIVEN_UP = (asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit)

log = structlog.get_logger(__name__)

Send = Callable[[OpenRoute, Exchange], Awaitable[str]]
"""Make one attempt over a route; return the text of its answer."""


class Call:
    """One call: over its route, and its fallbacks."""

    __slots__ = ("_accounting", "_attempts", "_queued_at", "_send", "_session_id")

    def __init__(self, accounting: Accounting, session_id: str, send: Send) -> None:
        self._accounting = accounting
        self._session_id = session_id
        self._send = send
        self._queued_at = 0
        self._attempts = 0

    @property
    def call_id(self) -> str:
        return self._accounting.call_id

    async def over(self, chain: tuple[OpenRoute, ...]) -> Completion:
        """Call over one route after the other; return the first answer.

        Raises: ModelError when none did; ModelConfigError, and what the caller's account raises.
        """
        failed: list[tuple[str, ModelError]] = []
        for route, following in zip(chain, (*chain[1:], None), strict=True):
            try:
                return await self._on(route, may_go_on=following is not None)
            except ModelError as error:
                failed.append((route.spec.name, error))
                if following is None or error.kind in NO_FALLBACK:
                    break
                if error.kind != "circuit_open":  # logged once, when it opened
                    log.warning(
                        "model route failed, calling its fallback",
                        route=route.spec.name,
                        kind=error.kind,
                        fallback=following.spec.name,
                    )
        in_all = summed_up(failed)
        if not self._attempts:
            self._accounting.unsent(chain[0], 1, self._queued_at, in_all)
        raise in_all

    async def _on(self, route: OpenRoute, *, may_go_on: bool) -> Completion:
        """Make all attempts on one route."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        tokens = self._accounting.likely(route)
        deadline, before = began + route.spec.deadline_s, None
        attempt = 0
        while True:
            attempt += 1
            self._queued_at = time.time_ns() // 1000
            if not self._placed_at_once(route, tokens):
                self._accounting.waits()
                try:
                    await self._place(route, tokens, deadline, before, may_go_on=may_go_on)
                finally:
                    self._accounting.goes_on()
            if attempt == 1:
                # The deadline starts with the place: a long queue is no fault of the model.
                began = loop.time()
                deadline = began + route.spec.deadline_s
            outcome = await self._attempt(route, tokens, deadline)
            if not isinstance(outcome, ModelError):
                return self._completion(route, *outcome, (loop.time() - began) * 1000)
            error = outcome
            again = error.retryable and error.kind not in UNREPEATED
            if not again or attempt >= route.spec.attempts:
                raise error
            pause_s = wait_s(attempt, error.retry_after_s)
            # A wait that ends past the deadline is not begun: its error is of more use now.
            if loop.time() + pause_s >= deadline:
                raise error
            log.warning(
                "model call failed, trying again",
                route=route.spec.name,
                kind=error.kind,
                attempt=attempt,
                wait_s=round(pause_s, 3),
            )
            self._accounting.waits()
            try:
                await asyncio.sleep(pause_s)
            except asyncio.CancelledError:
                self._given_up(route)
                raise
            finally:
                self._accounting.goes_on()
            before = error

    def _placed_at_once(self, route: OpenRoute, tokens: int) -> bool:
        """Take a place if there is one and nobody waits: nothing else of this call does then."""
        if route.breaker.open_for_s() is not None or not route.admission.enter_at_once(tokens):
            return False
        if route.breaker.take(self):
            return True
        route.admission.leave(tokens, 0, sent=False)
        return False

    async def _place(
        self,
        route: OpenRoute,
        tokens: int,
        deadline: float,
        before: ModelError | None,
        *,
        may_go_on: bool,
    ) -> None:
        """Wait until the breaker lets the call go and the admission has a place for it.

        Raises: ModelError when that takes too long; `before`, the error of the attempt before,
        is of more use then.
        """
        loop = asyncio.get_running_loop()
        while True:
            left_s = deadline - loop.time()
            open_for_s = route.breaker.open_for_s()
            if open_for_s is not None:
                if may_go_on or open_for_s >= left_s:
                    raise before or _circuit_open(route, open_for_s)
                await route.breaker.change(open_for_s or left_s)
                continue
            await self._enter(route, tokens, left_s, before)
            if route.breaker.take(self):
                return
            route.admission.leave(tokens, 0, sent=False)

    async def _enter(
        self, route: OpenRoute, tokens: int, left_s: float, before: ModelError | None
    ) -> None:
        entering = route.admission.enter(self._session_id, tokens, left_s)
        try:
            if before is None:
                await entering
            else:
                async with asyncio.timeout(left_s):
                    await entering
        except asyncio.CancelledError:
            self._given_up(route)
            raise
        except BackingOffError as error:
            raise before or _asked_to_wait(route, error.backoff_s) from None
        except TimeoutError as error:
            raise before or error from None

    def _given_up(self, route: OpenRoute) -> None:
        """A wait for an attempt that was given up is on record as one that was never sent."""
        self._attempts += 1
        self._accounting.unsent(route, self._attempts, self._queued_at, ABORTED)

    async def _attempt(
        self, route: OpenRoute, tokens: int, deadline: float
    ) -> tuple[str, CallRecord] | ModelError:
        """Send once and account for it; return the text and the record, or the error."""
        sent, took = False, 0
        try:
            reserved = self._accounting.reserve(route, tokens)
            sent = True
            self._attempts += 1
            exchange = Exchange(self._attempts)
            record = self._accounting.opened(route, self._attempts, self._queued_at)
            outcome = await self._sent(route, exchange, record, deadline)
        except BaseException as raised:
            route.breaker.abandoned(self)
            if isinstance(raised, ModelConfigError):
                sent = False  # the arguments are wrong, or a package is missing
                self._accounting.give_back(reserved)
            elif sent:
                gone = ABORTED if isinstance(raised, GIVEN_UP) else unforeseen(route, raised)
                self._accounting.close(route, record, exchange.response, reserved, gone)
                took = record.tokens_in + record.tokens_out
            raise
        else:
            error = outcome if isinstance(outcome, ModelError) else None
            self._accounting.close(route, record, exchange.response, reserved, error)
            took = record.tokens_in + record.tokens_out
            self._report(route, error)
            return outcome if isinstance(outcome, ModelError) else (outcome, record)
        finally:
            route.admission.leave(tokens, took, sent=sent)

    async def _sent(
        self, route: OpenRoute, exchange: Exchange, record: CallRecord, deadline: float
    ) -> str | ModelError:
        loop = asyncio.get_running_loop()
        until = min(deadline, loop.time() + route.spec.longest_attempt_s)
        began = time.perf_counter()
        try:
            async with asyncio.timeout_at(until):
                return await self._send(route, exchange)
        except ModelConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, what stands in is asked
            limit_s = route.spec.longest_attempt_s if until < deadline else route.spec.deadline_s
            return self._failed(route, exchange, error, limit_s)
        finally:
            record.latency_ms = (time.perf_counter() - began) * 1000
            first_text_at = exchange.response.first_text_at
            if first_text_at is not None:
                record.first_token_ms = (first_text_at - began) * 1000

    def _completion(
        self, route: OpenRoute, text: str, record: CallRecord, latency_ms: float
    ) -> Completion:
        return Completion(
            text=text,
            tokens_in=record.tokens_in,
            tokens_out=record.tokens_out,
            latency_ms=latency_ms,
            attempts=self._attempts,
            model=route.target.model,
            demonstration=route.target.demonstration,
            cost_usd=record.cost_usd,
            route=route.spec.name,
            call_id=self.call_id,
        )

    def _failed(
        self, route: OpenRoute, exchange: Exchange, raised: Exception, limit_s: float
    ) -> ModelError:
        """The failure, as a ModelError.

        The cause is not kept: it would carry the prompt into every traceback.
        """
        try:
            match raised:
                case ModelError():
                    return raised
                case WireError():
                    return classify(raised, exchange.response, route.target, exchange.option)
                case TimeoutError():
                    return failure("timeout", route.target, f"no answer within {limit_s:g} s")
        except Exception as error:  # noqa: BLE001 - a mistake of ours, in reading what was raised
            return unforeseen(route, error)
        return unforeseen(route, raised)

    def _report(self, route: OpenRoute, error: ModelError | None) -> None:
        """Tell the breaker and the admission how an attempt ended."""
        if error is None:
            route.breaker.succeeded(self)
            return
        if error.kind in COUNTED:
            if route.breaker.failed(self, error.kind):
                log.warning("model route circuit opened", route=route.spec.name, kind=error.kind)
        elif error.kind == "rate_limited":
            route.breaker.is_there(self)
        else:
            route.breaker.succeeded(self)  # the route has answered; the answer was no use
        if error.kind == "rate_limited" and error.retry_after_s:
            route.admission.back_off(error.retry_after_s)


def unforeseen(route: OpenRoute, raised: BaseException) -> ModelError:
    """A ModelError with the type and place of an exception, whose words may quote anything."""
    error = place_of(raised)
    log.error("model call failed unexpectedly", route=route.spec.name, error=error)
    return failure("garbage", route.target, f"its answer could not be taken ({error})")


def _circuit_open(route: OpenRoute, open_for_s: float) -> ModelError:
    faults = route.spec.breaker_failures
    what = (
        f"after {faults} faults in a row route {route.spec.name} is left alone for "
        f"{open_for_s:.0f} s more"
    )
    last = route.breaker.last
    advice = None if last is None else f"The last fault was of kind {last}. {ADVICE[last]}"
    error = failure("circuit_open", route.target, what, advice=advice)
    error.retry_after_s = open_for_s or None
    return error


def _asked_to_wait(route: OpenRoute, backoff_s: float) -> ModelError:
    error = failure("rate_limited", route.target, f"it asked for no calls for {backoff_s:.0f} s")
    error.retry_after_s = backoff_s
    return error
