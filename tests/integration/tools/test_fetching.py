"""Requests of tools, made of real servers on this machine: bounded, checked, and told in words."""

import asyncio
import gzip
import shutil
import socket
import time
import zlib

import pytest
from aiohttp import web

from reins.tools.outcome import ToolError
from reins.tools.web import fetching, outside
from reins.tools.web.fetching import Fetcher
from reins.tools.web.outside import Outside
from reins.tools.web.page import Request
from tests.support.certificates import Authority
from tests.support.web_sites import fetcher, raw, site

MIB = 1 << 20


def body(content, **named):
    async def answer(_request):
        return web.Response(body=content, **named)

    return answer


async def refused(asked, url, words):
    with pytest.raises(ToolError, match=words) as raised:
        await asked.fetch(Request(url))
    return raised.value


async def test_a_page_is_got():
    """Status, type, charset and content of an answer; nothing is sent that tells on us."""
    async with site(body(b"caf\xe9", content_type="text/plain", charset="latin-1")) as there:
        page = await fetcher(there).fetch(Request(there.url("/a?b=c#d")))
    assert (page.status, page.content_type) == (200, "text/plain")
    assert (page.charset, page.body, page.cut) == ("latin-1", b"caf\xe9", False)
    [asked] = there.asked
    assert (asked.method, asked.path_qs) == ("GET", "/a?b=c")
    assert not {"Cookie", "Authorization", "Referer"} & asked.headers.keys()
    assert asked.headers["Accept-Encoding"] == "gzip, deflate"


async def test_a_head_has_no_body():
    async with site(body(b"12345")) as there:
        page = await fetcher(there).fetch(Request(there.url(), method="HEAD"))
    assert (page.status, page.body, page.cut) == (200, b"", False)


async def test_a_failure_is_a_page_too():
    """What answers 404 has been asked, and its words may help."""
    async with site(body(b"no such page", status=404)) as there:
        page = await fetcher(there).fetch(Request(there.url()))
    assert (page.status, page.body) == (404, b"no such page")


@pytest.mark.parametrize("headers", [{"Retry-After": "7"}, {"retry-after-ms": "7000"}])
async def test_a_busy_server_says_when(headers):
    """Too many requests: the same may be asked again, and when."""
    async with site(body(b"", status=429, headers=headers)) as there:
        error = await refused(fetcher(there), there.url(), "answered 429 .* wait 7 s")
    assert (error.retry, error.after_s) == (True, 7.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
async def test_the_inside_is_not_asked(host):
    """The own machine, by any of its names, where no setting allows it: no connection is made."""
    async with site(body(b"secret")) as there:
        url = f"http://{host}:{there.port}/"
        await refused(Fetcher(Outside()), url, "leads to the inside of this network")
        assert there.asked == []


async def test_an_address_of_this_machine_is_the_inside(monkeypatch):
    """Whatever its range, an address that this machine has is not asked."""
    monkeypatch.setattr(outside, "inside", lambda _address: False)
    async with site(body(b"secret"), host="127.0.0.2") as there:
        await refused(Fetcher(Outside()), f"http://127.0.0.2:{there.port}/", "inside")


async def test_a_setting_allows_a_place_by_its_port():
    """A place that is named may be asked; its neighbour on another port may not."""
    async with site(body(b"one")) as one, site(body(b"two")) as two:
        asked = fetcher(one)
        assert (await asked.fetch(Request(one.url()))).body == b"one"
        await refused(asked, two.url(), "inside")


async def test_a_place_that_is_allowed_by_name_may_not_lead_to_credentials():
    """A name that a person allowed is still not followed to where clouds hand out keys."""

    async def to_metadata(_host, _port):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]

    inner = frozenset({"wiki.corp:80"})
    asked = Fetcher(Outside(inner=inner), look_up=to_metadata)
    await refused(asked, "http://wiki.corp/", "inside")


class Resolver:
    """Answers each look-up with the next address; the last one again and again."""

    def __init__(self, *addresses):
        self.addresses = list(addresses)
        self.asked = 0

    async def __call__(self, _host, port):
        self.asked += 1
        at = min(self.asked, len(self.addresses)) - 1
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in self.addresses[at].split()
        ]


@pytest.fixture
def second_is_public(monkeypatch):
    """127.0.0.2 stands for a public address, 127.0.0.1 is the inside."""
    monkeypatch.setattr(outside, "inside", "127.0.0.2".__ne__)
    monkeypatch.setattr(outside, "own", lambda _address: False)


