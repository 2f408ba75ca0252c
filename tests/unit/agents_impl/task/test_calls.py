"""Calls as the log and the inbox have them."""

from agent_core.inbox.fixed import Fixed
from agent_core.inbox.item import Call as RuledCall
from agents_impl.task.calls import (
    KEPT_ARGUMENTS_BYTES,
    aspects_of,
    call_line,
    changed_file,
    kept,
    key_of,
    preview_within,
    size_bytes,
)
from agents_impl.task.models import Call, Pending
from reins.tools.builtin.files import read_file, write_file
from reins.tools.declaring import tool


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
