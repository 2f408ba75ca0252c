"""One run: a seed makes clients, a worker, crashes and faults, and what was promised is checked."""

import asyncio
import contextlib
import math
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import structlog

from agent_core.actions.action import create_action
from agent_core.agent.registry import AgentTypes
from agent_core.agent.services import Services
from agent_core.conversations.conversations import Conversations
from agent_core.dispatch.dispatcher import Dispatcher
from agent_core.dispatch.handlers import Context
from agent_core.fleet.fleet import Fleet
from agent_core.session.controls import Control, Outcome, Rejected
from agent_core.session.schedule import Schedule
from store.errors import StoreError
from store.queue import reading as queue_reading
from store.queue.writer import QueueWriter, writer_at
from store.reading import Reader
from store.store import Store
from tests.simulation import acting
from tests.simulation.disk import Disk, SimulatedFolder
from tests.simulation.expected import Expected, Sent
from tests.simulation.loop import SimulatedLoop
from tests.simulation.stand_ins import installed
from tests.simulation.world import Killed, Process, World

_SCHEDULE = Schedule(
    heartbeat_s=1.0, jitter=0.3, tick_timeout_s=20, retry_wait_s=0.2, max_failures=4, stop_grace_s=2
)
_CALM_S = 300.0


@dataclass(frozen=True)
class Plan:
    """The draw before anything runs: each run has some of what may go wrong."""

    sessions: int
    clients: int
    actions: int
    crashes: int
    faults: dict[str, float] = field(default_factory=dict)
    skew_s: float = 0.0

    @classmethod
    def drawn(cls, chance: random.Random) -> "Plan":
        faults = {}
        for what in FAULTS:
            if chance.random() < 0.4:
                faults[what] = chance.choice([0.01, 0.05, 0.2])
        return cls(
            sessions=chance.randint(1, 3),
            clients=chance.randint(1, 3),
            actions=chance.randint(4, 20),
            crashes=chance.randint(1, 5),
            faults=faults,
            skew_s=chance.choice(SKEWS),
        )


FAULTS = [
    "log write", "log sync", "log change", "queue write", "queue file write", "queue file sync",
    "agent_steps write", "messages write",
    "open", "sync",
]  # fmt: skip
"""Operations that fail in some runs."""
JUMPS = [2, -2, 3_600, -3_600, 86_400, -86_400, 4 * 365 * 86_400]
"""By how many seconds a clock is wrong for a moment."""
SKEWS = [0.0, 0.05, 60.0]
"""How far the clocks of processes are apart at the most, in some runs."""


@dataclass
class Told:
    """How a run went."""

    seed: int
    digest: str
    trace: list[str]
    error: BaseException | None
    rows: int