async def test_a_name_that_is_bound_anew_leads_nowhere_else(second_is_public):
    """One look-up is checked and connected to: the second answer of a name is never asked for."""
    async with (
        site(body(b"public"), host="127.0.0.2") as public,
        site(body(b"secret"), port=public.port) as inner,
    ):
        resolver = Resolver("127.0.0.2", "127.0.0.1")
        asked = Fetcher(Outside(), look_up=resolver)
        page = await asked.fetch(Request(f"http://evil.example:{public.port}/"))
        assert (page.body, resolver.asked) == (b"public", 1)
        await refused(asked, f"http://evil.example:{public.port}/", "inside")
        assert inner.asked == []


async def test_of_several_addresses_the_inner_ones_are_not_connected_to(second_is_public):
    """A name that is both has the public one alone; where that is down, nothing else is tried."""
    async with site(body(b"secret")) as inner:
        asked = Fetcher(Outside(), look_up=Resolver("127.0.0.1 127.0.0.2"))
        error = await refused(asked, f"http://evil.example:{inner.port}/", "nothing listens")
        assert error.retry
        assert inner.asked == []


async def test_the_other_end_is_compared(second_is_public, monkeypatch):
    """A connection that ends somewhere else than was checked hears no request."""
    async with site(body(b"secret")) as inner:

        async def elsewhere(*_given, **_named):
            found = socket.socket()
            found.settimeout(0)
            await asyncio.get_running_loop().sock_connect(found, ("127.0.0.1", inner.port))
            return found

        monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", elsewhere)
        asked = Fetcher(Outside(), look_up=Resolver("127.0.0.2"))
        await refused(asked, f"http://evil.example:{inner.port}/", "inside")
        assert inner.asked == []


async def test_a_redirect_is_followed_and_each_hop_is_checked():
    """To a path, to another allowed place; never to the inside, nor to another scheme."""
    async with site(body(b"secret")) as inner:
        moves = {
            "/relative": "/end",
            "/inside": inner.url(),
            "/literal": "http://[::ffff:127.0.0.1]:8080/",
            "/user": f"http://a@127.0.0.1:{inner.port}/",
            "/file": "file:///etc/passwd",
            "/data": "data:text/plain,x",
            "/round": "/round",
            "/odd": "http://[::1",
            "/metadata": "http://169.254.169.254/latest/meta-data/",
            "/protocol": "//127.0.0.1:8080/",
        }

        async def answer(request):
            if request.path in moves:
                return web.Response(status=302, headers={"Location": moves[request.path]})
            return web.Response(text="here")

        async with site(answer) as there:
            asked = fetcher(there)
            page = await asked.fetch(Request(there.url("/relative")))
            assert (page.url, page.body) == (there.url("/end"), b"here")
            for path, words in {
                "/inside": "inside", "/literal": "inside", "/user": "holds a user",
                "/file": "cannot be asked", "/data": "cannot be asked", "/odd": "no address",
                "/metadata": "inside", "/protocol": "inside", "/round": "more than 5 redirects",
            }.items():  # fmt: skip
                await refused(asked, there.url(path), words)
        assert inner.asked == []
        assert sum(each.path == "/round" for each in there.asked) == 6


async def test_an_allowlist_holds_for_redirects():
    """A host that is allowed cannot send a request on to one that is not."""

    async def answer(_request):
        return web.Response(status=301, headers={"Location": "http://other.example/"})

    async with site(answer) as there:
        asked = Fetcher(Outside(("docs.example",), frozenset({there.place})))
        await refused(asked, there.url(), "other.example is not among the hosts")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "bare deflate", "x-gzip"])
async def test_packed_answers_are_unpacked(coding):
    content = b"the content " * 1_000
    packer = zlib.compressobj(wbits={"gzip": 31, "x-gzip": 31, "deflate": 15}.get(coding, -15))
    packed = packer.compress(content) + packer.flush()
    headers = {"Content-Encoding": coding.rpartition(" ")[2]}
    async with site(body(packed, headers=headers)) as there:
        page = await fetcher(there).fetch(Request(there.url()))
    assert (page.body, page.cut) == (content, False)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_a_bomb_is_cut_after_2_mib(coding):
    """64 MB in 64 kB: no more than 2 MiB are unpacked."""
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(64)) + packer.flush()
    async with site(body(packed, headers={"Content-Encoding": coding})) as there:
        began = time.process_time()
        page = await fetcher(there).fetch(Request(there.url()))
        assert time.process_time() - began < 1
    assert (len(page.body), page.cut) == (2 * MIB, True)


