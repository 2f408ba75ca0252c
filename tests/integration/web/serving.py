"""The web on a real port, and those who talk to it: the page, strangers, and clients that hang."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any, Self

import socketio

from reins.web.application import Web
from reins.web.server import Server, listen
from store.journal.file import Record
from tests.support.proxies.servers import unverified

HANDSHAKE: dict[str, str] = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": base64.b64encode(bytes(16)).decode(),
}
SOCKET = "/socket.io/?EIO=4&transport=websocket"


class Address:
    """Where the web of some process listens."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and body of an answer; a JSON body parsed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        if data is not None:
            given = {"Content-Type": "application/json", **given}
        with contextlib.closing(connection):
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            text = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        kind = found.get("content-type", "").split(";")[0]
        is_json = kind in ("application/json", "application/problem+json")
        return answer.status, found, json.loads(text) if text and is_json else text

    def get(self, path: str) -> Any:
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def post(self, path: str, body: Any) -> Any:
        status, _, answer = self.ask("POST", path, body)
        assert status == 202, answer
        return answer

    @contextlib.contextmanager
    def client(self, **options: Any) -> Iterator[socketio.SimpleClient]:
        with socketio.SimpleClient(**options) as made:
            made.connect(self.url, transports=["websocket"])
            yield made


class Served(Address):
    """The web application of a folder on a free port, beside its worker or without one."""

    def __init__(
        self, settings: Any, runtime: Any = None, *, token: str | None = None,
        half_open_s: float = 15.0, **pings: float,
    ) -> None:  # fmt: skip
        self.runtime = runtime
        self.listening = listen(settings.host, 0)
        super().__init__(self.listening.getsockname()[1])
        self.web = Web(settings, runtime, port=self.port, token=token, **pings)
        self.server = Server(self.listening, self.web.wsgi, half_open_s=half_open_s)

    def __enter__(self) -> Self:
        self.web.start()
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.web.stop()
        self.server.stop()
        self.listening.close()

    def write(self, *records: Record) -> None:
        """Commit records as the worker does."""
        journal = self.runtime.store.journal

        async def append() -> None:
            await journal.append(*records)

        asyncio.run_coroutine_threadsafe(append(), journal._loop).result(20)

    def sockets(self) -> int:
        return self.web.clients()["sockets"]


class Page:
    """Follows one session as the page does: drops what it has, and fetches what it misses."""

    def __init__(self, served: Address, session_id: str) -> None:
        self._served = served
        self._session_id = session_id
        self._lock = threading.RLock()
        self._client: socketio.Client | None = None
        self.seqs: list[int] = []
        self.fetched = 0
        self.heads = 0

    @property
    def last(self) -> int:
        return self.seqs[-1] if self.seqs else 0

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.connected

    def connect(self) -> None:
        client = socketio.Client(reconnection=False)
        client.on("log", lambda event: self._rows(event["rows"]))
        client.on("head", self._head)
        client.connect(self._served.url, transports=["websocket"])
        self._client = client
        ask = {
            "agent_id": self._session_id,
            "session_id": self._session_id,
            "after_seq": self.last,
        }
        answer = client.call("subscribe", ask, timeout=20)
        assert answer["ok"], answer
        self._rows(answer["rows"])
        self._upto(answer["head"])

    def disconnect(self) -> None:
        if self._client is not None:
            self._client.disconnect()

    def cut(self) -> None:
        """As a laptop that is closed: no word, the connection is gone."""
        with contextlib.suppress(OSError):
            self._client.eio.ws.sock.shutdown(socket.SHUT_RDWR)
        self._client.wait()

    def _head(self, event: dict[str, Any]) -> None:
        self.heads += 1
        self._upto(event["head"])

    def _rows(self, rows: list[dict[str, Any]]) -> None:
        with self._lock:
            for row in rows:
                if row["seq"] > self.last + 1:
                    self._upto(row["seq"] - 1)
                if row["seq"] == self.last + 1:
                    self.seqs.append(row["seq"])

    def _upto(self, head: int) -> None:
        with self._lock:
            while head > self.last:
                found = self._served.get(
                    f"/api/sessions/{self._session_id}/steps?after_seq={self.last}&brief=true"
                )["items"]
                self.fetched += len(found)
                self.seqs += [row["seq"] for row in found]


class Raw:
    """A WebSocket made by hand, which does what no library would; `tls` is the name to ask for."""

    def __init__(
        self, port: int, *, receive_bytes: int | None = None, path: str = SOCKET,
        tls: str | None = None, **headers: str | None,
    ) -> None:  # fmt: skip
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", port))
        if tls is not None:
            self.socket = unverified().wrap_socket(self.socket, server_hostname=tls)
        given = {"Host": f"127.0.0.1:{port}", **HANDSHAKE}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items() if v is not None)]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            more = self.socket.recv(4096)
            if not more:
                break
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.status = int(self.head.split(" ", 2)[1]) if self.head else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def joined(self) -> Self:
        """Connected to the one space there is."""
        assert self.status == 101, self.head
        assert self.read().startswith("0{")
        self.send("40")
        assert self.read().startswith("40{")
        return self

    def call(self, event: str, *given: Any) -> Any:
        self.send("421" + json.dumps([event, *given]))
        while not (text := self.read()).startswith("431"):
            pass
        return json.loads(text[3:])[0]

    def send(self, data: str | bytes, *, opcode: int | None = None, last: bool = True) -> None:
        body = data.encode() if isinstance(data, str) else data
        kind = opcode if opcode is not None else 1 if isinstance(data, str) else 2
        self.socket.sendall(frame(body, kind, last=last))

    def read(self) -> str:
        """The next message. Raises: ConnectionError at the end."""
        first, size = self._take(2)
        size &= 127
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        body = self._take(size)
        if first & 15 == 8:
            raise ConnectionResetError("closed")
        return body.decode()

    def ended(self) -> bool:
        """Reads until the other side has closed; False if it does not."""
        try:
            while True:
                self.read()
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            more = self.socket.recv(65_536)
            if not more:
                raise ConnectionResetError("ended")
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def serving() -> list[str]:
    """Threads that serve a connection; of sockets, those too that wait for a ping's time."""
    names = ("process_request_thread", "_websocket_handler", "writer", "Base._thread", "_send_ping")
    return [t.name for t in threading.enumerate() if any(name in t.name for name in names)]


def frame(body: bytes, opcode: int, *, last: bool = True) -> bytes:
    """A frame as a client sends it, masked."""
    head = bytes([opcode | (128 if last else 0)])
    if len(body) < 126:
        head += bytes([128 | len(body)])
    elif len(body) < 65_536:
        head += bytes([128 | 126]) + struct.pack(">H", len(body))
    else:
        head += bytes([128 | 127]) + struct.pack(">Q", len(body))
    mask = os.urandom(4) if len(body) < 1_000 else bytes(4)
    return head + mask + bytes(b ^ mask[n % 4] for n, b in enumerate(body)) if any(mask) else (
        head + mask + body
    )  # fmt: skip
