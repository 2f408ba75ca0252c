"""Older messages of a topic, read back by the block: once for all who ask at the same time."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from reins.bus.message import TopicMessage
from reins.together import Together
from store import messages
from store.store import Store

BLOCK = 500
_MOST_CHARS = 32 * 1024 * 1024
_number = attrgetter("number")


class Block(NamedTuple):
    """Messages of one block, oldest first, as far as they were there when it was read."""

    messages: Sequence[TopicMessage] = ()
    chars: int = 0

    def reaches(self, number: int) -> bool:
        return bool(self.messages) and self.messages[-1].number >= number


class Blocks:
    """The blocks that were used last, of all topics of a worker; lives on its loop."""

    def __init__(self, most_chars: int = _MOST_CHARS) -> None:
        self._kept: OrderedDict[tuple[str, int], Block] = OrderedDict()
        self._most_chars = most_chars
        self._chars = 0

    def get(self, topic: str, number: int) -> Block:
        """A block by its number in its topic; an empty one if it is not kept."""
        block = self._kept.get((topic, number))
        if block is None:
            return Block()
        self._kept.move_to_end((topic, number))
        return block

    def keep(self, topic: str, number: int, block: Block) -> None:
        self._chars += block.chars - self._kept.pop((topic, number), Block()).chars
        self._kept[topic, number] = block
        while self._chars > self._most_chars:
            _, oldest = self._kept.popitem(last=False)
            self._chars -= oldest.chars


class Backlog:
    """The messages of one topic that its memory does not hold."""

    def __init__(self, conversation_id: str, store: Store, blocks: Blocks) -> None:
        self._conversation_id = conversation_id
        self._store = store
        self._blocks = blocks
        self._together = Together(self._read)

    async def after(self, number: int, limit: int, newest: int) -> Sequence[TopicMessage]:
        """Those numbered above `number`, of one block, `limit` at the most; `newest` is there."""
        at = number // BLOCK
        upto = min(number + limit, newest, (at + 1) * BLOCK)
        block = self._blocks.get(self._conversation_id, at)
        if not block.reaches(upto):
            block = await self._together.get(str(at)) or Block()
            self._blocks.keep(self._conversation_id, at, block)
        first, end = (bisect_right(block.messages, each, key=_number) for each in (number, upto))
        return block.messages[first:end]

    def _read(self, numbers: Sequence[str]) -> Mapping[str, Block]:
        return {each: self._read_one(int(each)) for each in numbers}

    def _read_one(self, number: int) -> Block:
        rows = messages.list_messages(
            self._conversation_id, number * BLOCK, BLOCK, store=self._store.reader
        )
        return Block([TopicMessage.of(row) for row in rows], sum(len(row["text"]) for row in rows))
