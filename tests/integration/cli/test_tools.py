"""`reins tools`: the tools there are, and a try of one by hand."""

import json

import pytest

from tests.support.program import ROOT, ran


@pytest.fixture
def said(tmp_path):
    """A process runs the command: it sets up logging, which no other test is to have."""
    (tmp_path / "a.txt").write_text("hello\n")

    def say(*arguments, **settings):
        env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), **settings}
        return ran(["-m", "reins", "tools", *arguments], cwd=tmp_path, env=env)

    return say


def test_the_tools_are_listed(said):
    """Name, set, risk and what each does; all of them, or those that the words mean."""
    code, out, _ = said("list")
    assert code == 0
    assert "read_file        files      low     Read a text file" in out
    assert "remember" in out
    assert "\ncommands here: " in out
    code, out, _ = said("list", "write_*", "--json")
    assert [each["name"] for each in json.loads(out)] == ["write_file"]


def test_a_tool_is_shown(said):
    """Its schema and its policy, as JSON."""
    shown = json.loads(said("show", "write_file")[1])
    assert (shown["group"], shown["risk"], shown["policy"]["idempotent"]) == (
        "files",
        "medium",
        True,
    )
    assert shown["input_schema"]["required"] == ["path", "content"]


def test_a_tool_is_called(said, tmp_path):
    """What it gives is printed."""
    given = ["call", "read_file", "--json", '{"path": "a.txt"}', "--workspace", str(tmp_path)]
    assert said(*given)[:2] == (0, "     1\thello\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["list", "reed_*"], 2, "there is no tool 'reed_*'"),
        (["show", "reed_file"], 2, "did you mean read_file"),
        (["call", "read_file", "--json", "{"], 2, "--json is no JSON"),
        (["call", "read_file", "--json", "[]"], 2, "must be an object"),
        (["call", "read_file"], 1, "path: Field required"),
        (["call", "read_file", "--json", '{"path": "a"}'], 1, "there is no workspace here"),
        (["call", "read_file", "--workspace", "/nowhere"], 2, "does not exist"),
    ],
)
def test_what_does_not_go(said, arguments, code, words):
    """A line says why, on standard error."""
    found, out, err = said(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1


def test_the_model_can_be_called(said):
    """Over the route that the settings say; the demonstration says that it is one."""
    call = ["call", "llm_call", "--json", '{"prompt": "hello"}']
    code, out, _ = said(*call, REINS_MODEL="offline")
    assert code == 0
    assert "This is no language model" in out


def test_tools_of_ones_own(said, tmp_path):
    """From the modules that the setting names; one that is broken is told."""
    (tmp_path / "cli_own_tools.py").write_text(
        "from reins.tools import tool\n\n\n"
        "@tool(risk='low')\ndef shout(text: str) -> str:\n"
        "    'Say it louder.'\n    return text.upper()\n"
    )
    own = {"REINS_TOOLS": '["cli_own_tools"]'}
    assert said("call", "shout", "--json", '{"text": "hey"}', **own)[:2] == (0, "HEY\n")
    assert "shout" in said("list", "cli_own_tools", **own)[1]
    code, _, err = said("list", REINS_TOOLS='["not_there_at_all"]')
    assert code == 2
    assert "take it out of REINS_TOOLS" in err
