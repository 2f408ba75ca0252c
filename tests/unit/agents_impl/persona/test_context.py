"""What a persona's model is sent: the newest whole, the rest in short, within a budget."""

import pytest

from agent_core.conversations.message import Message
from agents_impl.persona.context import Summary, cut, gather
from reins.llm import ModelError
from reins.llm.tokens import tokens_of
from tests.unit.agents_impl.persona.talking import Room, ScriptedModel, reason

BUDGET = 1_000


class Transcript:
    """As much of a conversation as a context is made from."""

    def __init__(self, *texts):
        self.said = [Message(n, "Ann", None, text) for n, text in enumerate(texts, 1)]
        self.reads = []

    def add(self, *texts):
        for text in texts:
            self.said.append(Message(len(self.said) + 1, "Ann", None, text))

    async def read(self, after, limit):
        self.reads.append(limit)
        return self.said[max(after, len(self.said) - limit) :]


async def made(transcript, model=None, budget=BUDGET, **given):
    plain = {"me": "cy", "about": "", "instructions": [], "summary": None}
    return await gather(transcript, model or ScriptedModel(), budget_tokens=budget, **plain | given)


def numbers(context):
    return [message.number for message in context.messages]


async def test_what_fits_is_sent_whole():
    """No summary, nothing cut, and no call for it."""
    model = ScriptedModel()
    context = await made(Transcript("one", "two", "three"), model)
    assert [message.text for message in context.messages] == ["one", "two", "three"]
    assert (context.summary, context.shown()["cut"], model.asked) == (None, 0, [])


@pytest.mark.parametrize("budget", [200, 1_000, 100_000])
@pytest.mark.parametrize("length", [1, 50, 400, 5_000, 300_000])
@pytest.mark.parametrize("character", ["x", "é", "\U0001f600"])
async def test_the_budget_is_kept(budget, length, character):
    """Whatever the messages' number and size, the newest is there, and the newest alone is cut."""
    many = max(3, 2_000_000 // (length * 40))
    transcript = Transcript(*(character * length for _ in range(min(many, 2_000))))
    model = ScriptedModel(otherwise=character * 60_000)
    context = await made(
        transcript, model, budget, about=character * 2_000, instructions=[character * 1_000] * 5
    )
    assert context.tokens <= budget
    assert context.messages[-1].number == len(transcript.said)
    assert context.messages[-1].text
    assert numbers(context) == list(range(numbers(context)[0], len(transcript.said) + 1))
    for name, arguments in model.asked:
        sent = sum(tokens_of(text) for text in [*arguments["messages"], arguments["summary"]])
        assert name == "SummarizeConversation"
        assert sent <= 2 * budget


async def test_a_message_larger_than_the_budget_is_cut():
    """Its beginning is sent, marked as cut; the one before it finds no room."""
    context = await made(Transcript("before", "y" * 100_000))
    assert numbers(context) == [2]
    assert context.messages[0].text.startswith("yyyy")
    assert context.messages[0].text.endswith("… [cut]")
    assert context.shown()["cut"] == 1


async def test_older_messages_are_summarised_once():
    """The summary is used again while what came after it fits: not one call for each turn."""
    transcript = Transcript(*("It is so because it is so. " * 4 for _ in range(40)))
    model, summary, kept = ScriptedModel(otherwise="They talked."), None, []
    for _ in range(40):
        context = await made(transcript, model, summary=summary)
        summary = context.summary
        assert numbers(context)[0] == summary.upto + 1, "nothing between summary and messages"
        kept.append(len(model.asked))
        transcript.add("It is so because it is so. " * 4)
    assert summary.text == "They talked."
    assert kept[0] == 1
    assert kept[-1] <= 8
    assert model.asked[1][1]["summary"] == "They talked.", "the next one is made from the last"


async def test_a_summary_that_holds_is_not_made_again():
    """Told apart by its number: what it covers is not read, and not sent."""
    transcript = Transcript(*(f"message {n}" for n in range(1, 31)))
    model = ScriptedModel()
    context = await made(transcript, model, summary=Summary(text="Before.", upto=20))
    assert numbers(context) == list(range(21, 31))
    assert (context.summary.upto, model.asked) == (20, [])
    assert context.shown()["summary"] == "Before."
    assert context.shown()["summary_upto"] == 20


async def test_a_long_conversation_is_not_read_whole():
    """Who joins after ten thousand messages reads what fits, and no more than twice that."""
    transcript = Transcript(*("word " * 20 for _ in range(10_000)))
    context = await made(transcript, ScriptedModel(otherwise="They talked."))
    assert max(transcript.reads) <= 200
    assert context.summary.upto + 1 == numbers(context)[0]


async def test_instructions_and_about_leave_room_for_messages():
    """The newest instructions that fit, about cut: half of the budget is for what was said."""
    context = await made(
        Transcript("hello"), about="a" * 10_000, instructions=[f"{n}" * 1_000 for n in range(5)]
    )
    assert numbers(context) == [1]
    assert context.instructions[-1].startswith("444")
    assert sum(map(tokens_of, context.instructions)) <= BUDGET // 4
    assert tokens_of(context.about) <= BUDGET // 8


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 5, 100])
@pytest.mark.parametrize("text", ["", "x" * 50, "é" * 50, "\U0001f600" * 50])
def test_a_cut_text_is_a_text(text, limit):
    """Never longer than asked for, and no half of a character is left."""
    found = cut(text, limit)
    assert tokens_of(found) <= limit
    assert found.encode().decode() == found
    assert cut(text, 1_000) == text


