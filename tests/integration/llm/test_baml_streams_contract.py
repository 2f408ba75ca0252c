"""What we rely on in BAML's semi-private streams and parser, asked of BAML itself.

Streams go past BAML's public client (its own freeze the loop), so that nothing of this is promised
by its makers. Each test says which of our lines rest on what it finds.
"""

import asyncio
import inspect
import threading
import time
from types import ModuleType
from typing import Any

import pytest
from baml_py import BamlRuntime, Collector
from baml_py.baml_py import LLMStreamCall
from baml_py.errors import BamlClientHttpError, BamlError

from reins.llm.baml.failures import NO_EVENTS, STREAM_BROKE
from reins.llm.baml.runtime import Compiled
from tests.support.model_stub import (
    GOOD,
    ModelStub,
    anthropic_events,
    fails,
    google_events,
    openai_events,
    streams,
)
from tests.support.waiting import until_async
from tests.support.wire import compiled_for

NO_TYPES = ModuleType("no_types")
CHANGED = "BAML has changed: look at reins/llm/baml/runtime.py, {}"


def text_of(event: Any, compiled: Compiled, *, partial: bool) -> Any:
    return event.cast_to(
        NO_TYPES, NO_TYPES, NO_TYPES, allow_partials=partial, runtime=compiled._runtime
    )


