"""A conversation in the worker: numbers, ids, memory beside the store, and who is in it."""

import asyncio
from dataclasses import dataclass

import orjson
import pytest

from agent_core.conversations.conversations import Conversations
from agent_core.conversations.message import (
    ConversationEndedError,
    ConversationUnknownError,
    Message,
    NameTakenError,
)
from store import messages
from store.errors import JournalError
from store.journal.file import Record
from store.store import Store
from store.times import now_us
from tests.support.waiting import until_async

KB = 1024


class Opened:
    """A store, and conversations on it; `again` is what a restart sees."""

    def __init__(self, data):
        self.data = data

    async def start(self):
        self.store = Store(self.data, flush_s=0.05)
        await self.store.start()
        self.conversations = Conversations(self.store)

    async def again(self):
        await self.store.stop()
        await self.start()

    async def conversation(self, conversation_id="c"):
        made = self.conversations.get(conversation_id)
        await made.create(None, "ann", f"act-{conversation_id}")
        return made

    def fresh(self, conversation_id="c"):
        """As another worker would find it: nothing of it is in memory."""
        return Conversations(self.store).get(conversation_id)

    async def flushed(self):
        await until_async(lambda: self.store.journal.pending == 0)

    async def write_messages(self, count, author_of, text="a word or two"):
        """Straight into the journal, as if they had been written long ago."""
        rows = [
            {
                "message_id": f"m{number}", "conversation_id": "c", "number": number,
                "author": author_of(number), "agent_id": author_of(number) if number > 1 else None,
                "session_id": author_of(number) if number > 1 else None, "text": text,
                "metadata": None, "created_at": now_us(),
            }
            for number in range(1, count + 1)
        ]  # fmt: skip
        await self.store.journal.append(*(Record("messages", orjson.dumps(row)) for row in rows))

    def stored(self, conversation_id="c"):
        return messages.list_messages(conversation_id, 0, 10_000, store=self.store.reader)


@pytest.fixture
async def opened(data):
    made = Opened(data)
    await made.start()
    yield made
    await made.store.stop()


@dataclass
class Speaker:
    """A member that does nothing but speak; its tick's row is not what these tests are about."""

    member_id: str
    name: str
    told: int = 0
    anew: int = 0

    def news(self):
        self.told += 1

    def restart(self):
        self.anew += 1
        return True

    async def say(self, opened, conversation, text, *, seen=None, message_id=None):
        async with conversation.reply(
            self,
            text,
            message_id=message_id or f"{self.member_id}-{text}",
            seen=conversation.newest if seen is None else seen,
            agent_id="agent",
            metadata='{"tone":"dry"}',
        ) as reply:
            if reply is None:
                return False
            self.number = reply.number
            await opened.store.journal.append(reply.record)
        return True


def texts(found):
    return [message.text for message in found]


async def test_messages_are_numbered_without_gaps(opened):
    """People and members at once: each has one number, and all from 1 on are there."""
    conversation = await opened.conversation()
    cy = Speaker("cy", "Cy")
    posts = [conversation.post(f"p{n}", "ann", f"word {n}") for n in range(20)]
    replies = [cy.say(opened, conversation, f"reply {n}", seen=-1) for n in range(20)]
    both = [work for pair in zip(posts, replies, strict=True) for work in pair]
    written = sum(got is not False for got in await asyncio.gather(*both))
    rows = opened.stored()
    assert [row["number"] for row in rows] == list(range(1, written + 1))
    assert [row["text"] for row in rows if row["session_id"] is None] == [
        f"word {n}" for n in range(20)
    ]


async def test_a_message_is_posted_once_for_each_id(opened):
    """Also at once, after the flush, and by another worker that holds nothing in memory."""
    conversation = await opened.conversation()
    await asyncio.gather(*(conversation.post("p1", "ann", "hello") for _ in range(3)))
    await opened.flushed()
    await conversation.post("p1", "ann", "hello")
    await opened.again()
    await opened.fresh().post("p1", "ann", "hello")
    assert [(row["number"], row["text"]) for row in opened.stored()] == [(1, "hello")]


async def test_what_a_member_says_is_whole_on_record(opened):
    """Author, session, agent, metadata and number, as its commit is given them."""
    conversation = await opened.conversation()
    cy = Speaker("cy-session", "Cy")
    await conversation.post("p1", "ann", "hello")
    assert await cy.say(opened, conversation, "hi", message_id="m")
    row = opened.stored()[1]
    assert cy.number == row["number"] == 2
    assert (row["author"], row["session_id"], row["agent_id"]) == ("Cy", "cy-session", "agent")
    assert (row["message_id"], orjson.loads(row["metadata"])) == ("m", {"tone": "dry"})


async def test_a_reply_to_what_is_not_the_newest_is_composed_anew(opened):
    """Five times at the most, then it is heard out; nothing is written before."""
    conversation = await opened.conversation()
    cy = Speaker("cy", "Cy")
    await conversation.post("p1", "ann", "one")
    await conversation.post("p2", "ann", "two")
    tries = [await cy.say(opened, conversation, "hi", seen=1) for _ in range(6)]
    assert tries == [False] * 5 + [True]
    assert [row["number"] for row in opened.stored()] == [1, 2, 3]


