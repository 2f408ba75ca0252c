"""An MCP server of our own over stdio, by hand: it starts at once, and can behave in every bad way.

`python tests/support/mcp_raw.py FOLDER [--era …] [--manner …]`. What it does stands in FOLDER:
`calls` has a line for each call that it was asked for, `starts` one for each start. `slow` holds up
`append` and `put` while it is there, `specs.json` changes what it says of its tools.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

NEW = "2026-07-28"
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
SIZE = {"type": "object", "properties": {"size": {"type": "integer"}}}


def spec(name, description="", schema=None, **hints):
    made = {"name": name, "description": description or f"Tool {name}.",
            "inputSchema": schema or {"type": "object"}}  # fmt: skip
    return made | ({"annotations": hints} if hints else {})


SPECS = [
    spec("echo", "Say it again.", TEXT, readOnlyHint=True),
    spec("append", "Append a line; twice is wrong.", TEXT),
    spec("put", "Put a line; twice is as once.", TEXT),
    spec("remove", "Remove a line.", TEXT, destructiveHint=True),
    spec("slow", "Take a minute."),
    spec("ask", "Ask a person."),
    spec("die", "End in the call."),
    spec("flood", "Answer with one long line.", SIZE),
    spec("noise", "Write to the output what is no message."),
    spec("wrong", "Fail.", TEXT),
]


class Server:
    def __init__(self, folder, era, manner):
        self.folder, self.era, self.manner = folder, era, manner
        self.note("starts", str(os.getpid()))

    def note(self, name, line):
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(descriptor, f"{line}\n".encode())
        os.fsync(descriptor)
        os.close(descriptor)

    def send(self, message):
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def specs(self):
        own = self.folder / "specs.json"
        return json.loads(own.read_text()) if own.exists() else SPECS

    def run(self):
        seen = None
        for line in sys.stdin:
            message = json.loads(line)
            if self.manner == "silent":
                continue
            if "id" in message and "method" in message:
                self.answer(message["id"], message["method"], message.get("params") or {})
            own = self.folder / "specs.json"
            now = own.stat().st_mtime_ns if own.exists() else 0
            if seen is not None and now != seen and self.manner != "quiet":
                self.send({"method": "notifications/tools/list_changed"})
            seen = now

    def answer(self, id, method, params):  # noqa: A002 - the protocol's word
        info = {"name": "raw", "version": "1"}
        capabilities = {"tools": {"listChanged": True}}
        result = None
        if method == "server/discover" and self.era == "new":
            result = {"supportedVersions": [NEW], "capabilities": capabilities,
                      "resultType": "complete", "ttlMs": 0, "cacheScope": "private",
                      "_meta": {"io.modelcontextprotocol/serverInfo": info}}  # fmt: skip
        elif method == "initialize" and self.era == "old":
            result = {"protocolVersion": "2025-06-18", "capabilities": capabilities,
                      "serverInfo": info}  # fmt: skip
        elif method == "tools/list":
            result = {"tools": self.specs(), "resultType": "complete", "ttlMs": 0,
                      "cacheScope": "private"}  # fmt: skip
        elif method == "tools/call":
            result = self.call(id, params["name"], params.get("arguments") or {}, params)
        if result is None:
            self.send({"id": id, "error": {"code": -32601, "message": f"no {method} here"}})
        elif result is not False:
            self.send({"id": id, "result": result})

    def call(self, id, name, arguments, params):  # noqa: A002 - the protocol's word
        self.note("calls", f"{name} {arguments.get('text', '')}")
        if name == "die":
            os._exit(3)
        if name == "slow":
            time.sleep(60)
        while name in ("append", "put") and (self.folder / "slow").exists():
            time.sleep(0.02)
        if name == "flood":
            size = arguments.get("size", 100 << 20)
            sys.stdout.write(f'{{"jsonrpc": "2.0", "id": {id}, "result": {{"content": "')
            for _ in range(size >> 20):
                sys.stdout.write("x" * (1 << 20))
            sys.stdout.write('"}}\n')
            sys.stdout.flush()
            return False
        if name == "noise":
            sys.stdout.write("Hello from the server!\n" * 3)
        if name == "ask":
            return self.ask(id, params)
        text = {"echo": arguments.get("text", "")}.get(name, f"{name} done")
        return {"content": [{"type": "text", "text": text}], "isError": name == "wrong",
                "resultType": "complete"}  # fmt: skip

    def ask(self, id, params):  # noqa: A002 - the protocol's word
        form = {"mode": "form", "message": "Which colour?", "requestedSchema": {
            "type": "object", "properties": {"colour": {"type": "string"}},
            "required": ["colour"]}}  # fmt: skip
        if self.era == "old":
            self.send({"id": "e1", "method": "elicitation/create", "params": form})
            said = json.loads(sys.stdin.readline())["result"]["action"]
            return {"content": [{"type": "text", "text": f"the person: {said}"}]}
        given = params.get("inputResponses")
        if given is None:
            asks = {"q": {"method": "elicitation/create", "params": form}}
            return {"resultType": "input_required", "requestState": f"state of {os.getpid()}",
                    "inputRequests": asks}  # fmt: skip
        if params.get("requestState") != f"state of {os.getpid()}":
            self.send({"id": id, "error": {"code": -32602, "message": "unknown request state"}})
            return False
        colour = given["q"]["content"]["colour"]
        return {"content": [{"type": "text", "text": f"painted {colour}"}],
                "resultType": "complete"}  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--era", default="old")
    parser.add_argument("--manner", default="")
    flags = parser.parse_args()
    if flags.manner == "dead":
        sys.exit("it cannot start")
    Server(flags.folder, flags.era, flags.manner).run()
