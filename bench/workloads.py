"""The table of all benchmarks: what runs, and its figures with their units and goals."""

from typing import Any

from bench.contest import FLOORS, OWN, PEERS, PLAN_PEERS
from bench.workload import Figure, Workload

_PERCENTILES = ("p50", "p99")
_POLICIES = (
    "first", "cheapest", "race", "best_of", "best_in_time", "three_best", "retry", "dearer",
    "select",
)  # fmt: skip


def _less(label: str, path: str, unit: str, goal: float | None = None) -> Figure:
    return Figure(label, path, unit, goal, less=True)


def _spread(
    label: str, path: str, unit: str, goals: tuple[float | None, float | None] = (None, None)
) -> tuple[Figure, ...]:
    return tuple(
        _less(f"{label}, {each}", f"{path}.{each}", unit, goal)
        for each, goal in zip(_PERCENTILES, goals, strict=True)
    )


def _lag(goal: float | None = None, path: str = "loop_lag_ms") -> Figure:
    return _less("the loop's lag, p99", f"{path}.p99", "ms", goal)


def _ticks(sessions: int, goal: float) -> Workload:
    """The floors and peers are named as in `bench.contest`."""
    figures = [Figure("Reins as a share of the floor `sqlite`", "beside.sqlite", "times", goal)]
    for name in (OWN, *FLOORS, *PEERS):
        figures.append(Figure(f"`{name}`: durable ticks", f"{name}.ticks_per_s", "1/s"))
        figures.append(_less(f"`{name}`: CPU of 1,000 ticks", f"{name}.cpu_s_per_1000_ticks", "s"))
        figures.append(
            _less(f"`{name}`: disk when it ends", f"{name}.disk_bytes_per_tick", "B/tick")
        )
    figures.append(_lag(20, "reins.loop_lag_ms"))
    return Workload(
        "contest", {"sessions": sessions, "seconds": 5.0},
        {"sessions": min(sessions, 150), "seconds": 0.5}, tuple(figures),
        rounds=4, contest=True,
    )  # fmt: skip


def _syncs(sessions: int) -> Workload:
    figures = tuple(
        Figure(f"`{name}`: ticks for one sync", f"{name}.ticks_per_sync", "1")
        for name in (OWN, *FLOORS, *PEERS)
    )
    arguments = {"sessions": sessions, "seconds": 5.0}
    return Workload(
        "syncs", arguments, {"seconds": 0.5}, figures, rounds=4, contest=True
    )  # fmt: skip


def _beside(peer: str) -> tuple[Figure, ...]:
    goal = 0.1 if peer == "langgraph" else None
    return (
        _less(f"`{peer}`: a node in a sequence", f"{peer}.sequence_us", "µs"),
        _less(f"`{peer}`: a node, ten side by side", f"{peer}.parallel_us", "µs"),
        _less(
            f"as a share of `{peer}`, in a sequence", f"beside.{peer}.sequence_us", "times", goal
        ),
        _less(f"as a share of `{peer}`, side by side", f"beside.{peer}.parallel_us", "times", goal),
    )


def _policies() -> tuple[Figure, ...]:
    """The policies are named as in `bench.policies`, which imports more than the table should."""
    return tuple(
        figure
        for name in _POLICIES
        for figure in (
            _less(f"`{name}`: quality below the best answer's", f"{name}.regret", ""),
            _less(f"`{name}`: worth below the best choice's", f"{name}.worth_lost", ""),
            _less(f"`{name}`: money of 1,000 tasks", f"{name}.usd_of_1000", "$"),
            _less(f"`{name}`: simulated time of a task", f"{name}.latency_s", "s"),
        )
    )