@pytest.mark.parametrize("flushed", [True, False])
async def test_a_restart_reads_the_same(opened, flushed):
    """Newest number, agents' turns and what a tick reads, whether it was flushed or not."""
    conversation = await opened.conversation()
    cy = Speaker("cy", "Cy")
    await conversation.post("p1", "ann", "one")
    for n in range(3):
        await cy.say(opened, conversation, f"reply {n}")
    if flushed:
        await opened.flushed()
    known = list(await conversation.read(0, 100))
    again = opened.fresh()
    await again.load()
    assert (again.newest, again.agent_turns) == (conversation.newest, 3) == (4, 3)
    assert list(await again.read(0, 100)) == known
    assert known[0] == Message(1, "ann", None, "one")


async def test_a_message_from_before_there_were_sessions_is_its_agents(opened):
    """Rows without a session are an agent's if they name one: its own session bears its name."""
    await opened.conversation()
    old = {
        "message_id": "m", "conversation_id": "c", "number": 1, "author": "Bot",
        "agent_id": "bot", "text": "beep", "created_at": now_us(),
    }  # fmt: skip
    await opened.store.journal.append(Record("messages", orjson.dumps(old)))
    again = opened.fresh()
    await again.load()
    assert list(await again.read(0, 10)) == [Message(1, "Bot", "bot", "beep")]
    assert again.agent_turns == 1


@pytest.mark.parametrize("count", [101, 250])
async def test_agents_turns_are_counted_further_back_than_memory_goes(opened, count):
    """A person's word that is not among the newest hundred is found on record."""
    await opened.conversation()
    await opened.write_messages(count, lambda number: "cy" if number > 1 else "ann")
    for _ in range(2):
        again = opened.fresh()
        await again.load()
        assert again.agent_turns == count - 1
        await opened.flushed()


async def test_agents_turns_where_no_person_ever_spoke(opened):
    """All messages count, however many."""
    conversation = await opened.conversation()
    cy = Speaker("cy", "Cy")
    for n in range(3):
        await cy.say(opened, conversation, f"{n}")
    again = opened.fresh()
    await again.load()
    assert again.agent_turns == 3


async def test_reading_goes_from_memory_over_into_the_store(opened):
    """Wherever the seam is, what is read is whole, in order, and not more than asked for."""
    await opened.conversation()
    await opened.write_messages(150, lambda _number: "ann")
    await opened.flushed()
    conversation = opened.fresh()
    await conversation.load()
    for after, limit, first in (
        (0, 1_000, 1), (0, 20, 131), (40, 1_000, 41), (49, 1_000, 50), (50, 1_000, 51),
        (51, 1_000, 52), (100, 101, 101), (149, 5, 150),
    ):  # fmt: skip
        numbers = [message.number for message in await conversation.read(after, limit)]
        assert numbers == list(range(first, 151)), (after, limit)
    assert await conversation.read(150, 10) == []
    assert await conversation.read(1_000, 10) == []


async def test_what_is_said_while_it_is_read_tears_no_hole(opened, monkeypatch):
    """Messages that leave memory while the older ones are read are in what is read."""
    await opened.conversation()
    await opened.write_messages(150, lambda _number: "ann")
    conversation = opened.fresh()
    await conversation.load()
    reading, said = asyncio.Event(), asyncio.Event()
    listed = messages.list_messages

    def slow(*args, **kwargs):
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(said.wait(), loop).result(20)
        return listed(*args, **kwargs)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(messages, "list_messages", slow)
    task = asyncio.create_task(conversation.read(0, 1_000))
    await reading.wait()
    for n in range(30):
        await conversation.post(f"new{n}", "ann", "more")
    said.set()
    numbers = [message.number for message in await task]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 150


async def test_memory_holds_little(opened):
    """Of large messages only a few are held, one at least; reading gives them all the same."""
    conversation = await opened.conversation()
    for n in range(4):
        await conversation.post(f"p{n}", "ann", f"{n}" + "x" * 30 * KB)
    assert len(conversation.held(0)) == 2
    await conversation.post("huge", "ann", "y" * 200 * KB)
    assert [message.number for message in conversation.held(0)] == [5]
    assert [message.number for message in await conversation.read(0, 10)] == [1, 2, 3, 4, 5]
    assert [message.number for message in await conversation.read(3, 10)] == [4, 5]


async def test_a_commit_that_failed_is_not_counted(opened):
    """Nothing is known of it but what is on record, so the next number has no gap before it."""
    conversation = await opened.conversation()
    await conversation.post("p1", "ann", "one")
    append = opened.store.journal.append

    async def full(*_records):
        raise JournalError("no room")

    opened.store.journal.append = full
    with pytest.raises(JournalError):
        await conversation.post("p2", "ann", "two")
    opened.store.journal.append = append
    await conversation.post("p2", "ann", "two")
    assert [(row["number"], row["text"]) for row in opened.stored()] == [(1, "one"), (2, "two")]


