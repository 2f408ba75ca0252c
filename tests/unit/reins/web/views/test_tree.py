"""A tree as a page shows it: its order, who holds it up, the path that takes longest."""

from reins.web.views import tree


def row(name, parent=None, *, status="running", waits=None, at=0, until=10, error=None):
    return {
        "session_id": name, "parent_session_id": parent, "status": status, "waits": waits,
        "created_at": f"2026-01-01T00:00:{at:02}+00:00", "error": error,
        "updated_at": f"2026-01-01T00:00:{until:02}+00:00",
    }  # fmt: skip


def waiting(kind, reason="for something"):
    return {"kind": kind, "reason": reason}


def task(name, *needs):
    return {
        "id": name, "worker": "tester", "brief": "b", "acceptance": "", "needs": [*needs],
        "state": "running", "attempt": 1, "session": f"s.{name}", "result": None, "problem": None,
        "tries": 1,
    }  # fmt: skip


def test_parents_come_before_their_children():
    """Siblings as they were made; what has lost its parent stands at the top."""
    rows = [
        row("r.b", "r", at=2), row("r.a.x", "r.a", at=3), row("r", at=0), row("r.a", "r", at=1),
        row("lost", "nobody", at=9),
    ]  # fmt: skip
    found = [each["session_id"] for each in tree.in_order(rows)]
    assert found == ["r", "r.a", "r.a.x", "r.b", "lost"]


def test_who_lets_a_tree_wait():
    """For a person, a budget, a resume; a parent that waits for its children is none of them."""
    rows = [
        row("r", waits=waiting("child")),
        row("r.a", "r", waits=waiting("approval", "write_file a.py")),
        row("r.b", "r", status="paused", waits=waiting("budget", "tree cost spent")),
        row("r.c", "r", status="paused"),
        row("r.d", "r", status="failed", error="its parent answers for it"),
        row("r.e", "r", status="completed"),
    ]
    held_up = tree.holds_up(rows)
    assert [(each["session_id"], each["kind"]) for each in held_up] == [
        ("r.a", "asking"), ("r.b", "held"), ("r.c", "paused"),
    ]  # fmt: skip
    assert tree.stands_still(rows, held_up)
    at_work = [*rows, row("r.f", "r")]
    assert not tree.stands_still(at_work, tree.holds_up(at_work))
    assert not tree.stands_still([row("r", status="completed")], [])


def test_the_path_that_takes_longest_is_marked():
    """By the lives of the sessions so far, along what needs what."""
    rows = [row("s.a", until=9), row("s.b", until=2), row("s.c", until=3), row("s.d", until=1)]
    state = {
        "planned": True,
        "tasks": [task("a"), task("b"), task("c", "b"), task("d", "a", "c")],
    }
    config = {"workers": {"developer": {}, "tester": {}}}
    [board] = tree.boards([("s", state), ("leaf", {"goal": ""})], rows, lambda _: config)
    assert board["workers"] == ["developer", "tester"]
    assert {each["id"] for each in board["tasks"] if each["critical"]} == {"a", "d"}


def test_a_pause_is_its_parents_where_that_is_paused():
    """Whoever resumes the child alone would set it apart."""
    rows = [
        row("r", status="paused"), row("r.a", "r", status="paused"), row("r.b", "r"),
        row("r.c", "r", status="completed"),
    ]  # fmt: skip
    held_up = tree.holds_up(rows)
    assert [each["session_id"] for each in held_up] == ["r"]
    assert not tree.stands_still(rows, held_up)
    rows[2] = row("r.b", "r", status="pausing")
    assert tree.stands_still(rows, tree.holds_up(rows))


def test_a_root_that_has_failed_holds_it_up():
    rows = [row("r", status="failed", error="it cannot"), row("r.a", "r", status="completed")]
    assert [each["kind"] for each in tree.holds_up(rows)] == ["failed"]


def test_states_of_other_types_are_no_plans():
    """Whatever they call their fields."""
    states = [
        ("a", {"planned": True, "tasks": [{"name": "no id"}], "files_changed": 3}),
        ("b", {"planned": True, "tasks": "none"}),
        ("c", {"planned": 2, "tasks": [task("a")]}),
    ]
    assert tree.boards(states, [], lambda _: {}) == []
    assert tree.shared_files(states) == []


def test_files_that_several_have_changed():
    states = [
        ("s.a", {"files_changed": ["x.py", "y.py"]}),
        ("s.b", {"files_changed": ["y.py"]}),
        ("s", {}),
    ]
    assert tree.shared_files(states) == [{"path": "y.py", "sessions": ["s.a", "s.b"]}]
