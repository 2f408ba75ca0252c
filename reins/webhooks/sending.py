"""One attempt to reach a webhook. The address is the operator's own: any host, loopback too."""

import asyncio
import time
from dataclasses import dataclass
from importlib import import_module

from reins import redaction
from reins.version import VERSION
from reins.webhooks.config import Webhook
from reins.webhooks.signing import headers

_TIMEOUT_S = 10.0
_GONE = 410
_LONGEST_ASKED_S = 3_600.0
_ERROR_CHARS = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """The end of an attempt: `error` is None where it was taken.

    `gone`: who was called wants no call any more. `retry_after_s`: as long it asked to wait.
    """

    status: int | None
    error: str | None
    latency_ms: float
    gone: bool = False
    retry_after_s: float | None = None


async def send(webhook: Webhook, call_id: str, body: bytes) -> Sent:
    """POST the body once, within ten seconds. Follows no redirect, and keeps nothing of an answer.

    An answer that this process could show would turn an address into a way to read what is inside.
    """
    aiohttp = await asyncio.to_thread(import_module, "aiohttp")  # a tenth of a second of a start
    began = time.perf_counter()
    status, error, asked_s = None, None, None
    named = {
        **headers(webhook.secret, call_id, int(time.time()), body),
        "Content-Type": "application/json",
        "User-Agent": f"reins/{VERSION}",
    }
    try:
        async with (
            asyncio.timeout(_TIMEOUT_S),
            aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(webhook.url, data=body, headers=named, allow_redirects=False) as answer,
        ):
            status, asked_s = answer.status, _seconds(answer.headers.get("Retry-After"))
    except TimeoutError:
        error = f"no answer within {_TIMEOUT_S:.0f} s"
    except aiohttp.ClientConnectorError as raised:
        why = raised.os_error.strerror or type(raised).__name__
        error = f"cannot connect to {raised.host}:{raised.port}: {why}"[:_ERROR_CHARS]
    except (aiohttp.ClientError, OSError, ValueError) as raised:
        error = redaction.text(f"{type(raised).__name__}: {raised}")[:_ERROR_CHARS]
    if status is not None and not 200 <= status < 300:  # noqa: PLR2004 - as the statuses are named
        error = f"it answered {status}" + ("; redirects are not followed" * (300 <= status < 400))  # noqa: PLR2004
    took_ms = (time.perf_counter() - began) * 1000
    return Sent(status, error, took_ms, gone=status == _GONE, retry_after_s=asked_s)


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not retry_after.isdigit():
        return None
    return min(float(retry_after), _LONGEST_ASKED_S)
