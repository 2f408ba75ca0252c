"""What is sent again with less, where the model's context is too short."""

import pytest

from agents_impl.fitting import LEAST_TOKENS, SHARE, shorter, within
from agents_impl.persona.composing import BESIDE_TOKENS
from agents_impl.persona.models import PersonaState, SetContextTokens
from reins.llm import ModelError


def too_long(given: int | None = None, limit: int | None = None) -> ModelError:
    return ModelError(
        "its context is too short",
        kind="context_too_long",
        retryable=False,
        given_tokens=given,
        limit_tokens=limit,
    )


@pytest.fixture
def state() -> PersonaState:
    return PersonaState(tone="noir", cooldown_s=0, talkativeness=1)


async def asked(state: PersonaState, limit: int, *errors: Exception | None) -> list[int]:
    """The tokens of each call, where these are the errors in order."""
    sent, waiting = [], list(errors)

    async def send(tokens: int) -> None:
        sent.append(tokens)
        if waiting and (error := waiting.pop(0)) is not None:
            raise error

    await within(limit, state, send, beside_tokens=BESIDE_TOKENS)
    return sent


async def test_it_sends_less_twice_and_then_gives_up(state):
    """Half, and half of that; a third refusal is the error."""
    assert await asked(state, 2_000) == [2_000]
    assert state.fits_tokens is None
    assert await asked(state, 2_000, too_long(), too_long()) == [2_000, 1_000, 500]
    state.fits_tokens = None
    with pytest.raises(ModelError):
        await asked(state, 2_000, too_long(), too_long(), too_long())
    assert state.fits_tokens is None


async def test_other_errors_are_not_sent_again(state):
    """Nor is what cannot become shorter."""
    with pytest.raises(ModelError, match="503"):
        await asked(state, 2_000, ModelError("503", kind="server", retryable=True), None)
    with pytest.raises(ModelError):
        await asked(state, LEAST_TOKENS, too_long(), None)


def test_what_the_server_says_decides_how_much_less():
    """What is beside the messages cannot be cut; and there may have been less than was allowed."""
    assert (
        shorter(2_000, too_long(2_700, 1_800), BESIDE_TOKENS) == int(1_800 * SHARE) - BESIDE_TOKENS
    )
    assert (
        shorter(50_000, too_long(8_000, 4_000), BESIDE_TOKENS) == int(4_000 * SHARE) - BESIDE_TOKENS
    )
    assert shorter(50_000, too_long(8_000), BESIDE_TOKENS) == int(4_000 * SHARE) - BESIDE_TOKENS
    assert shorter(2_000, too_long(2_700, 2_690), BESIDE_TOKENS) == 1_500, (
        "less by a quarter, at the least"
    )
    assert shorter(2_000, too_long(3_000, 100), BESIDE_TOKENS) == LEAST_TOKENS


async def test_what_was_found_is_kept_to(state):
    """The next reply begins with what fitted, until the limit is set anew, or is less."""
    assert await asked(state, 2_000, too_long()) == [2_000, 1_000]
    assert await asked(state, 2_000) == [1_000]
    assert await asked(state, 700) == [700]
    SetContextTokens(type="set_context_tokens", tokens=3_000).take(state)
    assert await asked(state, 3_000) == [3_000]