class Run:
    """One seed's run."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.plan = Plan.drawn(self.world.random)
        self.disk = Disk(self.world)
        self.expected = Expected()
        self.calm = False
        self.done = False
        self.worker: Process | None = None
        self.starts = 0
        self._off_s = 0.0
        self._clocks = random.Random(f"clocks {seed}")  # draws of its own: the others stay
        self.left = [self.plan.actions] * self.plan.clients
        self.clients: dict[int, Process] = {}
        self._dispatcher: Any = None
        self._stop: Callable[[], None] = lambda: None
        self._crash_in = 0
        self._made = 0
        self.disk.fault = self._fails
        self.world.busy = self._busy

    def go(self) -> None:
        """Raises: PromiseBrokenError, StuckError, or whatever a thread raised."""
        outside = self.world.process("outside")
        self.world.spawn(outside, "fate", self._fate)
        self.world.run(lambda: self.done)

    # -- what goes wrong

    def _fails(self, what: str) -> bool:
        rate = 0.0 if self.calm else self.plan.faults.get(what, 0.0)
        return rate > 0 and self.world.random.random() < rate

    def _busy(self, what: str) -> None:
        """An operation on the disk; the moment of a crash, if it is the one that was drawn."""
        if self._crash_in > 0:
            self._crash_in -= 1
            if self._crash_in == 0:
                self.world.note("crash at", what)
                crash = self._lose_power if self.world.random.random() < 0.5 else self._kill
                self.world.ask(crash)

    def _end(self, process: Process) -> None:
        self.world.kill(process)
        if process is self.worker:
            self._note_unmarked()

    def _note_unmarked(self) -> None:
        """A rejection is on record once it is marked: without, it may come to another end."""
        if self._dispatcher is not None:
            self.expected.unsettled.update(
                row["action_id"]
                for row in self._dispatcher._unmarked
                if row["outcome"] == "rejected"
            )

    def _kill(self) -> None:
        victims = [p for p in (self.worker, *self.clients.values()) if p is not None and p.alive]
        if victims:
            victim = self.world.random.choice(victims)
            if self.worker is not None and self.world.random.random() < 0.7:
                victim = self.worker
            self.world.note("kill", victim.name)
            self._end(victim)

    def _lose_power(self) -> None:
        self.world.note("power is lost")
        for process in (self.worker, *self.clients.values()):
            if process is not None and process.alive:
                self._end(process)
        self.disk.lose_power()

    def _fate(self) -> None:
        chance = self.world.random
        for _ in range(self.plan.crashes):
            self._start_what_is_down()
            self._crash_in = int(10 ** chance.uniform(0.5, 3.2))
            self._set_clocks(self._clocks.choice([0.0, 0.0, *JUMPS]))
            self.world.sleep(chance.uniform(1, 12))
            if chance.random() < 0.2:
                self._stop()
            self._look("fate")
        self._crash_in = 0
        self._set_clocks(0.0)
        self.calm = True
        self._settle()
        self._stop()
        until = self.world.now + _CALM_S
        while self.worker is not None and self.worker.alive and self.world.now < until:
            self.world.sleep(0.5)
        self.expected.check(self._reader())
        self.done = True

    def _set_clocks(self, off_s: float) -> None:
        """The machine's clock is wrong for a while, or right again; also over a restart."""
        self._off_s = off_s
        for process in (self.worker, *self.clients.values()):
            if process is not None:
                process.off_s = self._off_s

    def _settle(self) -> None:
        """Until all clients are done and the queue is empty."""
        until = self.world.now + _CALM_S
        while self.world.now < until:
            self._start_what_is_down()
            self.world.sleep(1.0)
            waiting = queue_reading.everything(self._reader(), processed=False)
            if not any(self.left) and not waiting:
                self.world.sleep(3.0)
                return
        raise AssertionError(f"not quiet after {_CALM_S} s: {self.left}, {waiting}")

    def _look(self, name: str) -> None:
        """Look as a reader does: the rows seen now stay so."""
        if "agent_steps" in self.disk.tables:
            self.expected.see(self._reader())
        self.world.note(name, "saw", len(self.expected.steps))

    def _reader(self) -> Reader:
        return Reader(SimulatedFolder(self.disk, self.world.here().process))

    # -- the processes

    def _start_what_is_down(self) -> None:
        if self.worker is None or not self.worker.alive:
            self.starts += 1
            self.worker = self._process(f"worker {self.starts}")
            self.world.spawn(self.worker, "loop", self._work)
        for n, left in enumerate(self.left):
            if left and (n not in self.clients or not self.clients[n].alive):
                self.clients[n] = self._process(f"client {n}")
                self.world.spawn(self.clients[n], "main", lambda n=n: self._ask_for_things(n))

    def _process(self, name: str) -> Process:
        skew = self.plan.skew_s
        made = self.world.process(name, self.world.random.uniform(-skew, skew) if skew else 0.0)
        made.off_s = self._off_s
        return made

    def _work(self) -> None:
        process = self.world.here().process
        loop = SimulatedLoop(self.world, process)
        try:
            loop.run(self._worker(process, f"start-{self.starts}"))
        except (StoreError, OSError, sqlite3.Error) as error:
            self.world.note(process.name, "did not start:", error)
        self._note_unmarked()
        self.world.note(process.name, "ended")
        process.alive = False

    async def _worker(self, process: Process, start_id: str) -> None:
        """Build and run the parts of the Runtime, but for the model and the loop's monitor."""
        store = Store(SimulatedFolder(self.disk, process), flush_s=0.5)
        conversations = Conversations(store)
        types = AgentTypes((acting.__name__,))
        types.take(types.read())
        fleet = Fleet(
            store=store, types=types, services=Services(conversations), schedule=_SCHEDULE
        )
        stop_asked = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop_asked.set)

        self._stop = stop
        await store.start()
        await fleet.recover(start_id)
        dispatcher = Dispatcher(
            context=Context(fleet, conversations, _reload),
            poll_s=2.0,
        )
        self._dispatcher = dispatcher
        dispatcher.start()
        self.world.note(process.name, "started")
        self.world.spawn(process, "web", lambda: self._browse(store))
        await stop_asked.wait()
        self._stop = lambda: None
        await dispatcher.stop()
        await fleet.stop(_SCHEDULE.stop_grace_s)
        await store.stop()

    def _browse(self, store: Store) -> None:
        """The web in the worker's process: it asks for things, and looks at what there is."""
        while True:
            self.world.sleep(self.world.random.expovariate(1.2))
            if self.world.random.random() < 0.6:
                self.expected.see(store.reader)
            elif not self.calm:
                self._send(writer_at(store.folder))

    def _ask_for_things(self, n: int) -> None:
        writer = QueueWriter(SimulatedFolder(self.disk, self.world.here().process))
        while self.left[n]:
            self.world.sleep(self.world.random.expovariate(1.5))
            self._send(writer)
            self.left[n] -= 1
        self.world.here().process.alive = False

    # -- what clients do

    def _send(self, writer: QueueWriter) -> None:
        chance = self.world.random
        again = self.expected.sent and chance.random() < 0.15
        row = chance.choice([*self.expected.sent.values()]).row if again else self._drawn_action()
        sender = self.world.here().process
        sent = self.expected.sent.setdefault(row["action_id"], Sent(row, self.world.now))
        self.world.note(sender.name, "asks", row["type"], row["session_id"], row["action_id"])
        sent.answered_at = math.inf
        try:
            writer.append(row)
        except StoreError as error:
            sent.answered_at = self.world.now
            self.world.note("refused", row["action_id"], str(error)[:80])
            return
        sent.acked, sent.answered_at = True, self.world.now
        self.world.note("acked", row["action_id"])

    def _drawn_action(self) -> dict[str, Any]:
        chance = self.world.random
        self._made += 1
        session = f"s{chance.randrange(self.plan.sessions)}"
        creates = self._made <= self.plan.sessions
        kind = "create_agent" if creates else chance.choices([*_ACTIONS], [*_ACTIONS.values()])[0]
        if kind in ("conversation_create", "post_message"):
            text = {"text": f"m{self._made}"} if kind == "post_message" else {}
            return create_action(kind, "ann", conversation_id="c", **text)
        more: dict[str, Any] = {}
        if kind == "create_agent":
            speaks = chance.choice([None, "c"])
            more["agent_type"] = "acting"
            more["config"] = {"fails": chance.choice([0.0, 0.3]), "speaks_in": speaks}
        elif kind == "agent_interrupt":
            ticks = {"type": "set_budget", "scope": "session", "ticks": chance.choice([3, None])}
            more["guidance"] = ticks if chance.random() < 0.2 else f"g{self._made}"
            more["mode"] = chance.choice(["steer", "now"])
        return create_action(kind, "ann", agent_id=session, **more)


