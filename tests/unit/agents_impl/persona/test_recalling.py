"""What a persona is told of the memories of its agent and of all."""

from reins.mind import Memories
from reins.mind.memories import Version
from reins.remembering.recollection import Recollection
from reins.remembering.shared import SharedMemories
from tests.unit.agents_impl.persona.talking import Room


class Shared(SharedMemories):
    """What an agent and all remember, without a store."""

    def __init__(self, **texts):
        kept = {key: (Version(1, at, text),) for at, (key, text) in enumerate(texts.items())}
        self.memories = Memories(shared=kept)

    def has_some(self, agent_id):
        return True

    def view(self, agent_id):
        return self.memories


async def test_it_is_told_what_is_remembered_of_what_was_said():
    """By words where there is no index; the row says which memories, and why not by meaning."""
    room = Room("Her name is Mia.")
    shared = Shared(cat="Mia is a cat", **{f"no{n}": "nothing " * 20 for n in range(20)})
    persona = room.persona(services=(Recollection(lambda: "words"),))
    persona.services._services[SharedMemories] = shared
    await room.say("What is the cat called?")
    result = await room.tick(persona)
    told = result.payload["recalled"]
    assert (told["by"], told["memories"][0]["key"], told["memories"][0]["cue"]) == (
        "words", "cat", "message",
    )  # fmt: skip
    assert told["note"] == "the search by meaning is off (REINS_SEARCH)"
    assert room.model.last()["memories"][0] == "remembered (shared) under 'cat': Mia is a cat"
    assert room.model.last()["memories"][-1].endswith("finds those about something")
    assert result.payload["context"]["memories"] == len(room.model.last()["memories"])


async def test_with_no_room_for_memories_none_are_told():
    """`memory_tokens` of 0, as before there were any."""
    room = Room("Hello.")
    persona = room.persona(memory_tokens=0)
    persona.services._services[SharedMemories] = Shared(cat="Mia")
    await room.say("Well?")
    result = await room.tick(persona)
    assert "recalled" not in result.payload
    assert room.model.last()["memories"] == []
