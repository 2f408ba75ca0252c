"""BAML's runtime, held by this module alone. It is semi-private: tests keep its contract.

The generated client is not used for calls: it copies the whole environment for each of them
and binds one global runtime. A runtime of one's own is swapped as a whole at a reload, while calls
in flight keep theirs.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from baml_py import BamlRuntime, ClientRegistry, Collector

from reins.llm.answers.reading import Reading, read_events
from reins.llm.baml.clients import rendering_client, streaming_client
from reins.llm.baml.errors import (
    BamlError,
    BamlInvalidArgumentError,
    BrokenStreamError,
    TooLongError,
)
from reins.llm.baml.response import (
    Exchange,
    Received,
    WholeText,
    checked,
    events_of,
    response_of,
    unfinished,
    with_reading,
)
from reins.llm.baml.stream import StreamBuffer
from reins.llm.baml.workers import wait_at_exit, watched
from reins.llm.errors import ModelConfigError

_NO_PARTIALS = False
_NO_TYPES = ModuleType("no_types")  # without them BAML gives classes as dicts, enums as strings


@dataclass(slots=True)
class _Ended:
    """The end of an attempt: what BAML raised, and what was read of the answer."""

    failed: BamlError | None = None
    reading: Reading | None = None


class Compiled:
    """Prompts and one route, compiled together. Immutable; a reload makes another."""

    def __init__(self, files: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Compile.

        Raises: ModelConfigError with the compiler's message.
        """
        self._values = dict(values)
        try:
            self._runtime = BamlRuntime.from_files("baml_src", _rooted(files), self._values)
        except BamlError as error:
            raise ModelConfigError(
                f"The prompts do not compile. Correct them and reload.\n{str(error).strip()}"
            ) from None
        self._rendering = rendering_client()
        self.is_plain = False
        """Known not to stream: asked for a stream it gave none, and then answered as a whole."""
        self.begins_in_thought = False
        """Known to leave out the tag that opens its thought; templates that hold it do so."""
        self._streaming = streaming_client(files)
        wait_at_exit()

    async def call(self, function: str, arguments: Mapping[str, object], exchange: Exchange) -> str:
        """Call once; return the answer's text, without its thought.

        Raises: BamlError of some kind; ModelConfigError when the arguments do not fit.
        """
        collector = Collector()  # a fresh one each time: a shared one keeps every call it saw
        received = WholeText()
        with self._recorded(function, arguments, collector, exchange, received) as ended:
            sent = self._runtime.call_function(  # type: ignore[call-arg]
                function,
                dict(arguments),
                self._runtime.create_context_manager(),
                None,
                None,
                [collector],
                self._values,
                None,  # tags, then abort controller and watchers: required, whatever the stub says
                None,
                None,
            )
            received.text = self._text(await watched(sent))
        return self._checked(ended, streamed=False)

    async def stream(
        self,
        function: str,
        arguments: Mapping[str, object],
        exchange: Exchange,
        on_text: Callable[[str], None],
    ) -> str:
        """Call once; return the text. `on_text` gets, on the loop, the whole answer so far.

        A thought is no part of it; where a text turns out late to be one, `on_text` gets another
        that does not go on from it. The last text handed on is the whole answer's. Cancelling
        closes the connection at once, and so does an answer that has grown too long; nothing is
        handed on after the end.

        Raises: as `call`, and whatever `on_text` raises.
        """
        collector = Collector()
        buffer = StreamBuffer(on_text, begins_in_thought=self.begins_in_thought)
        with self._recorded(
            function, arguments, collector, exchange, buffer, streamed=True
        ) as ended:
            try:
                await self._receive(function, arguments, collector, buffer)
            finally:
                buffer.end()
        if events := events_of(_seen(collector)):
            ended.reading = await read_events(events)
            exchange.response = with_reading(exchange.response, ended.reading)
        text = self._checked(ended, streamed=True)
        buffer.finish(text)
        return text

    def _checked(self, ended: "_Ended", *, streamed: bool) -> str:
        reading = ended.reading
        if reading is None:
            raise ended.failed or BrokenStreamError(corrupt=False)
        if reading.is_lone_thought:
            self.begins_in_thought = True
        return checked(reading, ended.failed, streamed=streamed)

    @contextlib.contextmanager
    def _recorded(
        self,
        function: str,
        arguments: Mapping[str, object],
        collector: Collector,
        exchange: Exchange,
        received: Received,
        *,
        streamed: bool = False,
    ) -> "Iterator[_Ended]":
        """Set the response of a call, however it ends; what BAML makes of it is judged later.

        The collector of one that BAML has not ended yet must not be touched: a call that is just
        starting is in its list and not yet in its store, and to look at it then panics under a lock
        that every later call needs (seen once in some hundred calls cancelled at once).
        """
        ended = _Ended()
        try:
            yield ended
        except BamlInvalidArgumentError:
            raise _wrong_arguments(function, arguments) from None
        except BaseException as error:
            if not isinstance(error, BamlError) or isinstance(error, TooLongError):
                sent = self._body(function, arguments, streamed=streamed)
                exchange.response = unfinished(received, sent)
                raise
            ended.failed = error
        exchange.response, ended.reading = response_of(_seen(collector), received)

    def _body(
        self, function: str, arguments: Mapping[str, object], *, streamed: bool
    ) -> str | None:
        """The body of a request as it is sent; None where BAML cannot make it."""
        client = self._streaming if streamed else None
        with contextlib.suppress(BamlError):
            text: str = self._request(function, arguments, client, streamed=streamed).body.text()
            return text
        return None

    async def _receive(
        self,
        function: str,
        arguments: Mapping[str, object],
        collector: Collector,
        buffer: StreamBuffer,
    ) -> None:
        """Take a stream into the buffer, to its end.

        In-loop, by what the generated client uses inside: its public streams cost a thread each,
        and cancelling one froze the loop for seconds (measured).
        """
        context = self._runtime.create_context_manager()
        stream = self._runtime.stream_function(  # type: ignore[call-arg]
            function,
            dict(arguments),
            None,  # on_event, which is set below
            context,
            None,
            self._streaming,
            [collector],
            self._values,
            None,  # tags, on_tick and abort controller: required, whatever the stub says
            None,
            None,
        )

        def arrived(event: Any) -> None:  # in a thread of BAML's
            # The failure that ends a stream comes as an event too, and then again out of `done`.
            with contextlib.suppress(BamlError):
                buffer.arrived(self._text(event, partial=True))

        stream.on_event(arrived)
        done = watched(stream.done(context))
        done.add_done_callback(lambda done: buffer.end(done.cancelled() or done.exception()))
        try:
            await buffer.ended
            if buffer.too_long:
                raise TooLongError
            buffer.text = self._text(done.result())
        finally:
            done.cancel()

    def messages(self, function: str, arguments: Mapping[str, object]) -> list[dict[str, str]]:
        """The prompt that a call would send, by role and content, without sending it.

        Raises: ModelConfigError when there is no such function or its arguments do not fit.
        """
        try:
            request = self._request(function, arguments, self._rendering)
        except BamlInvalidArgumentError:
            raise _wrong_arguments(function, arguments) from None
        except BamlError:
            raise ModelConfigError(
                f"There is no function {function!r} among the prompts. Add it there and reload."
            ) from None
        return [
            {"role": message["role"], "content": _content(message["content"])}
            for message in request.body.json()["messages"]
        ]

    def _request(
        self,
        function: str,
        arguments: Mapping[str, object],
        client: ClientRegistry | None = None,
        *,
        streamed: bool = False,
    ) -> Any:
        return self._runtime.build_request_sync(
            function,
            dict(arguments),
            self._runtime.create_context_manager(),
            None,
            client,
            self._values,
            streamed,
        )

    def render(self, function: str, arguments: Mapping[str, object]) -> str:
        """The last message of a prompt: for tests and a debug view.

        Raises: as `messages`.
        """
        return self.messages(function, arguments)[-1]["content"]

    def parse(self, function: str, text: str) -> Any:
        """Parse a text by the function's declared type, into JSON's types.

        Only after `parse_guard` has let the text pass: this can block the process for hours.

        Raises: BamlError when the text does not fit; its message quotes the text.
        """
        return self._runtime.parse_llm_response(
            function,
            text,
            _NO_TYPES,
            _NO_TYPES,
            _NO_TYPES,
            _NO_PARTIALS,
            self._runtime.create_context_manager(),
            None,
            None,
            self._values,
        )

    def _text(self, result: Any, *, partial: bool = False) -> str:
        text = result.cast_to(
            _NO_TYPES, _NO_TYPES, _NO_TYPES, allow_partials=partial, runtime=self._runtime
        )
        return text if isinstance(text, str) else ""


def _seen(collector: Collector) -> Any:
    """The collector's copy of the one call with all of its events; None if it was never sent."""
    last = collector.last  # each look makes a copy
    calls = last.calls if last else []
    return calls[-1] if calls else None


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _wrong_arguments(function: str, arguments: Mapping[str, object]) -> ModelConfigError:
    # BAML's message quotes the arguments.
    return ModelConfigError(
        f"{function} does not take these arguments: {', '.join(arguments) or 'none'}, or "
        f"not of these types. Compare with its declaration in baml_src."
    )


def _rooted(files: Mapping[str, str]) -> dict[str, str]:
    return {f"baml_src/{name}": source for name, source in files.items()}
