"""Commands in the workspace, confined: an argument list, a piece of Python, a line of shell."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from reins.tools.context import NO_WORKSPACE, Context
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.policy import Risk
from reins.tools.programs import SHELL, holds_a_command
from reins.tools.sandbox.command import Limits
from reins.tools.sandbox.confinement import Confinement, NoSandboxError
from reins.tools.sandbox.probing import here
from reins.tools.sandbox.running import Ran
from reins.tools.sandbox.surroundings import WorkspaceOwnerError

_TIME_S = 60.0
_MOST_S = 600.0
_SLACK_S = 30.0
"""Added to the tool's limit: the command's own comes first, which leaves the output."""
Argument = Annotated[str, Field(max_length=1 << 16)]
Seconds = Annotated[float, Field(gt=0, le=_MOST_S, description="seconds that it may take")]
Input = Annotated[str, Field(max_length=1 << 20, description="given to it as its input")]
_ENDS = {
    "time": "ended after {took:.0f} s, its time limit",
    "output": "ended: it gave {size:,} bytes of output",
    "memory": "ended: its processes held more than {memory:,} MiB of memory",
    "processes": "ended: it had more than {processes} processes",
    "signal": "ended by {signal}",
}
_BY_LIMIT = {
    "SIGXFSZ": "a file became larger than {file:,} MiB",
    "SIGXCPU": "it used more than {cpu} s of processor time",
}


class Report(str):
    """A command's end and output as a model reads them, with the facts beside it.

    `exit` is its code, None where it did not end by itself.
    """

    __slots__ = ("confinement", "exit", "ran")
    ran: Ran
    exit: int | None
    confinement: str

    @classmethod
    def of(cls, ran: Ran, confinement: Confinement, limits: Limits) -> "Report":
        made = cls(f"[{_ended(ran, limits)}; {confinement.kind}]\n{ran.output}")
        made.ran, made.confinement = ran, confinement.kind
        made.exit = ran.code if ran.end == "exited" else None
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
        processes=limits.processes,
        file=limits.file_bytes >> 20,
        cpu=limits.cpu_s,
        signal=ran.signal or ran.code,
    ) + ("" if ran.end == "time" else f" after {ran.took_s:.1f} s")


def _riskier(arguments: Mapping[str, Any], context: Context) -> Iterator[tuple[Risk, str]]:
    if context.confinement is not None and context.confinement.kind == "unconfined":
        yield Risk.high, "commands are not confined here: it can do whatever Reins can"
    if why := holds_a_command(arguments.get("argv", ()), arguments.get("stdin", "")):
        yield Risk.high, why


def _touches(_arguments: Mapping[str, Any], context: Context) -> str:
    """Agreed to in a sandbox is not agreed to without."""
    return "none" if context.confinement is None else context.confinement.kind


def _preview(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    told = {"confinement": _touches(arguments, context), "timeout_s": arguments.get("timeout_s")}
    if "argv" in arguments:
        stdin = arguments.get("stdin", "")
        return {"kind": "argv", "argv": list(arguments["argv"]), "stdin": stdin, **told}
    if "line" in arguments:
        return {"kind": "argv", "argv": ["sh", "-c", arguments["line"]], **told}
    return {"kind": "text", "text": arguments.get("code", ""), "language": "python", **told}


@tool(
    risk="medium",
    why="it runs a program in the workspace",
    timeout_s=_MOST_S + _SLACK_S,
    killable=True,
    riskier=_riskier,
    touches=_touches,
    preview=_preview,
)
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


@tool(
    risk="medium",
    why="it runs code in the workspace",
    timeout_s=_MOST_S + _SLACK_S,
    killable=True,
    riskier=_riskier,
    touches=_touches,
    preview=_preview,
)
async def run_python(
    context: Context,
    code: Annotated[str, Field(min_length=1, max_length=1 << 18)],
    timeout_s: Seconds = _TIME_S,
) -> str:
    """Run Python code in the workspace, without network. Says how it ended, and what it printed."""
    return await _run(context, ["python3", "-"], code, timeout_s)


@tool(
    risk="high",
    why=SHELL,
    timeout_s=_MOST_S + _SLACK_S,
    killable=True,
    riskier=_riskier,
    touches=_touches,
    preview=_preview,
)
async def run_shell(
    context: Context,
    line: Annotated[str, Field(min_length=1, max_length=1 << 16)],
    timeout_s: Seconds = _TIME_S,
) -> str:
    """Run a line of shell in the workspace, without network. Prefer `run_command`: it asks less."""
    return await _run(context, ["sh", "-c", line], "", timeout_s)


async def _run(context: Context, argv: Sequence[str], stdin: str, timeout_s: float) -> str:
    if context.workspace is None:
        raise ToolError(NO_WORKSPACE)
    if any("\0" in each for each in argv):
        raise ToolError("an argument holds a NUL byte, which no program can be given")
    limits = Limits(time_s=timeout_s)
    confinement = context.confinement or await here()
    try:
        ran = await confinement.run(argv, context.workspace, limits, stdin=stdin.encode())
    except (NoSandboxError, WorkspaceOwnerError) as refused:
        raise ToolError(str(refused)) from None
    except OSError as error:
        raise ToolError(f"the command cannot be run: {error.strerror or error}") from None
    return Report.of(ran, confinement, limits)
