"""`reins plan`: a plan in a file is checked with line and column, drawn, and run."""

import json

import pytest

from tests.support.program import ROOT, ran

PLAN = {
    "kind": "sequence",
    "items": ["add", {"kind": "loop_while", "condition": "small", "item": "add"}],
}
MODULE = """
from reins.plans import Actions

actions = Actions()


@actions.action
def add(state):
    if state["n"] == 5:
        raise ValueError("five is unlucky")
    return {**state, "n": state["n"] + 1}


actions.function("small", lambda state: state["n"] < 4)
other = 5
"""


@pytest.fixture
def said(tmp_path):
    (tmp_path / "my_actions.py").write_text(MODULE)
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))

    def say(*arguments):
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
        return ran(["-m", "reins", "plan", *arguments], cwd=tmp_path, env=env)

    return say


def test_a_plan_is_checked(said, tmp_path):
    """Its size where it is one; each mistake on a line of its own where it is none."""
    assert said("check", "plan.json") == (
        0,
        "plan.json: 4 nodes, 3 levels, 1 tasks at once at the most\n",
        "",
    )
    (tmp_path / "plan.json").write_text('{"kind": "sequence",\n "itms": []}')
    code, out, err = said("check", "plan.json")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "reins: plan.json:1:1: items: Field required",
        "plan.json:2:2: itms: there is no key 'itms'; did you mean 'items'?",
    ]


def test_names_are_checked_where_the_actions_are_given(said, tmp_path):
    """With the place and what may be meant."""
    assert said("check", "plan.json", "--actions", "my_actions:actions")[0] == 0
    (tmp_path / "plan.json").write_text(json.dumps(PLAN).replace('"small"', '"smal"'))
    assert said("check", "plan.json")[0] == 0
    code, _, err = said("check", "plan.json", "--actions", "my_actions:actions")
    assert code == 1
    assert err.splitlines() == [
        "reins: plan.json:1:39: items.1: there is no function 'smal'; did you mean 'small'?"
    ]


def test_a_plan_is_drawn(said):
    """As Mermaid, and nothing else."""
    code, out, _ = said("check", "plan.json", "--mermaid")
    assert (code, out.splitlines()[0]) == (0, "flowchart TD")
    assert '    n2["loop while small"]' in out


def test_a_plan_is_run(said):
    """The state that it leaves is printed as JSON."""
    code, out, err = said(
        "run", "plan.json", "--actions", "my_actions:actions", "--state", '{"n": 0}'
    )
    assert (code, json.loads(out), err) == (0, {"n": 4}, "")


def test_the_built_in_actions_are_there(said, tmp_path):
    """Beside those that are given, as in a session."""
    put = {"kind": "task", "name": "put", "args": {"to": "done", "value": True}}
    (tmp_path / "plan.json").write_text(json.dumps({"kind": "sequence", "items": ["add", put]}))
    given = "plan.json", "--actions", "my_actions:actions"
    assert said("check", *given)[0] == 0
    code, out, _ = said("run", *given, "--state", '{"n": 0}')
    assert (code, json.loads(out)) == (0, {"n": 1, "done": True})


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--actions", "my_actions:actions", "--state", '{"n": 5}'], 1, "/0: ValueError: five is"),
        (["--actions", "my_actions:actions", "--state", "{"], 2, "--state:1:2: expected a key"),
        (["--actions", "my_actions:actions", "--state", '{"n": 1, "n": 2}'], 2, "'n' comes twice"),
        (["--actions", "my_actions:actions", "--state", "1e999"], 2, "--state: state is inf"),
        (["--actions", "my_actions:actins"], 2, "has no attribute 'actins'"),
        (["--actions", "my_acts:actions"], 2, "No module named 'my_acts'"),
        (["--actions", "my_actions"], 2, "--actions is module:name, given 'my_actions'"),
        (["--actions", "my_actions:other"], 2, "my_actions:other is no Actions, given 5"),
        ([], 2, "missing option '--actions'"),
    ],
)
def test_what_cannot_be_run_says_why(said, arguments, code, words):
    """1 where the plan fails, 2 where what is given cannot be used."""
    found, out, err = said("run", "plan.json", *arguments)
    assert (found, out) == (code, "")
    assert words in err


def test_a_file_that_is_not_there_and_one_that_is_no_text(said, tmp_path):
    """Neither is a traceback."""
    assert said("check", "gone.json")[0] == 2
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe")
    code, _, err = said("check", "plan.json")
    assert code == 1
    assert "plan.json is no text in UTF-8" in err
