"""The loop of agents, asyncio's or uvloop's: signals, and commands as children, work on both."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reins import event_loop
from reins.tools import child
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
PIPE = asyncio.subprocess.PIPE


@pytest.fixture(params=["asyncio", "uvloop"])
def factory(request):
    if request.param == "asyncio":
        return asyncio.new_event_loop
    return pytest.importorskip("uvloop").new_event_loop


def on(factory, main):
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def _process(*line):
    loop = asyncio.get_running_loop()
    transport, protocol = await child.start(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(limit=1 << 16, loop=loop),
        line,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={"PATH": os.defpath},
        cwd="/",
        pass_fds=(),
    )
    return transport, asyncio.subprocess.Process(transport, protocol, loop)


def test_a_child_is_talked_to_and_waited_for(factory):
    """Input, output, errors, code; and it leads a session of its own."""

    async def main():
        transport, process = await _process("sh", "-c", "cat; echo bad >&2; ps -o sid= $$; exit 3")
        out, err = await process.communicate(b"said\n")
        said, session = out.decode().split()
        assert (said, err, process.returncode) == ("said", b"bad\n", 3)
        assert int(session) == transport.get_pid()
        transport.close()

    on(factory, main())


def test_a_child_is_killed(factory):
    async def main():
        transport, process = await _process("sleep", "1000")
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        transport.close()

    on(factory, main())


def test_the_pipes_of_a_child_are_closed_once(factory):
    """uvloop closes the numbers itself: a second time they could be another thread's files."""

    async def main():
        numbers = []
        for _ in range(3):
            transport, process = await _process("cat")
            pipes = [transport.get_pipe_transport(n).get_extra_info("pipe") for n in range(3)]
            by_loop = not isinstance(asyncio.get_running_loop(), asyncio.BaseEventLoop)
            assert [pipe.closefd for pipe in pipes] == [not by_loop] * 3
            assert await process.communicate(b"said") == (b"said", b"")
            transport.close()
            await asyncio.sleep(0.05)  # a number is closed in a later round of the loop
            numbers.append(_open_files())
        assert numbers[1] == numbers[2]

    on(factory, main())


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_program_that_is_not_there(factory):
    async def main():
        with pytest.raises(FileNotFoundError):
            await _process("/no/such/program")

    on(factory, main())


def test_no_python_runs_between_fork_and_exec(factory):
    """Hooks of libraries that run at a fork are not run for a command."""
    forked = []
    os.register_at_fork(before=lambda: forked.append(os.getpid()))

    async def main():
        transport, process = await _process("true")
        await process.wait()
        transport.close()

    on(factory, main())
    assert forked == []


def test_what_others_start_through_asyncio_forks_no_python():
    """On the loop of agents: a copy of a process with LanceDB in it may lock up, and the loop."""
    forked = []
    os.register_at_fork(before=lambda: forked.append(os.getpid()))

    async def main():
        program = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
        assert await program.communicate(b"said") == (b"said", None)
        line = await asyncio.create_subprocess_shell("echo bad >&2; exit 3", stderr=PIPE)
        assert await line.communicate() == (None, b"bad\n")
        assert (program.returncode, line.returncode) == (0, 3)

    event_loop.run(main())
    assert forked == []


def test_uvloop_is_taken_where_it_is_installed():
    uvloop = pytest.importorskip("uvloop")

    async def loop():
        return asyncio.get_running_loop()

    assert isinstance(event_loop.run(loop()), uvloop.Loop)


def test_asyncios_loop_is_taken_where_it_is_not():
    code = """
import sys
sys.modules["uvloop"] = None
import asyncio
from reins import event_loop

async def loop():
    return asyncio.get_running_loop()

assert isinstance(event_loop.run(loop()), asyncio.BaseEventLoop)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


@pytest.mark.parametrize(
    ("number", "line"),
    [(signal.SIGINT, ["-m", "agents"]), (signal.SIGTERM, ["app.py", "--port", "0"])],
)
def test_a_signal_stops_the_program(tmp_path, number, line):
    """On whichever loop it runs: as asked, with code 0, and the journal is given up."""
    process = subprocess.Popen(
        [sys.executable, *line, "--data", str(tmp_path / "data")],
        cwd=ROOT,
        env=os.environ | {"REINS_LOG_LEVEL": "info", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    with process.stdout as out:
        for text in out:
            said.append(text)
            if "worker started" in text:
                process.send_signal(number)
        until(lambda: process.poll() is not None, 60)
    assert process.returncode == 0, "".join(said)
