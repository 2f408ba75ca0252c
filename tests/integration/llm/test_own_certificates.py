"""Routes to servers with certificates of one's own, and what fails before there is an answer."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from reins.llm.baml.runtime import Request
from reins.llm.errors import ModelConfigError, ModelError
from reins.llm.wire.errors import UnconnectedError, WireError
from reins.llm.wire.response import Exchange
from reins.llm.wire.trust import Trust, trust_of
from tests.support.certificates import Authority, openssl, served
from tests.support.model_stub import GOOD, ModelStub
from tests.support.wire import send, wire_for

MODES = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if shutil.which("openssl") is None:
        pytest.skip("there is no command openssl")
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def context(authority: Authority) -> ssl.SSLContext:
    return authority.server()


async def asked(address: str, trust: Trust | None = None, *, streamed: bool = False) -> str:
    exchange = Exchange()
    await send(wire_for(address, trust=trust), exchange, streamed=streamed)
    return exchange.response.text


async def failing(address: str, trust: Trust | None = None) -> UnconnectedError:
    with pytest.raises(UnconnectedError) as caught:
        await asked(address, trust)
    return caught.value


def by(**environ: object) -> Trust:
    return trust_of(None, "", {name: str(value) for name, value in environ.items()})


@MODES
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_file_of_authorities_is_trusted(authority, context, name, streamed) -> None:
    """Whichever of the usual variables names it, for plain calls and for streams."""
    async with served(context) as address:
        assert await asked(address, by(**{name: authority.file}), streamed=streamed) == GOOD


async def test_a_folder_of_authorities_is_trusted(authority, context, tmp_path: Path) -> None:
    """By the names of OpenSSL's hashes, or by any; several folders, and a file that is none."""
    plain, hashed, empty = (tmp_path / each for each in ("plain", "hashed", "empty"))
    for folder in (plain, hashed, empty):
        folder.mkdir()
    shutil.copy(authority.file, plain / "company.crt")
    found = openssl(f"x509 -hash -noout -in {authority.file}", tmp_path)
    shutil.copy(authority.file, hashed / f"{found}.0")
    async with served(context) as address:
        for given in (plain, hashed, f"{empty}:{plain}", f"/nowhere:{hashed}"):
            assert await asked(address, by(SSL_CERT_DIR=given)) == GOOD
        assert await asked(address, by(REQUESTS_CA_BUNDLE=plain)) == GOOD


async def test_other_forms_of_a_file(authority, context, tmp_path: Path) -> None:
    """DER, several in one file with words between them, and the server's own certificate alone."""
    der, bundle = tmp_path / "ca.der", tmp_path / "bundle.pem"
    openssl(f"x509 -in {authority.file} -outform DER -out {der}", tmp_path)
    other = Authority(tmp_path, "other")
    words = "# Ünser Root\n"
    bundle.write_text(words + other.file.read_text() + words + authority.file.read_text())
    async with served(context) as address:
        for file in (der, bundle, authority.folder / "s.pem"):
            assert await asked(address, by(SSL_CERT_FILE=file)) == GOOD


async def test_what_cannot_be_read_is_told_where_it_matters(
    authority, context, tmp_path: Path
) -> None:
    """A variable that names nothing, or no certificate, hides no other; without, it is named."""
    none = tmp_path / "none.pem"
    none.write_text("nothing")
    async with served(context) as address:
        trust = by(SSL_CERT_FILE="/nowhere/ca.pem", REQUESTS_CA_BUNDLE=authority.file)
        assert await asked(address, trust) == GOOD
        error = await failing(address, by(SSL_CERT_FILE="/nowhere/ca.pem"))
        assert "SSL_CERT_FILE is '/nowhere/ca.pem', which cannot be read: No such" in error.advice
        error = await failing(address, by(REQUESTS_CA_BUNDLE=none))
        assert "holds no certificate" in error.advice


async def test_why_a_certificate_is_not_trusted(authority, tmp_path: Path) -> None:
    """An unknown authority, another name, a date gone by: each in words, with what mends it."""
    trust = by(SSL_CERT_FILE=authority.file)
    async with served(authority.server("known")) as address:
        error = await failing(address)
        assert "certificate is not trusted: unable to get local issuer" in error.what
        assert "SSL_CERT_FILE" in error.advice
        assert "ca_file" in error.advice
    async with served(authority.server("named", "DNS:elsewhere.example")) as address:
        error = await failing(address, trust)
        assert "mismatch" in error.what
        assert "a name in the certificate" in error.advice
    async with served(authority.server("old", expired=True)) as address:
        error = await failing(address, trust)
        assert "expired" in error.what
        assert "Renew" in error.advice
    own = Authority(tmp_path, "self")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.file, tmp_path / "self.key")
    async with served(context) as address:
        assert "self-signed certificate" in (await failing(address)).what


