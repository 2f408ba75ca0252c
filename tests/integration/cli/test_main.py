"""`reins` lists its verbs without importing them, and says in a line what is wrong."""

import subprocess
import sys

import click
import pytest

from reins.cli.main import STEER, main, reins
from reins.cli.queue import main as queue_main
from reins.version import VERSION

HEAVY = {"lancedb", "pyarrow", "pandas", "flask", "baml_py", "pydantic", "store", "queue_imp"}


def test_the_help_imports_nothing_that_takes_time():
    """The help lists every verb, and none of their modules is imported for it."""
    code = (
        "import sys; from reins.cli.main import main; main(['--help']); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    *shown, imported = done.stdout.splitlines()
    assert not HEAVY & set(imported.split())
    listed = {line.split()[0] for line in shown if line.startswith("  ") and line.split()}
    assert listed >= {*reins.verbs, "--version"}


@pytest.mark.parametrize("name", reins.verbs)
def test_a_verb_is_a_command(name):
    """Each verb is found under its name; those that do something say in their help the same."""
    command = reins.get_command(click.Context(reins), name)
    assert command.name == name
    if not isinstance(command, click.Group):
        assert command.help == reins.verbs[name].help


def test_the_version(capsys):
    """It is that of the program."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"reins, version {VERSION}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "reins: no such command 'nothing'. Try: reins --help\n"),
        (["create"], "reins: missing argument 'AGENT_IDS...'. Try: reins create --help\n"),
        (["pause", "a", "--wait", "x"], "reins: invalid value for '--wait': 'x' is not a valid"),
        (["models", "nothing"], "reins: no such command 'nothing'. Try: reins models --help\n"),
    ],
)
def test_wrong_usage(capsys, arguments, said):
    """One line with the way to the help, and exit code 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["models"], ["replay"]])
def test_no_verb(capsys, arguments):
    """The help on standard error, and exit code 2."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: reins")


@pytest.mark.parametrize("verb", ["run", "work"])
def test_the_entry_points_take_their_own_flags(capsys, verb):
    """Flags are those of the entry point, shown under the name by which it was called."""
    with pytest.raises(SystemExit) as ended:
        main([verb, "--nothing"])
    assert ended.value.code == 2
    assert f"reins {verb}: error: unrecognized arguments: --nothing" in capsys.readouterr().err


def test_hints_name_the_program(capsys, tmp_path, monkeypatch):
    """A hint can be typed as it stands: it begins with the command that gave it."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    assert main(["status"]) == 0
    assert "make one: reins create agent1" in capsys.readouterr().out
    assert queue_main(["status"]) == 0
    assert "make one: python -m queue_imp create agent1" in capsys.readouterr().out


def test_both_programs_have_the_verbs_that_steer():
    """What `python -m queue_imp` can do, `reins` can do."""
    assert STEER.items() <= reins.verbs.items()
