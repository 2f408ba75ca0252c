"""Figures in the documents: set in between marks by `--write`, so that nobody types one."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import plot, report

HERE = Path(__file__).parent
FIGURES = HERE / "figures"
README = HERE / "README.md"
PLOT = FIGURES / "ticks.svg"
KEPT = ("bench", "peers")
"""Runs whose figures are kept: `make bench` and `make bench-peers`."""


def keep(name: str, found: Mapping[str, Any]) -> None:
    """Keep a run's figures in the tree, and set all that are kept into the documents."""
    FIGURES.mkdir(exist_ok=True)
    (FIGURES / f"{name}.json").write_text(json.dumps(_without_runs(found), indent=1) + "\n")
    write()


def write() -> None:
    """Set the kept figures into bench/README.md and the plot."""
    text = README.read_text()
    for name in KEPT:
        if (found := kept(name)) is not None:
            text = with_block(text, name, report.as_markdown(found))
    README.write_text(text)
    if (found := kept("peers")) is not None:
        PLOT.write_text(plot.svg(found))


def kept(name: str) -> dict[str, Any] | None:
    """The document of the last run that was kept."""
    path = FIGURES / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def with_block(text: str, name: str, block: str) -> str:
    """The text with all between the marks of `name` replaced. Raises: ValueError without marks."""
    begins, ends = f"<!-- figures: {name} -->", f"<!-- end of figures: {name} -->"
    made, count = re.subn(
        f"{re.escape(begins)}.*?{re.escape(ends)}",
        lambda _: f"{begins}\n\n{block.strip()}\n\n{ends}", text, flags=re.DOTALL,
    )  # fmt: skip
    if count != 1:
        raise ValueError(f"found {count} blocks between {begins} and {ends}; expected 1")
    return made


def _without_runs(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the rounds returned, which is long, the contenders' names alone are kept."""
    names = {
        key: {"name": each["name"], "durability": each["durability"]}
        for rounds in found["runs"].values()
        for each_round in rounds[:1]
        for key, each in each_round.items()
        if isinstance(each, dict) and "durability" in each
    }
    return {**{key: found[key] for key in ("machine", "table", "errors")}, "contenders": names}
