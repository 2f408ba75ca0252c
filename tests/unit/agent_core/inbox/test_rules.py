"""What a rule of approval covers, and what it never does."""

import pytest

from agent_core.inbox.fixed import Fixed, below, may_follow, plain
from agent_core.inbox.item import Call, call_hash
from agent_core.inbox.risk import OUTSIDE, raised, with_outside
from agent_core.inbox.rules import Rule, Rules
from agent_core.session.decisions import Aspects

_OTHERS = """
bash /bin/sh python3 python3.11 env xargs sudo node find git tar sed pytest npm uv cargo docker
rsync vim gdb flock ld.so ash tcsh mksh lua deno bun pypy3 python3.13t chrt systemd-run pip go
java m4 ed rg sort tee curl make ./ls /tmp/cat
"""


def call(*, risk="medium", args=None, session_id="s", **aspects):
    return Call(session_id, "a", "task", "run_command", args or {}, risk, Aspects(**aspects))


def rule(fixed, *, effect="allow", scope="session", scope_id="s", spec="", rule_id="r"):
    return Rule(rule_id, effect, scope, scope_id, "run_command", spec, fixed, "i", "ann", 1)


@pytest.mark.parametrize(
    ("argv", "covered"),
    [
        (("git", "status"), True),
        (("git", "status", "-s"), True),
        (("git", "-C", "/", "status"), False),
        (("git",), False),
        (("cd x &&", "git", "status"), False),
        (("git", "status && rm -rf ."), False),
        (("git status",), False),
        (("GIT", "status"), False),
        (None, False),
    ],
)
def test_commands_are_compared_token_by_token(argv, covered):
    """A prefix is one of tokens: neither a line of text nor an option before it passes."""
    fixed = Fixed(argv=("git", "status"), more=True)
    assert rule(fixed).covers(call(argv=argv)) is covered


def test_without_more_nothing_may_follow():
    """The tokens are the whole command."""
    assert rule(Fixed(argv=("ls",))).covers(call(argv=("ls",)))
    assert not rule(Fixed(argv=("ls",))).covers(call(argv=("ls", "-l")))


@pytest.mark.parametrize("beside", [{"stdin": "id -u; rm -rf *"}, {"cwd": "/"}, {"env": {}}])
@pytest.mark.parametrize("argv", [("sh",), ("python3", "-"), ("cat",)])
def test_a_rule_for_a_command_leaves_neither_its_input_nor_its_folder_open(argv, beside):
    """What is given beside the tokens says what a command does: such a call asks each time."""
    fixed, of_call = Fixed(argv=argv), {"argv": [*argv], "timeout_s": 9}
    assert rule(fixed).covers(call(argv=argv, args=of_call))
    assert not rule(fixed).covers(call(argv=argv, args=of_call | beside))
    assert rule(fixed, effect="deny").covers(call(argv=argv, args=of_call | beside))


@pytest.mark.parametrize("name", _OTHERS.split())
def test_no_tokens_may_follow_what_runs_others(name):
    """Only few programs are harmless with any tokens: no other is, known or not."""
    assert not may_follow([name, "x"])
    assert not rule(Fixed(argv=(name,), more=True)).covers(call(argv=(name, "-c", "rm")))
    assert rule(Fixed(argv=(name, "x"))).covers(call(argv=(name, "x")))
    assert rule(Fixed(argv=(name,), more=True), effect="deny").covers(call(argv=(name, "-c", "x")))


@pytest.mark.parametrize(
    ("argv", "harmless"),
    [
        (("ls", "-l"), True),
        (("git", "log", "--oneline", "--exit-code"), True),
        (("git", "diff", "--", "x"), True),
        (("git", "diff", "--output=.git/hooks/pre-commit"), False),
        (("git", "log", "--outp", "x"), False),
        (("git", "show", "--ext-diff"), False),
        (("git", "push"), False),
        (("git", "-c", "alias.x=!rm", "x"), False),
        (("git",), False),
    ],
)
def test_tokens_that_may_follow(argv, harmless):
    """Programs that only read, and what git does that only reads, without options that do more."""
    assert may_follow(argv) is harmless
    assert rule(Fixed(argv=argv[:2], more=True)).covers(call(argv=(*argv, "y"))) is harmless


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("src/a.py", "src/*", True),
        ("src/x/a.py", "src/*", False),
        ("src/x/a.py", "src/**", True),
        ("a.py", "**/*.py", True),
        ("src/x/a.py", "**/*.py", True),
        ("src/../secret", "src/**", False),
        ("../secret", "**", False),
        ("/etc/passwd", "**", False),
        ("src/a.pyc", "src/*.py", False),
        ("src/a[1].py", "src/a[1].py", True),
        ("src//a.py", "src/a.py", True),
        ("src/a\n.py", "src/*.py", True),
    ],
)
def test_paths(path, pattern, fits):
    """Patterns below the workspace; what leads out of it fits none."""
    assert below(path, pattern) is fits


