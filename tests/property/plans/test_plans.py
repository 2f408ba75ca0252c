"""Laws of plans, and any order of ends and kills: a tree is all that a run needs to go on."""

import json
import os
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from reins.plans import (
    Actions,
    Alarm,
    Err,
    Failure,
    Fault,
    Ok,
    Outcome,
    Replaced,
    best_of,
    budget,
    choose,
    compile_plan,
    enter,
    focus,
    from_json,
    leaves,
    loop_while,
    misfits,
    parallel,
    race,
    result,
    retry,
    run_plan,
    sequence,
    step,
    timeout,
    timers,
    to_json,
)
from reins.plans.paths import order

EXAMPLES = int(os.environ.get("PLAN_EXAMPLES", "60"))
"""Set the variable for a campaign."""
law = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)

KEYS = "abc"
NAMES = (*KEYS, "same", "fails", "odd_fails", "grows")
STATES = st.fixed_dictionaries(
    {key: st.integers(0, 3) for key in KEYS},
    optional={"part": st.fixed_dictionaries({key: st.integers(0, 3) for key in KEYS})},
)
ACTIONS = Actions(dict.fromkeys(NAMES, lambda state: state))
ACTIONS.function("few", lambda state: state["a"] < 3)
ACTIONS.function("sum", lambda state: sum(state[key] for key in KEYS))
ACTIONS.function("parity", lambda state: state["b"] % 2)
ACTIONS.function(
    "all_of", lambda state, outputs: {**state, "c": sum(each["c"] for each in outputs)}
)


def end_of(name, state):
    """How an action ends, by its name and the state alone."""
    if name in KEYS:
        return Outcome({**state, name: state[name] + 1})
    if name == "fails" or (name == "odd_fails" and state["a"] % 2):
        return Failure(Fault("action", f"{name} at {state['a']}"))
    return Replaced(sequence("a", parallel("b", "c"))) if name == "grows" else Outcome(state)


def plans(names=NAMES, *, races=True):
    """Random plans; without races the order of ends has no say in them."""

    def beneath(inner):
        several = st.lists(inner, max_size=3).map(tuple)
        some = st.lists(inner, min_size=1, max_size=3).map(tuple)
        kinds = [
            several.map(lambda items: sequence(*items)),
            several.map(lambda items: parallel(*items, on_error="wait")),
            some.map(lambda items: parallel(*items, combiner="all_of", on_error="ignore")),
            some.map(lambda items: best_of(*items, evaluator="sum")),
            st.tuples(inner, inner).map(lambda items: choose(*items, selector="parity")),
            inner.map(lambda item: loop_while("few", item, max_turns=3)),
            inner.map(lambda item: retry(item, attempts=2)),
            inner.map(lambda item: focus("part", item)),
            inner.map(lambda item: timeout(item, 5)),
        ]
        if races:
            kinds += [
                some.map(lambda items: race(*items)),
                several.map(lambda items: parallel(*items)),
                inner.map(lambda item: retry(item, attempts=3, delay_s=1)),
                inner.map(lambda item: budget(item, tasks=6)),
            ]
        return st.one_of(kinds)

    return st.recursive(st.sampled_from(names), beneath, max_leaves=8)


class Run:
    """A plan to its end, its tasks ending in an order that a seed gives to their paths."""

    def __init__(self, plan, state, seed, kills=None, *, alarms=True):
        self.alarms = alarms
        self.program = compile_plan(ACTIONS, plan)
        self.seed = seed
        self.kills = kills
        self.committed: set[str] = set()
        self.cancelled: set[str] = set()
        self.steps = 0
        self.stepped = enter(self.program, state)
        while result(self.stepped.tree) is None:
            self.check()
            self.go_on()

    def rank(self, path):
        return random.Random(f"{self.seed} {path}").random()

    def go_on(self):
        before = self.stepped.tree
        tree = before if self.kills is None else self.killed(before)
        live = {leaf.path: leaf for leaf in leaves(self.program.plan, tree)}
        clocks = [timer.path for timer in timers(tree)]
        due = [path for path in clocks if self.alarms and self.rank(f"alarm {path}") < 0.1]
        if due or not live:
            path = due[0] if due else clocks[-1]
            event = Alarm()
        else:
            path = min(live, key=self.rank)
            event = end_of(live[path].name, live[path].state)
            self.committed.add(path)
        kept = json.dumps(tree)
        self.stepped = step(self.program, tree, path, event)
        assert json.dumps(tree) == kept  # what the trees share is changed in neither
        assert not self.stepped.late
        self.check_what_begins(live.keys() - {path}, set(clocks) - {path})
        assert list(self.stepped.cancelled) == sorted(self.stepped.cancelled, key=order)
        assert set(self.stepped.cancelled) <= live.keys() - {path}
        self.cancelled |= set(self.stepped.cancelled)
        self.steps += 1

    def check_what_begins(self, live, clocks):
        """What a step says that it began is all that is live and was not before."""
        now = leaves(self.program.plan, self.stepped.tree)
        assert list(self.stepped.begun) == [leaf for leaf in now if leaf.path not in live]
        if {timer.path for timer in timers(self.stepped.tree)} - clocks:
            assert self.stepped.waits

    def killed(self, tree):
        """At random what is on disk is all that is left; else it comes through JSON, too."""
        again = json.loads(json.dumps(tree))
        assert misfits(self.program.plan, again) == []
        assert leaves(self.program.plan, again) == leaves(self.program.plan, tree)
        return again if self.kills.random() < 0.5 else tree

    def check(self):
        """No task whose end is committed is live, nor one that was cancelled."""
        live = {leaf.path for leaf in leaves(self.program.plan, self.stepped.tree)}
        assert not live & (self.committed | self.cancelled)
        for path in list(self.committed)[:3]:
            late = step(self.program, self.stepped.tree, path, Outcome({}))
            assert late.late or any(timer.path == path for timer in timers(late.tree))

    @property
    def end(self):
        return result(self.stepped.tree)