async def test_a_commit_whose_end_was_not_seen_is_counted(opened):
    """Who is cancelled while it writes has perhaps written: the next one reads first."""
    conversation = await opened.conversation()
    cy = Speaker("cy", "Cy")
    append = opened.store.journal.append

    async def cut_off(*records):
        await append(*records)
        raise asyncio.CancelledError

    opened.store.journal.append = cut_off
    with pytest.raises(asyncio.CancelledError):
        await cy.say(opened, conversation, "hi")
    opened.store.journal.append = append
    await conversation.post("p1", "ann", "two")
    assert texts(await conversation.read(0, 10)) == ["hi", "two"]
    assert [row["number"] for row in opened.stored()] == [1, 2]


async def test_a_message_needs_its_conversation(opened):
    """What nobody created is refused, in a line that says what would make it; then it is there."""
    conversation = opened.conversations.get("nowhere")
    for work in (conversation.load(), conversation.post("p", "ann", "hello")):
        with pytest.raises(ConversationUnknownError, match="create it with conversation_create"):
            await work
    assert await conversation.create("Tea", "ann", "act")
    await conversation.post("p", "ann", "hello")
    assert len(opened.stored("nowhere")) == 1


async def test_a_conversation_is_created_once(opened):
    """By one action, which may come again after a crash; another's is refused."""
    conversation = await opened.conversation()
    assert await conversation.create(None, "ann", "act-c")
    assert not await conversation.create(None, "ben", "act-other")
    await opened.again()
    assert await opened.fresh().create(None, "ann", "act-c")
    assert not await opened.fresh().create(None, "ben", "act-other")


@pytest.mark.parametrize("other", ["Ann", "ANN", "aNN", " Ann", "Ann  "])
async def test_a_name_is_taken_in_any_case(opened, other):
    """Two of one name could not be told apart in the transcript; the first keeps it."""
    conversation = await opened.conversation()
    conversation.admit("one", "Ann")
    with pytest.raises(NameTakenError, match="choose another name"):
        conversation.admit("two", other)
    conversation.admit("one", "Ann")  # it is its own
    conversation.dismiss("one")
    conversation.admit("two", other)
    assert conversation.present == {"two": other}


async def test_who_composes_is_known_and_told(opened):
    """By the conversation's id; listeners hear of each change until they unlisten."""
    conversation = await opened.conversation()
    cy, told = Speaker("cy", "Cy"), []
    unlisten = opened.conversations.listen(told.append)
    with conversation.floor.listening(cy):
        conversation.floor.take(cy)
        assert opened.conversations.composing("c") == "cy"
        assert opened.conversations.composing("other") is None
    assert opened.conversations.composing("c") is None
    assert told == ["c", "c"]
    unlisten()
    with conversation.floor.listening(cy):
        conversation.floor.take(cy)
    assert told == ["c", "c"]


async def test_those_who_listen_hear_of_each_message(opened):
    """All but who said it; and a person makes who composes begin anew."""
    conversation = await opened.conversation()
    cy, di = Speaker("cy", "Cy"), Speaker("di", "Di")
    with conversation.floor.listening(cy), conversation.floor.listening(di):
        conversation.floor.take(cy)
        await conversation.post("p1", "ann", "one")
        await cy.say(opened, conversation, "hi")
    assert (cy.told, di.told, cy.anew, di.anew) == (1, 2, 1, 0)


async def test_a_conversation_is_one_object_while_it_is_used(opened):
    """Two that number the same messages would give one number twice."""
    assert opened.conversations.get("c") is opened.conversations.get("c")
    assert opened.conversations.get("c") is not opened.conversations.get("d")


async def test_changes_that_come_again_after_a_kill_are_not_done_again(data):
    """Each was applied; neither a pause from before a resume nor one from before the end is."""
    opened = Opened(data)
    await opened.start()
    room = await opened.conversation()
    await room.change("act-1", paused_by="ann")
    await room.change("act-2", paused_by=None, counted_from=None)
    await room.change("act-3", ended_by="ann")
    await opened.again()
    room = opened.conversations.get("c")
    for action_id in ("act-1", "act-2", "act-3"):
        await room.change(action_id, paused_by="ann")
    assert (room.rules.paused_by, room.rules.ended_by) == (None, "ann")
    with pytest.raises(ConversationEndedError):
        await room.change("act-4", paused_by="ann")
    await opened.store.stop()


async def test_a_change_that_may_be_on_disk_is_read_before_the_next(data, monkeypatch):
    """Its commit gave an error, and is there: done again, it holds here too."""
    opened = Opened(data)
    await opened.start()
    room = await opened.conversation()
    append = opened.store.journal.append

    async def append_and_fail(*records):
        await append(*records)
        raise JournalError("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(opened.store.journal, "append", append_and_fail)
        with pytest.raises(JournalError):
            await room.change("act-1", paused_by="ann")
    await room.change("act-1", paused_by="ann")
    assert room.rules.paused_by == "ann"
    await opened.store.stop()
