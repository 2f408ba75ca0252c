"""A fleet with topics, and ways to publish and look."""

import json

import queue_imp as q
from agent_core.agent.services import Services
from reins.bus.hearing import listening
from reins.bus.topics import Topics
from store.topics import list_topic_messages, message_of
from tests.integration.agent_core.conftest import Fleet
from tests.support.waiting import until_async


class Bus(Fleet):
    modules = ("tests.support.topic_agents",)

    def __init__(self, folder):
        super().__init__(folder, modules=self.modules)

    def make_parts(self, store):
        self.topics = Topics(store)
        self.services = Services(self.topics, listening(self.topics))

    async def stop(self, grace_s=2.0):
        await self.topics.stop()
        await super().stop(grace_s)

    async def agent(self, agent_id, agent_type="counter", **config):
        got = await self.do(q.agent_create, agent_id, "ann", agent_type=agent_type, config=config)
        assert got["outcome"] == "applied", got

    async def publish(self, topic, *messages):
        got = [await self.ask(q.publish, topic, "ann", message) for message in messages]
        return [await self.receipt(each) for each in got]

    def state_of(self, session_id):
        return json.loads(self.state(session_id)["context"])

    async def until_count(self, session_id, count):
        await until_async(
            lambda: self.state_of(session_id)["count"] == count, f"{session_id} has used {count}"
        )

    def said(self, topic):
        return [message_of(row) for row in list_topic_messages(topic, store=self.store.reader)]
