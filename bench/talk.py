"""Two hundred conversations of five personas each, whose replies are free."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import queue_imp
from agents import Runtime
from agents_impl.persona.agent import PersonaConfig
from bench.free_persona import SEEN
from bench.measure import LagProbe, cpu_s, rss_mib, runtime_on, spread, until
from store.messages import TABLE

_PERSONAS = 5
_CEILING = 50
_QUIET_CEILING = 2
_IDLE_HEARTBEAT_S = 3.0
_MODULES = ["agents_impl", "bench.free_persona"]
_THREADS = 32
_SETTLING_S = 2.0


async def run(
    data: Path, *, conversations: int, rounds: int, latencies: int, idle_s: float
) -> dict[str, Any]:
    """Rounds in which all talk at once, then the way from a person's message to the first tick."""
    # People could not read at a pace without waits; what is looked for here is the cost of a turn.
    settings = {"agent_modules": _MODULES, "heartbeat_s": _IDLE_HEARTBEAT_S, "pace": "free"}
    async with runtime_on(data, **settings) as runtime:
        # A fifth of them rests soon, for a look at one message while the others talk.
        names = [f"talk-{n}" for n in range(conversations)]
        quiet = [f"quiet-{n}" for n in range(max(1, conversations // 5))]
        started = time.monotonic()
        await _set_up(runtime, names, _CEILING)
        await _set_up(runtime, quiet, _QUIET_CEILING)
        set_up_s = time.monotonic() - started
        talked = await _talk(runtime, names, rounds)
        alone = await _first_ticks(runtime, quiet, latencies)
        beside = {"without_a_pause": await _beside(runtime, names, quiet, latencies // 5)}
        await _pace(runtime, names)
        beside["at_the_default_pace"] = await _beside(runtime, names, quiet, latencies)
        idle = await _idle(runtime, idle_s)
        await until(lambda: runtime.store.journal.pending == 0)
        rows = runtime.store.reader.stored(
            TABLE, None, ["conversation_id", "number", "author", "session_id"]
        ).to_pylist()
    return {
        "conversations": conversations,
        "personas": _PERSONAS * (conversations + len(quiet)),
        "set_up_s": round(set_up_s, 1),
        **talked,
        **_judge(rows, rounds),
        "overlaps": SEEN.overlaps,
        "unaware_of_the_message_before": SEEN.unaware,
        "first_tick_ms": alone,
        "while_others_talk": beside,
        **idle,
    }


async def _set_up(runtime: Runtime, names: list[str], ceiling: int) -> None:
    """Conversations and personas, through the queue, as a user would."""
    before = len(runtime.fleet.live)
    await _in_threads(queue_imp.conversation_create, ((name, "bench") for name in names))
    # Actions of several lanes have no order among them: the one has to be there for the other.
    await until(lambda: runtime.dispatcher is not None and not runtime.dispatcher._in_flight)

    def create(name: str, n: int) -> None:
        config = {
            "name": f"Persona {n}", "conversation_id": name, "cooldown_s": 0.0,
            "max_agent_turns": ceiling,
        }  # fmt: skip
        queue_imp.agent_create(f"{name}-{n}", "bench", agent_type="free_persona", config=config)

    await _in_threads(create, ((name, n) for name in names for n in range(_PERSONAS)))
    await until(lambda: len(runtime.fleet.live) >= before + len(names) * _PERSONAS)


async def _in_threads(work: Callable[..., object], arguments: Iterator[tuple[Any, ...]]) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(_THREADS) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, work, *each) for each in arguments))


async def _talk(runtime: Runtime, names: list[str], rounds: int) -> dict[str, Any]:
    """A person says something in each, and all talk until they have reached the ceiling."""
    said, took_s, cpu_before = 0, 0.0, cpu_s()
    with LagProbe() as probe:
        for number in range(rounds):
            before = sum(_newest(runtime, name) for name in names)
            started = time.monotonic()
            await _in_threads(
                queue_imp.post_message, ((name, "ann", f"Question {number}?") for name in names)
            )
            reached = (number + 1) * (1 + _CEILING)
            await until(lambda reached=reached: all(_newest(runtime, n) >= reached for n in names))
            took_s += time.monotonic() - started
            said += sum(_newest(runtime, name) for name in names) - before
    return {
        "rounds": rounds,
        "messages": said,
        "messages_per_s": round(said / took_s),
        "cpu_ms_per_message": round((cpu_s() - cpu_before) / said * 1_000, 3),
        "rss_mib": rss_mib(),
        "loop_lag_ms": probe.figures(),
    }


async def _first_ticks(runtime: Runtime, names: list[str], times: int) -> dict[str, float]:
    """Milliseconds from a person's message being durable to the first tick after it."""
    took_ms = []
    for n in range(times):
        name = names[n % len(names)]
        before = _newest(runtime, name)
        SEEN.watch(name)
        durable_at = await asyncio.to_thread(_post, name)
        await until(lambda name=name, before=before: _newest(runtime, name) > before + 1)
        await until(lambda name=name: name in SEEN.tick_at)
        took_ms.append((SEEN.tick_at[name] - durable_at) * 1_000)
        await until(lambda name=name: _turns(runtime, name) >= _QUIET_CEILING)
        await asyncio.sleep(0.02)
    return spread(took_ms)


async def _beside(
    runtime: Runtime, names: list[str], quiet: list[str], times: int
) -> dict[str, Any]:
    """The same while all the others talk."""
    stop = asyncio.Event()
    keep = asyncio.create_task(_keep_talking(runtime, names, stop), name="keep talking")
    await asyncio.sleep(_SETTLING_S)
    before, started = sum(_newest(runtime, name) for name in names), time.monotonic()
    with LagProbe() as probe:
        first_tick_ms = await _first_ticks(runtime, quiet, times)
    said = sum(_newest(runtime, name) for name in names) - before
    took_s = time.monotonic() - started
    stop.set()
    await keep
    return {
        "messages_per_s": round(said / took_s),
        "first_tick_ms": first_tick_ms,
        "loop_lag_ms": probe.figures(),
    }


async def _pace(runtime: Runtime, names: list[str]) -> None:
    """Let each rest after it has spoken for as long as a persona does that is told nothing."""
    guidance = {"type": "set_cooldown", "seconds": PersonaConfig.model_fields["cooldown_s"].default}
    ids = [f"{name}-{n}" for name in names for n in range(_PERSONAS)]
    await _in_threads(queue_imp.agent_interrupt, ((each, "bench", guidance) for each in ids))
    await until(lambda: runtime.dispatcher is not None and not runtime.dispatcher._in_flight)


def _post(name: str) -> float:
    queue_imp.post_message(name, "ann", "And you?")
    return time.time()


async def _keep_talking(runtime: Runtime, names: list[str], stop: asyncio.Event) -> None:
    """Whoever has come to rest is asked again, until `stop`."""
    asked: dict[str, int] = {}
    while not stop.is_set():
        resting = [
            name for name in names
            if _turns(runtime, name) >= _CEILING and asked.get(name, 0) < _newest(runtime, name)
        ]  # fmt: skip
        asked |= {name: _newest(runtime, name) for name in resting}
        if resting:
            await _in_threads(queue_imp.post_message, ((n, "ann", "Go on?") for n in resting))
        await asyncio.sleep(0.05)
    await until(lambda: all(_turns(runtime, name) >= _CEILING for name in names))


async def _idle(runtime: Runtime, seconds: float) -> dict[str, Any]:
    """Rows that personas without anything to do write, over some heartbeats."""
    await asyncio.sleep(2 * _IDLE_HEARTBEAT_S)
    rows, cpu = runtime.store.journal.rows, cpu_s()
    await asyncio.sleep(seconds)
    return {
        "idle_personas": len(runtime.fleet.live),
        "idle_s": seconds,
        "idle_journal_rows": runtime.store.journal.rows - rows,
        "idle_cpu_percent": round((cpu_s() - cpu) / seconds * 100, 1),
    }


def _newest(runtime: Runtime, name: str) -> int:
    return runtime.conversations.get(name).newest


def _turns(runtime: Runtime, name: str) -> int:
    return runtime.conversations.get(name).agent_turns


def _judge(rows: list[dict[str, Any]], rounds: int) -> dict[str, Any]:
    """The promises that a transcript can be held to."""
    transcripts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["number"]):
        transcripts[row["conversation_id"]].append(row)
    found: Counter[str] = Counter()
    ratios = []
    for name, said in transcripts.items():
        ceiling = _QUIET_CEILING if name.startswith("quiet") else _CEILING
        found["gaps"] += [row["number"] for row in said] != list(range(1, len(said) + 1))
        in_a_row = 0
        for before, row in zip([None, *said], said, strict=False):
            person = row["session_id"] is None
            in_a_row = 0 if person else in_a_row + 1
            found["over_the_ceiling"] += in_a_row > ceiling
            found["asked"] += person
            if before is not None and not person:
                found["self_replies"] += before["session_id"] == row["session_id"]
                found["answered"] += before["session_id"] is None
        if ceiling == _CEILING:
            within = said[: rounds * (1 + _CEILING)]
            turns = Counter(row["session_id"] for row in within if row["session_id"])
            ratios.append(max(turns.values()) / min(turns.values()))
            found["silent_personas"] += _PERSONAS - len(turns)
    return {
        "unanswered": found["asked"] - found["answered"],
        "gaps": found["gaps"],
        "self_replies": found["self_replies"],
        "over_the_ceiling": found["over_the_ceiling"],
        "silent_personas": found["silent_personas"],
        "fairness_max_over_min": {
            "worst": round(max(ratios), 2),
            "mean": round(sum(ratios) / len(ratios), 2),
        },
    }
