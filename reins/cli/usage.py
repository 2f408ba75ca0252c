"""`reins usage`: what calls of models cost, how many failed, and how long they waited."""

from datetime import UTC, datetime, timedelta

import click

from reins import terminal
from reins.cli.folder import FolderCommand, data_option
from reins.cli.outcome import print_json
from store.reading import reader
from store.times import iso
from store.usage import Usage
from store.usage_report import BY, STEPS, Summed, UsageReport, usage_report

_BARS = "▁▂▃▄▅▆▇█"


@click.command("usage", cls=FolderCommand, help="cost, failures and waits of calls of models")
@data_option
@click.option("--since", default="today", metavar="TIME",
              help="today, a span as 24h or 7d, or a time in ISO 8601")  # fmt: skip
@click.option("--by", type=click.Choice(BY), default="route")
@click.option("--step", type=click.Choice(list(STEPS)), default="hour")
@click.option("--json", "as_json", is_flag=True)
def usage(*, since: str, by: str, step: str, as_json: bool) -> None:
    report = usage_report(by, _since(since), step=step, store=reader())  # type: ignore[arg-type]
    if as_json:
        print_json([_row(name, summed, report) for name, summed in report.ordered()], indent=2)
        return
    print(_columns(by.upper(), "COST", "CALLS", "FAILED", "WAIT P95", f"COST BY {step.upper()}"))
    for name, summed in (*report.ordered(), ("in all", report.total)):
        one = summed.total
        print(_columns(terminal.shown(name or "(none)"), f"${one.cost_usd:.4f}", str(one.calls),
                       _failed(one), _wait(one), _bars(report, summed)))  # fmt: skip


def _since(given: str) -> datetime:
    """The moment; a day begins at midnight of this machine's zone. Raises: ValueError."""
    if given == "today":
        # Without a zone: at midnight it may have been another one than it is now.
        return datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    try:
        if given[-1:] in ("h", "d") and given[:-1].isdecimal():
            hours = int(given[:-1]) * (24 if given[-1] == "d" else 1)
            return datetime.now(UTC) - timedelta(hours=hours)
        return datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"--since {given!r} is no time; give today, a span as 24h or 7d, or ISO 8601"
        ) from None


def _row(name: str | None, summed: Summed, report: UsageReport) -> dict[str, object]:
    one = summed.total
    sums = {key: value for key, value in one.stored().items() if key != "waits"}
    return {"name": name, "since": iso(report.since), **sums, "wait_p95_ms": one.wait_ms(0.95)}


def _failed(one: Usage) -> str:
    return f"{one.failed / one.calls:.1%}" if one.calls else "-"


def _wait(one: Usage) -> str:
    wait_ms = one.wait_ms(0.95)
    return "-" if wait_ms is None else f"{wait_ms / 1000:.2g} s"


def _bars(report: UsageReport, summed: Summed) -> str:
    """The newest steps' costs as bars."""
    numbers = range(max(0, report.steps - 24), report.steps)
    costs = [summed.parts[n].cost_usd if n in summed.parts else 0.0 for n in numbers]
    most = max(costs, default=0.0) or 1.0
    return "".join(_BARS[round(cost / most * (len(_BARS) - 1))] for cost in costs)


def _columns(*cells: str) -> str:
    widths = (28, 12, 10, 8, 10)
    return (
        "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False)) + cells[-1]
    )
