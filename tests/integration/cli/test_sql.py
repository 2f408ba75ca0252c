"""`reins sql` in a shell."""

import io
import json

import pytest

import queue_imp
from reins.cli.main import main


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Asks, by a folder with one action; gives the code, the output and the errors."""
    monkeypatch.setenv("REINS_DATA", str(tmp_path))
    monkeypatch.setenv("REINS_SQL", "on")
    queue_imp.agent_create("finn", "ann", "cats")

    def ask(*arguments):
        code = main(["sql", *arguments])
        return code, *capsys.readouterr()

    return ask


def test_a_result_in_each_form(asked, monkeypatch):
    """As a table that cannot move the cursor, as CSV, as JSON; the statement may come by a pipe."""
    code, out, err = asked(
        "SELECT type, actor, NULL AS n, [1] AS l, chr(27) || '[2J' AS e FROM queue"
    )
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["type", "actor", "n", "l", "e"]
    assert out.splitlines()[1].split()[:4] == ["create_agent", "ann", "-", "[1]"]
    assert "\x1b" not in out
    code, out, err = asked("SELECT * FROM range(9) t(n)", "--rows", "2", "--format", "csv")
    assert (code, out) == (0, "n\n0\n1\n")
    assert err == "there are more than these 2 rows\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 1 AS one"))
    code, out, _ = asked("-", "--format", "json")
    assert (code, json.loads(out)["rows"]) == (0, [[1]])


def test_what_is_refused(asked, monkeypatch):
    """With one line that says what to do, and a code."""
    code, out, err = asked("DROP TABLE queue")
    assert (code, out) == (1, "")
    assert err.startswith("reins: this is DROP; only SELECT is taken")
    assert asked()[0] == 2
    monkeypatch.setenv("REINS_SQL", "off")
    code, _, err = asked("SELECT 1")
    assert (code, "REINS_SQL=on" in err) == (2, True)
