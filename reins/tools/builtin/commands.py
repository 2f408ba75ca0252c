"""Commands in the workspace, confined: an argument list, a piece of Python, a line of shell."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from reins.tools.context import Context
from reins.tools.outcome import ToolError
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement, NoSandboxError
from reins.tools.sandbox.running import Ran
from reins.tools.sandbox.surroundings import WorkspaceOwnerError
from reins.tools.tool import tool

_TIME_S = 60.0
_MOST_S = 600.0
_SLACK_S = 30.0
"""The command's own limit comes first: it leaves the output."""
Argument = Annotated[str, Field(max_length=1 << 16)]
Seconds = Annotated[float, Field(gt=0, le=_MOST_S, description="seconds that it may take")]
Input = Annotated[str, Field(max_length=1 << 20, description="given to it as its input")]
_ENDS = {
    "time": "ended after {took:.0f} s, its time limit",
    "output": "ended after {size:,} bytes of output",
    "memory": "ended: its processes held more than {memory:,} MiB of memory",
    "signal": "ended by {signal}",
}
_BY_LIMIT = {
    "SIGXFSZ": "a file became larger than {file:,} MiB",
    "SIGXCPU": "it used more than {cpu} s of processor time",
}


class Report(str):
    """A command's end and output as a model reads them; `ran` and `confinement` are the facts."""

    __slots__ = ("confinement", "ran")
    ran: Ran
    confinement: str

    @classmethod
    def of(cls, ran: Ran, confinement: Confinement, limits: Limits) -> "Report":
        made = cls(f"[{_ended(ran, limits)}; {confinement.kind}]\n{ran.output}")
        made.ran, made.confinement = ran, confinement.kind
        return made


def _ended(ran: Ran, limits: Limits) -> str:
    if ran.end == "exited":
        why = _BY_LIMIT.get(ran.signal, "")
        told = f"exit code {ran.code}" + (f": {ran.signal}" if ran.signal else "")
        told += f", {why}" if why else ""
    else:
        told = _ENDS[ran.end]
    return told.format(
        took=ran.took_s,
        size=ran.output_bytes,
        memory=limits.memory_bytes >> 20,
        file=limits.file_bytes >> 20,
        cpu=limits.cpu_s,
        signal=ran.signal or ran.code,
    ) + ("" if ran.end == "time" else f" after {ran.took_s:.1f} s")


@tool(risk="medium", timeout_s=_MOST_S + _SLACK_S)
async def run_command(
    context: Context,
    argv: Annotated[
        list[Argument],
        Field(min_length=1, max_length=1_000, description='as ["ls", "-l"]; no shell reads it'),
    ],
    stdin: Input = "",
    timeout_s: Seconds = _TIME_S,
) -> str:
    """Run a program in the workspace, without network. Says how it ended, and its output."""
    return await _run(context, argv, stdin, timeout_s)


@tool(risk="medium", timeout_s=_MOST_S + _SLACK_S)
async def run_python(
    context: Context,
    code: Annotated[str, Field(min_length=1, max_length=1 << 18)],
    timeout_s: Seconds = _TIME_S,
) -> str:
    """Run Python code in the workspace, without network. Says how it ended, and what it printed."""
    return await _run(context, ["python3", "-"], code, timeout_s)


@tool(risk="high", timeout_s=_MOST_S + _SLACK_S)
async def run_shell(
    context: Context,
    line: Annotated[str, Field(min_length=1, max_length=1 << 16)],
    timeout_s: Seconds = _TIME_S,
) -> str:
    """Run a line of shell in the workspace, without network. Prefer `run_command`: it asks less."""
    return await _run(context, ["sh", "-c", line], "", timeout_s)


async def _run(context: Context, argv: Sequence[str], stdin: str, timeout_s: float) -> str:
    if context.workspace is None:
        raise ToolError("there is no workspace here; give the session one in its config")
    if context.confinement is None:
        raise ToolError("commands are refused: nobody has looked how to confine them here")
    if any("\0" in each for each in argv):
        raise ToolError("an argument holds a NUL byte, which no program can be given")
    limits = Limits(time_s=timeout_s)
    given = stdin.encode("utf-8", "replace")
    words = [each.encode("utf-8", "replace").decode() for each in argv]
    try:
        ran = await context.confinement.run(words, context.workspace, limits, stdin=given)
    except (NoSandboxError, WorkspaceOwnerError) as refused:
        raise ToolError(str(refused)) from None
    except OSError as error:
        raise ToolError(f"the command cannot be run: {error.strerror or error}") from None
    return Report.of(ran, context.confinement, limits)
