"""The API under requests that are made from its own description, good ones and bad ones."""

import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from agents import Runtime
from reins.runtime_thread import RuntimeThread
from reins.settings import load_settings
from store.queue import reading as queue_reading
from store.reading import reader
from tests.integration.web.support import DOCUMENT, Api

EXAMPLES = 12
GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
OPERATIONS = [
    (path, method, mode)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for mode in (GOOD, BAD)
    if not path.endswith("/events")  # does not end; see test_api_events.py
    if mode is GOOD or "parameters" in operation
]
THERE = {
    "session_id": ["jo", "odd/1 %", "over"],
    "conversation_id": ["talk"],
    "seq": ["1", "2"],
    "name": ["default"],
    "item_id": ["item 1"],
}
"""What a random id never is."""
MEANT = re.compile(
    r"query\.(cursor|before|last|since|until|true_at|known_at|zone|q|like|at_seq)\b"
    r"|header.Idempotency-Key|body$"
    r"|body\.(\d+\.)?(agent_type|config|content|guidance|args|text|when|at|valid_from|valid_to)\b"
)
"""ApiContext of a request that may have the right form and still mean nothing."""


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """A worker with a few sessions, one of them over, and a conversation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REINS_DATA", str(tmp_path_factory.mktemp("fuzz") / "data"))
        patch.setenv("REINS_HEARTBEAT_S", "60")
        patch.setenv(
            "REINS_AGENT_MODULES",
            '["agents_impl", "tests.support.odd_agents", "tests.support.asking_agents"]',
        )
        runtime = Runtime(load_settings())
        thread = RuntimeThread(runtime)
        thread.start()
        with Api(load_settings(), runtime) as api:
            for agent_id in ("jo", "over", "odd/1 %"):
                kind = "odd" if "odd" in agent_id else "joke"
                body = {"agent_id": agent_id, "agent_type": kind, "actor": "ann"}
                api.done("/api/sessions", body)
            asks = {"agent_id": "as", "agent_type": "asking", "actor": "ann"}
            api.done("/api/sessions", asks | {"config": {"item_id": "item 1", "times": 9}})
            api.done("/api/sessions/over/destroy", {"actor": "ann"})
            api.done("/api/conversations", {"conversation_id": "talk", "actor": "ann"})
            yield api
        thread.stop()


@pytest.fixture(scope="module")
def schema(api):
    return schemathesis.openapi.from_wsgi("/api/openapi.json", api.web.wsgi)


# The worker's threads use the module meanwhile; what is drawn here does not.
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_what_is_sent_is_answered_as_described(api, schema, path, method, mode):
    """No 500, no answer outside the description, and nothing enqueued by what was refused."""
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def send(data):
        case = data.draw(operation.as_strategy(generation_mode=mode))
        for name in case.path_parameters or {}:
            if name in THERE and mode is GOOD and data.draw(st.booleans()):
                case.path_parameters[name] = data.draw(st.sampled_from(THERE[name]))
        before = enqueued(api)
        answer = case.call_and_validate(
            headers={"Accept-Encoding": "identity"},  # its reader of answers unpacks none
            excluded_checks=[positive_data_acceptance],
        )
        if mode is GOOD and answer.status_code == 422:
            problems = answer.json()["problems"]
            assert [each for each in problems if not MEANT.match(each["where"])] == []
        if answer.status_code != 202:
            assert enqueued(api) == before

    send()


def enqueued(api):
    """Actions in the queue."""
    return len(queue_reading.everything(reader(api.settings.data)))
