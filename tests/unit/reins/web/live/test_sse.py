import threading

from reins.web.live.sse import Streams


def test_rows_reach_the_streams_of_their_session():
    """Each stream gets the rows of its session once, in order; none after it was closed."""
    streams = Streams()
    with streams.open("a") as one, streams.open("a") as two, streams.open("b") as other:
        assert (len(streams), streams.sessions()) == (3, {"a", "b"})
        streams.put("a", [{"seq": 1}, {"seq": 2}])
        streams.put("nobody", [{"seq": 1}])
        assert one.take(0) == two.take(0) == [{"seq": 1}, {"seq": 2}]
        assert one.take(0) == other.take(0) == []
    assert (len(streams), streams.sessions()) == (0, set())


def test_a_reader_that_is_too_slow_loses_the_oldest():
    """What is kept for a reader is bounded; what it gets has a gap at the front."""
    streams = Streams()
    with streams.open("a") as stream:
        for seq in range(5_000):
            streams.put("a", [{"seq": seq}])
        kept = [row["seq"] for row in stream.take(0)]
    assert kept == list(range(5_000 - len(kept), 5_000))
    assert len(kept) <= 1_000


def test_the_end_wakes_the_readers():
    """A reader that waits sees the end at once."""
    streams = Streams()
    with streams.open("a") as stream:
        waiting = threading.Thread(target=stream.take, args=(30,))
        waiting.start()
        streams.end()
        waiting.join(5)
        assert not waiting.is_alive()
    assert streams.ended.is_set()
