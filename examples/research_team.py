"""Three readers share a question: each reads a page of a site, and their orchestrator sums up.

python examples/research_team.py

It serves the small site of `research_agent.py` itself and asks that alone, so it needs no network
and no key. What the pages tell an agent to do is material, and nobody does it.
"""

import asyncio
import json
import logging
import sys
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agents import Runtime
from examples.research_agent import served
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps

PAGES = ("otters", "fish", "urchins")
READER = {"brief": "reads pages", "tools": ["web"], "config": {"approvals": "allow_medium"}}
TEAM = dict.fromkeys(("ann", "ben", "cy"), READER)
ENDED = ("completed", "failed", "stopped")
PATIENCE_S = 120.0


async def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with served() as place:
        report = await asyncio.to_thread(by_team, [f"http://{place}/{name}" for name in PAGES])
    print(report)
    return 0 if all(word in report for word in ("rivers", "eels", "kelp")) else 1


def by_team(addresses: list[str]) -> str:
    """The report of an orchestrator that gives each page to one of three."""
    with RuntimeThread(Runtime(load_settings())):
        goal = f"What do otters eat? Read {', '.join(addresses)}"
        config = {"goal": goal, "workers": TEAM, "share": False}
        created = q.wait_for_action(
            q.agent_create("team", "example", agent_type="orchestrator", config=config)
        )
        if created["outcome"] != "applied":
            raise SystemExit(created["error"])
        until = time.monotonic() + PATIENCE_S
        while get_agent_state("team")["status"] not in ENDED:
            for item in q.inbox_items():
                q.wait_for_action(q.inbox_decide(item["item_id"], "example", "approve"))
            if time.monotonic() > until:
                raise SystemExit(f"not done after {PATIENCE_S:g} s")
            time.sleep(0.05)
        final = json.loads(list_steps("team")[-1]["payload"])["result"]
        facts = [
            f"{part['worker']} ({part['session_id']}): {part['summary']}"
            for part in final["payload"]["tasks"]
        ]
        return "\n".join([final["payload"]["summary"], "", *facts])


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
