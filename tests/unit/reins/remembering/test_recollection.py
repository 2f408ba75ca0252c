"""Which memories a thought is told: all, the newest, or those that fit."""

import threading

from reins.mind import Memory
from reins.mind.relevance import Cue
from reins.remembering.recollection import OFF, Recalled, Recollection

CUES = [Cue("goal", "who barks"), Cue("guidance", "")]
WHY = "the embeddings do not answer: away"


def memories(count, scope="session"):
    return [
        Memory(
            key=f"k{n:04}", scope=scope, version=1, value="a dog" if n == 0 else f"it barks {n}",
            elsewhere=False, source="", at=n, expires_at=None,
        )
        for n in range(count)
    ]  # fmt: skip


class Meanings:
    """Finds the first in key the most like, or gives a reason."""

    def __init__(self, why=None):
        self.why, self.asked = why, []

    async def likeness(self, asked, texts):
        self.asked += asked
        like = [1.0 if "a dog" in text else 0.1 for text in texts]
        return self.why or [like for _ in asked]


def line(memory):
    return f"{memory.key}: {memory.value}"


async def test_all_that_have_room_are_told_the_newest_first():
    """Nothing is embedded for it; and a row tells nothing where nothing is remembered."""
    meanings = Meanings()
    recollection = Recollection(lambda: "meaning", meanings)
    told = await recollection.recall(CUES, memories(3), line, 1_000)
    assert (told.by, told.left, meanings.asked) == ("all", 0, [])
    assert told.lines == ["k0002: it barks 2", "k0001: it barks 1", "k0000: a dog"]
    assert (await recollection.recall(CUES, [], line, 1_000)).payload() == {}


async def test_without_an_index_it_is_the_newest():
    """As it was before there was one, and it says so."""
    told = await Recollection(lambda: "off", Meanings()).recall(CUES, memories(50), line, 60)
    assert (told.by, told.note, told.left) == ("order", OFF, 47)
    assert told.lines[0] == "k0049: it barks 49"
    assert told.lines[-1].startswith("47 more are remembered")


async def test_what_fits_by_meaning_is_told_and_read_from_the_row_again():
    """Each with why; a cue without a text asks for nothing."""
    meanings = Meanings()
    told = await Recollection(lambda: "meaning", meanings).recall(CUES, memories(50), line, 60)
    assert meanings.asked == ["who barks"]
    assert (told.by, told.note) == ("meaning", None)
    assert told.memories[0]["key"] == "k0000"
    assert (told.memories[0]["by"], told.memories[0]["cue"]) == (["meaning"], "goal")
    assert Recalled.of(told.payload()) == told


async def test_embeddings_that_are_away_leave_words():
    """And the answer has the reason."""
    recollection = Recollection(lambda: "meaning", Meanings(WHY))
    told = await recollection.recall(CUES, memories(50), line, 60)
    assert (told.by, told.note) == ("words", WHY)
    assert "barks" in told.lines[0]
    found, note = await recollection.find("a dog", memories(50), 2)
    assert (found[0][0].key, note) == ("k0000", WHY)
    assert len(found) == 1, "the others have none of the words"


async def test_thousands_of_memories_do_not_hold_the_loop():
    """Lines are made in the loop only until the room is used up, all others in a thread."""
    here, elsewhere, main = [], [], threading.get_ident()

    def counted(memory):
        (here if threading.get_ident() == main else elsewhere).append(memory)
        return line(memory)

    told = await Recollection(lambda: "words").recall(CUES, memories(2_000), counted, 2_000)
    assert told.by == "words"
    assert len(here) < 200
    assert len(elsewhere) == 2_000


async def test_others_memories_do_not_crowd_out_its_own():
    """Each scope has its share of the room."""
    known = [*memories(100, "shared"), *memories(3)]
    told = await Recollection(lambda: "words").recall(CUES, known, line, 200)
    scopes = {each["scope"] for each in told.memories}
    assert scopes == {"session", "shared"}
    assert told.is_of_others
