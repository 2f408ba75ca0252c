"""Answers without keys, whatever made them: the last step before they are sent."""

import codecs
import contextlib
from collections.abc import Iterable, Iterator

from flask import Response

from reins.redaction import Passage, redactor


def without_keys(response: Response) -> Response:
    """The answer without keys; files of the page are sent as they are."""
    if response.direct_passthrough or not redactor().secrets:
        return response
    if response.is_streamed and response.content_length is None:  # else it is whole already
        response.response = _passed(response.response)
    else:
        body = response.get_data()
        clean = redactor().json(body)
        if clean is not body:
            response.set_data(clean)
    return response


def _passed(pieces: Iterable[bytes | str]) -> Iterator[bytes]:
    passage, decoder = Passage(), codecs.getincrementaldecoder("utf-8")("replace")
    with contextlib.ExitStack() as stack:
        if hasattr(pieces, "close"):
            stack.callback(pieces.close)
        for piece in pieces:
            text = piece if isinstance(piece, str) else decoder.decode(piece)
            yield passage.feed(text).encode()
        yield (passage.feed(decoder.decode(b"", final=True)) + passage.end()).encode()
