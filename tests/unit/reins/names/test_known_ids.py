"""Ids that are taken, and what looks like them."""

from reins.names.known_ids import KnownIds


def test_an_id_is_found_in_every_form():
    """The one that is stored is given; of two from before, the one that was asked for."""
    known = KnownIds(["jos\u00e9", "plain", "old-e\u0301", "\u00e0", "a\u0300"])
    assert known.stored("jose\u0301") == "jos\u00e9"
    assert known.stored("old-\u00e9") == "old-e\u0301"
    assert known.stored("plain") == "plain"
    assert known.stored("a\u0300") == "a\u0300"
    assert known.stored("\u00e0") == "\u00e0"
    assert known.stored("new-\u00e9") == "new-\u00e9"
    assert "jos\u00e9" in known
    assert "jose\u0301" not in known


def test_what_looks_the_same_is_told():
    """Not itself, not two of ASCII, not what only reads alike."""
    known = KnownIds(["agent", "\u0441at", "\u00e9"])
    assert known.look_alike("\u0430gent") == "agent"
    assert known.look_alike("cat") == "\u0441at"
    assert known.look_alike("\uff41gent") == "agent"
    assert known.look_alike("\u0441at") is None
    assert known.look_alike("Agent") is None
    assert known.look_alike("agent") is None
    assert known.look_alike("e") is None
    assert KnownIds().look_alike("\u0430") is None
