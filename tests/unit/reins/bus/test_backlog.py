"""Blocks of older messages in memory: the ones used last, within their bound."""

from reins.bus.backlog import Block, Blocks
from reins.bus.message import TopicMessage


def block(first, many, chars):
    messages = [TopicMessage(n, f"m{n}", "ann", "x", 0, {}) for n in range(first, first + many)]
    return Block(messages, chars)


def test_beyond_the_bound_the_one_used_longest_ago_goes():
    """A look at a block is a use of it; the newest is kept within any bound but none."""
    blocks = Blocks(most_chars=10)
    one, two, three = (block(first, 2, 4) for first in (1, 501, 1001))
    blocks.keep("t", 0, one)
    blocks.keep("t", 1, two)
    assert blocks.get("t", 0) is one
    blocks.keep("t", 2, three)
    assert blocks.get("t", 1) == Block()
    assert (blocks.get("t", 0), blocks.get("t", 2)) == (one, three)
    assert blocks.get("other", 0) == Block()


def test_a_block_that_is_read_again_takes_the_place_of_the_former():
    """It counts once."""
    blocks = Blocks(most_chars=10)
    for chars in (4, 6, 9):
        blocks.keep("t", 0, block(1, chars, chars))
    assert blocks.get("t", 0).reaches(9)
    blocks.keep("t", 1, block(501, 1, 1))
    blocks.keep("t", 2, block(1001, 1, 1))
    assert not blocks.get("t", 0).reaches(1)
