"""The accounting of one call: each attempt is reserved, settled, counted and recorded."""

import random
import time
from http import HTTPStatus

from reins import telemetry
from reins.llm.caller import Caller, CallRecord
from reins.llm.errors import ModelError
from reins.llm.redact import ANSWER_BYTES, ERROR_BYTES, REQUEST_BYTES, for_record
from reins.llm.routes.open_route import OpenRoute
from reins.llm.routes.route_set import RouteSet
from reins.llm.tokens import tokens_of
from reins.llm.wire.response import WireResponse

ABORTED = "aborted"
"""The error kind of an attempt that its caller gave up."""


class Accounting:
    """Accounts for each attempt of one call exactly once, however it ends."""

    __slots__ = ("_caller", "_function", "_likely_in", "_route_set", "_streamed", "call_id")

    def __init__(
        self, route_set: RouteSet, caller: Caller, function: str, *, likely_in: int, streamed: bool
    ) -> None:
        self._route_set = route_set
        self._caller = caller
        self._function = function
        self._likely_in = likely_in
        self._streamed = streamed
        # Not uuid4: it asks the kernel for each, which took 2 ms of a loaded machine.
        self.call_id = f"{random.getrandbits(128):032x}"

    def likely(self, route: OpenRoute) -> int:
        """An upper estimate of the tokens of an attempt over this route."""
        return self._likely_in + route.likely_out(self._function)

    def waits(self) -> None:
        """See `Caller.waits`."""
        self._caller.waits()

    def goes_on(self) -> None:
        """See `Caller.goes_on`."""
        self._caller.goes_on()

    def reserve(self, route: OpenRoute, tokens: int) -> object:
        """Raises: whatever the caller's account raises where a budget is spent."""
        return self._caller.reserve(
            tokens, route.cost_usd(self._likely_in, tokens - self._likely_in)
        )

    def give_back(self, reserved: object) -> None:
        """Release a reservation: nothing was sent, and nothing goes on record."""
        self._caller.settle(reserved, 0, 0, 0.0)

    def opened(self, route: OpenRoute, attempt: int, queued_at: int) -> CallRecord:
        """The record of an attempt that is about to be sent."""
        return CallRecord(
            call_id=self.call_id,
            function=self._function,
            route=route.spec.name,
            provider=route.target.provider,
            model=route.target.model,
            attempt=attempt,
            streamed=self._streamed,
            demonstration=route.target.demonstration,
            queued_at=queued_at,
            sent_at=time.time_ns() // 1000,
        )

    def unsent(
        self, route: OpenRoute, attempt: int, queued_at: int, error: ModelError | str
    ) -> None:
        """Record an attempt that never had its place; an `error` that is a string is its kind."""
        record = self.opened(route, attempt, queued_at)
        record.sent_at = None
        self._failed(record, error)
        self._put(record)

    def close(
        self,
        route: OpenRoute,
        record: CallRecord,
        response: WireResponse,
        reserved: object,
        error: ModelError | str | None,
    ) -> None:
        """Settle, count and record an attempt; an `error` that is a string is its kind.

        An answer that is an error costs nothing, as one that has the status of an error.
        """
        kind = error.kind if isinstance(error, ModelError) else error
        if response.fault is None:
            record.tokens_in = response.tokens_in
            record.tokens_out = response.tokens_out
            record.tokens_cached = response.tokens_cached
            if not response.counted:
                self._estimate(record, response, kind)
        cost_usd = route.cost_usd(record.tokens_in, record.tokens_out, record.tokens_cached)
        self._caller.settle(reserved, record.tokens_in, record.tokens_out, cost_usd)
        route.metrics.took(self._function, record.tokens_in, record.tokens_out, cost_usd)
        if kind is None:
            route.metrics.succeeded(record.latency_ms or 0.0, record.first_token_ms)
        else:
            self._failed(record, error)
            route.metrics.failed(kind, record.error)
        record.cost_usd = cost_usd
        record.finish_reason = response.finish_reason
        record.status = response.status
        if self._route_set.record_prompts:
            self._quote(record, response)
        self._put(record)

    def _failed(self, record: CallRecord, error: ModelError | str | None) -> None:
        if isinstance(error, ModelError):
            record.error_kind = error.kind
            record.error = for_record(str(error), ERROR_BYTES)
        else:
            record.error_kind = error

    def _put(self, record: CallRecord) -> None:
        self._caller.record(record)
        if telemetry.on:
            telemetry.attempted(record, self._caller)

    def _quote(self, record: CallRecord, response: WireResponse) -> None:
        if response.request is not None:
            record.request = for_record(response.request, REQUEST_BYTES)
        record.answer = for_record(response.raw or response.text, ANSWER_BYTES)
        if response.thought:
            record.thought = for_record(response.thought, ANSWER_BYTES)

    def _estimate(self, record: CallRecord, response: WireResponse, kind: str | None) -> None:
        """Estimate the tokens that no provider has counted; a refused attempt costs nothing."""
        refused = response.status is not None and response.status >= HTTPStatus.BAD_REQUEST
        came = response.text or response.thought
        if refused or (kind == "unreachable" and not came):
            return
        record.estimated = True
        sent = tokens_of(response.request) if response.request else self._likely_in
        record.tokens_in = response.tokens_in or sent
        record.tokens_out = response.tokens_out or tokens_of(response.thought + response.text)
