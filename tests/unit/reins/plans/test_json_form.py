"""A plan as JSON: what is read, what is written, and where the mistake is."""

import json

import pytest

from reins.plans import (
    ALL,
    Actions,
    Limits,
    PlanError,
    PlanFormatError,
    Task,
    best_of,
    budget,
    choose,
    compile_plan,
    custom,
    focus,
    from_json,
    lens,
    loop_while,
    parallel,
    race,
    retry,
    run_plan,
    schema,
    sequence,
    timeout,
    to_json,
    to_mermaid,
)
from reins.plans.positions import JsonTextError, scan

EVERY = sequence(
    "a",
    Task("b", {"k": [1, None, {"x": True}]}),
    parallel("a", "b", combiner="collect", on_error="ignore", budget=Limits(tokens=5)),
    race("a", "b", timeout_s=1.5),
    best_of("a", "b", evaluator="score"),
    choose("a", "b", selector="which"),
    focus("draft.title", loop_while("more", "a", max_turns=3)),
    retry(timeout("a", 2.0), attempts=2, delay_s=0.5),
    budget("a", cost_usd=0.25),
    custom("vote", "a", "b", rounds=3),
)
WRONG = """{
  "kind": "sequence",
  "items": [
    "search",
    {"kind": "parallel", "items": ["a"], "policy": "FIRST"},
    {"kind": "retry", "item": {"kind": "timeout", "item": "a"}, "attempts": 0},
    {"kind": "task", "nme": "a", "name": "a"},
    {"kind": "sequel"},
    7
  ]
}
"""


def test_a_plan_is_the_same_after_json():
    """Every kind, with what is as by default left out."""
    text = to_json(EVERY)
    assert from_json(text) == EVERY
    assert json.loads(text)["items"][0] == {"kind": "task", "name": "a"}
    assert json.loads(to_json(parallel("a"))) == {
        "kind": "parallel",
        "items": [{"kind": "task", "name": "a"}],
    }
    assert from_json(text).items[2].policy == ALL


def test_a_text_is_a_task():
    """The name of an action in the place of a node."""
    assert from_json('"a"') == Task("a")
    assert from_json('{"kind": "sequence", "items": ["a"]}') == sequence("a")


