"""A bad day: sessions in trouble of four causes, with servers that can be mended."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import queue_imp as q
from tests.browser.served import App
from tests.support.model_stub import BODY, ModelStub, answers, says
from tests.support.waiting import until

_ONE_TRY_S = "3600"
"""What waits for a server does not try again by itself while one looks."""
MODELS = """
default = "good"

[routes.good]
provider = "compatible"
model = "small"
base_url = "{address}/v1"
price_in = 50
price_out = 200

[routes.broken]
provider = "compatible"
model = "broken"
base_url = "{address}/v1"
attempts = 1

[routes.unauthorised]
provider = "compatible"
model = "unauthorised"
base_url = "{address}/v1"
attempts = 1
"""
BROKEN = [f"checkout-{n:02}" for n in range(12)]
REFUSED = [f"search-{n:02}" for n in range(6)]
SPENT = [f"report-{n:02}" for n in range(8)]
STUCK = "billing-stuck"
WELL = [f"steady-{n:02}" for n in range(6)]
_BUDGET = {"budget": {"session": {"cost_usd": 0.058}}}


class Provider:
    """Models of which some are broken until they are mended."""

    def __init__(self) -> None:
        self.faults = {"broken": 500, "unauthorised": 401}

    def mend(self, model: str) -> None:
        del self.faults[model]

    async def __call__(self, stub: ModelStub, request: Any) -> Any:
        status = self.faults.get(request[BODY].get("model"))
        reply = answers() if status is None else says({"error": {"message": "no"}}, status)
        return await reply(stub, request)


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    """A model server in a thread; its address."""
    ready, over = threading.Event(), threading.Event()
    address: list[str] = []

    async def serve() -> None:
        async with ModelStub(default=provider, keep=False) as stub:
            address.append(stub.address)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    try:
        yield address[0]
    finally:
        over.set()
        thread.join()


def app_in(folder: Path, address: str) -> App:
    """An app whose sessions go along these routes."""
    (folder / "models.toml").write_text(MODELS.format(address=address))
    return App(
        folder / "data", folder / "app", REINS_MODELS=str(folder / "models.toml"),
        REINS_HEARTBEAT_S="1", REINS_RETRY_WAIT_S=_ONE_TRY_S, REINS_RETRY_WAIT_MAX_S=_ONE_TRY_S,
        REINS_HANGING_AFTER_S="1.5",
    )  # fmt: skip


def bad_day(app: App) -> None:
    """Bring the fleet into trouble of four causes, beside sessions that are well."""
    kinds = ((BROKEN, {"route": "broken"}), (REFUSED, {"route": "unauthorised"}), (SPENT, _BUDGET),
             (WELL, {}))  # fmt: skip
    for names, config in kinds:
        app.applied(
            q.agents_create([{"agent_id": each, "config": config} for each in names], "ann")
        )
    app.create_odd(STUCK, tick="slow_once", tick_s=3_600, after=4, heartbeat_s=0.2)
    moods = {"failing": len(BROKEN + REFUSED), "held": len(SPENT), "hanging": 1, "well": len(WELL)}
    until(lambda: moods_of(app) == moods, f"{moods}", 90)


def moods_of(app: App) -> dict[str, int]:
    return app.read("/api/attention")["moods"]
