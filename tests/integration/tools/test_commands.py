"""Commands as tools, in the confinement that is in force here."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from reins.tools import Calls, Context, Registry
from reins.tools.builtin.commands import run_command, run_python, run_shell
from reins.tools.sandbox import bubblewrap, launcher, probing, seatbelt, seccomp
from reins.tools.sandbox import running as sandbox_running
from reins.tools.sandbox.confinement import Confinement
from reins.tools.sandbox.probing import here, probe
from reins.tools.sandbox.surroundings import owner
from reins.tools.sandbox.tree import below
from tests.integration.tools.test_bounds import long, running
from tests.support.waiting import until_async

ANY = 64_123


@pytest.fixture
def workspace(tmp_path):
    made = tmp_path / "workspace"
    made.mkdir()
    if (user := owner()) is not None:
        os.chown(made, user, user)
    return made


@pytest.fixture
async def context(workspace):
    confinement = await probe()
    if confinement.kind == "none":
        pytest.skip(f"nothing confines commands here: {confinement.detail}")
    return Context(workspace=workspace, confinement=confinement)


def body(outcome):
    assert outcome.ok, outcome.error
    return outcome.text().split("\n", 1)[1]


async def test_an_argument_list(context):
    """No shell reads it: each argument arrives as it is."""
    odd = ["$HOME; echo no", "a b", "*", "é\n"]
    outcome = await Calls().call(run_command, {"argv": ["printf", "<%s>", *odd]}, context)
    assert body(outcome) == "".join(f"<{each}>" for each in odd)
    assert outcome.text().startswith("[exit code 0 after ")
    assert context.confinement.kind in outcome.text().splitlines()[0]
    assert outcome.value.ran.code == 0


async def test_a_failure_is_a_result(context):
    """A code that is not 0 is told with the output, and is no failure of the tool."""
    outcome = await Calls().call(run_shell, {"line": "echo out; echo err >&2; exit 3"}, context)
    assert body(outcome) == "out\nerr\n"
    assert outcome.value.ran.code == 3


async def test_python(context):
    """Code of many lines; what it raises is in the output."""
    code = "import os\nfor n in range(3):\n    print(n, os.getcwd())\nraise ValueError('no')"
    outcome = await Calls().call(run_python, {"code": code}, context)
    assert body(outcome).count(context.confinement.home(context.workspace)) == 3
    assert "ValueError: no" in outcome.text()
    assert outcome.value.ran.code == 1


async def test_its_own_packages(context):
    """Python in a sandbox has what Reins has been installed with, where it can be reached."""
    if context.confinement.kind != "bubblewrap":
        pytest.skip("without namespaces the user may not get there")
    outcome = await Calls().call(run_python, {"code": "import pydantic"}, context)
    assert outcome.value.ran.code == 0, outcome.text()


async def test_input(context):
    """It is given as it is."""
    outcome = await Calls().call(run_command, {"argv": ["cat"], "stdin": "né\n"}, context)
    assert body(outcome) == "né\n"


async def test_its_time_limit(context):
    """It is told with the output so far."""
    line = {"line": "echo begun; sleep 100", "timeout_s": 0.4}
    outcome = await Calls().call(run_shell, line, context)
    assert outcome.ok
    assert body(outcome) == "begun\n"
    assert "its time limit" in outcome.text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"argv": []}, "argv"),
        ({"argv": "ls -l"}, "argv"),
        ({"argv": ["ls"], "timeout_s": 0}, "timeout_s"),
        ({"argv": ["ls"], "timeout_s": 10_000}, "timeout_s"),
        ({"argv": ["a\0b"]}, "NUL"),
        ({"argv": ["a\ud800"]}, "surrogate"),
    ],
)
async def test_arguments_that_are_none(context, arguments, told):
    """They are refused with what was given; nothing is run."""
    outcome = await Calls().call(run_command, arguments, context)
    assert not outcome.ok
    assert told in outcome.error


async def test_a_workspace_that_is_gone(context):
    """It is an error that says so."""
    context.workspace.rmdir()
    outcome = await Calls().call(run_command, {"argv": ["true"]}, context)
    assert outcome.kind == "failed"
    assert "No such file" in outcome.error


async def test_without_a_workspace():
    """A command has to run somewhere."""
    outcome = await Calls().call(run_command, {"argv": ["true"]}, Context())
    assert "workspace" in outcome.error


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_a_workspace_of_another(context):
    """As root, one that is not the commands' user's is refused, with what to do."""
    os.chown(context.workspace, ANY, ANY)
    outcome = await Calls().call(run_command, {"argv": ["true"]}, context)
    assert f"chown -R {owner()}" in outcome.error


async def test_a_cancelled_call(context):
    """The command is killed, with all that it has started."""
    name = long()
    line = {"line": f"setsid sleep {name} & touch started; sleep {name}"}
    call = asyncio.create_task(Calls().call(run_shell, line, context))
    started = context.workspace / "started"
    await until_async(started.exists, "it runs")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until_async(lambda: not running(name), "all are gone")


async def test_a_call_that_is_cancelled_at_any_moment(context):
    """Also while its sandbox is half made: nothing is left of it."""
    name, others = long(), set(below(os.getpid()))
    line = {"line": f"setsid sleep {name} & sleep {name}"}
    for moment in range(12):
        call = asyncio.create_task(Calls().call(run_shell, line, context))
        await asyncio.sleep(moment * 0.004)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        left = set(below(os.getpid())) - others
        assert left == set(), [*map(_told, left)]
    await until_async(lambda: not running(name), "all are gone")


def _told(pid):
    """The process, for whoever reads that it is still there."""
    try:
        return Path(f"/proc/{pid}/status").read_text(), Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return f"{pid} is gone by now"


async def test_a_sandbox_that_takes_long_to_end_is_waited_for(context, monkeypatch):
    """On a busy machine it has to be ended by force, after a while: gone when the call returns."""
    kill, others, name = sandbox_running._kill, set(below(os.getpid())), long()

    async def late(*given):
        await asyncio.sleep(sandbox_running._ENDS_S + 0.3)
        await kill(*given)

    monkeypatch.setattr(sandbox_running, "_kill", late)
    call = asyncio.create_task(Calls().call(run_command, {"argv": ["sleep", name]}, context))
    await until_async(lambda: running(name), "it runs")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert set(below(os.getpid())) == others


async def test_many_at_once(context):
    """Eight commands at once, each with its own output."""
    calls = Calls()
    outcomes = await asyncio.gather(
        *(calls.call(run_command, {"argv": ["echo", str(n)]}, context) for n in range(8))
    )
    assert [body(each).strip() for each in outcomes] == [str(n) for n in range(8)]


async def test_a_script_hands_no_confinement_down(context):
    """It is found once, and kept."""
    text = await run_command.acall(context=Context(workspace=context.workspace), argv=["pwd"])
    assert context.confinement.home(context.workspace) in text
    assert await here() is await here()


def test_they_are_a_set():
    """Chosen as `commands`."""
    chosen = Registry.load().select(["commands"])
    assert set(chosen) == {"run_command", "run_python", "run_shell"}


# Which confinement there is.


async def test_bubblewrap_goes_first():
    """Where it works; the detail names the program."""
    made = probing.by_bubblewrap()
    if isinstance(made, str) or await probing.fails(made):
        pytest.skip("bubblewrap does not work here")
    found = await probe(unconfined=True)
    assert (found.kind, found.confined) == ("bubblewrap", True)
    assert found.told()["detail"] == f"bubblewrap ({found.program})"


@pytest.mark.skipif(not launcher.version(), reason="the kernel has no Landlock")
async def test_landlock_is_the_second(monkeypatch):
    """Its detail says why it is not the first."""
    monkeypatch.setattr(bubblewrap, "found", lambda: "/bin/false")
    found = await probe()
    assert found.kind == "landlock"
    assert "/bin/false) does not work here" in found.detail


@pytest.fixture
def nothing_confines(monkeypatch):
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    monkeypatch.setattr(launcher, "version", lambda: 0)
    monkeypatch.setattr(seatbelt, "found", lambda: None)


@pytest.mark.skipif(not launcher.version(), reason="the kernel has no Landlock")
async def test_an_older_landlock_keeps_no_signals_in(workspace):
    """There a command sends none at all: they could reach any process of its user."""
    own_filter = seccomp.program(namespaces=False, signals=False)
    made = Confinement("landlock", "an older one", filter=own_filter)
    workspace.parent.chmod(0o755)
    ran = await made.run(["sh", "-c", f"kill -0 $$ || echo refused; kill {os.getpid()}"], workspace)
    assert "refused\n" in ran.output
    assert ran.code == 1


@pytest.mark.usefixtures("nothing_confines")
async def test_where_nothing_confines_commands_are_refused(workspace):
    """With the reason, and both ways out."""
    found = await probe()
    assert (found.kind, found.confined) == ("none", False)
    context = Context(workspace=workspace, confinement=found)
    outcome = await Calls().call(run_command, {"argv": ["touch", "made"]}, context)
    assert outcome.kind == "failed"
    for part in ("no bubblewrap", "no Landlock", "`sandbox`", "REINS_TOOLS_UNCONFINED"):
        assert part in outcome.error
    assert list(workspace.iterdir()) == []


@pytest.mark.usefixtures("nothing_confines")
async def test_unconfined_where_a_setting_allows_it(workspace):
    """It runs, says that nothing confines it, and still ends what it leaves behind."""
    name = long()
    found = await probe(unconfined=True)
    assert (found.kind, found.confined) == ("unconfined", False)
    context = Context(workspace=workspace, confinement=found)
    line = {"line": f"setsid sleep {name} & echo done"}
    outcome = await Calls().call(run_shell, line, context)
    assert outcome.text().endswith("; unconfined]\ndone\n")
    await until_async(lambda: not running(name), "nothing is left")


async def test_a_machine_whose_calls_are_not_known(monkeypatch):
    """No filter is made for it, so nothing is confined there."""
    monkeypatch.setattr(probing.platform, "machine", lambda: "riscv64")
    found = await probe()
    assert found.kind == "none"
    assert "riscv64" in found.detail


@pytest.mark.skipif(sys.platform == "darwin", reason="it would be found")
def test_the_profile_of_macos():
    """Nobody has tried it: it refuses all that is not named, and quotes what is."""
    text = seatbelt.profile([Path("/opt/py")], [Path('/tmp/a "b"')])
    assert text.splitlines()[1] == "(deny default)"
    assert '(subpath "/tmp/a \\"b\\"")' in text
    assert "network" not in text
    assert seatbelt.found() is None
    assert Confinement("seatbelt", "").confined