class Raw:
    """One stream, taken as `Compiled._receive` takes it, with everything that it gave."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.collector = Collector()
        self.events: list[tuple[float, int, Any]] = []

    async def whole(self) -> Any:
        """The text at the end; where the stream failed, this is what tells."""
        return text_of(await self.start(), self.compiled, partial=False)

    def start(self) -> "asyncio.Future[Any]":
        context = self.compiled._runtime.create_context_manager()
        arguments = {"subject": "cats", "told": []}
        stream = self.compiled._runtime.stream_function(
            "TellAJoke",
            arguments,
            None,
            context,
            None,
            None,
            [self.collector],
            self.compiled._values,
            None,
            None,
            None,
        )
        stream.on_event(self._on_event)
        return asyncio.ensure_future(stream.done(context))

    def _on_event(self, event: Any) -> None:
        try:
            text = text_of(event, self.compiled, partial=True)
        except BamlError as error:
            text = error
        self.events.append((time.perf_counter(), threading.get_ident(), text))

    @property
    def call(self) -> Any:
        assert self.collector.last is not None
        return self.collector.last.calls[-1]


POSITIONS = {
    "stream_function": "function_name args on_event ctx tb cb collectors env_vars tags on_tick "
    "abort_controller",
    "call_function": "function_name args ctx tb cb collectors env_vars tags abort_controller "
    "watchers",
    "build_request_sync": "function_name args ctx tb cb env_vars stream",
    "parse_llm_response": "function_name llm_response enum_module cls_module partial_cls_module "
    "allow_partials ctx tb cb env_vars",
}


@pytest.mark.parametrize("name", POSITIONS)
def test_what_stands_where(name: str) -> None:
    """The functions that we call by position take what we give them, in that order."""
    given = list(inspect.signature(getattr(BamlRuntime, name)).parameters)[1:]
    assert given == POSITIONS[name].split(), CHANGED.format(f"the calls of {name}")


async def test_events_of_a_stream_have_the_whole_text_so_far(stub: ModelStub) -> None:
    """Events come in another thread, each with the whole text so far; `done` gives all of it."""
    stub.default = streams(openai_events("word " * 30), pause_s=0.01)
    raw = Raw(compiled_for(stub.address + "/v1"))
    whole = await raw.whole()
    changed = CHANGED.format("Compiled._receive and baml/stream.py")
    assert whole == "word " * 30, changed
    texts = [text for _, _, text in raw.events if text]
    assert texts, changed
    assert all(isinstance(text, str) and whole.startswith(text) for text in texts), changed
    assert texts == sorted(texts, key=len), changed
    assert threading.get_ident() not in {thread for _, thread, _ in raw.events}, changed
    assert len(raw.events) <= 30, "events are no longer put together: each costs the loop a turn"


async def test_what_is_seen_of_a_stream(stub: ModelStub) -> None:
    """Request, tokens and every event of a stream are in the collector; its response is not."""
    stub.default = streams(openai_events(cached=5))
    raw = Raw(compiled_for(stub.address + "/v1"))
    await raw.start()
    changed = CHANGED.format("and baml/response.py")
    call = raw.call
    assert isinstance(call, LLMStreamCall), changed
    assert call.provider == "openai-generic", changed
    assert "[subject]" in call.http_request.body.text(), changed
    assert "stream_options" in call.http_request.body.text(), changed
    assert call.http_response is None, changed
    usage = call.usage
    counted = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens)
    assert counted == (11, 7, 5), changed
    assert [event.text for event in call.sse_responses()] == openai_events(cached=5), changed


async def test_a_stream_refused_by_status(stub: ModelStub) -> None:
    """Of a stream that a status ends, the response is seen, with Retry-After."""
    stub.default = fails(429, Retry_After="7")
    raw = Raw(compiled_for(stub.address + "/v1"))
    with pytest.raises(BamlClientHttpError) as caught:
        await raw.whole()
    changed = CHANGED.format("baml/response.py and baml/failures.py")
    assert caught.value.status_code == 429, changed
    assert raw.call.http_response.status == 429, changed
    assert raw.call.http_response.headers["retry-after"] == "7", changed
    assert not isinstance(raw.call, LLMStreamCall), changed


async def test_a_stream_that_dies(stub: ModelStub) -> None:
    """A connection that breaks is told by the beginning of a message."""
    compiled = compiled_for(stub.address + "/v1")
    for reply, begins in (
        (streams(openai_events(finish_reason=None), end="die"), STREAM_BROKE),
        (streams([]), NO_EVENTS),
    ):
        stub.default = reply
        with pytest.raises(BamlClientHttpError) as caught:
            await Raw(compiled).whole()
        assert caught.value.message.startswith(begins), CHANGED.format("baml/failures.py")


async def test_a_cancelled_stream_closes_its_connection(stub: ModelStub) -> None:
    """Cancelling `done` closes the connection at once, ends the events and never stops the loop."""
    stub.default = streams(openai_events("word " * 2000, None), pause_s=0.002)
    raw = Raw(compiled_for(stub.address + "/v1"))
    done = raw.start()
    await until_async(lambda: raw.events)
    began = time.perf_counter()
    done.cancel()
    with pytest.raises(asyncio.CancelledError):
        await done
    await asyncio.wait_for(stub.closed_by_client.wait(), 1)
    assert time.perf_counter() - began < 1, CHANGED.format("Compiled.stream: it froze the loop")
    told = len(raw.events)
    await asyncio.sleep(0.15)
    assert len(raw.events) == told, CHANGED.format("Compiled.stream: events after the end")


NOT_SEEN = {
    "an end without a finish reason": ("openai-generic", openai_events(GOOD, None)),
    "an event that is no JSON": ("openai-generic", ["{broken", *openai_events()]),
    "a denied reason of Anthropic's": ("anthropic", anthropic_events(GOOD, "max_tokens")),
    "an end of Google's that is none": ("google-ai", google_events(GOOD, None)),
}


@pytest.mark.parametrize(("provider", "events"), NOT_SEEN.values(), ids=NOT_SEEN)
async def test_what_baml_does_not_see(stub: ModelStub, provider: str, events: list[str]) -> None:
    """BAML takes each of these for a good answer, which is why `baml/stream_end.py` is there."""
    stub.default = streams(events)
    address = stub.address + ("/v1" if provider == "openai-generic" else "")
    raw = Raw(compiled_for(address, provider=provider))
    assert await raw.whole() == GOOD, "BAML sees it now: baml/stream_end.py may do less"
    if provider == "anthropic":
        assert raw.call.usage.output_tokens == 1, "it counts now: look at StreamEnd.tokens_out"


TYPES = """
enum Mood {
  GLAD
  SAD
}
class Inner {
  number int
  mood Mood?
}
class Outer {
  inner Inner[]
  table map<string, float>
  either (int | Inner)?
}
function Typed(text: string) -> Outer {
  client Route
  prompt #"{{ _.role("system") }} first {{ _.role("user") }} {{ text }} {{ ctx.output_format }}"#
}
"""


def test_the_parser_gives_plain_values() -> None:
    """With an empty module for types, classes come as dicts and enums as strings."""
    compiled = compiled_for("http://127.0.0.1:9", extra=TYPES)
    text = '{"inner": [{"number": "1", "mood": "SAD"}], "table": {"a": 1}, "either": {"number": 2}}'
    assert compiled.parse("Typed", text) == {
        "inner": [{"number": 1, "mood": "SAD"}],
        "table": {"a": 1.0},
        "either": {"number": 2, "mood": None},
    }, CHANGED.format("Compiled.parse")
    with pytest.raises(BamlError):
        compiled.parse("ChooseAction", "no")


@pytest.mark.parametrize("provider", ["openai-generic", "anthropic", "google-ai"])
def test_messages_are_the_same_for_every_provider(provider: str) -> None:
    """A prompt is rendered by roles and texts, whichever way the provider is spoken to."""
    compiled = compiled_for("http://127.0.0.1:9", provider=provider, extra=TYPES)
    first, second = compiled.messages("Typed", {"text": "hello"})
    assert first == {"role": "system", "content": "first"}
    assert second["role"] == "user"
    assert second["content"].startswith("hello Answer in JSON using this schema:")
