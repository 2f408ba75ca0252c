"""The registry: what may be registered, and what is said of a name that is not there."""

import functools
import math

import pytest

from reins.plans import (
    Actions,
    PlanError,
    PlanNameError,
    Task,
    best_of,
    choose,
    compile_plan,
    custom,
    focus,
    lens,
    loop_while,
    parallel,
    run_plan,
    sequence,
)


def search(state):
    return state


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ("serch", "there is no action 'serch'; did you mean 'search'?"),
        (sequence("search", parallel("search", "serch")), "items.1.items.1: there is no action"),
        (focus("a", "xyzzy"), "item: there is no action 'xyzzy'; there are 'search'"),
        (loop_while("mre", "search"), "there is no function 'mre'; did you mean 'more'?"),
        (choose("search", selector="mre"), "there is no function 'mre'"),
        (parallel("search", combiner="colect"), "did you mean 'collect'?"),
        (best_of("search", evaluator="mre"), "there is no function 'mre'"),
        (custom("vot"), "there is no node 'vot'; did you mean 'vote'?"),
        (focus("a..b", "search"), "'a..b' is no path"),
        (Task("search", {"k": {1}}), "args.k is a set"),
        (custom("vote", k=2**70), "args.k is a whole number of more than 64 bits"),
        (choose("search"), "choose needs a selector, or the choose_fn of compile_plan"),
    ],
)
def test_a_name_that_is_not_there(plan, words):
    """The place in the plan, and those that may be meant."""
    actions = Actions({"search": search})
    actions.function("more", bool)
    actions.node("vote", bool, bool)
    with pytest.raises(PlanError) as error:
        compile_plan(actions, plan)
    assert words in str(error.value)


def test_every_name_that_is_not_there_is_told():
    """All at once, each with its place; of very many the first twenty."""
    plan = sequence("a", focus("k", loop_while("b", "c")))
    with pytest.raises(PlanNameError) as error:
        compile_plan(Actions(), plan)
    assert [".".join(map(str, place)) for place, _ in error.value.found] == [
        "items.0",
        "items.1.item",
        "items.1.item.item",
    ]
    with pytest.raises(PlanNameError, match="… and 80 more"):
        compile_plan(Actions(), sequence(*["a"] * 100))


def test_a_limit_needs_a_rate():
    """A rate that nobody has set is told before anything runs."""
    actions = Actions()
    actions.register("search", search, limit="api")
    with pytest.raises(PlanError, match=r"goes by the limit 'api', which has no rate; set it"):
        compile_plan(actions, "search")
    with pytest.raises(PlanError, match="both must be above 0"):
        actions.rate("api", 0)


def test_the_decorator_names_by_the_function_or_otherwise():
    """Both forms give the function back."""
    actions = Actions()
    assert actions.action(search) is search
    assert actions.action("find")(search) is search
    actions.rate("api", 5)
    actions.action(limit="api")(named)
    assert list(actions.actions) == ["search", "find", "named"]
    assert actions.get("named").limit == "api"


def named(state):
    return state


def test_a_name_is_given_once():
    """The second is refused, whatever it names."""
    actions = Actions({"search": search})
    actions.function("more", bool)
    actions.lens("draft", lens("draft"))
    actions.node("vote", bool, bool)
    actions.rate("api", 5)
    for again in (
        lambda: actions.register("search", search),
        lambda: actions.function("more", bool),
        lambda: actions.lens("draft", lens("draft")),
        lambda: actions.node("vote", bool, bool),
        lambda: actions.rate("api", 5),
    ):
        with pytest.raises(PlanError, match="already; choose another name"):
            again()
    with pytest.raises(PlanError, match="expected a text"):
        actions.register("", search)


class Doubling:
    def __call__(self, state, ctx):
        return [ctx.path, state * 2]


class Later:
    async def __call__(self, state):
        return state + 1


def passes_on(state):
    return Later()(state)


def test_every_shape_of_a_function_is_called_rightly():
    """Builtins, partials, objects, defaults that are no context, and coroutines of each."""
    actions = Actions(
        {
            "sqrt": math.sqrt,
            "partial": functools.partial(lambda more, state: state + more, 10),
            "object": Doubling(),
            "later": Later(),
            "default": lambda state, by=5: state + by,
            "context": lambda state, ctx=None: [state, ctx is not None],
            "star": lambda *args: len(args),
            "returns a coroutine": passes_on,
            "builtin": str,
        }
    )
    assert {name: run_plan(compile_plan(actions, name), 4).state for name in actions.actions} == {
        "sqrt": 2.0,
        "partial": 14,
        "object": ["/", 8],
        "later": 5,
        "default": 9,
        "context": [4, True],
        "star": 1,
        "returns a coroutine": 5,
        "builtin": "4",
    }


