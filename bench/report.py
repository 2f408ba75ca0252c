"""The table of all figures as JSON, CSV and Markdown; the same lines in each."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import machine
from bench.workload import Measured, Workload

COLUMNS = ("workload", "figure", "unit", "median", "least", "most", "rounds", "goal", "better",
           "ratio", "error")  # fmt: skip
_BUSY = (
    "**The machine was busy with other work when this began**: the figures show that it runs, "
    "and ratios within a round a little more."
)


def document(
    facts: Mapping[str, Any], measured: Mapping[str, Measured], workloads: Mapping[str, Workload]
) -> dict[str, Any]:
    """All that was measured: the machine, the table's lines, and what each round returned."""
    return {
        "machine": facts,
        "table": [
            line for name, each in measured.items() for line in each.lines(name, workloads[name])
        ],
        "runs": {name: each.rounds for name, each in measured.items()},
        "errors": {name: each.error for name, each in measured.items() if each.error},
    }


def write(folder: Path, name: str, found: Mapping[str, Any]) -> list[Path]:
    """The document as `name`.json, .csv and .md in the folder; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "json": json.dumps(found, indent=1) + "\n",
        "csv": as_csv(found["table"]),
        "md": as_markdown(found),
    }
    paths = []
    for ending, text in texts.items():
        path = folder / f"{name}.{ending}"
        path.write_text(text)
        paths.append(path)
    return paths


def as_csv(table: Iterable[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def as_markdown(found: Mapping[str, Any]) -> str:
    """The table for people, with the machine's facts in a line below."""
    lines = ["| workload | figure | unit | median | least to most | goal | of the goal |",
             "| --- | --- | --- | ---: | ---: | ---: | ---: |"]  # fmt: skip
    before = None
    for each in found["table"]:
        name = "" if each["workload"] == before else f"`{each['workload']}`"
        before = each["workload"]
        lines.append(
            f"| {name} | {each['figure']} | {each['unit']} | {_middle(each)} | {_range(each)} | "
            f"{_goal(each)} | {_ratio(each)} |"
        )
    facts = [f"{machine.in_a_line(found['machine'])}.", ""]
    if machine.was_busy(found["machine"]):
        facts = [_BUSY, "", *facts]
    return "\n".join([*lines, "", *facts])


def number(value: float | None) -> str:
    """Three digits that count; all before the point."""
    if value is None:
        return "-"
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def _middle(line: Mapping[str, Any]) -> str:
    return "failed" if line["error"] and line["median"] is None else number(line["median"])


def _range(line: Mapping[str, Any]) -> str:
    if line["rounds"] < 2 and line["least"] == line["most"]:  # nothing to compare
        return ""
    return f"{number(line['least'])} to {number(line['most'])}"


def _goal(line: Mapping[str, Any]) -> str:
    if line["goal"] is None:
        return ""
    return f"{'≤' if line['better'] == 'less' else '≥'} {number(line['goal'])}"


def _ratio(line: Mapping[str, Any]) -> str:
    return "" if line["ratio"] is None else f"{line['ratio']:.2f}"
