"""A watchdog that is woken by a folder and an address, and asks a person when they disagree.

python examples/reactive_watchdog.py
python examples/reactive_watchdog.py --answer "no, the checkout is down"

It needs no network and no key: the site that it watches is a small server that this starts. The
watchdog holds one belief, that the shop is well. The site's answers and the reports that people put
into a folder are evidence for it or against it. While much speaks for both, the belief is
contested: then it asks, once, and takes the person's word as evidence, too.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self, TypeVar

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import queue_imp as q
from agent_core.agent.results import Quiet, StepResult
from agent_core.inbox.inbox import Inbox
from agent_core.inbox.item import Item, call_hash
from agent_core.session.decisions import Decision, DecisionRejectedError
from agents import Runtime
from agents_impl.minding import held_by, keep
from reins.bus.reactive import ReactiveAgentBase
from reins.bus.subscribing import Delivery, ReactiveConfig, ReactiveState
from reins.mind import Beliefs, Lineage, act_of
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.agent_state import get_agent_state
from store.agent_steps import list_steps
from store.times import now_us

T = TypeVar("T")
CLAIM = "the shop is well"
SESSION = "watchdog"
PATIENCE_S = 30.0
OK = 200
SITE_NATS, REPORT_NATS, PERSON_NATS = 2.0, 1.5, 4.0
"""How much each of them weighs: 2 is right seven times of eight."""


class WatchdogConfig(ReactiveConfig):
    batch: int = 1  # a row of the log for each piece of evidence


class WatchdogState(ReactiveState):
    mind: dict[str, Any] = {}  # noqa: RUF012 - a field of Pydantic
    asked: str | None = None
    answer: str | None = None
    was_contested: bool = False


class WatchdogAgent(ReactiveAgentBase):
    """What wakes it becomes evidence; what is contested becomes a question."""

    agent_type = "watchdog"
    Config = WatchdogConfig
    State = WatchdogState

    async def receive(self, message: Delivery) -> StepResult | None:
        match message.message:
            case {"url": url, "status": status}:
                return self._weigh(
                    f"{url} answered {status}", well=status == OK, nats=SITE_NATS,
                    source="the site", message=message,
                )  # fmt: skip
            case {"path": path, "change": "created" | "changed"}:
                said = (await asyncio.to_thread(Path(path).read_text))[:200].strip()
                told = f"{Path(path).name}: {said}"
                return self._weigh(
                    told, well=said.lower().startswith("ok"), nats=REPORT_NATS, source="reports",
                    message=message,
                )  # fmt: skip
        return None

    async def tick(self) -> StepResult | Quiet:
        """A person's answer comes first."""
        return await super().tick() if self.state.answer is None else self._heard()

    def _weigh(
        self, text: str, *, well: bool, nats: float, source: str, message: Delivery | None = None
    ) -> StepResult:
        """Take a piece of evidence in, and ask where the belief has become contested."""
        session, state = self.session, self.state
        held, at = held_by(session, state), session.clock()
        lineage = Lineage(message_id=message.message_id) if message else Lineage(actor=source)
        args = {"claim": CLAIM, "text": text, "strength": nats, "source": source}
        line, _ = held.believe(act_of("believe" if well else "doubt", args, lineage), at)
        effects: list[Any] = [keep(session, state, held, at)]
        contested = held.beliefs.belief(CLAIM, at).contested
        if contested and not state.was_contested and state.asked is None:
            item = self._question(text)
            state.asked = item.item_id
            effects.append(self.services.get(Inbox).asking(item))
        state.was_contested = contested
        return StepResult(f"{text} ({line})", effects=effects)

    def _question(self, text: str) -> Item:
        args = {"question": f"The site and the reports disagree: {text}. Is the shop well?"}
        return Item(
            kind="question",
            session_id=self.session.session_id,
            agent_id=self.session.agent_id,
            agent_type=self.agent_type,
            tool="ask_person",
            args=args,
            call_hash=call_hash("ask_person", args),
        )

    async def decided(self, decision: Decision) -> str:
        if decision.item_id != self.state.asked:
            raise DecisionRejectedError(f"{decision.item_id} is not what is waited for")
        self.state.answer = decision.text or decision.reason or ""
        return f"a person says: {self.state.answer}"

    def _heard(self) -> StepResult:
        state, item_id = self.state, self.state.asked
        answer, state.answer, state.asked = state.answer, None, None
        well = answer.lower().startswith("yes")
        result = self._weigh(answer, well=well, nats=PERSON_NATS, source="a person")
        settled = self.services.get(Inbox).settled(item_id, "ran", self.session.seq + 1)
        result.effects.append(settled)
        return result


class Site:
    """The site that is watched: it answers with the status that it is given."""

    def __init__(self) -> None:
        self.status = 200
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(site.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the example prints what matters."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(description="Watch a folder and a site; ask when in doubt.")
    parser.add_argument("--answer", default="no, a customer called", help="the person's answer")
    given = parser.parse_args()
    logging.disable(logging.INFO)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "reports").mkdir()
        site = stack.enter_context(Site())
        os.environ |= {
            "REINS_DATA": str(folder / "data"),
            "REINS_AGENT_MODULES": '["examples.reactive_watchdog"]',
            "REINS_WATCH_ROOTS": json.dumps([str(folder)]),
            "REINS_HTTP_INNER_HOSTS": json.dumps([site.place]),
        }
        runtime = RuntimeThread(Runtime(load_settings()))
        runtime.start()
        stack.callback(runtime.stop)
        watch(folder / "reports", site, given.answer)
    return 0


def watch(reports: Path, site: Site, answer: str) -> None:
    """The site is well, a report says otherwise, and a person is asked."""
    on = [f"url:http://{site.place}/ every 1s", f"file:{reports}/*.txt"]
    # With since "all" it hears of the site as it is, and not only of changes.
    created = q.agent_create(
        SESSION, "ann", agent_type="watchdog", config={"on": on, "since": "all"}
    )
    assert q.wait_for_action(created)["outcome"] == "applied"
    until(lambda: believed() > 0.8, "it believes the site")  # noqa: PLR2004 - of 1
    (reports / "monday.txt").write_text("broken: the checkout does nothing")
    item = until(lambda: next(iter(q.inbox_items()), None), "it asks")
    print(f"? {json.loads(item['args'])['question']}")
    print(f"! {answer}")
    decided = q.inbox_decide(item["item_id"], "ann", "answer", text=answer)
    assert q.wait_for_action(decided)["outcome"] == "applied"
    until(lambda: any("a person says" in row["text"] for row in rows()), "the answer is on record")
    until(lambda: rows()[-1]["kind"] == "tick", "it has weighed the answer")
    for row in rows():
        if row["kind"] == "tick":
            print(row["text"])
    print(f"{CLAIM}: {believed():.2f}")


def rows() -> list[dict[str, Any]]:
    return list_steps(SESSION)


def believed() -> float:
    """How likely the watchdog takes the shop to be well."""
    row = get_agent_state(SESSION)
    mind = json.loads(row["context"])["mind"] if row else {}
    beliefs = Beliefs.from_json(mind["beliefs"]) if mind else Beliefs()
    return beliefs.belief(CLAIM, now_us()).probability


def until(found: Callable[[], T], what: str) -> T:
    """The first that is found and is not empty; gives up after a while."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not (got := found()):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.05)
    return got


if __name__ == "__main__":
    sys.exit(main())
