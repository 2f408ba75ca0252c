"""The loop over stdio: lines that are none, calls that are cancelled, a client that is gone."""

import io
import json
import threading

import pytest

from reins import redaction
from reins.mcp_server.errors import INVALID_REQUEST, PARSE_ERROR
from reins.mcp_server.stdio import MAX_LINE_BYTES, StdioServer


class Waits:
    """Methods whose call waits until nobody waits for it, and says so."""

    def __init__(self):
        self.by_name = {"tools/call": None}
        self.begun = threading.Event()
        self.ended = threading.Event()

    def answer(self, _method, params, rest):
        self.begun.set()
        while params.get("wait") and rest(0.01):
            pass
        self.ended.set()
        return {"said": params.get("text", "")}


class Deaf(io.BytesIO):
    def write(self, _data):
        raise BrokenPipeError


def message(number, **params):
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


def served(*lines, methods=None, sink=None):
    """The answers to these lines, by their ids."""
    sink = sink or io.BytesIO()
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    StdioServer(methods or Waits(), io.BytesIO(b"\n".join(texts)), sink).run()
    return [json.loads(line) for line in sink.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("line", "code"), [(b"{", PARSE_ERROR), (b"[]", INVALID_REQUEST), (b"3", INVALID_REQUEST)]
)
def test_a_line_that_is_no_message(line, code):
    """It is told so, and the next one is served."""
    found = served(line, message(1, text="a"))
    assert sorted((each["id"] or 0) for each in found) == [0, 1]
    assert [each["error"]["code"] for each in found if "error" in each] == [code]


def test_a_line_without_end_costs_one_line():
    """It is read to its end a piece at a time, and refused."""
    found = served(b"x" * (3 * MAX_LINE_BYTES + 5), b"", message(1))
    assert [each["error"]["code"] for each in found if "error" in each] == [INVALID_REQUEST]
    assert [each["id"] for each in found if "result" in each] == [1]


def test_the_end_of_the_input_ends_all_waits():
    """A call that waits for an outcome when the client goes comes back at once."""
    methods = Waits()
    assert [each["id"] for each in served(message(1, wait=True), methods=methods)] == [1]
    assert methods.ended.is_set()


def test_a_client_that_does_not_read_is_served_to_the_end():
    """Nothing is written any more, and every message is done."""
    methods = Waits()
    served(message(1), message(2), methods=methods, sink=Deaf())
    assert methods.ended.is_set()


def test_a_call_that_is_cancelled_gets_no_answer():
    """Its wait ends, and so does the interest in its answer."""
    methods = Waits()

    class Source(io.RawIOBase):
        lines = iter(
            [
                message(1, wait=True),
                {"method": "notifications/cancelled", "params": {"requestId": 1}},
            ]
        )

        def readline(self, _size):
            line = next(self.lines, None)
            if line is None:
                assert methods.ended.wait(20), "the wait ended before the input did"
                return b""
            if "params" in line and "requestId" in line["params"]:
                assert methods.begun.wait(20)
            return json.dumps({"jsonrpc": "2.0", **line}).encode() + b"\n"

    sink = io.BytesIO()
    StdioServer(methods, Source(), sink).run()
    assert sink.getvalue() == b""


def test_no_key_comes_out():
    """Answers are cleaned as they are written, errors too."""
    redaction.know("sk-abcdef0123456789")
    found = served(message(1, text="it is sk-abcdef0123456789"))
    assert found[0]["result"]["said"] == "it is [key removed]"