@pytest.mark.parametrize(
    "wrong", [lambda: 1, lambda a, b, c: a, lambda state, *, must: state, 5, None]
)
def test_a_function_of_another_shape_is_refused(wrong):
    """When it is registered, not when it is called."""
    with pytest.raises(PlanError, match=r"expected \(state\) or \(state, ctx\)|cannot be called"):
        Actions({"a": wrong})


def test_a_lens_is_checked_as_it_is_registered():
    """With an example; the arguments of `set` the wrong way round do not come through."""
    actions = Actions()
    example = {"draft": "x", "n": 1}
    actions.lens("draft", lens("draft"), example=example, value="y")
    swapped = lens(lambda s: s["draft"], lambda value, s: {**s, "draft": value})
    with pytest.raises(PlanError, match=r"expected get\(state\) and set\(state, value\)"):
        actions.lens("swapped", swapped, example=example)
    idle = lens(lambda s: s["draft"], lambda s, _value: s)
    with pytest.raises(PlanError, match=r"get\(set\(state, value\)\) must give the value"):
        actions.lens("idle", idle, example=example, value="y")
    with pytest.raises(PlanError, match="lens 'gone' fails at"):
        actions.lens("gone", lens("gone"), example=example)
    assert list(actions.lenses) == ["draft"]


def test_a_plan_must_be_one():
    """Neither a dict nor a number is."""
    for wrong in ({"kind": "task"}, 5, None):
        with pytest.raises(PlanError, match="expected a plan or the name of an action"):
            compile_plan(Actions(), wrong)
        with pytest.raises(PlanError, match="expected a plan or the name of an action"):
            sequence("a", wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: parallel("a", policy="FIRST"), "policy: Input should be 'ALL'"),
        (lambda: parallel("a", policy="N_BEST"), "needs an evaluator"),
        (lambda: parallel("a", "b", policy="N_BEST", n=2, evaluator=len), "needs a combiner"),
        (lambda: parallel("a", n=2), "n and evaluator are for N_BEST, not for ALL"),
        (lambda: parallel(policy="FIRST_COMPLETED"), "needs a branch"),
        (lambda: parallel("a", policy="FIRST_COMPLETED", combiner=len), "takes no combiner"),
        (lambda: parallel("a", timeout_s=0), "timeout_s: Input should be greater than 0"),
        (lambda: parallel("a", budget={}), "budget: Input should have tokens, cost_usd or tasks"),
        (lambda: parallel("a", combiner=5), "combiner: Input should be the name of a function"),
        (lambda: focus(5, "a"), "lens: Input should be the name of a lens or a path, given 5"),
        (lambda: loop_while("a", "b", max_turns=0), "max_turns: Input should be greater"),
        (lambda: choose(selector=len), "items: Tuple should have at least 1 item"),
        (lambda: sequence(""), "name: String should have at least 1 character"),
    ],
)
def test_a_node_that_cannot_be_is_refused_as_it_is_made(make, words):
    """The field, and what was expected."""
    with pytest.raises(PlanError) as error:
        make()
    assert words in str(error.value)


def test_nodes_are_immutable():
    """A plan can be shared: nobody changes it."""
    with pytest.raises(AttributeError):
        parallel("a").policy = "ALL"


def nested(levels):
    plan = "search"
    for _ in range(levels - 1):
        plan = sequence(plan)
    return plan


def test_how_large_a_plan_may_be():
    """64 levels, 10,000 nodes, 256 tasks at once, and not one more."""
    actions = Actions({"search": search})
    assert run_plan(compile_plan(actions, nested(64)), 1).state == 1
    compile_plan(actions, sequence(*["search"] * 9_999))
    compile_plan(actions, parallel(*["search"] * 256))
    for plan, words in (
        (nested(65), "more than 64 levels; make it flatter"),
        (nested(500), "more than 64 levels"),
        (sequence(*["search"] * 10_000), "more than 10,000 nodes; let an action return"),
        (parallel(*[sequence("search")] * 257), "257 tasks of the plan may be live at once"),
    ):
        with pytest.raises(PlanError, match=words):
            compile_plan(actions, plan)


def test_256_branches_run():
    """As many as may be live at once."""
    plan = parallel(*["search"] * 256, combiner="collect")
    assert run_plan(compile_plan(Actions({"search": search}), plan), 1).state == [1] * 256
