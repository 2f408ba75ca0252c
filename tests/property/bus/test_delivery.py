"""Cursors: every message is delivered, in its topic's order, whatever fails and is killed."""

from hypothesis import given
from hypothesis import strategies as st

from reins.bus.delivery import Place, next_spans

TOPICS = ("a", "b.c", "d")
NEWEST = st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 30))
CURSORS = st.dictionaries(st.sampled_from(TOPICS), st.integers(0, 30))


@given(newest=NEWEST, cursors=CURSORS, batch=st.integers(1, 20), served=st.sampled_from(TOPICS))
def test_spans_are_what_is_unread_and_no_more(newest, cursors, batch, served):
    """They begin at the cursors, stay within the batch and what there is, and fill the batch."""
    spans = next_spans(newest, cursors, batch=batch, served=served)
    unread = {name: max(0, upto - cursors.get(name, 0)) for name, upto in newest.items()}
    assert len({span.topic for span in spans}) == len(spans)
    for span in spans:
        assert span.after == cursors.get(span.topic, 0)
        assert 1 <= span.limit <= unread[span.topic]
    taken = sum(span.limit for span in spans)
    assert taken <= batch
    assert bool(taken) == any(unread.values())


@given(newest=NEWEST, batch=st.integers(1, 5))
def test_topics_take_turns(newest, batch):
    """However busy one is, each that has something comes within as many ticks as there are."""
    cursors, served = {}, ""
    waiting = {name for name, upto in newest.items() if upto}
    for _ in waiting:
        spans = next_spans(dict.fromkeys(waiting, 10000), cursors, batch=batch, served=served)
        for span in spans:
            cursors[span.topic] = span.after + span.limit
            served = span.topic
    assert cursors.keys() == waiting


@given(newest=NEWEST, cursors=CURSORS, number=st.integers(1, 30))
def test_a_bad_message_comes_alone(newest, cursors, number):
    """Whatever else has come since."""
    spans = next_spans(newest, cursors, batch=9, bad=Place("a", number))
    assert spans == [("a", number - 1, 1)]


class Subscriber:
    """The rules of `ReactiveAgentBase`, with a snapshot that a kill goes back to."""

    def __init__(self):
        self.cursors, self.served, self.bad, self.attempts = {}, "", None, 0
        self.used, self.dead = [], []

    def tick(self, newest, poison, killed):
        before = dict(self.cursors), self.served, self.bad, self.attempts
        used, dead = [], []
        for span in next_spans(newest, self.cursors, batch=4, served=self.served, bad=self.bad):
            for number in range(span.after + 1, span.after + span.limit + 1):
                place = Place(span.topic, number)
                if place in poison:
                    self.attempts = self.attempts + 1 if self.bad == place else 1
                    self.bad = place
                    if self.attempts < 3:
                        break
                    dead.append(place)
                else:
                    used.append(place)
                self.cursors[span.topic], self.served = number, span.topic
                self.bad, self.attempts = None, 0
            if self.bad is not None:
                break
        if killed:
            self.cursors, self.served, self.bad, self.attempts = before
        else:
            self.used += used
            self.dead += dead


@given(data=st.data(), newest=NEWEST)
def test_each_message_is_used_once_or_dead_once(data, newest):
    """With poison anywhere and kills at any tick."""
    every = [Place(name, n) for name, upto in newest.items() for n in range(1, upto + 1)]
    poison = set(data.draw(st.lists(st.sampled_from(every)))) if every else set()
    kills = data.draw(st.lists(st.booleans(), max_size=40))
    subscriber = Subscriber()
    for killed in kills:
        subscriber.tick(newest, poison, killed)
    for _ in range(4 * len(every) + 1):
        subscriber.tick(newest, poison, killed=False)
    assert sorted(subscriber.used, key=str) == sorted(set(every) - poison, key=str)
    assert sorted(subscriber.dead, key=str) == sorted(poison, key=str)
    for name in newest:
        own = [place.number for place in subscriber.used if place.topic == name]
        assert own == sorted(own)
