"""A running plan as data: what an event makes of the tree, with no loop and no thread."""

import json

import pytest

from reins.plans import (
    ALL,
    N_BEST,
    Actions,
    Alarm,
    Choice,
    Chosen,
    Err,
    Failure,
    Fault,
    Finish,
    Go,
    Ok,
    Outcome,
    PlanError,
    Replaced,
    Spent,
    best_of,
    budget,
    choices,
    choose,
    compile_plan,
    enter,
    focus,
    leaves,
    lens,
    loop_while,
    misfits,
    parallel,
    race,
    result,
    retry,
    sequence,
    step,
    timeout,
    timers,
    with_left,
)

NAMES = "abcdefgh"
FAILED = Failure(Fault("action", "no"))


def program(plan, **more):
    """The plan with actions a to h, which nobody calls here."""
    actions = Actions(dict.fromkeys(NAMES, lambda state: state))
    for name, function in more.items():
        actions.function(name, function)
    return compile_plan(actions, plan)


class Walk:
    """A plan on its way; each tree goes through JSON, as through a kill."""

    def __init__(self, plan, state, **more):
        self.program = program(plan, **more)
        self.stepped = enter(self.program, state)

    @property
    def tree(self):
        return json.loads(json.dumps(self.stepped.tree))

    @property
    def live(self):
        return {leaf.path: leaf.name for leaf in leaves(self.program.plan, self.tree)}

    def end(self, path, event):
        if not isinstance(event, Outcome | Failure | Replaced | Alarm | Chosen):
            event = Outcome(event)
        self.stepped = step(self.program, self.tree, path, event)
        return self

    @property
    def result(self):
        return result(self.tree)


def test_a_sequence_hands_each_state_on():
    """One leaf at a time, with the state of the one before."""
    walk = Walk(sequence("a", "b"), {"n": 0})
    assert walk.live == {"/0": "a"}
    walk.end("/0", {"n": 1})
    assert [leaf.state for leaf in leaves(walk.program.plan, walk.tree)] == [{"n": 1}]
    assert walk.end("/1", {"n": 2}).result == Ok({"n": 2})


def test_a_sequence_of_nothing_leaves_the_state():
    """It has ended as soon as it begins."""
    assert Walk(sequence(), 7).result == Ok(7)


def test_branches_that_change_other_keys_are_joined_in_any_order():
    """Changed, new and removed keys of each, whoever ends first."""
    ends = {"/0": {"a": 1, "b": 0}, "/1": {"a": 0, "b": 0, "c": 3}, "/2": {"a": 0}}
    for order in (["/0", "/1", "/2"], ["/2", "/1", "/0"]):
        walk = Walk(parallel("a", "b", "c"), {"a": 0, "b": 0})
        for path in order:
            walk.end(path, ends[path])
        assert walk.result == Ok({"a": 1, "c": 3})


def test_a_conflict_names_branches_and_key():
    """Two values for one key are no join; equal ones are."""
    walk = Walk(parallel("a", "b"), {"k": 0}).end("/1", {"k": 2}).end("/0", {"k": 1})
    assert walk.result.error.kind == "conflict"
    assert "branches 0 and 1 both changed the key 'k'" in str(walk.result.error)
    same = Walk(parallel("a", "b"), {"k": 0}).end("/1", {"k": 2}).end("/0", {"k": 2})
    assert same.result == Ok({"k": 2})


def test_true_is_not_one():
    """What Python calls equal and JSON does not is a change."""
    walk = Walk(parallel("a", "b"), {"k": 1}).end("/0", {"k": True}).end("/1", {"k": 1})
    assert walk.result.value["k"] is True


