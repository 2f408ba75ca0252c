"""When the digest of a session is due."""

from reins.search.digests import DigestsDue


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def step(session_id, kind):
    return "agent_steps", {"session_id": session_id, "kind": kind}


def test_what_people_say_is_due_at_once_and_ticks_later():
    """And what has been taken is due no more."""
    clock = Clock()
    due = DigestsDue(clock)
    due.note([step("ticks", "tick"), step("guided", "tick"), step("guided", "guidance")])
    due.note([("agents_config", {"session_id": "new"}), ("messages", {})])
    assert due.are_due()
    assert sorted(due.take()) == ["guided", "new"]
    assert not due.are_due()
    clock.now += 20
    due.note([step("ticks", "tick")])  # its time does not move away from it
    clock.now += 10.5
    assert due.take() == ["ticks"]
    clock.now += 1_000
    assert due.take() == []


def test_one_round_takes_so_many():
    """The rest stays due, and waits a moment: a round is dear."""
    clock = Clock()
    due = DigestsDue(clock)
    due.now(f"s{number}" for number in range(1_300))
    assert len(due.take()) == 1_000
    assert not due.are_due()
    assert due.take() == []
    clock.now += 3.0
    assert (len(due.take()), due.are_due()) == (300, False)
