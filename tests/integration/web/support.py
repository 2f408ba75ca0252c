"""What the API's tests share: a client that checks each answer against its description."""

from typing import Any, Self

import jsonschema
import orjson

import queue_imp as q
from web.api import describing
from web.application import Web

BUILT_IN = "127.0.0.1"


class Api:
    """The application behind a test client, the guard left out."""

    def __init__(self, settings: Any, runtime: Any) -> None:
        self.web = Web(settings, runtime, port=8700, token=None)
        self.flask = self.web.flask
        self.runtime = runtime
        self.document = describing.described(self.flask)

    def __enter__(self) -> Self:
        self.web.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()