def test_every_path_and_host_must_be_allowed_and_one_is_enough_to_deny():
    """A call with two targets is as dangerous as the worse of them."""
    both = call(paths=("src/a", "etc/b"))
    assert not rule(Fixed(paths=("src/**",))).covers(both)
    assert rule(Fixed(paths=("src/**", "etc/**"))).covers(both)
    assert rule(Fixed(paths=("etc/**",)), effect="deny").covers(both)
    hosts = call(hosts=("api.example.org", "example.org"))
    assert not rule(Fixed(hosts=("*.example.org",))).covers(hosts)
    assert rule(Fixed(hosts=("*.example.org", "EXAMPLE.org."))).covers(hosts)
    assert not rule(Fixed(hosts=("*.example.org",))).covers(call(hosts=("badexample.org",)))


def test_a_rule_that_allows_leaves_no_aspect_open():
    """What it does not fix is not allowed by the way."""
    fetches = call(argv=("curl", "x"), hosts=("example.org",))
    assert not rule(Fixed(argv=("curl", "x"))).covers(fetches)
    assert not rule(Fixed(hosts=("example.org",))).covers(fetches)
    assert not rule(Fixed(hosts=("a",))).covers(call(hosts=("a",), code=True))
    assert rule(Fixed(argv=("curl", "x"), hosts=("example.org",))).covers(fetches)


def test_arguments_are_fixed_whole():
    """Any other value, or one more, is another call."""
    fixed = Fixed(args=plain({"b": 1, "a": 2}))
    assert rule(fixed).covers(call(args={"a": 2, "b": 1}))
    assert not rule(fixed).covers(call(args={"a": 2, "b": 1, "c": 3}))


def test_what_no_rule_ever_allows():
    """High risk, shell lines, any code or command, and a tool whose spec is another than it was."""
    anything = Fixed(anything=True)
    assert rule(anything).covers(call())
    assert not rule(anything).covers(call(risk="high"))
    assert not rule(anything).covers(call(shell=True))
    assert not rule(anything).covers(call(code=True))
    assert not rule(anything).covers(call(argv=("ls",)))
    assert rule(anything, effect="deny").covers(call(code=True))
    assert not rule(anything, spec="one").covers(call(spec="two"))
    assert rule(anything, spec="one", effect="deny").covers(call(spec="two", risk="high"))


def test_scopes():
    """For one session, for one agent, for a type; and for no other."""
    anything = Fixed(anything=True)
    other = call(session_id="t")
    assert not rule(anything).covers(other)
    assert rule(anything, scope="agent", scope_id="a").covers(other)
    assert rule(anything, scope="type", scope_id="task").covers(other)
    assert not rule(anything, scope="type", scope_id="joke").covers(other)


def test_deny_wins():
    """Whichever was made first."""
    rules = Rules()
    assert rules.decide(call()) is None
    rules.add(rule(Fixed(anything=True), rule_id="1"))
    assert rules.decide(call()).allows
    rules.add(rule(Fixed(anything=True), rule_id="2", effect="deny"))
    assert not rules.decide(call()).allows
    rules.remove("2")
    assert rules.decide(call()).rule_id == "1"


def test_risk_is_only_raised():
    """Outward tools count one higher after material from outside; nothing lowers a risk."""
    assert raised("medium", "low") == "medium"
    assert raised("low", "high") == "high"
    assert with_outside("low", [], outward=True, outside=True) == ("medium", [OUTSIDE])
    assert with_outside("high", ["x"], outward=True, outside=True) == ("high", ["x", OUTSIDE])
    assert with_outside("low", [], outward=True, outside=False) == ("low", [])
    assert with_outside("low", [], outward=False, outside=True) == ("low", [])


def test_a_hash_of_the_call_and_of_what_it_touches():
    """The order of arguments does not matter; a value, the tool and what it touches do."""
    one = call_hash("t", {"a": 1, "b": 2}, "x")
    assert one == call_hash("t", {"b": 2, "a": 1}, "x")
    assert len({one, call_hash("t", {"a": 1, "b": 3}, "x"), call_hash("t", {"a": 1, "b": 2}, "y"),
                call_hash("u", {"a": 1, "b": 2}, "x"),
                call_hash("t", {"a": 1, "b": 2}, "x", "another")}) == 5  # fmt: skip
