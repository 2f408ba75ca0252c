"""The model as an agent holds it: a light handle that knows who calls."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from reins.llm.caller import Caller
from reins.llm.calls.accounting import Accounting
from reins.llm.calls.answer_schema import AnswerSchema, sent_over
from reins.llm.calls.call import Call, Send
from reins.llm.calls.deltas import DeltaEmitter
from reins.llm.calls.schema_form import form_of
from reins.llm.calls.structured import CONVERSE, Messages, Shape, Structured, UnfitError, ask, unfit
from reins.llm.completion import Completion
from reins.llm.embeddings.embedder import FUNCTION as EMBEDDINGS
from reins.llm.embeddings.embedder import batches, estimated_tokens
from reins.llm.errors import ModelConfigError
from reins.llm.routes.open_route import OpenRoute
from reins.llm.routes.route_set import RouteSet
from reins.llm.settings import OFFLINE, Route
from reins.llm.text import MAX_TEXT_BYTES, clean, is_too_long, safe_argument
from reins.llm.tokens import size_of, tokens_in
from reins.llm.wire.errors import NoStreamError
from reins.llm.wire.failures import failure
from reins.llm.wire.response import Exchange


class RouteOwner(Protocol):
    """The owner of the open routes, as far as a model needs it."""

    def running(self) -> RouteSet: ...

    async def with_offline(self) -> RouteSet: ...


class Model:
    """Calls the prompts of `baml_src` for one caller, over the caller's route."""

    def __init__(self, owner: RouteOwner, caller: Caller) -> None:
        self._owner = owner
        self._caller = caller

    @property
    def route(self) -> Route:
        """The target of the first route that calls take.

        Raises: ModelConfigError before `start`, after `stop`, and for an unknown route.
        """
        route_set = self._owner.running()
        name = route_set.name_for(self._caller)
        if name == OFFLINE and name not in route_set.routes:
            return Route(OFFLINE, OFFLINE, "", demonstration=True)
        return route_set.chain(name)[0].target

    async def call(
        self, function: str, schema: AnswerSchema | None = None, /, **arguments: object
    ) -> Completion:
        """Call a BAML function declared `-> string`.

        Routes with the option `json_schema` hold their model to `schema`; others ask as ever.

        Raises: ModelError when no route answered within its attempts and its deadline;
        ModelConfigError when there is no such function or route, or its arguments are wrong; what
        the caller's account raises where a budget is spent.
        """
        safe = _safe(arguments)

        async def send(route: OpenRoute, exchange: Exchange) -> str:
            given, answer = sent_over(route.spec, schema, safe, exchange)
            return _checked(route, await route.wire.call(function, given, exchange, answer))

        return await self._ask(function, safe, send, streamed=False)

    async def stream(
        self, function: str, schema: AnswerSchema | None = None, /, **arguments: object
    ) -> Completion:
        """As `call`; the caller gets the text while it comes, if the route can stream.

        Raises: as `call`.
        """
        safe = _safe(arguments)
        emitter = DeltaEmitter(self._caller)

        gave_none: set[str] = set()  # routes that gave no stream where one was asked for

        async def send(route: OpenRoute, exchange: Exchange) -> str:
            wire, name = route.wire, route.spec.name
            given, answer = sent_over(route.spec, schema, safe, exchange)
            if wire.is_plain or name in gave_none:
                text = await wire.call(function, given, exchange, answer)
                wire.is_plain = True
            else:
                on_text = emitter.attempt(exchange.attempt)
                try:
                    text = await wire.stream(function, given, exchange, on_text, answer)
                    emitter.end()
                except NoStreamError:
                    gave_none.add(name)
                    raise
            return _checked(route, text)

        return await self._ask(function, safe, send, streamed=True, emitter=emitter)

    async def structured(
        self, function: str, shape: type[Shape], **arguments: object
    ) -> Structured[Shape]:
        """Call a function with a declared type; what comes back is one of `shape`.

        An answer that does not fit is sent back with what is wrong; where the next does not fit
        either, the route's fallback is asked to mend it.

        Raises: as `call`; ModelError(kind="unfit") when no route's answer fits in the end.
        """
        chain = await self._chain()
        schema = AnswerSchema("shape", lambda: form_of(shape.model_json_schema()), shape.__name__)

        async def mend(turns: Messages, fits: Callable[[str], object]) -> Completion:
            safe = _safe({"messages": turns})

            async def send(route: OpenRoute, exchange: Exchange) -> str:
                _, answer = sent_over(route.spec, schema, safe, exchange)
                text = await route.wire.call(CONVERSE, safe, exchange, answer)
                text = _checked(route, text)
                try:
                    fits(text)
                except UnfitError as error:
                    raise failure("unfit", route.target, unfit(function, shape, error)) from None
                return text

            return await self._ask(CONVERSE, safe, send, streamed=False)

        return await ask(
            self, chain[0].wire, function, shape, _safe(arguments), mend=mend, schema=schema
        )

    @property
    def embeddings(self) -> str:
        """The route of embeddings with its model: vectors of two of these do not compare."""
        spec = self._owner.running().embeddings.spec
        return f"{spec.name} {spec.model}"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a vector for each text, over the embeddings route.

        Raises: as `call`; ValueError naming a text that is empty or too long.
        """
        route = self._owner.running().embeddings
        vectors: list[list[float]] = []
        for batch in batches(texts):
            vectors += await self._embed(route, batch)
        return vectors

    async def _embed(self, route: OpenRoute, batch: list[str]) -> list[list[float]]:
        found: list[list[float]] = []

        async def send(route: OpenRoute, exchange: Exchange) -> str:
            found[:] = (await route.vectors.embed(batch, exchange)).vectors
            return ""

        accounting = Accounting(
            self._owner.running(),
            self._caller,
            EMBEDDINGS,
            likely_in=estimated_tokens(batch),
            streamed=False,
        )
        call = Call(accounting, self._caller.session_id, send)
        await call.over((route,))
        return found

    async def _ask(
        self,
        function: str,
        arguments: Mapping[str, object],
        send: Send,
        *,
        streamed: bool,
        emitter: DeltaEmitter | None = None,
    ) -> Completion:
        route_set = self._owner.running()
        template = route_set.functions.get(function)
        if template is None:
            raise ModelConfigError(
                f"There is no function {function!r} that returns string in {route_set.prompts}; "
                f"there are {', '.join(sorted(route_set.functions))}. Add it there and reload."
            )
        chain = await self._chain()
        accounting = Accounting(
            route_set,
            self._caller,
            function,
            likely_in=tokens_in(template + size_of(arguments)),
            streamed=streamed,
        )
        call = Call(accounting, self._caller.session_id, send)
        if emitter is not None:
            emitter.call_id = call.call_id
        return await call.over(chain)

    async def _chain(self) -> tuple[OpenRoute, ...]:
        route_set = self._owner.running()
        name = route_set.name_for(self._caller)
        if name == OFFLINE and name not in route_set.routes:
            route_set = await self._owner.with_offline()
        return route_set.chain(name)


def _safe(arguments: Mapping[str, object]) -> dict[str, object]:
    return {name: safe_argument(value) for name, value in arguments.items()}


def _checked(route: OpenRoute, text: str) -> str:
    """The text of an answer, cleaned.

    Raises: ModelError when there is nothing of it, or too much.
    """
    text = clean(text)
    if not text:
        raise failure("empty", route.target, "an empty answer")
    if is_too_long(text):
        raise failure("too_long", route.target, f"an answer of more than {MAX_TEXT_BYTES} bytes")
    return text