_ACTIONS = {
    "create_agent": 2, "conversation_create": 1, "post_message": 2, "agent_pause": 1,
    "agent_resume": 2, "agent_destroy": 1, "agent_restore": 1, "agent_interrupt": 5,
}  # fmt: skip
"""How often each type is asked for."""


async def _reload() -> str:
    return "reloaded"


@contextlib.contextmanager
def _logged(world: World) -> Iterator[None]:
    """Lines of the worker's log become a part of the trace."""

    def keep(_: Any, level: str, event: dict[str, Any]) -> Any:
        world.note("log", level, event.pop("event"), sorted(map(str, event.items())))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep])
    try:
        yield
    finally:
        structlog.configure(**before)


def run(seed: int) -> Told:
    """Run one seed."""
    made = Run(seed)
    error: BaseException | None = None
    settle = Control.settle

    def settle_and_tell(control: Control, outcome: Outcome) -> None:
        settle(control, outcome)
        if isinstance(outcome, Rejected):
            made.expected.unsettled.add(control.action_id)

    with (
        installed(made.world),
        _logged(made.world),
        mock.patch.object(Control, "settle", settle_and_tell),
    ):
        try:
            made.go()
        except Killed:
            raise
        except Exception as failure:  # noqa: BLE001 - told
            error = failure
        finally:
            for process in (made.worker, *made.clients.values()):
                if process is not None:
                    made.world.kill(process)
    rows = sum(len(table.rows) for table in made.disk.tables.values())
    made.world.note("end", repr(error), rows)
    return Told(seed, made.world.digest, made.world.trace, error, rows)