def test_every_mistake_has_its_line_and_column():
    """All of them at once, in their order, without the tags of the union."""
    with pytest.raises(PlanFormatError) as error:
        from_json(WRONG)
    told = [str(problem) for problem in error.value.problems]
    assert told == [
        "5:52: items.1.policy: Input should be 'ALL', 'FIRST_COMPLETED' or 'N_BEST'",
        "6:31: items.2.item.timeout_s: Field required",
        "6:77: items.2.attempts: Input should be greater than or equal to 1",
        "7:22: items.3.nme: there is no key 'nme'; did you mean 'name'?",
        "8:14: items.4: there is no kind 'sequel'; did you mean 'sequence'?",
        "9:5: items.5: Input should be an object with a kind, or the name of an action",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1:1: expected a value, found the end of the text"),
        ('{"kind": "task",\n "kind": "task"}', "2:2: the key 'kind' comes twice"),
        ('{"kind": "task", "args": {"a": 1, "a": 2}}', "1:35: args: the key 'a' comes twice"),
        ('{"kind": task}', "1:10: kind: expected a value, found 'task}'"),
        ('{"kind" "task"}', "1:9: expected ':', found '\"task\"}'"),
        ('{"kind": "task"', "1:16: expected ',' or '}', found the end of the text"),
        ('{"kind": "task",}', "1:17: expected a key in double quotes"),
        ('["a" "b"]', "1:6: expected ',' or ']'"),
        ('"a" "b"', "1:5: expected the end of the text after the first value"),
        ('"a', "1:1: Unterminated string starting at"),
        ('{"kind": "tas\\q"}', "1:14: kind: Invalid \\escape"),
        ("NaN", "1:1: expected a value, found 'NaN'"),
        ("01", "1:2: expected the end of the text"),
        ("[" * 1000, "more than 200 levels"),
        ("9" * 500, "a number of 500 digits"),
        ('{"kind": "loop_while", "condition": 1, "item": "a"}', "1:37: condition: Input should be"),
        ('{"kind": "focus", "lens": {}, "item": "a"}', "1:27: lens: Input should be the name of"),
        ('{"kind": "parallel", "items": [], "policy": "N_BEST"}', "1:1: N_BEST needs a branch"),
        ('{"kind": "task", "name": 5}', "1:26: name: Input should be a valid string"),
        ('{"kind": "retry", "item": "a", "attempts": "3"}', "1:44: attempts: Input should be a va"),
        ('{"name": "a"}', "1:1: Field required: kind"),
        ('{"kind": "race", "items": []}', "write a parallel whose policy is FIRST_COMPLETED"),
        ('{"kind": "sequence", "items": "a"}', "1:31: items: Input should be a list"),
        ('{"kind": "choose", "items": []}', "1:29: items: Input should not be empty"),
        ('{"kind": "task", "name": "a", "args": 1}', "1:39: args: Input should be an object"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(text, words):
    """Bad JSON, keys that come twice, and values of another kind."""
    with pytest.raises(PlanFormatError) as error:
        from_json(text)
    assert words in str(error.value)


def nested(levels):
    return '{"kind": "sequence", "items": [' * (levels - 1) + '"a"' + "]}" * (levels - 1)


def long(items):
    return json.dumps({"kind": "sequence", "items": ["a"] * items})


def test_how_large_a_plan_may_be():
    """64 levels and 10,000 nodes; one more is told with its place."""
    assert from_json(nested(64))
    with pytest.raises(PlanFormatError, match="the plan has more than 64 levels; make it flatter"):
        from_json(nested(65))
    assert len(from_json(long(9_999)).items) == 9_999
    with pytest.raises(PlanFormatError, match="the plan has more than 10,000 nodes"):
        from_json(long(10_000))


def test_the_scanner_reads_what_the_standard_library_reads():
    """The same values, for texts, numbers and escapes of all kinds."""
    text = ' {"a": [1, -2.5e-3, "\\u00e9\\n", true, null, {}, []], "é": 1E5}\r\n'
    scanned = scan(text)
    assert scanned.value == json.loads(text)
    assert text[scanned.values["a", 2]] == '"'
    assert text[scanned.keys[("é",)] :].startswith('"é"')
    with pytest.raises(JsonTextError):
        scan("+1")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (loop_while(lambda _: True, "a"), "plan.condition is <function"),
        (sequence("a", focus(lens("a"), "a")), "plan.items.1.lens is Lens"),
        (Task("a", {"k": {1}}), "plan.args.k is a set"),
    ],
)
def test_what_json_does_not_hold_is_told(plan, words):
    """A function or lens without a name, with its place and what to do."""
    with pytest.raises(PlanError) as error:
        to_json(plan)
    assert words in str(error.value)


def test_the_schema_knows_every_kind():
    """For editors and models that write plans."""
    told = json.dumps(schema())
    for kind in ("task", "sequence", "parallel", "choose", "focus", "loop_while", "node"):
        assert f'"const": "{kind}"' in told


def test_a_plan_that_was_read_runs():
    """Functions by name, a lens by its path, arguments through the context."""
    actions = Actions({"add": lambda n, ctx: n + ctx.args["by"]})
    actions.function("small", lambda n: n < 10)
    text = """{"kind": "focus", "lens": "n", "item": {"kind": "loop_while",
      "condition": "small", "item": {"kind": "task", "name": "add", "args": {"by": 4}}}}"""
    assert run_plan(compile_plan(actions, from_json(text)), {"n": 0}).state == {"n": 12}


def test_a_plan_is_drawn():
    """A node each, edges with places, and nothing that Mermaid would read as its own."""
    drawn = to_mermaid(sequence('a "b" <c>', choose("d", selector="which")))
    assert drawn.splitlines() == [
        "flowchart TD",
        '    n0["sequence"]',
        '    n1("a #quot;b#quot; #lt;c#gt;")',
        "    n0 -->|0| n1",
        '    n2["choose by which"]',
        "    n0 -->|1| n2",
        '    n3("d")',
        "    n2 --> n3",
    ]
    assert len(to_mermaid(EVERY).splitlines()) == 1 + 2 * 26 - 1
