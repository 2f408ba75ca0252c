"""The calling of people: looks for causes every few seconds, and tells each webhook of its own."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
import structlog

from agent_core.session.concerns import Concern
from reins import redaction
from reins.loops import TaskLoop
from reins.webhooks.causes import Cause, Rejections
from reins.webhooks.config import Webhook
from reins.webhooks.delivering import PAUSES_S, Call, Deliverer
from reins.webhooks.episodes import Episodes, Name
from reins.webhooks.sending import Sent, send
from store import times
from store.errors import StoreError
from store.store import Store
from store.webhook_calls import WAITING, list_webhook_calls, record

_logger = structlog.get_logger(__name__)

LOOK_S = 5.0
_NAMED = 20
_MOST_OPEN = 10_000
"""Calls that a start looks through for those that are not over."""
TEST = "test"


class Webhooks(TaskLoop):
    """All webhooks of a worker, each with its episodes and its deliverer.

    Starts once; without a webhook it never looks. A call is on record before it is sent, and is
    sent under its own id each time: who is called twice by a restart can tell.
    """

    def __init__(
        self,
        store: Store,
        concerns: Callable[[], Awaitable[Sequence[Concern]]],
        *,
        look_s: float = LOOK_S,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        super().__init__("webhooks")
        self._store = store
        self._concerns = concerns
        self.rejections = Rejections()
        self._look_s = look_s
        self._pauses_s = pauses_s
        self._entries: Mapping[str, Webhook] = {}
        self._episodes: dict[str, Episodes] = {}
        self._deliverers: dict[str, Deliverer] = {}
        self._open: dict[str, Call] = {}
        """Calls whose episode is not over."""

    async def take(self, entries: Mapping[str, Webhook]) -> None:
        """Use these webhooks from now on; those that are as they were go on as they are."""
        for name in [n for n in self._deliverers if entries.get(n) != self._entries.get(n)]:
            del self._episodes[name]
            await self._deliverers.pop(name).stop()
        added = [name for name in entries if name not in self._deliverers]
        self._entries = dict(entries)
        if added:
            known = await asyncio.to_thread(
                list_webhook_calls, _MOST_OPEN, store=self._store.reader
            )
            for name in added:
                self._begin(name, [row for row in known if row["webhook"] == name])
        self.wake()

    def _begin(self, name: str, known: Sequence[Mapping[str, Any]]) -> None:
        deliverer = Deliverer(name, self._entries[name], self._keep, self._pauses_s)
        calls = [_journalled(row) for row in known]
        lasting = [call for call in calls if call["over_at"] is None]
        told = {(call["kind"], call["cause"]): call["call_id"] for call in reversed(lasting)}
        self._episodes[name] = Episodes(told, time.monotonic())
        self._deliverers[name] = deliverer
        self._open |= {call["call_id"]: call for call in lasting}
        for call in reversed(calls):
            if call["state"] == WAITING:
                deliverer.resume(call)
        deliverer.start()

    async def stop(self) -> None:
        await super().stop()
        for deliverer in self._deliverers.values():
            await deliverer.stop()

    async def run_once(self) -> float | None:
        if not self._deliverers:
            return None
        found = [*map(Cause.of, await self._concerns()), *self.rejections.now()]
        causes: dict[Name, Cause] = {(each.kind, each.key): each for each in found}
        now = time.monotonic()
        for whose, episodes in [*self._episodes.items()]:
            webhook, deliverer = self._entries.get(whose), self._deliverers.get(whose)
            if webhook is None or deliverer is None:
                continue  # a reload came between
            wanted = [name for name in causes if name[0] in webhook.kinds]
            for name in episodes.look(wanted, now, webhook.after_s):
                call = _call(whose, causes[name])
                self._open[call["call_id"]] = call
                try:
                    await deliverer.add(call)
                except StoreError:  # it is not on record: the next look makes another of it
                    del self._open[call["call_id"]]
                    raise
                episodes.told(name, call["call_id"])
            for call_id in episodes.over(now):
                self._open[call_id] |= {"over_at": times.now_us()}
                await self._keep(self._open[call_id])
        return self._look_s

    async def _keep(self, call: Mapping[str, Any]) -> None:
        """Put a call's state on record, beside that of its episode."""
        known = self._open.get(call["call_id"], {})
        over_at = known.get("over_at")
        row = dict(call) | {"over_at": over_at}
        if known:
            self._open[call["call_id"]] = row
        await self._store.journal.append(record(row))
        if over_at is not None:
            self._open.pop(call["call_id"], None)

    async def try_one(self, name: str) -> Sent:
        """Send a trial over a webhook, once. Raises: KeyError."""
        return await try_webhook(self._entries[name])

    def told(self) -> list[dict[str, Any]]:
        """The webhooks and how each is doing."""
        return [
            told_of(name, webhook)
            | {
                "waiting": deliverer.waiting,
                "failures": deliverer.failures,
                "error": deliverer.error,
                "gone": deliverer.gone,
                "counts": dict(deliverer.counts),
            }
            for name, webhook in self._entries.items()
            if (deliverer := self._deliverers.get(name)) is not None
        ]


def told_of(name: str, webhook: Webhook) -> dict[str, Any]:
    """A webhook without its secrets."""
    return {
        "name": name,
        "where": webhook.where,
        "signed": webhook.secret is not None,
        "kinds": list(webhook.kinds),
        "after_s": webhook.after_s,
    }


async def try_webhook(webhook: Webhook) -> Sent:
    """Send a trial, once."""
    call_id, now_us = _new_id(), times.now_us()
    text = "Reins: a trial of this webhook; nothing is wrong"
    return await send(webhook, call_id, _body(TEST, now_us, text, {}))


def _call(webhook: str, cause: Cause) -> Call:
    now_us, count = times.now_us(), len(cause.sessions)
    whom = cause.sessions[0] if count == 1 else f"{count} sessions"
    told = redaction.text(cause.text)
    text = f"{cause.kind}: {told}" + (f" ({whom})" if count else "")
    data = {
        "kind": cause.kind,
        "cause": redaction.text(cause.key),
        "text": told,
        "since": times.iso(cause.since),
        "count": count,
        "sessions": cause.sessions[:_NAMED],
        "route": cause.route,
        "page": "/attention",
    }
    return {
        "call_id": _new_id(),
        "webhook": webhook,
        "kind": cause.kind,
        "cause": cause.key,
        "text": text,
        "sessions": count,
        "body": _body(f"concern.{cause.kind}", now_us, f"Reins: {text}", data).decode(),
        "called_at": now_us,
        "over_at": None,
        "state": WAITING,
        "attempts": 0,
        "attempted_at": None,
        "status": None,
        "error": None,
    }


def _new_id() -> str:
    return f"msg_{uuid.uuid4().hex}"


def _body(kind: str, at_us: int, text: str, data: Mapping[str, Any]) -> bytes:
    """As Standard Webhooks have it; `text` beside it is what chat programs show."""
    return orjson.dumps({"type": kind, "timestamp": times.iso(at_us), "text": text, "data": data})


def _journalled(row: Mapping[str, Any]) -> Call:
    """A row that was read as it is written."""
    return {
        name: times.to_us(value) if isinstance(value, datetime) else value
        for name, value in row.items()
        if name != "journal_n"
    }