_STEERING: dict[str, Workload] = {
    "actions": Workload("actions", {"seconds": 7.0}, {"seconds": 0.5}, (
        Figure("applied, 1 thread", "threads_1.applied_per_s", "1/s", 1_500),
        Figure("applied, 16 threads", "threads_16.applied_per_s", "1/s", 6_000),
        Figure("applied, 4 processes", "processes_4.applied_per_s", "1/s", 3_000),
        _less("the worker's CPU, 16 threads with it", "threads_16.worker_cpu_ms_per_action", "ms"),
    )),
    "guidance": Workload(
        "guidance", {"sessions": 1_000, "per_s": 100.0, "seconds": 10.0},
        {"sessions": 30, "per_s": 50.0, "seconds": 0.5}, (
            *_spread("call to applied, same process", "same_process.applied_ms", "ms", (3, 10)),
            *_spread("call to applied, another process", "other_process.applied_ms", "ms", (3, 10)),
            *_spread("call to acknowledged, same process", "same_process.acknowledged_ms", "ms"),
        ),
    ),
    "create_10000": Workload("creating", {"sessions": 10_000}, {"sessions": 200}, (
        _less("from the call to all live", "created_s", "s", 5),
        _less("CPU of each", "cpu_ms_each", "ms"),
    )),
    "reads": Workload(
        "reading", {"sessions": 1_000, "warm_up_s": 10.0, "seconds": 10.0},
        {"sessions": 50, "warm_up_s": 0.5, "seconds": 1.0}, (
            *_spread("last 100 rows, same process", "same_process.last_100_ms", "ms", (10, 30)),
            *_spread("last 100 rows, another", "other_process.last_100_ms", "ms", (10, 30)),
            *_spread("one state, another process", "other_process.agent_state_ms", "ms"),
            *_spread("all states, another process", "other_process.states_ms", "ms"),
            Figure("ticks meanwhile", "ticks_per_s_meanwhile", "1/s"),
        ),
    ),
    "paused": Workload(
        "paused", {"sessions": 10_000, "watched_s": 20.0, "settling_s": 8.0},
        {"sessions": 150, "watched_s": 0.5, "settling_s": 0.5, "rest_s": 0.0}, (
            _less("memory of a paused session", "kib_each", "KiB", 8),
            _less("CPU meanwhile", "cpu_percent_paused", "%"),
        ), rounds=1,
    ),
    "start": Workload(
        "starts", {"sessions": 1_000, "starts": 3}, {"sessions": 20, "starts": 1}, (
            _less("0 sessions, ready", "empty_ready_s.p50", "s", 0.9),
            _less("killed sessions, ready", "killed.ready_s.p50", "s"),
            _less("killed sessions, all ticking", "killed.all_ticking_s.p50", "s", 1.5),
            _less("spread of their first ticks", "killed.first_ticks_spread_s.p50", "s", 0.3),
        ),
    ),
}  # fmt: skip

_STORE: dict[str, Workload] = {
    "disk": Workload(
        "disk", {"sessions": 100, "seconds": 30.0, "still_s": 60.0},
        {"sessions": 10, "seconds": 0.5, "still_s": 1.0}, (
            _less("at rest", "bytes_a_tick", "B/tick", 1_100),
            _less("right after the last tick", "bytes_a_tick_before_rest", "B/tick"),
            _less("when it is stopped", "bytes_a_tick_stopped", "B/tick"),
            _less("until it is at rest", "at_rest_after_s", "s"),
        ), rounds=1,
    ),
    "million": Workload("million", {"ticks": 1_000_000}, {"ticks": 12_000, "rest_s": 0.5}, (
        _less("disk as a share of the raw rows", "disk_ratio", "times", 3),
        _less("a page of 100 rows at rest", "query_ms_now.list_steps_100", "ms"),
        _less("the same after 10,000 ticks", "query_ms_after_10000.list_steps_100", "ms"),
        _lag(),
    ), rounds=1),
    "transcript": Workload(
        "transcript", {"length": 100_000, "total": 1_000_000},
        {"length": 2_000, "total": 8_000, "rest_s": 0.5},
        _spread("what a tick reads", "read_ms.worker_tick_warm", "ms", (5, None)), rounds=1,
    ),
}  # fmt: skip

_MODELS: dict[str, Workload] = {
    "calls": Workload(
        "calls", {"sessions": 256, "calls": 20_000, "streams": 256, "aborts": 15},
        {"calls": 1_000, "streams": 16, "aborts": 1}, (
            Figure("calls", "calling.calls_per_s", "1/s", 2_200),
            _less("CPU of a call", "calling.cpu_us_per_call", "µs", 400),
            _lag(20, "calling.loop_lag_ms"),
            _less("the loop's lag with 256 streams, p99", "streaming.loop_lag_ms.p99", "ms", 30),
            _less(
                "interrupt to closed stream, p50", "aborting.interrupt_to_closed_ms.p50", "ms", 50
            ),
        ),
    ),
    "faults": Workload(
        "faults", {"sessions": 256, "seconds": 60.0}, {"sessions": 32, "seconds": 1.0},
        (_less("the longest call", "record.call_s.max", "s", 30), _lag()), rounds=1,
    ),
    "telemetry": Workload(
        "telemetry", {"sessions": 100, "seconds": 10.0, "rounds": 3}, {"seconds": 0.5, "rounds": 1},
        (
            Figure("ticks that are left with spans on", "share_left", "times"),
            _less("a tick's hook when off", "off_us_per_tick", "µs", 0.3),
        ), rounds=1,
    ),
}  # fmt: skip

