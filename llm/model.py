"""The model as the rest of Reins sees it: start, call, reload, stop."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import structlog

from llm.baml_runtime import Answer, BamlError, Compiled
from llm.errors import ModelConfigError, ModelError
from llm.failures import classify, failure
from llm.offline import OfflineModel
from llm.patience import wait_s
from llm.prompts import CLIENTS_FILE, read_prompts, text_functions
from llm.routes import Plan, is_offline, plan, plan_offline
from llm.settings import ModelSettings, Route
from llm.text import MAX_TEXT_BYTES, clean, safe_argument

PROMPTS = Path(__file__).resolve().parent.parent / "baml_src"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's answer: text that is not empty and safe to store, and what it took.

    Units: `latency_ms` counts from the moment the call had its place, over all attempts.
    """

    text: str
    tokens_in: int
    tokens_out: int
    latency_ms: float
    attempts: int
    model: str
    demonstration: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything a call needs, swapped as one at a reload."""

    settings: ModelSettings
    route: Route
    compiled: Compiled
    functions: frozenset[str]
    places: asyncio.Semaphore


class Model:
    """Calls the prompts of `baml_src` on the model that the settings name.

    Starts with `start`, which fails rather than leave a wrong setting for the first call. Stops
    with `stop`, at any time and more than once; the callers end their calls first.
    """

    def __init__(self, settings: ModelSettings, *, prompts: Path = PROMPTS) -> None:
        self._settings = settings
        self._prompts = prompts
        self._offline = OfflineModel()
        self._loaded: Loaded | None = None
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Open the route and compile the prompts.

        Raises: ModelConfigError.
        """
        async with self._changing:
            if self._loaded is not None:
                return
            try:
                self._loaded = await self._load(self._settings)
            finally:
                if self._loaded is None:
                    await self._offline.stop()

    async def stop(self) -> None:
        """Close what `start` opened."""
        async with self._changing:
            self._loaded = None
            await self._offline.stop()

    async def reload(self, settings: ModelSettings | None = None) -> None:
        """Read the prompts, and where given the settings, anew.

        Raises: ModelConfigError; then the old ones stay in use. Calls in flight keep theirs.
        """
        async with self._changing:
            self._running()  # a stopped model stays stopped
            self._loaded = await self._load(settings or self._settings)
            self._settings = self._loaded.settings

    @property
    def route(self) -> Route:
        """Where calls go.

        Raises: ModelConfigError before `start` and after `stop`.
        """
        return self._running().route

    async def call(self, function: str, **arguments: object) -> Completion:
        """Call a BAML function declared `-> string`.

        Raises: ModelError when no answer could be had within the attempts and the deadline;
        ModelConfigError when there is no such function or its arguments are wrong.
        """
        loaded = self._running()
        if function not in loaded.functions:
            raise ModelConfigError(
                f"There is no function {function!r} that returns string in {self._prompts}; "
                f"there are {', '.join(sorted(loaded.functions))}. Add it there and reload."
            )
        safe = {name: safe_argument(value) for name, value in arguments.items()}
        # The place is kept while waiting for a retry: so a provider that asks for patience gets
        # less traffic. The deadline starts with the place: a long line is no fault of the model.
        async with loaded.places:
            return await _within_deadline(loaded, function, safe)

    def _running(self) -> Loaded:
        if self._loaded is None:
            raise ModelConfigError("The model is not running. Await Model.start() first.")
        return self._loaded

    async def _load(self, settings: ModelSettings) -> Loaded:
        chosen = await self._plan(settings)
        files = await asyncio.to_thread(read_prompts, self._prompts)
        files[CLIENTS_FILE] = chosen.source
        compiled = await asyncio.to_thread(Compiled, files, chosen.values)
        log.info("model route ready", route=str(chosen.route), prompts=str(self._prompts))
        places = asyncio.Semaphore(settings.concurrency)
        return Loaded(settings, chosen.route, compiled, text_functions(files), places)

    async def _plan(self, settings: ModelSettings) -> Plan:
        if not is_offline(settings):
            return plan(settings)
        # Left open by a later change of route, for the calls still in flight; `stop` closes it.
        await self._offline.start()
        return plan_offline(settings, address=self._offline.address, token=self._offline.token)


async def _within_deadline(
    loaded: Loaded, function: str, arguments: Mapping[str, object]
) -> Completion:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(loaded.settings.deadline_s) as deadline:
            answer, attempts = await _persist(loaded, function, arguments, deadline.when())
    except TimeoutError:
        what = f"no answer within {loaded.settings.deadline_s:g} s"
        raise failure("timeout", loaded.route, what) from None
    return Completion(
        text=answer.text,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        latency_ms=(time.perf_counter() - started) * 1000,
        attempts=attempts,
        model=loaded.route.model,
        demonstration=loaded.route.demonstration,
    )


async def _persist(
    loaded: Loaded, function: str, arguments: Mapping[str, object], deadline: float | None
) -> tuple[Answer, int]:
    """An answer and how many attempts it took."""
    for attempt in count(1):
        try:
            return await _attempt(loaded, function, arguments), attempt
        except ModelError as error:
            if not error.retryable or attempt >= loaded.settings.attempts:
                raise
            pause_s = wait_s(attempt, error.retry_after_s)
            # A wait that ends past the deadline is not begun: its error is of more use now.
            if deadline and asyncio.get_running_loop().time() + pause_s >= deadline:
                raise
            kind = error.kind
        log.warning(
            "model call failed, trying again", kind=kind, attempt=attempt, wait_s=round(pause_s, 3)
        )
        await asyncio.sleep(pause_s)
    raise AssertionError  # the count has no end


async def _attempt(loaded: Loaded, function: str, arguments: Mapping[str, object]) -> Answer:
    answer = Answer()
    try:
        await loaded.compiled.call(function, arguments, answer)
    except BamlError as error:
        # `from None`: the cause would carry the prompt into every traceback.
        raise classify(error, answer, loaded.route) from None
    answer.text = clean(answer.text)
    if not answer.text:
        raise failure("empty", loaded.route, "an empty answer")
    if len(answer.text.encode()) > MAX_TEXT_BYTES:
        raise failure("too_long", loaded.route, f"an answer of more than {MAX_TEXT_BYTES} bytes")
    return answer
