"""The built-in actions: what they put where, and how each mistake in their arguments is told."""

import pytest

from reins.plans import Actions, Context, Err, Task, compile_plan, run_plan
from reins.plans.builtin import built_in, tool


def left_by(name, arguments, state):
    """The state that an action leaves, or the words of its failure."""
    actions = Actions()
    actions.take(built_in)
    result = run_plan(compile_plan(actions, Task(name, arguments)), state).result
    return result.error.message if isinstance(result, Err) else result.value


@pytest.mark.parametrize(
    ("arguments", "state", "left"),
    [
        ({"to": "a", "value": 1}, {}, {"a": 1}),
        ({"to": "a.b", "value": 1}, {"a": {"c": 2}}, {"a": {"c": 2, "b": 1}}),
        ({"to": "a.1", "value": 1}, {"a": [2, 3]}, {"a": [2, 1]}),
        ({"to": ".", "value": 1}, {"a": 2}, 1),
        (
            {"to": "a.b", "value": 1},
            {"ab": 1},
            "PlanError: the argument to is 'a.b': there is no key 'a'; did you mean 'ab'?",
        ),
        (
            {"to": "..", "value": 1},
            {},
            "PlanError: the argument to is '..': '..' is no path; expected names with a dot",
        ),
        (
            {"to": "a", "valu": 1},
            {},
            "PlanError: there is no argument 'valu'; did you mean 'value'?",
        ),
        ({"to": "a"}, {}, "PlanError: put needs the argument value"),
    ],
)  # fmt: skip
def test_a_value_is_put_at_a_path(arguments, state, left):
    """Its last key may be a new one; what is no path, or leads nowhere, is said with the path."""
    found = left_by("put", arguments, state)
    assert found[: len(left)] == left if isinstance(left, str) else found == left


async def test_places_in_texts_are_filled():
    """A text stands as it is, anything else as JSON; a text that is one place is the part."""
    called = []

    async def call(name, arguments):
        called.append(arguments)

    state = {"name": "Mara", "all": {"ok": True, "none": None}}
    given = {"a": "{name}: {all}", "d": '{"a":1}', "b": ["{all.ok}"], "c": 3}

    def ctx(given):
        return Context("/", {"tool": "t", "args": given}, 1, "key", call=call)

    await tool(state, ctx(given))
    assert called == [
        {"a": 'Mara: {"ok": true, "none": null}', "d": '{"a":1}', "b": [True], "c": 3}
    ]
    expected = r"\{nme\} in the argument args: there is no key 'nme'; did you mean 'name'\?"
    with pytest.raises(ValueError, match=expected):
        await tool(state, ctx({"a": "to {nme}"}))
