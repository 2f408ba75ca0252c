"""The figures of topics, as metrics have them: bounded, whatever agents name their topics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reins.bus.subscription import Subscription
from reins.bus.topic import Topic

MOST = 100
OTHERS = "(others)"


@dataclass(slots=True)
class TopicFigures:
    """`lag`: messages that the slowest subscriber has not used. `dead`: dead letters that wait."""

    messages: int = 0
    lag: int = 0
    dead: int = 0
    dropped: int = 0

    def add(self, other: "TopicFigures") -> None:
        self.messages += other.messages
        self.lag = max(self.lag, other.lag)
        self.dead += other.dead
        self.dropped += other.dropped


def figures_of(
    topics: Iterable[Topic],
    subscriptions: Iterable[Subscription],
    dead: Counter[str],
    dropped: Counter[str],
) -> Mapping[str, TopicFigures]:
    """The figures of the topics with the most messages by name, and of all others together.

    Mailboxes are among the others. Safe from any thread.
    """
    lags: dict[str, int] = {}
    for each in subscriptions:
        for name, topic in list(each.topics.items()):
            lags[name] = max(lags.get(name, 0), topic.newest - each.cursor(name))
    ordered = sorted(topics, key=lambda each: (each.name.startswith("@"), -each.newest, each.name))
    found: dict[str, TopicFigures] = {}
    for number, topic in enumerate(ordered):
        is_named = number < MOST and not topic.name.startswith("@")
        own = TopicFigures(
            topic.newest, lags.get(topic.name, 0), dead[topic.name], dropped[topic.name]
        )
        found.setdefault(topic.name if is_named else OTHERS, TopicFigures()).add(own)
    return found