def test_another_item_of_a_choose_begins_with_its_input():
    """In a turn of its own, also the first one once more; what ran is cancelled."""
    plan = sequence("a", choose(sequence("b", parallel("c", "d")), "e", selector="first"), "f")
    walk = Walk(plan, {}, first=lambda _state: 0)
    walk.end("/0", {"n": 1}).end("/1/0/0", {"n": 2})
    assert choices(walk.program.plan, walk.tree) == [Choice("/1", ("sequence", "e"), 0)]
    walk.end("/1", Chosen(1))
    assert (walk.live, walk.stepped.cancelled) == ({"/1/1#2": "e"}, ("/1/0/1/0", "/1/0/1/1"))
    assert [each.words for each in walk.stepped.decisions] == ["was told to choose 1"]
    walk.end("/1", Chosen(0))
    [leaf] = leaves(walk.program.plan, walk.tree)
    assert (leaf.path, leaf.state) == ("/1/0#3/0", {"n": 1})
    assert misfits(walk.program.plan, walk.tree) == []
    assert walk.end("/0", Chosen(0)).stepped.late, "that is no choose"
    walk.end("/1/0#3/0", {"n": 3}).end("/1/0#3/1/0", {"n": 3}).end("/1/0#3/1/1", {"n": 3})
    assert walk.end("/2", {"n": 4}).result == Ok({"n": 4})


def test_the_first_error_cancels_the_rest_in_the_order_of_the_plan():
    """ALL: the fault is the branch's own; the others are cancelled by path."""
    walk = Walk(parallel(sequence("a", "b"), "c", parallel("d", "e")), {}).end("/1", FAILED)
    assert walk.result == Err(Fault("action", "no", "/1"))
    assert walk.stepped.cancelled == ("/0/0", "/2/0", "/2/1")


def test_on_error_wait_lets_the_others_end():
    """The fault has all causes, by branch."""
    walk = Walk(parallel("a", "b", "c", on_error="wait"), {}).end("/2", FAILED).end("/0", FAILED)
    assert walk.result is None
    fault = walk.end("/1", {"x": 1}).result.error
    assert [cause.path for cause in fault.causes] == ["/0", "/2"]
    assert "2 of 3 branches failed" in str(fault)


def test_on_error_ignore_joins_who_succeeded():
    """Without a success it fails."""
    walk = Walk(parallel("a", "b", on_error="ignore"), {}).end("/0", FAILED).end("/1", {"x": 1})
    assert walk.result == Ok({"x": 1})
    none = Walk(parallel("a", on_error="ignore"), {}).end("/0", FAILED)
    assert none.result.error.kind == "no_success"


def test_the_first_success_wins_a_race_not_the_first_end():
    """A branch that fails is out; the rest is cancelled once one succeeds."""
    walk = Walk(race("a", "b", "c"), {}).end("/2", FAILED)
    assert walk.result is None
    walk.end("/1", {"won": 1})
    assert (walk.result, walk.stepped.cancelled) == (Ok({"won": 1}), ("/0",))
    assert [decision.words for decision in walk.stepped.decisions] == ["branch 1 won"]


def test_a_race_that_nobody_wins():
    """All faults are causes."""
    walk = Walk(race("a", "b"), {}).end("/1", FAILED).end("/0", FAILED)
    assert (walk.result.error.kind, len(walk.result.error.causes)) == ("no_success", 2)


def test_the_best_is_by_score_then_by_branch():
    """A tie goes to the branch that comes first, whoever ended first."""
    plan = best_of("a", "b", "c", evaluator="score")
    walk = Walk(plan, 0, score=lambda state: min(state, 5))
    walk.end("/2", 9).end("/1", 5).end("/0", 1)
    assert walk.result == Ok(5)


def test_several_best_are_combined_by_rank():
    """`n` of them, the best first."""
    plan = parallel("a", "b", "c", policy=N_BEST, n=2, evaluator="score", combiner="collect")
    walk = Walk(plan, 0, score=lambda state: state)
    assert walk.end("/0", 1).end("/1", 3).end("/2", 2).result == Ok([3, 2])


def test_the_best_of_those_that_are_there_when_time_is_over():
    """N_BEST takes what it has; the others are cancelled."""
    walk = Walk(best_of("a", "b", evaluator="score", timeout_s=2), 0, score=lambda state: state)
    assert [(timer.path, timer.left_s) for timer in timers(walk.tree)] == [("/", 2)]
    walk.end("/1", 4).end("/", Alarm())
    assert (walk.result, walk.stepped.cancelled) == (Ok(4), ("/0",))


