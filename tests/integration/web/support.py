"""What the API's tests share: a client that holds each answer to the API's description."""

import re
from pathlib import Path
from typing import Any, Self

import orjson
from jsonschema import Draft202012Validator
from werkzeug.test import Client, TestResponse

import queue_imp as q
from reins.web.application import Web

DOCUMENT = orjson.loads(
    (Path(__file__).resolve().parents[3] / "reins" / "web" / "http" / "openapi.json").read_bytes()
)


class Api:
    """The web application as it is served, behind its guard, without a port."""

    def __init__(self, settings: Any, runtime: Any) -> None:
        self.settings = settings
        self.runtime = runtime
        self.web = Web(settings, runtime, port=8700, token=None)
        self.client = Client(self.web.wsgi)

    def __enter__(self) -> Self:
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        """The answer; its status, type and body are as the description has them."""
        answer = self.client.open(path, method=method, base_url="http://127.0.0.1:8700", **more)
        conforms(method, path, answer)
        return answer

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.ask("GET", path, **more)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return orjson.loads(answer.get_data())

    def post(self, path: str, body: Any, status: int = 202, **more: Any) -> Any:
        answer = self.ask("POST", path, json=body, **more)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return orjson.loads(answer.get_data())

    def done(self, path: str, body: Any, **more: Any) -> dict[str, Any]:
        """The receipt of what was asked for."""
        return q.wait_for_action(self.post(path, body, **more)["action_id"])

    def actions(self) -> list[dict[str, Any]]:
        return self.get("/api/actions?limit=1000")["items"]


def conforms(method: str, path: str, answer: TestResponse) -> None:
    """The answer is one that the description gives for this request."""
    operation = operation_of(method, path)
    if operation is None:
        assert answer.status_code in (404, 405), path
        return
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{method} {path}: {answer.status_code} is not described"
    assert answer.mimetype in described["content"]
    if answer.mimetype.endswith("json"):
        content = described["content"][answer.mimetype]
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        Draft202012Validator(schema).validate(orjson.loads(answer.get_data()))


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    plain = path.partition("?")[0]
    for template, operations in sorted(DOCUMENT["paths"].items(), reverse=True):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        pattern = pattern.removesuffix("[^/]+") + ".+" if template.endswith("{path}") else pattern
        if re.fullmatch(pattern, plain) and method.lower() in operations:
            return operations[method.lower()]
    return None
