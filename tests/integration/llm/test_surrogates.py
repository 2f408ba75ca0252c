"""Half a character in an answer costs that character, whichever way it comes."""

import json

import pytest

from reins.llm.wire.response import Exchange
from tests.support.model_stub import (
    ModelStub,
    anthropic,
    anthropic_events,
    google,
    google_events,
    openai,
    openai_events,
    raw,
    streams,
)
from tests.support.wire import send, wire_for

WHOLE, HALF = "Hello 😀 there", "Hello \ufffd there"
SHAPES = {
    "openai-generic": (openai, openai_events),
    "anthropic": (anthropic, anthropic_events),
    "google-ai": (google, google_events),
}
PROVIDERS = pytest.mark.parametrize("provider", SHAPES)


def address(stub: ModelStub, provider: str) -> str:
    return stub.address + ("/v1" if provider == "openai-generic" else "")


CASES = {
    "half": (["Hello", " HALF1", " there"], HALF),
    "the other half": (["Hello", " HALF2", " there"], HALF),
    "a pair": (["Hello", " HALF1HALF2", " there"], WHOLE),
    "a pair apart": (["Hello", " HALF1", "HALF2", " there"], WHOLE),
    "a pair the wrong way round": (["Hello", " HALF2HALF1", " there"], "Hello \ufffd\ufffd there"),
    "half at the end": (["Hello", " HALF1"], "Hello \ufffd"),
}


@PROVIDERS
@pytest.mark.parametrize(("pieces", "expected"), CASES.values(), ids=CASES)
async def test_streams(stub: ModelStub, provider: str, pieces: list[str], expected: str) -> None:
    """Halves that come in two events are one character; one that is alone is replaced, and the
    listener is never told one of two.
    """
    _, events = SHAPES[provider]
    made = events("P0 P1 P2")
    first = next(at for at, event in enumerate(made) if "P0" in event)
    template = made[first]
    last = next(at for at, event in enumerate(made) if "P2" in event)
    said = [template.replace("P0", piece) for piece in pieces[:-1]]
    said.append(made[last].replace(" P2", pieces[-1]))
    sent = [
        event.encode().replace(b"HALF1", rb"\ud83d").replace(b"HALF2", rb"\uDE00")
        for event in (*made[:first], *said, *made[last + 1 :])
    ]
    stub.default = streams(sent)
    exchange, texts = Exchange(), []
    wire = wire_for(address(stub, provider), provider=provider)
    await send(wire, exchange, streamed=True, texts=texts)
    assert exchange.response.text == expected
    assert all(expected.startswith(text) for text in texts)
    assert not any("\ud800" <= sign <= "\udfff" for text in texts for sign in text)


@PROVIDERS
@pytest.mark.parametrize(
    ("written", "expected"), [(rb"\ud83d\ude00", WHOLE), (rb"\ud83d", HALF), (b"\xff", HALF)]
)
async def test_plain_answers(stub: ModelStub, provider: str, written: bytes, expected: str) -> None:
    """The same in one piece, and for a byte that is none of UTF-8's."""
    body, _ = SHAPES[provider]
    stub.default = raw(json.dumps(body("Hello HALF there")).encode().replace(b"HALF", written))
    exchange = Exchange()
    await send(wire_for(address(stub, provider), provider=provider), exchange, streamed=False)
    assert exchange.response.text == expected
    exchange.response.text.encode()