def test_time_is_over_with_nothing_to_take():
    """A timeout is a fault of the node whose time it was."""
    fault = Walk(parallel("a", "b", timeout_s=2), 0).end("/", Alarm()).result.error
    assert (fault.kind, fault.path, fault.message) == ("timeout", "/", "not over after 2 s")
    walk = Walk(sequence(timeout("a", 1.5)), 0).end("/0", Alarm())
    assert (walk.result.error.path, walk.stepped.cancelled) == ("/0", ("/0/0",))


def test_a_clock_that_was_stopped_has_what_is_left():
    """The seconds of a timer can be set, and the tree is still the same otherwise."""
    walk = Walk(timeout("a", 10), 0)
    after = with_left(walk.tree, {"/": 2.5})
    assert [timer.left_s for timer in timers(after)] == [2.5]
    assert with_left(walk.tree, {"/0": 1}) == walk.tree
    assert timers(walk.tree)[0].left_s == 10


def test_a_choice_by_place_by_name_and_by_truth():
    """The decision is in the tree: what is chosen is not asked again."""
    for chosen, path in ((1, "/1"), ("b", "/1"), (False, "/0")):
        walk = Walk(choose("a", "b", selector="which"), {}, which=lambda _, it=chosen: it)
        assert list(walk.live) == [path]


@pytest.mark.parametrize("chosen", [2, -1, "bb", None, 0.5])
def test_a_choice_that_means_nothing_fails_its_node(chosen):
    """The words say what was chosen and what could be."""
    fault = Walk(choose("a", "b", selector="which"), {}, which=lambda _: chosen).result.error
    assert (fault.kind, fault.path) == ("function", "/")
    assert repr(chosen) in fault.message
    assert ("did you mean 'b'" in fault.message) == (chosen == "bb")


def test_a_loop_counts_its_turns():
    """Asked before each turn; each turn's path is another."""
    walk = Walk(loop_while("more", "a"), 0, more=lambda n: n < 2)
    assert walk.live == {"/0#1": "a"}
    assert walk.end("/0#1", 1).live == {"/0#2": "a"}
    assert walk.end("/0#2", 2).result == Ok(2)
    assert Walk(loop_while("more", "a"), 9, more=lambda n: n < 2).result == Ok(9)


def test_a_loop_that_does_not_end_is_a_fault():
    """At `max_turns`; one that turns on the spot costs no stack."""
    fault = Walk(loop_while("more", sequence(), max_turns=5_000), 0, more=bool).result
    assert fault == Ok(0)
    walk = Walk(loop_while("more", "a", max_turns=2), 0, more=lambda _: True)
    assert walk.end("/0#1", 1).end("/0#2", 2).result.error.kind == "limit"
    walk = Walk(loop_while("more", sequence(), max_turns=5_000), 0, more=lambda _: True)
    assert walk.result.error.message == "not over after 5000 turns (max_turns)"


def test_loops_in_loops_on_the_spot_are_ended():
    """A million turns with no task end with a fault of the plan."""
    inner = loop_while("more", sequence(), max_turns=1_000_000)
    fault = Walk(inner, 0, more=lambda _: True).result.error
    assert "turns on the spot" in fault.message


def test_a_retry_begins_with_its_own_state():
    """Attempts are numbered in the path; the last fault is the retry's."""
    walk = Walk(retry(sequence("a", "b"), attempts=2), 0)
    assert walk.end("/0~1/0", 5).end("/0~1/1", FAILED).live == {"/0~2/0": "a"}
    assert leaves(walk.program.plan, walk.tree)[0].state == 0
    assert walk.end("/0~2/0", FAILED).result == Err(Fault("action", "no", "/0~2/0"))


def test_a_retry_waits():
    """The wait is in the tree, doubles, and ends with an alarm."""
    walk = Walk(retry("a", attempts=3, delay_s=1.5), 0).end("/0~1", FAILED)
    assert (walk.live, timers(walk.tree)[0].left_s) == ({}, 1.5)
    walk.end("/", Alarm()).end("/0~2", FAILED)
    assert timers(walk.tree)[0].left_s == 3
    assert walk.end("/", Alarm()).end("/0~3", 1).result == Ok(1)


