"""The API's description as a file: `python -m reins.web.http.openapi_file` writes it anew."""

import sys
from pathlib import Path

import orjson

from reins.settings import load_settings
from reins.sql.runner import SqlRunner
from reins.web.api.flask_app import make_api
from reins.web.bridge import Bridge
from reins.web.http import openapi
from reins.web.live.sse import Streams
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex

FILE = Path(__file__).with_name("openapi.json")


class _Nobody:
    def catch_up(self) -> None:
        """Nothing is read."""

    def clients(self) -> dict[str, int]:
        return {"sockets": 0, "streams": 0, "lagging": 0}


def document() -> bytes:
    """The description, in the form in which the file has it."""
    bridge = Bridge(load_settings(), None)
    app = make_api(
        bridge=bridge,
        index=SessionIndex(bridge.store),
        participants=Participants(bridge.store),
        streams=Streams(),
        live=_Nobody(),
        sql_runner=SqlRunner(bridge.settings),
    )
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(openapi.described(app), option=options)


if __name__ == "__main__":
    FILE.write_bytes(document())
    sys.stdout.write(f"{FILE}\n")
