"""The model as a tool: one prompt, one that is shown while it is answered, many at once."""

import asyncio
from typing import Annotated, Any

from pydantic import Field

from reins.llm.calls.structured import CONVERSE
from reins.tools.context import Answers, Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError

_TIME_S = 180.0
_PROMPTS = 50
_AT_ONCE = 8
Prompt = Annotated[str, Field(min_length=1, max_length=200_000)]
Instructions = Annotated[str, Field(max_length=20_000, description="said before the prompt")]


def _model(context: Context) -> Answers:
    if context.model is None:
        raise ToolError("there is no model here; call it with Context(model=…)")
    return context.model


def _messages(prompt: str, instructions: str) -> list[dict[str, str]]:
    before = [{"role": "system", "content": instructions}] if instructions else []
    return [*before, {"role": "user", "content": prompt}]


@tool(risk="low", timeout_s=_TIME_S, breaker_failures=None)
async def llm_call(context: Context, prompt: Prompt, instructions: Instructions = "") -> str:
    """Ask the language model, which knows nothing but the prompt."""
    messages = _messages(prompt, instructions)
    return (await _model(context).call(CONVERSE, messages=messages)).text


@tool(risk="low", timeout_s=_TIME_S, breaker_failures=None)
async def llm_stream(context: Context, prompt: Prompt, instructions: Instructions = "") -> str:
    """Ask the language model; whoever watches the caller sees the answer while it comes."""
    messages = _messages(prompt, instructions)
    return (await _model(context).stream(CONVERSE, messages=messages)).text


@tool(risk="low", timeout_s=_TIME_S, breaker_failures=None)
async def llm_batch(
    context: Context,
    prompts: Annotated[list[Prompt], Field(min_length=1, max_length=_PROMPTS)],
    instructions: Instructions = "",
) -> list[dict[str, Any]]:
    """Ask the language model each of the prompts; a text or an error for each, in their order."""
    model, places = _model(context), asyncio.Semaphore(_AT_ONCE)

    async def ask(prompt: str) -> dict[str, Any]:
        async with places:
            try:
                answer = await model.call(CONVERSE, messages=_messages(prompt, instructions))
            except Exception as error:  # noqa: BLE001 - the others have their answers
                return {"error": f"{type(error).__name__}: {error}"}
            return {"text": answer.text}

    return list(await asyncio.gather(*map(ask, prompts)))