def test_a_focus_works_on_a_part():
    """What it leaves of the part goes into the whole."""
    walk = Walk(focus("draft.words", "a"), {"draft": {"words": 1}, "k": 2})
    assert leaves(walk.program.plan, walk.tree)[0].state == 1
    assert walk.end("/0", 5).result == Ok({"draft": {"words": 5}, "k": 2})


def test_a_part_that_is_not_there():
    """The fault says which key may be meant."""
    fault = Walk(focus("daft", "a"), {"draft": 1}).result.error
    assert "there is no key 'daft'; did you mean 'draft'?" in fault.message


def test_a_lens_that_breaks_its_law_fails_its_node():
    """Arguments the wrong way round, or a set that does nothing."""
    swapped = lens(lambda s: s["a"], lambda v, s: {**s, "a": v})
    assert "lens raised" in Walk(focus(swapped, "a"), {"a": 1}).result.error.message
    idle = lens(lambda s: s["a"], lambda s, _v: s)
    fault = Walk(focus(idle, "a"), {"a": 1}).end("/0", 2).result.error
    assert "breaks a law of lenses: get(set(state, value)) must give the value" in fault.message
    doubling = lens(lambda s: s["a"], lambda s, v: {**s, "a": 2 * v})
    fault = Walk(focus(doubling, "a"), {"a": 1}).result.error
    assert "set(state, get(state)) must give the state back" in fault.message


def boom(*_):
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("plan", "role"),
    [
        (sequence("a", loop_while("f", "b")), "condition 'f'"),
        (sequence("a", choose("b", selector="f")), "selector 'f'"),
        (sequence("a", best_of("b", evaluator="f")), "evaluator 'f'"),
        (sequence("a", parallel("b", combiner="f")), "combiner 'f'"),
    ],
)
def test_a_function_that_raises_fails_its_node_with_its_path(plan, role):
    """The role, the name, what was raised, and where."""
    walk = Walk(plan, {}, f=boom).end("/0", {})
    if walk.result is None:
        walk.end("/1/0", {})
    fault = walk.result.error
    assert (fault.kind, fault.path) == ("function", "/1")
    assert fault.message == f"{role} raised ZeroDivisionError: by zero"


def test_a_function_cannot_change_the_state():
    """Functions get copies."""

    def spoil(state):
        state["n"] = 99
        return True

    walk = Walk(loop_while("spoil", "a"), {"n": 0}, spoil=spoil)
    assert leaves(walk.program.plan, walk.tree)[0].state == {"n": 0}


def test_scores_must_be_numbers():
    """NaN has no place in an order."""
    walk = Walk(best_of("a", evaluator="f"), {}, f=lambda _: float("nan")).end("/0", {})
    assert "expected a finite number" in walk.result.error.message


def test_a_combiner_must_give_json():
    """What JSON does not hold is told with its place."""
    walk = Walk(parallel("a", combiner="f"), {}, f=lambda *_: {"k": [1, {2}]}).end("/0", {})
    assert "what the combiner gave.k.1 is a set" in walk.result.error.message


def test_a_budget_stops_what_has_not_ended():
    """At its limit the plan beneath it fails; one that is over by then has ended well."""
    plan = budget(sequence("a", "b"), tokens=10)
    walk = Walk(plan, 0).end("/0/0", Outcome(1, (), Spent(tokens=10)))
    assert (walk.result.error.kind, walk.stepped.cancelled) == ("budget", ())
    assert "its budget is spent (tokens 10)" in walk.result.error.message
    walk = Walk(plan, 0).end("/0/0", Outcome(1, (), Spent(tokens=9)))
    assert walk.end("/0/1", Outcome(2, (), Spent(tokens=9))).result == Ok(2)