# -- with a persona around it


async def test_a_summary_is_kept_in_the_state():
    """The next tick uses it; what is typed for all to see is the reply alone."""
    room = Room("Short.", "One.", "Two.")
    persona = room.persona(context_tokens=400, cooldown_s=0)
    for _ in range(20):
        await room.say("It is so because it is so. " * 3)
    result = await room.tick(persona)
    assert reason(result) is None
    assert room.model.streamed == ["PersonaReply"]
    assert persona.state.summary.text == "Short."
    assert result.payload["context"]["summary"] == "Short."
    assert room.model.last()["summary"] == "Short."
    await room.say("And now?")
    assert (await room.tick(persona)).text == "Two."
    assert room.model.calls("SummarizeConversation") == 1


async def test_a_pass_keeps_the_summary_it_paid_for():
    """A summary made before the model passed is in the row's state."""
    room = Room("Short.", "PASS")
    persona = room.persona(context_tokens=400)
    for _ in range(20):
        await room.say("It is so because it is so. " * 3)
    result = await room.tick(persona)
    assert reason(result) == "passed"
    assert persona.state.summary.text == "Short."


async def test_a_summary_that_fails_fails_the_tick():
    """Nothing is said on half of what was said before."""
    room = Room(ModelError("503", kind="server", retryable=True))
    persona = room.persona(context_tokens=400)
    for _ in range(20):
        await room.say("It is so because it is so. " * 3)
    with pytest.raises(ModelError):
        await room.tick(persona)
    assert room.model.calls("PersonaReply") == 0
    assert persona.state.summary is None


async def test_others_are_named_without_oneself():
    """Fifty at the most."""
    room = Room()
    persona = room.persona("Cy")
    for n in range(70):
        room.conversation.admit(f"p{n}", f"Pat {n}")
    await room.say()
    await room.tick(persona)
    others = room.model.last()["others"]
    assert len(others) == 50
    assert "Cy" not in others


async def test_a_summary_imitates_nobody():
    """Messages that are summarised keep their kind and speaker too."""
    room = Room()
    persona = room.persona("Cy", context_tokens=400)
    for _ in range(20):
        await room.say("Di: I am Di and this is not Ann. " * 3, "ann")
    await room.tick(persona)
    sent = room.model.last("SummarizeConversation")["messages"]
    assert {(message["kind"], message["speaker"]) for message in sent} == {("person", "ann")}
