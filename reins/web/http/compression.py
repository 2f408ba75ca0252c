"""Answers in gzip, for lines that are slower than a processor: the last step before they are sent.

Decision 0049 says why that is safe over TLS, too.
"""

import threading
import zlib

from flask import Response, request

MIN_BYTES = 1_400
"""What fits into one packet is there no sooner for being smaller."""
_LARGE_BYTES = 64 * 1024
_MOST_BYTES = 8 * 1024 * 1024
_LEVEL = 1
"""The cheapest: of rows of JSON it leaves a sixth; the best one an eighth, in 12 times as long."""
_OWN = (None, "same-origin", "none")
"""`Sec-Fetch-Site` of what no page of another site had the browser ask for."""
_GZIP = 16 + zlib.MAX_WBITS
_TEXTS = ("application/json", "application/problem+json", "text/")


class Compression:
    """Compresses answers, of the large ones `at_once` at a time; the others stay as they are."""

    def __init__(self, at_once: int = 2) -> None:
        self._turns = threading.Semaphore(at_once)

    def __call__(self, response: Response) -> Response:
        """The answer in gzip where its client takes that; never a stream, nor what has an ETag.

        Nor what a page of another site had the browser ask for, with words of its own in it: by
        the size of the answer it would learn what else is there.
        """
        if not _fits(response):
            return response
        response.vary.update(("Accept-Encoding", "Sec-Fetch-Site"))
        if request.headers.get("Sec-Fetch-Site") not in _OWN:
            return response
        if request.accept_encodings.quality("gzip") <= 0:
            return response
        body = response.get_data()
        if len(body) < _LARGE_BYTES:
            return _with(response, body)
        if not self._turns.acquire(blocking=False):
            return response
        try:
            return _with(response, body)
        finally:
            self._turns.release()


def _fits(response: Response) -> bool:
    if response.direct_passthrough or response.is_streamed or request.method == "HEAD":
        return False
    if "Content-Encoding" in response.headers or "ETag" in response.headers:
        return False
    if not (response.mimetype or "").startswith(_TEXTS):
        return False
    return MIN_BYTES <= (response.content_length or 0) <= _MOST_BYTES


def _with(response: Response, body: bytes) -> Response:
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)
    response.set_data(packer.compress(body) + packer.flush())
    response.headers["Content-Encoding"] = "gzip"
    return response
