"""Calls as the log and the inbox have them."""

import pytest

from agent_core.inbox.fixed import Fixed, plain
from agent_core.inbox.item import Call as RuledCall
from agents_impl.task.calls import (
    KEPT_ARGUMENTS_BYTES,
    aspects_of,
    call_line,
    changed_file,
    kept,
    key_of,
    preview_within,
    same_call,
    size_bytes,
)
from agents_impl.task.models import Call, Pending
from reins.tools.builtin.commands import run_command, run_python, run_shell
from reins.tools.builtin.files import read_file, write_file
from reins.tools.builtin.web import http_get
from reins.tools.declaring import tool
from reins.tools.outcome import ToolError
from reins.tools.policy import Risk
from reins.tools.web.outside import target_of


def test_a_call_in_a_line():
    """Its texts, on one line, cut."""
    assert call_line("write_file", {"path": "src/parse.py", "content": "a\nb"}) == (
        "write_file src/parse.py a b"
    )
    assert call_line("run_command", {"argv": ["ls", "-l"]}) == "run_command ls -l"
    assert len(call_line("write_file", {"content": "x" * 1_000})) == 120


def test_a_key_is_of_one_call_of_one_life():
    """The same for a call that is made again."""
    assert key_of("s", 1, 2) == key_of("s", 1, 2)
    assert len({key_of("s", 1, 2), key_of("s", 1, 3), key_of("s", 2, 2), key_of("t", 1, 2)}) == 4


def test_large_arguments_are_not_kept_in_a_snapshot():
    """Their row has them."""

    def pending(content):
        call = Call(tool="write_file", arguments={"content": content}, key="k")
        return Pending(thought="", call=call, call_hash="", seq=1)

    assert kept(pending("x")).call.arguments == {"content": "x"}
    assert kept(pending("x" * KEPT_ARGUMENTS_BYTES)).call.arguments is None


def test_what_rules_can_fix_of_a_call():
    """By the names of its arguments; a pinned digest of the tool's spec."""

    @tool
    async def get(url: str) -> str:
        """Get it."""

    aspects = aspects_of(get, {"url": "https://Example.org:8080/x"})
    assert aspects.hosts == ("example.org",)
    assert aspects_of(get, {"url": "https://[bad"}).hosts == ()
    assert aspects_of(write_file, {"path": "x"}).paths == ("x",)
    assert aspects_of(get, {"argv": ["ls", "-l"]}).argv == ("ls", "-l")
    assert aspects.spec != aspects_of(write_file, {"path": "x"}).spec


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com/",
        "https://EVIL.com./",
        "https://\uff45vil.com/",
        "https://evil\u3002com/",
        "https://evil\uff0ecom/x",
        "https://evil\u00ad.com/",
        "https://evil.com:8443/",
        "https://user:word@evil.com/",
        "wss://\uff45vil\uff61com/",
    ],
)
def test_a_host_is_denied_in_every_form(url):
    """The rule is compared with the host that a request reaches, not with how it is written."""
    denied, allowed = Fixed(hosts=("evil.com",)), aspects_of(http_get, {"url": url})
    call = RuledCall("s", "a", "task", "http_get", {"url": url}, "medium", allowed)
    assert denied.covers(call, every=False)
    try:
        plainly = target_of(url).host == "evil.com"
    except ToolError:
        plainly = False
    assert denied.covers(call, every=True) is plainly


def test_a_call_is_the_same_with_its_defaults_spelled_out():
    """For a rule that denies it as for one that allows it."""
    short, whole = {"argv": ["ls"]}, {"argv": ["ls"], "stdin": "", "timeout_s": 9}
    assert same_call(run_command, short) == same_call(run_command, whole)
    assert same_call(run_command, short) != same_call(run_command, whole | {"stdin": "x"})
    made = Fixed(args=plain(short), call=same_call(run_command, short))
    call = RuledCall("s", "a", "task", "t", whole, "medium", aspects_of(run_command, whole))
    assert made.covers(call, every=False)
    assert made.covers(call, every=True)
    other = whole | {"stdin": "x"}
    call = RuledCall("s", "a", "task", "t", other, "medium", aspects_of(run_command, other))
    assert not made.covers(call, every=False)
    assert same_call(run_command, {"argv": 7}) == same_call(run_command, {"argv": 7})


def test_a_command_that_runs_another_is_a_shell_line():
    """For rules as for the risk: by the same function."""
    assert aspects_of(run_shell, {"line": "ls"}).shell
    for argv in (["sh"], ["env", "-S", "sh -c x"], ["git", "-c", "alias.x=!rm", "x"]):
        assert aspects_of(run_command, {"argv": argv}).shell
        assert run_command.policy.risk_of({"argv": argv})[0] is Risk.high
    assert not aspects_of(run_command, {"argv": ["ls", "-l"]}).shell
    assert aspects_of(run_python, {"code": "1"}).code


def test_a_rule_holds_for_where_a_link_leads():
    """A rule that allows must hold for both names; one that denies for either."""
    aspects = aspects_of(write_file, {"path": "docs/x"}, [".git/hooks/x"])
    call = RuledCall("s", "a", "task", "write_file", {"path": "docs/x"}, "medium", aspects)
    assert not Fixed(paths=("docs/**",)).covers(call, every=True)
    assert Fixed(paths=("docs/**", ".git/**")).covers(call, every=True)
    assert Fixed(paths=(".git/**",)).covers(call, every=False)


def test_only_what_writes_has_changed_a_file():
    """A read names a path too."""
    assert changed_file(write_file, {"path": "x"}) == "x"
    assert changed_file(read_file, {"path": "x"}) is None


def test_a_preview_fits_into_an_item():
    """It says that it is cut: the whole is in the arguments, which the item has too."""
    short = {"kind": "diff", "diff": "x"}
    assert preview_within(short) == short
    cut = preview_within({"kind": "diff", "diff": "x" * 1_000_000}, 1_000)
    assert cut["kind"] == "diff"
    assert size_bytes(cut) <= 1_000
    assert cut["cut"]
    fields = {str(n): "x" for n in range(999)}
    argv = {"kind": "argv", "argv": ["x"] * 999, "stdin": "", "confinement": "landlock"}
    for long in ({"kind": "fields", "fields": fields}, argv, {str(n): "x" for n in range(999)}):
        other = preview_within(long, 1_000)
        assert (other["kind"], other["cut"]) == ("fields", True)
        assert size_bytes(other) <= 1_000
    assert preview_within(argv, 1_000)["confinement"] == "landlock"