def test_the_budget_of_branches_takes_the_best_so_far():
    """N_BEST goes on with what it has; the others are cancelled. Failures count, too."""
    plan = parallel(
        "a", "b", "c", policy=N_BEST, evaluator="score", budget={"cost_usd": 0.5, "tasks": 9}
    )
    walk = Walk(plan, 0, score=lambda state: state)
    walk.end("/0", Failure(Fault("action", "no"), (), Spent(cost_usd=0.25)))
    walk.end("/2", Outcome(4, (), Spent(cost_usd=0.25)))
    assert (walk.result, walk.stepped.cancelled) == (Ok(4), ("/1",))


def test_a_plan_that_an_action_returns_takes_its_place():
    """It is in the tree, so it needs nobody's memory; it may return plans in its turn."""
    walk = Walk(sequence("a", "b"), 0).end("/0", Replaced(sequence("c", "d")))
    assert walk.live == {"/0/plan/0": "c"}
    walk.end("/0/plan/0", 1).end("/0/plan/1", 2)
    assert walk.live == {"/1": "b"}
    assert walk.end("/1", 3).result == Ok(3)


def test_a_returned_plan_must_be_one_that_can_run():
    """Unknown names, functions without a name and too many levels fail the action."""
    for plan, words in (
        (sequence("aa"), "items.0: there is no action 'aa'; did you mean 'a'"),
        (loop_while(bool, "a"), "register it with Actions"),
        (parallel(*["a"] * 200), "more than 256 tasks would be live"),
    ):
        walk = Walk(parallel(*["a"] * 100, on_error="wait"), 0).end("/0", Replaced(plan))
        assert words in walk.tree["memory"]["0"]["error"]["message"]
    walk = Walk("a", 0)
    path = "/"
    while walk.result is None:
        walk.end(path, Replaced(sequence("a")))
        path = f"{path}/plan/0" if path != "/" else "/plan/0"
    assert "more than 64 levels" in walk.result.error.message


def test_a_late_end_is_dropped():
    """Nothing is at its path any more: the tree stays as it was."""
    walk = Walk(race("a", "b"), 0).end("/0", FAILED)
    before = walk.tree
    walk.end("/0", 5)
    assert (walk.stepped.late, walk.tree) == (True, before)
    walk.end("/1", 1).end("/1", 2)
    assert (walk.stepped.late, walk.result) == (True, Ok(1))


def test_a_step_changes_no_tree():
    """The tree that it is given stays, so that it may be kept."""
    walk = Walk(parallel(loop_while("more", "a"), "b"), 0, more=lambda _: True)
    kept, text = walk.stepped.tree, json.dumps(walk.stepped.tree)
    step(walk.program, kept, "/0/0#1", Outcome(1))
    step(walk.program, kept, "/1", Outcome(1))
    assert json.dumps(kept) == text


def test_branches_leave_their_copies_out_of_the_tree():
    """Sixteen branches of a state of 4 KiB are less than 6 KiB, also when most have ended."""
    state = {"text": "x" * 4096}
    walk = Walk(parallel(*["a"] * 8, *[sequence("a", "b")] * 8), state)
    assert len(json.dumps(walk.tree)) < 6_000
    for index in range(8):
        walk.end(f"/{index}", state)
        walk.end(f"/{index + 8}/0", state)
    assert len(json.dumps(walk.tree)) < 6_000


def test_the_state_must_be_json():
    """The place of what is none is named."""
    for state, words in (
        ({"a": [1, {2}]}, "state.a.1 is a set"),
        ({1: 2}, "an object with the key 1"),
        (float("inf"), "state is inf"),
        (2**64, "more than 64 bits"),
        ("\ud800", "half a character"),
    ):
        with pytest.raises(PlanError, match=words):
            enter(program("a"), state)
    walk = Walk("a", 0)
    walk.stepped = step(walk.program, walk.tree, "/", Outcome(object()))
    assert "state is a object" in walk.result.error.message


