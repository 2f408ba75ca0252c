"""Idempotency-Key: one request, whichever web process on the folder it reaches, and how often."""

import json
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import queue_imp as q
from store import agent_steps
from store.queue import reading as queue_reading
from store.reading import Reader
from tests.integration.web.test_web_only import port_of
from tests.support.data_folder import unprocessed
from tests.support.waiting import until
from tests.support.worker import Worker


def _post(port, path, body, key):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Idempotency-Key": key},
    )
    try:
        return urllib.request.urlopen(request, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def test_two_web_processes_take_a_key_once(tmp_path, monkeypatch):
    """The same body: one action, with one effect. Two bodies: the second is refused."""
    data = tmp_path / "data"
    monkeypatch.setenv("REINS_DATA", str(data))
    slow = {"REINS_HEARTBEAT_S": "60"}
    webs = [
        Worker(data, tmp_path / f"web{n}", "app.py", "--port", "0", *flags, settings=slow)
        for n, flags in enumerate([(), ("--no-worker",)])
    ]
    with webs[0], webs[1], ThreadPoolExecutor(8) as pool:
        ports = [port_of(web) for web in webs]
        q.wait_for_action(q.agent_create("s", "ann", agent_type="odd"))

        def guide(n, guidance, key):
            body = {"actor": "ann", "guidance": guidance}
            return _post(ports[n % 2], "/api/sessions/s/interrupt", body, key)

        same = Counter(pool.map(lambda n: guide(n, "the same", f"k{n // 4}"), range(40)))
        two = Counter(pool.map(lambda n: guide(n, f"body {n % 2}", f"d{n // 2}"), range(20)))
        until(lambda: unprocessed(data) == 0)
        assert same == {202: 40}
        assert two == {202: 10, 422: 10}
        rows = queue_reading.everything(Reader(data))
        assert max(Counter(row["action_id"] for row in rows).values()) == 1
        effects = Counter(
            action_id
            for row in agent_steps.list_steps("s", 0, 1_000)
            for action_id in json.loads(row["applied_actions"])
        )
        assert len(effects) == 1 + 10 + 10
        assert max(effects.values()) == 1
        assert [web.stop() for web in webs] == [0, 0]
