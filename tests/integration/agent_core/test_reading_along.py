"""Acts of who reads along: notes at rows of a log, and guidance that is not to wait for a tick."""

import queue_imp as q
from store.notes import list_notes
from tests.support.waiting import until_async


async def test_a_note_is_kept_with_its_name(fleet):
    """It stands at its row with who made it, in the order of writing; the log gets no row."""
    await fleet.create(heartbeat_s=60)
    await fleet.until_row("tick")
    before = fleet.log()
    got = await fleet.do(q.note_add, "a", "ann", 2, "here it began")
    await fleet.do(q.note_add, "a", "bob", 1, "and so it was made")
    assert got["outcome"] == "applied"
    assert got["applied_seq"] is None
    notes = list_notes("a", store=fleet.store.reader)
    assert [(row["seq"], row["author"], row["text"]) for row in notes] == [
        (2, "ann", "here it began"), (1, "bob", "and so it was made"),
    ]  # fmt: skip
    assert notes[0]["note_id"] == got["action_id"]
    assert fleet.log() == before
    await until_async(lambda: not fleet.store.reader.journalled(_table()), "the notes are flushed")
    assert list_notes("a", store=fleet.store.reader) == notes
    assert list_notes("a", notes[0]["journal_n"], store=fleet.store.reader) == notes[1:]


def _table():
    from store.notes import TABLE  # noqa: PLC0415 - of one test

    return TABLE


async def test_a_session_that_has_ended_takes_notes(fleet):
    """What one wants to remark upon is often over."""
    await fleet.create(heartbeat_s=60)
    await fleet.do(q.agent_destroy_action, "a", "ann")
    assert (await fleet.do(q.note_add, "a", "ann", 1, "too early"))["outcome"] == "applied"
    [note] = list_notes("a", store=fleet.store.reader)
    assert note["text"] == "too early"


async def test_a_note_to_no_row_is_rejected(fleet):
    """The receipt says how far the log goes, and which session is not there."""
    await fleet.create(heartbeat_s=60)
    got = await fleet.do(q.note_add, "a", "ann", 900, "far away")
    assert (got["outcome"], "no row 900" in got["error"]) == ("rejected", True)
    got = await fleet.do(q.note_add, "nobody", "ann", 1, "nowhere")
    assert "there is no session nobody" in got["error"]
    assert list_notes("a", store=fleet.store.reader) == []


async def test_hastened_guidance_is_applied_at_once_and_once(fleet):
    """The tick of a minute is aborted; both receipts name the one row of the guidance."""
    session = await fleet.create(tick="slow", tick_s=60)
    await session.agent.ticking.wait()
    steer = await fleet.ask(q.agent_interrupt, "a", "ann", "dogs")
    await until_async(lambda: session.mailbox, "the guidance waits")
    assert fleet.kinds() == ["status"]
    session.agent.config.tick_s = 0.01
    hastened = await fleet.do(q.agent_hasten, "a", "bob", steer)
    applied = await fleet.receipt(steer)
    assert hastened["outcome"] == applied["outcome"] == "applied"
    assert hastened["applied_seq"] == applied["applied_seq"] == 2
    await fleet.until_row("tick")
    assert [row["text"] for row in fleet.log()][1:3] == ["subject: dogs", "1 about dogs"]
    assert fleet.kinds().count("guidance") == 1
    assert session.failures == 0


async def test_what_waits_no_longer_cannot_be_hastened(fleet):
    """Guidance that the session has never seen, or no longer holds, is named."""
    await fleet.create(heartbeat_s=60)
    got = await fleet.do(q.agent_hasten, "a", "ann", "act_nothing")
    assert got["outcome"] == "rejected"
    assert "act_nothing does not wait for session a" in got["error"]


async def test_guidance_that_is_being_taken_in_is_waited_for(fleet):
    """Who hastens it a moment too late is not told that it was applied already."""
    session = await fleet.create(heartbeat_s=60, guide="slow", tick_s=0.5)
    await fleet.until_row("tick")
    steer = await fleet.ask(q.agent_interrupt, "a", "ann", "dogs")
    await session.agent.guiding.wait()
    hastened = await fleet.do(q.agent_hasten, "a", "bob", steer)
    assert (hastened["outcome"], hastened["error"]) == ("applied", None)
    assert hastened["applied_seq"] == (await fleet.receipt(steer))["applied_seq"]
