"""A route that holds its model to a JSON schema: what is sent, when, and what a refusal says."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from agents_impl.task.history import History
from agents_impl.task.prompting import decide
from reins.llm import ModelConfigError, ModelError
from tests.integration.llm.test_structured import ASK, GOOD, Choice
from tests.support.callers import route
from tests.support.model_stub import BODY, ModelStub, answers, says
from tests.support.tasks import TOOLS, Task

TEXT = "first\n<<<content\n>>>\n" + "long\n" * 2_000
CALL = {
    "thought": "It is to be written.",
    "call": {"tool": "write_file", "arguments": {"path": "a.txt", "content": TEXT}},
}


def held_to(answer):
    """An answer as a server gives it that holds its model to the schema: or it fails the test."""

    async def reply(stub, request):
        form = request[BODY]["response_format"]
        assert form["type"] == "json_schema"
        assert set(form["json_schema"]) == {"name", "schema"}
        schema = form["json_schema"]["schema"]
        Draft202012Validator.check_schema(schema)
        Draft202012Validator(schema).validate(answer)
        return await answers(json.dumps(answer))(stub, request)

    return reply


def refuses(status, words):
    return says({"error": {"message": words, "type": "invalid_request_error"}}, status)


async def thought_of(model, tools=TOOLS):
    return (await decide(model, Task("write it"), History(), tools, 16_000)).decided


@pytest.mark.parametrize("option", ["tools", "always"])
async def test_a_task_is_held_to_the_schemas_of_its_tools(routed, stub: ModelStub, option) -> None:
    """The body has them, the prompt asks for JSON alone, and a long text comes through it whole."""
    stub.default = held_to(CALL)
    model = await routed(route("a", stub, json_schema=option))
    decided = await thought_of(model)
    assert (decided.tool, decided.arguments) == ("write_file", CALL["call"]["arguments"])
    assert decided.thought == CALL["thought"]
    (seen,) = stub.seen
    schema = seen.body["response_format"]["json_schema"]["schema"]
    calls = schema["properties"]["call"]["anyOf"]
    assert [each["properties"]["tool"]["enum"] for each in calls] == [[name] for name in TOOLS]
    assert "raw block" not in str(seen.body["messages"])
    wrong = {"thought": "", "call": {"tool": "no_tool", "arguments": {}}}
    assert not Draft202012Validator(schema).is_valid(wrong)


async def test_what_is_sent_back_is_held_to_it_too(routed, stub: ModelStub) -> None:
    """An answer that does not fit, of a server that did not hold its model, is mended as ever."""
    stub.replies.append(answers("I would rather not."))
    stub.default = held_to(CALL)
    model = await routed(route("a", stub, json_schema="tools"))
    assert (await thought_of(model)).tool == "write_file"
    assert len(stub.seen) == 2


async def test_a_server_that_ignores_it_is_read_as_ever(routed, stub: ModelStub) -> None:
    """Blocks, the usual form, words around: all that is read without it."""
    told = '{"thought": "t", "tool": "write_file", "arguments": {"path": "a"}}\n<<<content\nx\n>>>'
    stub.default = answers(f"Well: {told}")
    model = await routed(route("a", stub, json_schema="tools"))
    assert (await thought_of(model)).arguments == {"path": "a", "content": "x\n"}


async def test_nothing_of_it_is_sent_without_the_option(routed, stub: ModelStub) -> None:
    """Off by default, for tasks and for structured answers."""
    model = await routed(route("a", stub))
    stub.replies.append(answers(json.dumps(CALL)))
    await thought_of(model)
    stub.replies.append(answers(GOOD))
    await model.structured("ChooseAction", Choice, **ASK)
    assert not any("response_format" in seen.body for seen in stub.seen)
    assert "raw block" in str(stub.seen[0].body["messages"])


async def test_always_holds_structured_answers(routed, stub: ModelStub) -> None:
    """In both turns, to the shape of the caller; a text is never held to anything."""
    model = await routed(route("a", stub, json_schema="always"))
    stub.replies += [answers("It depends."), held_to(json.loads(GOOD))]
    done = await model.structured("ChooseAction", Choice, **ASK)
    assert (done.value.action, done.repaired) == ("look_up", True)
    formats = [seen.body["response_format"]["json_schema"] for seen in stub.seen]
    assert [each["name"] for each in formats] == ["Choice", "Choice"]
    await model.call("TellAJoke", subject="cats", told=[])
    assert "response_format" not in stub.seen[-1].body


class Long(Choice):
    """A shape with what not each server can hold a model to."""

    reason: str = Field(max_length=5_000, pattern="^to ")


async def test_lengths_and_patterns_are_checked_here_alone(routed, stub: ModelStub) -> None:
    """They are not sent, and an answer beyond them is sent back as ever."""
    model = await routed(route("a", stub, json_schema="always"))
    stub.replies.append(held_to({"action": "finish", "reason": "none"}))
    stub.replies.append(held_to(json.loads(GOOD)))
    done = await model.structured("ChooseAction", Long, **ASK)
    assert (done.value.reason, done.repaired) == ("to see", True)
    assert "5000" not in json.dumps(stub.seen[0].body["response_format"])


async def test_tools_leaves_structured_answers_alone(routed, stub: ModelStub) -> None:
    """Only calls of tools are held under it."""
    stub.default = answers(GOOD)
    model = await routed(route("a", stub, json_schema="tools"))
    await model.structured("ChooseAction", Choice, **ASK)
    assert "response_format" not in stub.seen[0].body


async def test_a_fallback_without_it_is_asked_as_ever(routed, stub, other) -> None:
    """What stands in is sent neither the schema nor the prompt for it."""
    stub.default = refuses(400, "response_format is not supported")
    other.default = answers(json.dumps(CALL))
    text = 'default = "a"\n' + route("a", stub, json_schema="tools", fallback=["b"])
    model = await routed(text + route("b", other))
    assert (await thought_of(model)).tool == "write_file"
    assert "response_format" in stub.seen[0].body
    assert "response_format" not in other.seen[0].body
    assert "raw block" in str(other.seen[0].body["messages"])


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "response_format: json_schema is not supported by this model", "bad_request"),
        (400, "invalid request", "bad_request"),
        (422, "Extra inputs are not permitted: response_format", "bad_request"),
        (404, "No endpoints support the parameter response_format", "not_found"),
        (500, "failed to parse grammar", "server"),
    ],
)
async def test_a_refusal_says_which_option_to_take_away(
    routed, stub: ModelStub, status, words, kind
) -> None:
    """By its name in the file, in the error of a call and in a check of the route."""
    stub.default = refuses(status, words)
    model = await routed(route("a", stub, json_schema="tools", attempts=1))
    with pytest.raises(ModelError, match=r"take out models.toml: routes.a.json_schema\.") as caught:
        await thought_of(model)
    assert caught.value.kind == kind
    (check,) = await model.check("a")
    assert not check.ok
    assert "take out models.toml: routes.a.json_schema." in check.message


async def test_other_failures_do_not_speak_of_it(routed, stub: ModelStub) -> None:
    """Nor does a refusal of a request that had none."""
    model = await routed(route("a", stub, json_schema="tools", attempts=1))
    for status, words in ((401, "no such key"), (500, "out of memory"), (404, "no such model")):
        stub.default = refuses(status, words)
        with pytest.raises(ModelError) as caught:
            await thought_of(model)
        assert "json_schema" not in str(caught.value)
    stub.default = refuses(400, "response_format")
    with pytest.raises(ModelError) as caught:
        await model.call("TellAJoke", subject="cats", told=[])
    assert "json_schema" not in str(caught.value)


async def test_a_check_tries_it(routed, stub: ModelStub) -> None:
    """A route with the option is checked with a schema, one without it without."""
    stub.default = held_to({"ok": True})
    model = await routed(route("a", stub, json_schema="always"))
    assert [each.ok for each in await model.check("a")] == [True]


@pytest.mark.parametrize("provider", ["anthropic", "google", "offline"])
async def test_a_provider_that_knows_none_is_refused_at_start(routed, provider) -> None:
    """The message says for which it is."""
    text = f'[routes.a]\nprovider = "{provider}"\nmodel = "m"\nkey_env = "KEY"\n'
    with pytest.raises(ModelConfigError, match=r"routes.a.json_schema .* for openai, ollama, comp"):
        await routed(text + 'json_schema = "tools"\n')


async def test_another_word_is_refused(routed, stub: ModelStub) -> None:
    """With the two that there are."""
    with pytest.raises(ModelConfigError, match=r"json_schema is 'yes'.*'tools' or 'always'"):
        await routed(route("a", stub, json_schema="yes"))