async def test_tls_where_none_is_spoken(stub: ModelStub) -> None:
    """An https address of a plain server says so."""
    error = await failing(stub.address.replace("http:", "https:").replace("127.0.0.1", "localhost"))
    assert "does not speak TLS" in error.what
    assert "http://" in error.advice


async def test_no_tls_where_it_is_spoken(context) -> None:
    """A plain address of a server that speaks TLS says so, whatever the server does with it."""
    async with served(context) as address:
        error = await failing(address.replace("https:", "http:"))
        assert "https://" in error.advice


@pytest.mark.parametrize(
    "words",
    [
        "Client sent an HTTP request to an HTTPS server.\n",
        "<html><title>400 The plain HTTP request was sent to HTTPS port</title></html>",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
)
async def test_servers_that_answer_a_plain_request_with_words(stub: ModelStub, words: str) -> None:
    """Go, nginx and Apache answer 400 in plain HTTP."""

    async def reply(_stub: ModelStub, _request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=400, text=words)

    stub.default = reply
    error = await failing(stub.address + "/v1")
    assert "speaks TLS" in error.what
    assert "https://" in error.advice


async def test_an_alert_of_tls_is_known() -> None:
    """OpenSSL's own servers send an alert, which is no HTTP."""

    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x46")
        writer.close()

    server = await asyncio.start_server(alert, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "speaks TLS" in (await failing(f"http://127.0.0.1:{port}/v1")).what


async def test_nothing_there(unused_tcp_port: int) -> None:
    """A name that is not found, a port where nothing listens, and one that closes at once."""
    assert (
        "name nowhere.invalid was not found" in (await failing("https://nowhere.invalid/v1")).what
    )
    error = await failing(f"http://127.0.0.1:{unused_tcp_port}/v1")
    assert f"nothing listens at 127.0.0.1:{unused_tcp_port} (connection refused)" in error.what

    def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "closed before an answer" in (await failing(f"http://127.0.0.1:{port}/v1")).what


async def test_a_connection_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that never answers is given up in time, and told from a slow model."""
    monkeypatch.setattr("reins.llm.wire.sender.CONNECT_S", 0.2)
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        with socket.socket() as second:
            second.setblocking(False)  # noqa: FBT003
            second.connect_ex(full.getsockname())
            error = await failing(f"http://127.0.0.1:{full.getsockname()[1]}/v1")
    assert "no connection to" in error.what
    assert "within 0.2 s" in error.what


FILE = '[routes.a]\nprovider = "compatible"\nmodel = "m"\nbase_url = "{}"\nattempts = 1\n'


async def test_a_route_may_trust_a_file_of_its_own(authority, context, routed, tmp_path) -> None:
    """The route's `ca_file`, alone: what the environment names is not trusted there."""
    other = Authority(tmp_path, "other")
    async with served(context) as address:
        text = FILE.format(address) + f'ca_file = "{authority.file}"\n'
        model = await routed(text)
        assert (await model.call("TellAJoke", subject="cats", told=[])).text == GOOD
        (found,) = [each for each in await model.check() if each.name == "a"]
        assert found.ok
        text = FILE.format(address) + f'ca_file = "{other.file}"\n'
        model = await routed(text, environ={"SSL_CERT_FILE": str(authority.file)})
        with pytest.raises(ModelError) as caught:
            await model.call("TellAJoke", subject="cats", told=[])
        assert caught.value.kind == "unreachable"
        assert "certificate is not trusted" in str(caught.value)


async def test_a_reload_takes_up_a_renewed_file(authority, context, routed, tmp_path) -> None:
    """A file of authorities is read again when it has changed."""
    file = tmp_path / "mine.pem"
    file.write_text(Authority(tmp_path, "other").file.read_text())
    async with served(context) as address:
        model = await routed(FILE.format(address) + f'ca_file = "{file}"\n')
        with pytest.raises(ModelError):
            await model.call("TellAJoke", subject="cats", told=[])
        file.write_text(authority.file.read_text() + "\n")
        await model.reload()
        assert (await model.call("TellAJoke", subject="cats", told=[])).text == GOOD


async def test_a_file_that_is_not_there_fails_the_start(routed, make) -> None:
    """The setting is named, with what is expected."""
    text = FILE.format("https://localhost:1/v1") + 'ca_file = "/nowhere.pem"\n'
    with pytest.raises(ModelConfigError, match=r"routes.a.ca_file is '/nowhere.pem', which cannot"):
        await routed(text)
    with pytest.raises(ModelConfigError, match=r"REINS_MODEL_CA_FILE is '/nowhere.pem'"):
        await make(ca_file="/nowhere.pem", base_url="https://localhost:1/v1")


async def test_embeddings_trust_alike(authority, context, routed) -> None:
    """The embeddings' route has the same certificates and the same words."""
    text = 'default = "offline"\n[embeddings]\nroute = "a"\n'
    async with served(context) as address:
        model = await routed(text + FILE.format(address))
        with pytest.raises(ModelError, match="certificate is not trusted"):
            await model.embed(["a"])
        model = await routed(text + FILE.format(address) + f'ca_file = "{authority.file}"\n')
        with pytest.raises(ModelError) as caught:
            await model.embed(["a"])
        assert caught.value.kind == "garbage", "the stub has no vectors, but it was reached"


class Proxy:
    """A proxy that relays whatever it is asked to, or refuses."""

    def __init__(self, *, refuses: bytes = b"") -> None:
        self.heads: list[str] = []
        self._refuses = refuses

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if self._refuses:
            writer.write(self._refuses)
        else:
            port = head.split()[1].removeprefix("http://").partition("/")[0].rpartition(":")[2]
            try:
                there, out = await asyncio.open_connection("127.0.0.1", int(port))
                if head.startswith("CONNECT"):
                    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                else:
                    out.write(head.encode())
                await asyncio.gather(relay(reader, out), relay(there, writer))
            except OSError:
                pass
        writer.close()


async def relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        target.write(data)
    target.close()


@asynccontextmanager
async def proxied(proxy: Proxy) -> AsyncIterator[str]:
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@MODES
async def test_a_proxy_is_gone_through(stub: ModelStub, authority, context, streamed) -> None:
    """Plain requests and tunnels, with the proxy's password and with our own certificates."""
    proxy, exchange = Proxy(), Exchange()
    async with proxied(proxy) as at, served(context) as address:
        with_password = f"http://us%40er:p%2Fw@{at}"
        plain = wire_for(stub.address + "/v1", proxy=with_password)
        await send(plain, exchange, streamed=streamed)
        assert exchange.response.text == GOOD
        tunnel = wire_for(address, proxy=with_password, trust=by(SSL_CERT_FILE=authority.file))
        await send(tunnel, exchange, streamed=streamed)
        assert exchange.response.text == GOOD
        error = await failing_through(wire_for(address, proxy=f"http://{at}"))
        assert "certificate is not trusted" in error.what
    assert proxy.heads[0].startswith(f"POST {stub.address}/v1/chat/completions")
    assert proxy.heads[1].startswith("CONNECT localhost:")
    for head in proxy.heads[:2]:
        assert "proxy-authorization: basic dxnazxi6cc93" in head.lower()
    assert "Bearer" not in proxy.heads[1]


async def test_a_proxy_sees_no_password_of_the_address(stub: ModelStub) -> None:
    """Of an address with a password the request line has none; the header has it."""
    proxy = Proxy()
    async with proxied(proxy) as at:
        address = stub.address.replace("//", "//us%40er:p%2Fw@")
        headers = {"Content-Type": "application/json"}
        sender = wire_for(address, proxy=f"http://{at}").sender
        with await sender.send(Request(f"{address}/v1/chat/completions", headers, b"{}")) as reply:
            assert reply.status == 200
    [head] = proxy.heads
    assert head.startswith(f"POST {stub.address}/v1/chat/completions HTTP/1.1")
    assert "authorization: basic dxnazxi6cc93" in head.lower()


async def test_a_proxy_that_does_not_let_through(unused_tcp_port: int, context) -> None:
    """Its refusal, and its absence, are told from the model's."""
    refusing = Proxy(refuses=b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    async with proxied(refusing) as at, served(context) as address:
        error = await failing_through(wire_for(address, proxy=f"http://{at}"))
        assert "the proxy answered 407" in error.what
        error = await failing_through(
            wire_for(address, proxy=f"http://127.0.0.1:{unused_tcp_port}")
        )
        assert f"nothing listens at 127.0.0.1:{unused_tcp_port}" in error.what


async def failing_through(wire) -> UnconnectedError:
    with pytest.raises(WireError) as caught:
        await send(wire, Exchange(), streamed=False)
    assert isinstance(caught.value, UnconnectedError)
    return caught.value