async def test_a_bomb_of_many_small_streams_is_one_stream():
    """What follows the first stream is not looked at; the answer says that it is cut."""
    packed = gzip.compress(b"x") * 20_000
    async with site(body(packed, headers={"Content-Encoding": "gzip"})) as there:
        page = await fetcher(there).fetch(Request(there.url()))
    assert (page.body, page.cut) == (b"x", True)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_what_was_not_asked_for_is_not_unpacked(coding):
    """Brotli and zstd are not asked for; who sends them all the same is told so."""
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n\r\n".encode()
    async with raw(head + b"\x1b\xff\xff\xff") as there:
        error = await refused(fetcher(there), there.url(), f"packed as '{coding}'")
    assert not error.retry


async def test_broken_packing_is_an_error_and_a_short_one_is_cut():
    packed = gzip.compress(b"content" * 1_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    async with raw(head + b"no gzip at all") as there:
        await refused(fetcher(there), there.url(), "cannot be unpacked")
    async with raw(head + packed[:-12]) as there:
        assert (await fetcher(there).fetch(Request(there.url()))).cut


async def test_an_answer_without_end_is_cut():
    """Plain bytes for ever: 2 MiB are read, and the connection is closed."""
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    async with raw(head, b"x" * 100_000, again=True) as there:
        page = await fetcher(there).fetch(Request(there.url()))
    assert (len(page.body), page.cut) == (2 * MIB, True)


@pytest.mark.parametrize(
    "pieces",
    [
        [b""],
        [b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x"],
        [b"HTTP/1.1 102 Processing\r\n\r\n"],
    ],
    ids=["silent", "headers", "body", "interim"],
)
async def test_a_slow_answer_is_given_up(pieces):
    """Drops that come one by one do not lengthen the time."""
    async with raw(*pieces, pause_s=0.05, again=True) as there:
        began = time.monotonic()
        error = await refused(fetcher(there, time_s=0.4), there.url(), "whole answer within 0.4 s")
        assert time.monotonic() - began < 5
    assert error.retry


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x00\r\n\r\n",
    ],
    ids=["a long header", "many headers", "a long reason", "ssh", "tls"],
)
async def test_headers_are_bounded_and_what_is_no_http_is_told(head):
    async with raw(head) as there:
        error = await refused(fetcher(there, time_s=10), there.url(), r"127\.0\.0\.1")
        assert len(str(error)) < 600


async def test_a_broken_connection_may_be_tried_again():
    async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx") as there:
        error = await refused(fetcher(there), there.url(), r"127\.0\.0\.1")
        assert error.retry


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch):
    """A proxy would be connected to in place of what was checked."""
    async with site(body(b"here")) as there:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        assert (await fetcher(there).fetch(Request(there.url()))).body == b"here"


async def test_names_that_are_not_there():
    """A name that is not found is told; one that cannot be looked up now may be tried again."""
    for number in (socket.EAI_NONAME, socket.EAI_AGAIN):

        async def nowhere(_host, _port, number=number):
            raise socket.gaierror(number, "no answer")

        error = await refused(Fetcher(Outside(), look_up=nowhere), "http://a.example/", "not found")
        assert error.retry is (number == socket.EAI_AGAIN)


async def test_given_up_in_the_middle_nothing_is_left_open():
    """Cancelled, the connection is closed at once."""
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n", b"x", pause_s=0.02, again=True) as there:
        asking = asyncio.create_task(fetcher(there).fetch(Request(there.url())))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_certificates_of_ones_own_are_heeded(tmp_path, monkeypatch):
    """SSL_CERT_FILE is trusted as for models; without it the reason is told, once."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no command openssl")
    authority = Authority(tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    async with site(body(b"here"), tls=authority.server()) as there:
        error = await refused(fetcher(there), there.url(), "certificate is not trusted")
        assert not error.retry
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert (await fetcher(there).fetch(Request(there.url()))).body == b"here"

        async def down(_request):
            return web.Response(status=302, headers={"Location": f"http://{there.place}/"})

        async with site(down, tls=authority.server()) as moving:
            await refused(fetcher(moving, there), moving.url(), "from https to")


def test_the_look_up_is_that_of_the_system():
    assert Fetcher(Outside()).look_up is fetching.look_up
