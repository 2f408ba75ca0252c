"""A prompt that is longer than its model can take, in every provider's way of saying it.

**Source**: messages of OpenAI, Azure, Anthropic, Google, Mistral, Cohere, Groq, xAI, DeepSeek,
Moonshot, Zhipu, Qwen, MiniMax, Bedrock, Together, Fireworks, OpenRouter; vLLM, SGLang, TGI,
llama.cpp, LM Studio, Ollama, TensorRT-LLM.
"""

import re
from dataclasses import dataclass

MAX_CHARS = 4_000
TOO_MANY = 429

NAMES = (
    "contextlengthexceeded", "contextwindowexceeded", "exceedcontextsize", "prompttoolong",
    "inputtoolong", "requesttoolarge", "stringabovemaxlength", "maxcontextlength",
    "contextlimitexceeded", "tokenlimitexceeded", "contentlengthexceeded",
)  # fmt: skip
"""Names that servers give this error, without what separates words."""

INPUT = r"(?:prompt|input|inputs|messages?|request|query|question|text|document|conversation)"
WORDS = re.compile(
    "|".join(
        [
            r"context[ _-]?(?:length|window|size|limit|overflow)",
            r"context (?:the )?overflows",
            r"(?:maximum|max) (?:context|prompt|input|sequence|model)[ _]?(?:length|len|tokens)",
            r"max(?:_model_len|_input_len|imum model length|imum length is \d+ tokens)",
            r"model token limit|kv (?:size|cache size)",
            r"too many (?:input |prompt )?tokens(?! per)",
            r"(?:number of|input) tokens.{0,20} exceed|input tokens exceeded",
            r"token count.{0,40}exceed",
            r"token count is .{0,30}only supports|maximum number of (?:input )?tokens allowed",
            INPUT + r"\b.{0,60}\b(?:is|are|was|were) too (?:long|large|big)",
            INPUT + r"(?: length| size|\(s\))?(?: \S+){0,3} exceeds? (?:the )?"
            r"(?:max|limit|size|token|model|allowed|length)",
            r"(?:request|prompt|input) too (?:long|large|big)",
            INPUT + r"`? (?:tokens \+|must have less)",
            r"range of input length",
            r"(?:reduce|shorten) (?:the |your )?(?:length|size|prompt|input|messages?)",
            r"tokens must be reduced",
            r"max length of (?:current )?question",
            "超长|超出.{0,12}(?:长度|上下文|限制)|超过.{0,12}(?:长度|上下文)|长度超|上下文长度",
        ]
    ),
    re.IGNORECASE,
)
OF_ANSWER = re.compile(r"max_(?:completion_|new_)?tokens.{0,20}too large", re.IGNORECASE)
IN_CONTEXT = re.compile(r"context|input", re.IGNORECASE)
RATE = re.compile(r"per (?:second|minute|hour|day)|\b[rt]p[msd]\b", re.IGNORECASE)
OVER_RATE = re.compile(r"request too large|must be reduced|reduce your message", re.IGNORECASE)

NUMBER = r"([0-9][0-9,_]{1,11})"
LIMIT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r'"n_ctx"\s*:\s*' + NUMBER,
        r">\s*" + NUMBER,
        r"(?:context (?:length|window|size|limit)|max(?:imum)? (?:prompt|model|input) length)"
        r"(?: is| of|:| \()+(?: only)?[^0-9.]{0,20}" + NUMBER,
        NUMBER + r"\W{0,3}(?:tokens? )?max(?:imum)?\b",
        r"(?:allowed|tokens? limit|limit)\W{0,6}(?:is |of )?" + NUMBER,
        r"(?:only supports up to|cannot exceed|must be <=|must have less than|up to|at most)\s+"
        + NUMBER,
        r"\[\s*\d+\s*,\s*" + NUMBER,
    )
)
GIVEN = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r'"n_prompt_tokens"\s*:\s*' + NUMBER,
        r"(?:resulted in|requested|received|given:|contains|has|length|count|count is|input|prompt)"
        r"\s*\(?(?:about |a total of |is )?" + NUMBER,
        r"too long:\s*" + NUMBER,
        NUMBER + r" (?:input |prompt )?tokens",
    )
)


@dataclass(frozen=True, slots=True)
class ContextLength:
    """The lengths that a server told: the tokens that its model takes, and those that it got."""

    limit: int | None = None
    given: int | None = None


def context_length_in(*, status: int, names: str, words: str) -> ContextLength | None:
    """The lengths that an error tells; None for an error of any other kind.

    `names` are the names that it gives itself, without what separates words.
    """
    words = words[:MAX_CHARS]
    if RATE.search(words) or status == TOO_MANY:
        # A request that is larger than a minute's worth never comes through; others wait.
        found = bool(OVER_RATE.search(words))
    elif OF_ANSWER.search(words) and not IN_CONTEXT.search(words):
        found = False
    else:
        found = any(name in names for name in NAMES) or bool(WORDS.search(words))
    if not found:
        return None
    limit = _number(LIMIT, words)
    given = next((each for each in _numbers(GIVEN, words) if each != limit), None)
    return ContextLength(limit, given if limit is None or (given or 0) > limit else None)


def _number(patterns: tuple[re.Pattern[str], ...], words: str) -> int | None:
    return next(iter(_numbers(patterns, words)), None)


def _numbers(patterns: tuple[re.Pattern[str], ...], words: str) -> list[int]:
    found = (match[1] for pattern in patterns for match in pattern.finditer(words))
    return [int(re.sub(r"[,_]", "", number)) for number in found]
