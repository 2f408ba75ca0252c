"""Answers that mean harm: none of them stops the loop for long, and the process goes on.

The server is a process of its own, so that every pause of the loop is ours.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from reins.llm.baml.errors import BamlError
from reins.llm.baml.parse_guard import UnreadableError, guarded
from reins.llm.baml.prompts import PROMPTS
from reins.llm.settings import Route
from reins.llm.text import MAX_TEXT_BYTES, clean
from reins.llm.wire.errors import TooLongError, WireError
from reins.llm.wire.failures import classify
from reins.llm.wire.response import Exchange
from tests.support.hostile_server import BODIES, EVENTS, TEXTS
from tests.support.wire import MAX_LAG_S, compiled_for, send, wire_for, with_the_loop_going

ROUTE = Route("compatible", "m", "http://x")
MODES = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.hostile_server"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROMPTS.parent,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def outcome(address: str, model: str, *, streamed: bool) -> tuple[str | None, Exchange]:
    """The kind of the failure, if any, and the answer; the loop goes on all the while."""
    wire = wire_for(address, model=model)

    async def attempt() -> tuple[str | None, Exchange]:
        exchange = Exchange()
        try:
            async with asyncio.timeout(15):
                await send(wire, exchange, streamed=streamed)
        except WireError as error:
            return classify(error, exchange.response, ROUTE).kind, exchange
        clean(exchange.response.text)
        return None, exchange

    return await with_the_loop_going(attempt)


@MODES
@pytest.mark.parametrize("model", TEXTS)
async def test_hostile_texts_are_only_text(address: str, model: str, streamed: bool) -> None:  # noqa: FBT001
    """Brackets, bombs of JSON and control characters pass as text; what is too long is refused."""
    kind, exchange = await outcome(address, model, streamed=streamed)
    if len(TEXTS[model]) > MAX_TEXT_BYTES:
        assert kind == "too_long"
        assert len(exchange.response.text) <= MAX_TEXT_BYTES
    else:
        assert (kind, exchange.response.text) == (None, TEXTS[model])


@pytest.mark.parametrize("model", BODIES)
async def test_bodies(address: str, model: str) -> None:
    """What is no answer at all is garbage, however large or deep; bytes amiss are replaced."""
    kind, exchange = await outcome(address, model, streamed=False)
    if model == "invalid":
        assert kind in {None, "garbage"}
        assert "\udcff" not in exchange.response.text
        exchange.response.text.encode()
    else:
        assert kind == "garbage"
        assert len(exchange.response.raw) <= 16 * 1024


ENDS = {
    "large event": "too_long",
    "many small": None,
    "empty events": "empty",
    "deep event": "garbage",
    "invalid": None,
}


@pytest.mark.parametrize("model", EVENTS)
async def test_hostile_events_are_refused_and_hold_up_nobody(address: str, model: str) -> None:
    """Events too large, too many, too deep or of invalid bytes."""
    kind, exchange = await outcome(address, model, streamed=True)
    assert kind == ENDS[model]
    exchange.response.text.encode()


async def test_an_endless_stream_is_cut(address: str) -> None:
    """A stream without end is ended at the limit of a step's text, within seconds."""
    wire = wire_for(address, model="endless")

    async def cut() -> None:
        exchange, told = Exchange(), []
        with pytest.raises(TooLongError):
            async with asyncio.timeout(5):
                await send(wire, exchange, streamed=True, texts=told)
        assert len(exchange.response.text) == MAX_TEXT_BYTES
        assert all(len(text) <= MAX_TEXT_BYTES for text in told)

    await with_the_loop_going(cut)


@pytest.mark.parametrize("model", ["endless line", "endless silence"])
async def test_what_never_comes_to_a_text_ends_at_the_deadline(address: str, model: str) -> None:
    """A line without end, or events without text, end with the caller's deadline."""
    wire = wire_for(address, model=model)

    async def wait() -> None:
        with pytest.raises((TimeoutError, TooLongError)):
            async with asyncio.timeout(0.5):
                await send(wire, Exchange(), streamed=True)

    await with_the_loop_going(wait)


@pytest.mark.parametrize("model", TEXTS)
def test_typed_answers(model: str) -> None:
    """The guard and the parser together are done with any text in no time."""
    compiled = compiled_for("http://127.0.0.1:9")
    took = []
    for _ in range(3):
        began = time.perf_counter()
        try:
            compiled.parse("ChooseAction", guarded(TEXTS[model]))
        except (UnreadableError, BamlError):
            assert model != "good"
        took.append(time.perf_counter() - began)
    assert min(took) < MAX_LAG_S