_TOOLS: dict[str, Workload] = {
    "tools": Workload("tools", {"calls": 30_000}, {"calls": 300}, (
        _less("a call", "us_per_call.nothing", "µs", 300),
        _less("a call in a thread", "us_per_call.nothing_in_a_thread", "µs"),
        _less("read_file", "read_file_us", "µs"),
    )),
    "commands": Workload(
        "commands", {"commands": 200, "at_once": 8, "seconds": 20.0, "cancels": 30},
        {"commands": 5, "seconds": 0.5, "cancels": 2}, (
            _less("in bubblewrap, p50", "start_ms.bubblewrap.p50", "ms", 12),
            _less("a plain process, p50", "start_ms.plain.p50", "ms"),
            _lag(20, "bubblewrap.at_once.lag_ms"),
            _less("cancelled, p50", "bubblewrap.cancel_ms.p50", "ms", 50),
        ), rounds=1,
    ),
    "tasks": Workload(
        "tasks", {"sessions": 200, "seconds": 10.0, "rounds": 3},
        {"sessions": 10, "seconds": 0.5, "rounds": 1},
        (Figure("ticks as a share of jokes'", "share_of_jokes", "times", 0.6),), rounds=1,
    ),
    "bus": Workload(
        "bus", {"subscribers": 100, "messages": 5_000, "per_s": 1_000.0, "seconds": 10.0},
        {"subscribers": 5, "messages": 50, "per_s": 100.0, "seconds": 0.5}, (
            Figure("deliveries to 100 subscribers", "deliveries_per_s", "1/s", 20_000),
            _less("CPU of a delivery, its tick and row with it", "cpu_us_each", "µs"),
            Figure("deliveries as a share of Redis streams'", "beside_redis", "times", 1.0),
            _less("CPU of a delivery by Redis streams", "redis.cpu_us_each", "µs"),
            *_spread("from publish to receive, 1,000/s", "waited_ms", "ms", (None, 50)),
            _lag(20),
        ),
    ),
    "unread": Workload(
        "unread", {"subscribers": 100, "messages": 100_000, "starts": 3, "settle_s": 2.0},
        {"subscribers": 5, "messages": 20_000, "starts": 1, "settle_s": 0.3}, (
            _less("ready, with 100,000 messages unread", "ready_s.p50", "s", 3),
            _less("all subscribers read again", "all_reading_s.p50", "s"),
        ), rounds=1,
    ),
    "documents": Workload(
        "documents", {"sessions": 1_000, "pages": 1_000}, {"sessions": 5, "pages": 20}, (
            _less("1,000 pages are stored", "stored_s", "s", 60),
            _less("and found by words", "found_s.words", "s"),
            _less("and by meaning", "found_s.vectors", "s"),
            Figure("pages stored", "pages_per_s", "1/s"),
            _less("disk of a page, its file and its index with it", "disk_bytes_a_page", "B"),
            _lag(20),
        ), rounds=1,
    ),
    "search": Workload(
        "search",
        {"sessions": 1_000, "rows": 1_000_000, "searches": 200, "per_s": 2.0, "seconds": 40.0,
         "pairs": 3},
        {"sessions": 20, "rows": 1_000, "searches": 3, "seconds": 0.5, "pairs": 1}, (
            *_spread("by words and meaning", "hybrid_ms", "ms", (60, 200)),
            *_spread("the same with a filter", "filtered_ms", "ms", (40, 120)),
            _less("in the words' index, p99", "indexed_after_s.words.p99", "s", 2),
            _less("in the vectors', p99", "indexed_after_s.vectors.p99", "s", 5),
            Figure("words of a million rows", "caught_up_rows_per_s.words", "rows/s"),
            Figure("their vectors", "caught_up_rows_per_s.vectors", "rows/s", 500),
            _less("ticks flat out, times as slow beside it", "flat_out.slower", "times", 1.05),
            _less("disk of the index", "index_bytes_a_row", "B/row"),
            _less("memory", "memory_mib", "MiB"),
            _lag(20),
        ), rounds=1,
    ),
    "facts": Workload(
        "facts", {"facts": 100_000, "entities": 40_000, "questions": 300},
        {"facts": 400, "entities": 200, "questions": 3}, (
            *_spread("neighbours, in the worker", "neighbours_ms", "ms", (2, None)),
            *_spread("a path of six facts, in the worker", "path_ms", "ms", (20, None)),
            *_spread("neighbours, from a helper", "reader_ms", "ms"),
            _less("the first question after a start", "read_s", "s"),
            Figure("facts written, 2,000 a commit", "written_per_s", "1/s"),
            _less("memory", "memory_mib", "MiB"),
            _less("disk", "disk_bytes_a_fact", "B/fact"),
        ), rounds=1,
    ),
    "quality": Workload(
        "quality", {"made": 240, "of_people": 45},
        {"made": 24, "of_people": 5, "documents_at_most": 130}, (
            Figure("found among the first 5 by words", "recall_at_5.words", "share"),
            Figure("by meaning", "recall_at_5.meaning", "share"),
            Figure("by both", "recall_at_5.hybrid", "share"),
            Figure("by both, times the better of its parts", "times_the_better", "times", 1),
            Figure("by both, of questions in people's words", "of_people.hybrid", "share"),
        ), rounds=1,
    ),
    "mcp": Workload(
        "mcp", {"sessions": 500, "calls_per_s": 100.0, "seconds": 20.0},
        {"sessions": 20, "seconds": 1.0}, (
            _less("a call, p50", "call_ms.p50", "ms"),
            _lag(20),
            _less("the same without calls", "loop_lag_ms_without_calls.p99", "ms"),
        ), rounds=1,
    ),
}  # fmt: skip

