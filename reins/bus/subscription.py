"""A subscriber as its topics see it: what it listens to, and how far it has come on record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from reins.bus.group import Group
from reins.bus.topic import Topic


@dataclass(eq=False, slots=True)
class Subscription:
    """The names that one subscriber listens to, and the topics of such names that there are.

    `cursors` are those that are on disk. One that `is_paused` holds nobody up by the number of
    messages that it has not read, only by their age.
    """

    name: str
    names: Sequence[Callable[[str], object]]
    wake: Callable[[], object]
    is_paused: Callable[[], bool]
    cursors: Mapping[str, int] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    group: Group | None = None

    def takes(self, name: str) -> bool:
        return any(matches(name) for matches in self.names)

    def cursor(self, topic: str) -> int:
        """The newest message of the topic that it has used, on disk."""
        if self.group is not None and not topic.startswith("@"):
            return self.group.floor(topic)
        return self.cursors.get(topic, 0)

    def told(self, topic: str) -> None:
        """There are new messages of the topic."""
        if self.group is not None and not topic.startswith("@"):
            self.group.wake()
        else:
            self.wake()
