"""`reins tools`: the tools there are, and a try of one by hand."""

import json

import pytest

from reins.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REINS_TOOLS", raising=False)
    (tmp_path / "a.txt").write_text("hello\n")
    return tmp_path


def said(capsys, *arguments):
    code = main(["tools", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_tools_are_listed(capsys):
    """Name, set, risk and what each does; all of them, or those that the words mean."""
    code, out, _ = said(capsys, "list")
    assert code == 0
    assert "read_file        files      low     Read a text file" in out
    assert "remember" in out
    assert "\ncommands here: " in out
    code, out, _ = said(capsys, "list", "write_*", "--json")
    assert [each["name"] for each in json.loads(out)] == ["write_file"]


def test_a_tool_is_shown(capsys):
    """Its schema and its policy, as JSON."""
    shown = json.loads(said(capsys, "show", "write_file")[1])
    assert (shown["group"], shown["risk"], shown["policy"]["idempotent"]) == (
        "files",
        "medium",
        True,
    )
    assert shown["input_schema"]["required"] == ["path", "content"]


def test_a_tool_is_called(capsys, folder):
    """What it gives is printed."""
    given = ["call", "read_file", "--json", '{"path": "a.txt"}', "--workspace", str(folder)]
    assert said(capsys, *given)[:2] == (0, "     1\thello\n")


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
def test_what_does_not_go(capsys, arguments, code, words):
    """A line says why, on standard error."""
    found, out, err = said(capsys, *arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert err.count("\n") == 1


def test_the_model_can_be_called(capsys, monkeypatch):
    """Over the route that the settings say; the demonstration says that it is one."""
    monkeypatch.setenv("REINS_MODEL", "offline")
    code, out, _ = said(capsys, "call", "llm_call", "--json", '{"prompt": "hello"}')
    assert code == 0
    assert "offline" in out


def test_tools_of_ones_own(capsys, folder, monkeypatch):
    """From the modules that the setting names; one that is broken is told."""
    monkeypatch.syspath_prepend(str(folder))
    (folder / "cli_own_tools.py").write_text(
        "from reins.tools import tool\n\n\n"
        "@tool(risk='low')\ndef shout(text: str) -> str:\n"
        "    'Say it louder.'\n    return text.upper()\n"
    )
    monkeypatch.setenv("REINS_TOOLS", '["cli_own_tools"]')
    assert said(capsys, "call", "shout", "--json", '{"text": "hey"}')[:2] == (0, "HEY\n")
    assert "shout" in said(capsys, "list", "cli_own_tools")[1]
    monkeypatch.setenv("REINS_TOOLS", '["not_there_at_all"]')
    code, _, err = said(capsys, "list")
    assert code == 2
    assert "take it out of REINS_TOOLS" in err
