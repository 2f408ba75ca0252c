"""What the sender relies on in aiohttp, where that promises little; see decision 0028."""

import asyncio

import aiohttp
from yarl import URL


async def test_aiohttp_hands_over_its_connections():
    """`connect` needs nothing but a request and limits; the protocol is told of each answer before
    it comes, gives head and content, and lets the connection be kept when all has come.
    """
    answer = b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\nhi"
    asked = []

    async def handle(reader, writer):
        for _ in range(2):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    url = URL.build(scheme="http", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
    request = aiohttp.ClientRequest(
        "POST", url, headers={"A": "b"}, loop=asyncio.get_running_loop()
    )
    assert {"A", "Host"} <= set(request.headers)
    connector, sockets = aiohttp.TCPConnector(), []
    async with server:
        for _ in range(2):
            limits = aiohttp.ClientTimeout(total=None, connect=10)
            connection = await connector.connect(request, [], limits)
            sockets.append(connection.transport.get_extra_info("sockname"))
            connection.protocol.set_response_params(read_until_eof=True)
            connection.transport.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            message, content = await connection.protocol.read()
            assert (message.code, message.headers["x-one"]) == (200, "1")
            assert await content.readany() == b"hi"
            assert content.is_eof()
            assert content.at_eof()
            assert content.exception() is None
            connection.release()
        await connector.close()
    assert asked == [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"] * 2
    assert sockets[0] == sockets[1]
