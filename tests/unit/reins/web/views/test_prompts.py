import random

import orjson
import pytest

from reins.llm.requests import MAX_REQUEST_CHARS
from reins.llm.tokens import tokens_of
from reins.web.views.prompts import Prompt, prompt_of

PROMPT = '[task: reply]\nBe brief.\n[message] {"a": 1}\n[message] {"a": 22}\nNow answer.'


def body(**fields):
    return orjson.dumps(fields).decode()


@pytest.mark.parametrize(
    "request_",
    [
        body(model="m", messages=[{"role": "system", "content": "Hello"},
                                  {"role": "user", "content": PROMPT}]),
        body(messages=[{"role": "system", "content": [{"type": "text", "text": "Hello"}]},
                       {"role": "user", "content": [{"type": "text", "text": PROMPT}]}]),
        body(system="Hello", max_tokens=9, messages=[{"role": "user", "content": PROMPT}]),
        body(system=[{"type": "text", "text": "Hello", "cache_control": {}}],
             messages=[{"role": "user", "content": [{"type": "text", "text": PROMPT}]}]),
        body(systemInstruction={"parts": [{"text": "Hello"}]},
             contents=[{"role": "user", "parts": [{"text": PROMPT}]}]),
        body(system_instruction={"role": "system", "parts": [{"text": "Hello"}]},
             contents=[{"role": "user", "parts": [{"text": PROMPT}]}]),
    ],
)  # fmt: skip
def test_requests_of_each_provider(request_):
    """OpenAI's, Anthropic's and Google's bodies give the same messages, the system's first."""
    prompt = Prompt.model_validate(prompt_of(request_))
    assert [(m.role, m.chars) for m in prompt.messages] == [("system", 5), ("user", len(PROMPT))]
    assert (prompt.chars, prompt.more) == (5 + len(PROMPT), 0)


def test_lines_of_one_tag_are_one_part():
    """Counted, measured and kept in order; what has no tag is a part of its own."""
    [message] = prompt_of(body(messages=[{"role": "user", "content": PROMPT}]))["messages"]
    parts = {part["tag"]: part for part in message["parts"]}
    assert list(parts) == ["task: reply", None, "message"]
    assert parts["message"]["lines"] == 2
    assert parts["message"]["text"] == '[message] {"a": 1}\n[message] {"a": 22}'
    assert parts[None]["text"] == "Be brief.\nNow answer."
    assert parts["message"]["tokens"] == tokens_of(parts["message"]["text"]) == 13


def test_a_tag_within_a_line_or_of_nonsense_is_none():
    text = 'He said "[message] x"\n[] y\n[2] z\n[' + "a" * 41 + "] w\n [message] v"
    [message] = prompt_of(body(messages=[{"role": "user", "content": text}]))["messages"]
    assert [part["tag"] for part in message["parts"]] == [None]


def test_long_texts_and_many_tags_are_bounded():
    """A part is shown to its bound and counted whole; so are tags and messages."""
    text = "\n".join(["[long] " + "x" * 30_000, *(f"[t{n}] y" for n in range(100))])
    prompt = prompt_of(
        body(messages=[{"role": "user", "content": text}, *[{"role": "user"}] * 299])
    )
    assert (len(prompt["messages"]), prompt["more"]) == (200, 100)
    parts = prompt["messages"][0]["parts"]
    assert len(parts) == 41
    assert (len(parts[0]["text"]), parts[0]["chars"], parts[0]["cut"]) == (20_000, 30_007, True)
    assert sum(part["lines"] for part in parts) == 101


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    "request_",
    [
        "", "null", "[]", "{}", "nonsense", '{"messages": 1}', '{"messages": []}',
        '{"messages": [1, null, [], {}, {"role": 5}, {"role": "user", "content": null}]}',
        '{"contents": [{"parts": {"text": {"text": {"text": 1}}}}]}',
        f'{{"messages": [{{"role": "user", "content": {DEEP}}}]}}',
        '{"messages": [{"role": "user", "content": ' + '{"text":' * 500 + "1" + "}" * 500 + "}]}",
        '{"system": 3, "messages": [{"role": "' + "r" * 500 + '", "content": "a\\u0000b"}]}',
        "x" * (MAX_REQUEST_CHARS + 1),
    ],
)  # fmt: skip
def test_whatever_was_recorded_is_shown(request_):
    """No request makes it fail, and what it gives is JSON of the described shape."""
    prompt = prompt_of(request_)
    Prompt.model_validate(prompt)
    orjson.dumps(prompt)
    assert prompt["messages"]


def test_random_bytes_of_a_request():
    rng = random.Random(5)
    whole = body(system="Hello", messages=[{"role": "user", "content": PROMPT}] * 3)
    for _ in range(300):
        at = rng.randrange(len(whole))
        broken = whole[:at] + chr(rng.randrange(1, 0xD7FF)) + whole[at + rng.randrange(3) :]
        Prompt.model_validate(prompt_of(broken))