def test_a_tree_of_another_plan_is_told_by_its_live_paths():
    """What is over, and what is to come, may have been changed; what is live may not."""
    tree = Walk(sequence("a", parallel("b", "c")), 0).end("/0", 1).tree
    assert misfits(sequence("d", parallel("b", "c"), "e"), tree) == []
    assert misfits(sequence("a", parallel("b", "d")), tree) == [
        "/1/1: the tree has the task 'c', the plan 'd'"
    ]
    assert misfits(sequence("a", "b"), tree) == ["/1: the tree has a parallel, the plan a task"]
    assert misfits(sequence("a"), tree) == ["/1: the plan has 1 items there"]


# -- nodes of one's own


def until_two_agree():
    """Branches that end the node as soon as two of them have left the same state."""

    def begin(here):
        return Go({str(index): here.state for index in range(len(here.items))}, memory=[])

    def agree(here, _segment, result):
        match result:
            case Ok(value) if value in here.memory:
                return Finish(Ok(value), "two agree")
            case Ok(value):
                return Go(memory=[*here.memory, value])
            case _:
                return Finish(result)

    return begin, agree


def test_a_node_of_ones_own():
    """Two pure functions; cancellation, paths and persistence come with them."""
    actions = Actions(dict.fromkeys(NAMES, lambda state: state))
    quorum = actions.node("quorum", *until_two_agree())
    walk = Walk.__new__(Walk)
    walk.program = compile_plan(actions, sequence(quorum("a", "b", "c"), "d"))
    walk.stepped = enter(walk.program, 0)
    walk.end("/0/0", 1).end("/0/2", 1)
    assert (walk.stepped.cancelled, walk.live) == (("/0/1",), {"/1": "d"})


def test_a_node_of_ones_own_may_begin_an_item_many_times():
    """Each by a turn of its own, but no more than may be live."""
    actions = Actions({"a": lambda state: state})
    many = actions.node(
        "many",
        lambda here: Go({f"0#{turn}": turn for turn in range(here.args["turns"])}),
        lambda _here, _segment, end: Finish(end),
    )
    assert len(leaves_of(actions, many("a", turns=256))) == 256
    fault = result(enter(compile_plan(actions, many("a", turns=257)), 0).tree).error
    assert (fault.kind, fault.message) == ("limit", "more than 256 tasks would be live at once")


def leaves_of(actions, plan):
    program = compile_plan(actions, plan)
    return leaves(program.plan, enter(program, 0).tree)


def test_a_node_of_ones_own_may_wait():
    """An alarm ends the wait; without a function for it, it is a fault."""
    actions = Actions(dict.fromkeys(NAMES, lambda state: state))
    first = (lambda _: Go(wait_s=5, memory="waits")), (lambda _here, _segment, end: Finish(end))
    later = actions.node("later", *first, lambda here: Go({"0": here.memory}))
    never = actions.node("never", *first)
    walk = Walk.__new__(Walk)
    walk.program = compile_plan(actions, sequence(later("a"), never("b")))
    walk.stepped = enter(walk.program, 0)
    assert (walk.live, timers(walk.tree)[0].left_s) == ({}, 5)
    assert walk.end("/0", Alarm()).end("/0/0", 1).live == {}
    fault = walk.end("/1", Alarm()).result.error
    assert (fault.kind, fault.path) == ("timeout", "/1")


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (lambda _: 5, "expected Go or Finish"),
        (lambda _: Go(), "nothing to wait for"),
        (lambda _: Go({"3": 0}), "it begins '3'; expected the place of one of its 1 items"),
        (lambda _: Go({"0": {1}}), "a set"),
        (lambda _: Finish(5), "'int' object"),
        (boom, "ZeroDivisionError: by zero"),
    ],
)
def test_a_node_of_ones_own_that_errs_fails_with_its_path(move, words):
    """What it gives is checked, what it raises is told."""
    actions = Actions({"a": lambda state: state})
    plan = actions.node("odd", move, lambda *_: Finish(Ok(0)))("a")
    fault = result(enter(compile_plan(actions, sequence(plan)), 0).tree).error
    assert (fault.kind, fault.path) == ("function", "/0")
    assert words in fault.message


def test_all_is_the_default_policy():
    """A parallel that says nothing waits for all."""
    assert parallel("a").policy == ALL
