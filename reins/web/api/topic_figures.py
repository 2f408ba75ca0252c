"""The figures of topics, as `/metrics` has them; the 100 largest by name, `(others)` together."""

from reins.web.api.figure import Figure, one

OF_TOPICS = (
    Figure(
        "reins_topic_messages_total",
        "messages of the topic",
        one(lambda topic: topic.messages),
    ),
    Figure(
        "reins_topic_lag_messages",
        "messages that the slowest subscriber of the topic has not used; if it grows, see "
        "GET /api/topics/{topic}/subscribers",
        one(lambda topic: topic.lag),
    ),
    Figure(
        "reins_topic_dead_letters",
        "dead letters of the topic that wait to be given again; see GET /api/topics/{topic}/dead",
        one(lambda topic: topic.dead),
    ),
    Figure(
        "reins_topic_dropped_total",
        "messages that were dropped for subscribers too far behind, since the worker's start",
        one(lambda topic: topic.dropped),
    ),
)
