"""A task as its thinking sees it: a state, steps made by hand, and a few tools."""

from dataclasses import dataclass, field

from agents_impl.task.history import History, Seen
from agents_impl.task.window import Condensed
from reins.tools.declaring import tool
from reins.tools.tool import Tool


@dataclass
class Words:
    text: str
    seq: int = 0


@dataclass
class State:
    goal: str = "fix it"
    files_changed: list = field(default_factory=list)
    facts: list = field(default_factory=list)
    rejections: list = field(default_factory=list)
    guidance: list = field(default_factory=list)
    summary: Condensed = field(default_factory=Condensed)
    fits_tokens: int | None = None
    bytes_per_token: dict = field(default_factory=dict)


@tool(risk="low")
def read_file(path: str) -> None:
    """Read a file.

    A second paragraph is not told.
    """


@tool(risk="low", brings_in=True)
def http_get(url: str) -> None:
    """Fetch a page."""


@tool
def finish(status: str, summary: str) -> None:
    """End the work."""


TOOLS: dict[str, Tool] = {each.name: each for each in (read_file, http_get, finish)}


def payload(tool="read_file", text="it", *, ok=True, thought="", key="k", **arguments):
    call = {"tool": tool, "arguments": arguments, "key": key}
    outcome = {"ok": ok, "kind": None if ok else "failed", "text": text}
    return {"call": call, "outcome": outcome} | ({"thought": thought} if thought else {})


def steps(count, size=1_000, first=1, **given) -> History:
    """A history of so many steps, whose results have so many bytes."""
    history = History()
    for seq in range(first, first + count):
        text = f"result {seq} " + "x" * size
        history.add(Seen.of(seq, payload(text=text, path=f"f{seq}.py", **given)))
    return history
