"""Commands as tools: how risky a call is, what a person sees of it, how its end is told."""

import pytest

from reins.tools import Context, Risk
from reins.tools.builtin.commands import Report, run_command, run_python, run_shell
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement
from reins.tools.sandbox.running import Ran

CONFINED = Context(confinement=Confinement("bubblewrap", "bubblewrap"))
OPEN = Context(confinement=Confinement("unconfined", "by a setting"))


def test_risks_by_default():
    """An argument list and Python are medium, a shell line is high; each says why."""
    for tool, arguments, risk in (
        (run_command, {"argv": ["ls"]}, Risk.medium),
        (run_python, {"code": "1"}, Risk.medium),
        (run_shell, {"line": "ls"}, Risk.high),
    ):
        found, reasons = tool.policy.risk_of(arguments, CONFINED)
        assert found is risk
        assert reasons


@pytest.mark.parametrize("tool", [run_command, run_python, run_shell])
def test_without_a_sandbox_all_is_high(tool):
    """So that each call asks, whatever a rule remembers of medium ones."""
    risk, reasons = tool.policy.risk_of({"argv": ["ls"]}, OPEN)
    assert risk is Risk.high
    assert any("not confined" in each for each in reasons)


@pytest.mark.parametrize(
    ("argv", "risk"),
    [
        (["sh", "-c", "ls; rm x"], Risk.high),
        (["/bin/bash", "-lc", "ls"], Risk.high),
        (["env", "A=1", "zsh", "-c", "ls"], Risk.high),
        (["bash", "script.sh"], Risk.medium),
        (["grep", "-c", "x"], Risk.medium),
        (["python3", "-c", "print(1)"], Risk.high),
        (["python3", "-m", "pytest"], Risk.medium),
    ],
)
def test_a_shell_line_is_one_by_any_tool(argv, risk):
    """An argument list in which a shell reads a line counts as such a line."""
    assert run_command.policy.risk_of({"argv": argv}, CONFINED)[0] is risk


def test_a_shell_that_reads_its_input_is_one_too():
    """Its argument list is one word, and its line comes with the call."""
    given = {"argv": ["sh"], "stdin": "id -u; rm -rf *"}
    assert run_command.policy.risk_of(given, CONFINED)[0] is Risk.high
    assert run_command.policy.risk_of(given | {"argv": ["cat"]}, CONFINED)[0] is Risk.medium


def test_a_person_sees_what_would_run():
    """The argument list, the code, and the confinement."""
    argv = run_command.preview({"argv": ["ls", "a b"], "timeout_s": 5}, CONFINED)
    assert argv["kind"] == "argv"
    assert argv["argv"] == ["ls", "a b"]
    assert argv["confinement"] == "bubblewrap"
    code = run_python.preview({"code": "print(1)"}, CONFINED)
    assert (code["kind"], code["text"]) == ("text", "print(1)")
    assert run_shell.preview({"line": "a | b"}, CONFINED)["argv"] == ["sh", "-c", "a | b"]


def test_an_approval_holds_for_its_confinement_alone():
    """Agreed to in a sandbox is not agreed to without one."""
    same = run_command.touches({"argv": ["ls"]}, CONFINED)
    assert same == run_command.touches({"argv": ["ls"]}, CONFINED)
    assert same != run_command.touches({"argv": ["ls"]}, OPEN)
    assert same != run_command.touches({"argv": ["ls", "-l"]}, CONFINED)


@pytest.mark.parametrize(
    ("ran", "told"),
    [
        (Ran("exited", 0, 0.21, "hi\n", 3), "[exit code 0 after 0.2 s; bubblewrap]\nhi\n"),
        (Ran("exited", 2, 1.0, "", 0), "[exit code 2 after 1.0 s; bubblewrap]\n"),
        (Ran("exited", 139, 1, "", 0), "[exit code 139: SIGSEGV after 1.0 s; bubblewrap]\n"),
        (
            Ran("exited", 153, 1, "", 0),
            "[exit code 153: SIGXFSZ, a file became larger than 256 MiB after 1.0 s; bubblewrap]\n",
        ),
        (Ran("time", 9, 60.1, "x", 1), "[ended after 60 s, its time limit; bubblewrap]\nx"),
        (
            Ran("output", 9, 2, "x", 40_000_000),
            "[ended: it gave 40,000,000 bytes of output after 2.0 s; bubblewrap]\nx",
        ),
        (
            Ran("memory", 9, 2, "", 0),
            "[ended: its processes held more than 2,048 MiB of memory after 2.0 s; bubblewrap]\n",
        ),
        (
            Ran("processes", 9, 2, "", 0),
            "[ended: it had more than 128 processes after 2.0 s; bubblewrap]\n",
        ),
        (Ran("signal", 11, 2, "", 0), "[ended by SIGSEGV after 2.0 s; bubblewrap]\n"),
    ],
    ids=lambda each: each.end if isinstance(each, Ran) else "",
)
def test_its_end_in_words(ran, told):
    """How it ended, after how long, in which confinement; then the output."""
    report = Report.of(ran, CONFINED.confinement, Limits())
    assert report == told
    assert (report.ran, report.confinement) == (ran, "bubblewrap")
    assert report.exit == (ran.code if ran.end == "exited" else None)