def bare(plan, state):
    """The end, or the kind of the fault, with the order of ends that the plan has."""
    program = compile_plan(ACTIONS, plan)
    stepped = enter(program, state)
    while (end := result(stepped.tree)) is None:
        live = leaves(program.plan, stepped.tree)
        if live:
            stepped = step(program, stepped.tree, live[0].path, end_of(live[0].name, live[0].state))
        else:
            stepped = step(program, stepped.tree, timers(stepped.tree)[-1].path, Alarm())
    return end.value if isinstance(end, Ok) else end.error.kind


@law
@given(plans(), plans(), plans(), STATES)
def test_sequence_is_associative(one, two, three, state):
    """However it is bracketed, it means the same."""
    flat = bare(sequence(one, two, three), state)
    assert bare(sequence(one, sequence(two, three)), state) == flat
    assert bare(sequence(sequence(one, two), three), state) == flat


@law
@given(plans(), STATES)
def test_the_empty_sequence_is_an_identity(plan, state):
    """Before and after, and the whole as a part."""
    mine = bare(plan, state)
    assert bare(sequence(sequence(), plan), state) == mine
    assert bare(sequence(plan, sequence()), state) == mine
    assert bare(focus(".", plan), state) == mine


@law
@given(plans(), plans(), STATES)
def test_focus_goes_over_a_sequence(one, two, state):
    """A sequence on a part is a sequence of plans on that part."""
    state = {**state, "part": dict.fromkeys(KEYS, 1)}
    whole = bare(focus("part", sequence(one, two)), state)
    assert bare(sequence(focus("part", one), focus("part", two)), state) == whole


@law
@given(plans(races=False), STATES, st.integers(0, 9), st.integers(10, 19))
def test_without_a_race_the_order_of_ends_has_no_say(plan, state, one, other):
    """ALL and N_BEST join in the order of the branches."""
    first, second = (Run(plan, state, seed, alarms=False) for seed in (one, other))
    assert first.end == second.end
    assert first.committed == second.committed


@law
@given(plans(), STATES, st.integers(0, 99), st.integers(0, 99))
def test_a_run_that_is_killed_ends_as_one_that_is_not(plan, state, seed, kills):
    """No committed task is done again, none that was cancelled comes back, and the end is one."""
    whole = Run(plan, state, seed)
    killed = Run(plan, state, seed, random.Random(kills))
    assert killed.stepped.tree == whole.stepped.tree
    assert (killed.committed, killed.steps) == (whole.committed, whole.steps)


@law
@given(plans(), STATES, st.integers(0, 99))
def test_a_plan_from_json_is_the_same_plan(plan, state, seed):
    """Written and read again, it is equal, and ends the same."""
    program = compile_plan(ACTIONS, plan)
    again = from_json(to_json(program.plan))
    assert again == program.plan
    assert Run(again, state, seed).end == Run(plan, state, seed).end


@law
@given(plans(races=False), STATES)
def test_a_run_on_a_loop_means_the_same_and_does_each_task_once(plan, state):
    """Whatever the loop makes of their order, and however many ends come at once."""
    done = []

    def action(name):
        async def ended(given, ctx):
            done.append(ctx.path)
            match end_of(name, given):
                case Replaced(grown):
                    return grown
                case Failure(fault):
                    return Err(fault)
                case end:
                    return end

        return ended

    actions = Actions({name: action(name) for name in NAMES})
    actions.functions |= ACTIONS.functions
    end = run_plan(compile_plan(actions, plan), state).result
    assert (end.value if isinstance(end, Ok) else end.error.kind) == bare(plan, state)
    assert len(done) == len(set(done))