_PEOPLE: dict[str, Workload] = {
    "clients": Workload(
        "clients", {"sessions": 1_000, "clients": 100, "stalled": 5, "seconds": 40.0},
        {"sessions": 50, "clients": 10, "stalled": 1, "seconds": 4.0}, (
            _lag(20),
            _less("age of a row at a client, p99", "session_age_ms.p99", "ms"),
            _less("CPU of one core", "cpu_of_one_core", "s/s"),
        ), rounds=1,
    ),
    "page_live": Workload(
        "page_live", {"sessions": 1_000, "seconds": 60.0, "warm_up_s": 12.0},
        {"sessions": 50, "seconds": 1.0, "warm_up_s": 1.0}, (
            _less("a row's commit to the list, p99", "row_to_dom_ms.list.p99", "ms", 150),
            _less("a row's commit to its page, p99", "row_to_dom_ms.session.p99", "ms", 150),
        ), rounds=1,
    ),
    "page_large": Workload(
        "page_large", {"sessions": 5_000, "rows": 50_000, "minutes": 10.0, "frames_s": 10.0},
        {"sessions": 300, "rows": 1_000, "minutes": 0.01, "frames_s": 1.0}, (
            _less("a log of 50,000 rows usable", "log.usable_ms", "ms", 1_000),
            _less("a list of 5,000 sessions usable", "list.usable_ms", "ms", 1_000),
            Figure("frames of the log", "log.frames_per_s", "1/s", 50),
            Figure("frames of the list", "list.frames_per_s", "1/s", 50),
        ), rounds=1,
    ),
    "reconnects": Workload("reconnects", {"times": 100}, {"times": 3}, (
        Figure("rows once and in order (1: all)", "once_and_in_order", "", 1),
    ), rounds=1),
    "talk": Workload(
        "talk", {"conversations": 200, "rounds": 3, "latencies": 200, "idle_s": 20.0},
        {"conversations": 5, "rounds": 1, "latencies": 5, "idle_s": 0.5}, (
            Figure("messages", "messages_per_s", "1/s"),
            *_spread("a message to the first tick", "first_tick_ms", "ms", (None, 100)),
            _less("busiest persona over quietest", "fairness_max_over_min.worst", "times", 1.5),
            _less("rows of idle personas", "idle_journal_rows", "", 0),
        ), rounds=1,
    ),
}  # fmt: skip

_PLANS: dict[str, Workload] = {
    "plans": Workload(
        "plans", {"nodes": 5_000, "sessions": 100}, {"nodes": 200, "sessions": 3}, (
            Figure("20 waits side by side, times as fast as one after the other", "waits.times",
                   "times", 15),
            _less("CPU of a node in a sequence", "reins.sequence_us", "µs", 25),
            _less("CPU of a node, ten side by side", "reins.parallel_us", "µs"),
            _less("plain asyncio: an await", "asyncio.sequence_us", "µs"),
            _less("plain asyncio: a task of a gather", "asyncio.parallel_us", "µs"),
            *(figure for name in PLAN_PEERS for figure in _beside(name)),
            _less("CPU of a node with its row durable", "durable.cpu_us", "µs", 150),
            Figure("durable nodes", "durable.nodes_per_s", "1/s"),
        ),
        contest=True,
    ),
    "policies": Workload(
        "policies", {"tasks": 400, "seed": 1}, {"tasks": 10}, _policies(), rounds=1
    ),
}  # fmt: skip

WORKLOADS: dict[str, Workload] = {
    "ticks_1": _ticks(1, 0.9),
    "ticks_100": _ticks(100, 0.85),
    "ticks_1000": _ticks(1_000, 1.1),
    "syncs_1": _syncs(1),
    "syncs_100": _syncs(100),
    **_STEERING,
    **_STORE,
    **_MODELS,
    **_TOOLS,
    **_PLANS,
    **_PEOPLE,
}
"""Name to workload, in the order in which they run and stand in the table."""


def arguments_of(name: str, *, quick: bool, peers: bool) -> dict[str, Any]:
    """The arguments of a workload's `run`."""
    workload = WORKLOADS[name]
    given = {**workload.arguments, **(workload.quick if quick else {})}
    return given | {"peers": peers} if workload.contest else given
