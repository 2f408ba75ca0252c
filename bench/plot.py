"""The plot of a contest as an SVG: readable on a light and on a dark page, made by hand."""

from collections.abc import Mapping
from html import escape
from typing import Any

from bench.contest import FLOORS, OWN, PEERS

_SESSIONS = (1, 100, 1_000)
_ORDER = (OWN, *PEERS, *FLOORS)
_LABELS = {
    "reins": "Reins", "sqlite": "floor: asyncio + SQLite", "log": "floor: log file",
    "langgraph": "LangGraph", "dbos": "DBOS", "burr": "Burr", "autogen": "AutoGen (not durable)",
}  # fmt: skip
_WIDTH, _BAR, _GAP, _LEFT, _TOP = 880, 15, 3, 165, 34
_PANEL = 230
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; } .own { fill: #1a7f5a; } .peer { fill: #8b95a1; }
.floor { fill: none; stroke: #8b95a1; stroke-width: 1.2; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .own { fill: #3fb98a; } }
"""


def svg(found: Mapping[str, Any]) -> str:
    """Durable ticks a second at 1, 100 and 1,000 sessions, a panel each; linear, from 0."""
    values = {
        (line["workload"], line["figure"].split("`")[1]): line["median"]
        for line in found["table"]
        if line["figure"].endswith(": durable ticks") and line["median"] is not None
    }
    names = [name for name in _ORDER if any(key[1] == name for key in values)]
    height = _TOP + len(names) * (_BAR + _GAP) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(_title(values))}</title>", f"<style>{_STYLE}</style>",
    ]  # fmt: skip
    for row, name in enumerate(names):
        parts.append(_text(_LEFT - 8, _y(row) + 12, _LABELS[name], anchor="end"))
    for panel, sessions in enumerate(_SESSIONS):
        of_panel = {name: values.get((f"ticks_{sessions}", name)) for name in names}
        parts += _panel(_LEFT + panel * (_PANEL + 8), sessions, of_panel)
    return "\n".join([*parts, "</svg>", ""])


def _panel(left: int, sessions: int, values: Mapping[str, float | None]) -> list[str]:
    most = max((value for value in values.values() if value), default=1.0)
    unit = "session" if sessions == 1 else "sessions"
    parts = [_text(left, 20, f"ticks a second, {sessions:,} {unit}", kind="head")]
    for row, value in enumerate(values.values()):
        name = list(values)[row]
        kind = "own" if name == OWN else "floor" if name in FLOORS else "peer"
        if value is None:
            continue
        width = max(1.0, value / most * (_PANEL - 62))
        parts.append(
            f'<rect class="{kind}" x="{left}" y="{_y(row)}" width="{width:.1f}" height="{_BAR}"/>'
        )
        parts.append(_text(left + width + 5, _y(row) + 12, f"{value:,.0f}"))
    return parts


def _title(values: Mapping[tuple[str, str], float]) -> str:
    own = ", ".join(
        f"{values[f'ticks_{n}', OWN]:,.0f} at {n:,}" for n in _SESSIONS
        if (f"ticks_{n}", OWN) in values
    )  # fmt: skip
    return f"Durable ticks a second by number of sessions. Reins: {own}"


def _y(row: int) -> int:
    return _TOP + row * (_BAR + _GAP)


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.0f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
