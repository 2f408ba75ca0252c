"""The shape of every long-running loop: start, rounds that return their own delay, stop.

The contract, in a thread (`ThreadLoop`) and in a task (`TaskLoop`):

- `start` begins the rounds; a second start is an error, also after a stop.
- `run_once` is one round. It returns the seconds until the next one, or None to wait for a wake.
- `wake` ends the wait; a wake during a round is followed by another round, none is lost.
- A round that fails is logged by `failed`, which returns the delay; only a stop shortens that one.
- `stop` ends the loop and returns when it has ended. A second stop does nothing, nor does one
  before the start. A stop while `start` runs waits for it, and then ends what it began.
"""

import asyncio
import contextlib
import threading

import structlog

_logger = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Seconds after which a failed round is tried again, unless the loop says otherwise."""


class _Loop:
    """The parts that both forms have in common."""

    def __init__(self, name: str, *, first_delay_s: float | None = 0.0) -> None:
        self.name = name
        self._first_delay_s = first_delay_s

    def failed(self, error: Exception) -> float:
        """Log the failure of a round; returns the seconds until the next one.

        An exception from here ends the loop.
        """
        _logger.error(
            "a round of a loop failed",
            loop=self.name,
            error=f"{type(error).__name__}: {error}"[:500],
            retry_in_s=RETRY_S,
        )
        return RETRY_S

    def _started_twice(self) -> RuntimeError:
        return RuntimeError(f"the {self.name} was started twice; make a new one")


class ThreadLoop(_Loop):
    """A loop in a daemon thread with the loop's name; `wake` and `stop` come from any thread."""

    def __init__(self, name: str, *, first_delay_s: float | None = 0.0) -> None:
        super().__init__(name, first_delay_s=first_delay_s)
        self._starting = threading.Lock()
        self._woken = threading.Event()
        self._stop_asked = threading.Event()
        self._thread: threading.Thread | None = None
        self._ended = False

    def run_once(self) -> float | None:
        """One round; returns the seconds until the next, None to wait for a wake."""
        raise NotImplementedError

    def finish(self) -> None:
        """Do the loop's last work, in its thread, after the last round."""

    @property
    def stopping(self) -> bool:
        return self._stop_asked.is_set()

    @property
    def running(self) -> bool:
        """True from the start until the thread has ended, its last work done."""
        return self._thread is not None and not self._ended  # is_alive() takes a lock

    def start(self) -> None:
        with self._starting:
            if self._thread is not None:
                raise self._started_twice()
            thread = threading.Thread(target=self._run, name=self.name, daemon=True)
            thread.start()
            self._thread = thread

    def wake(self) -> None:
        self._woken.set()

    def stop(self, timeout_s: float | None = None) -> None:
        """Blocks until the thread has ended, at most `timeout_s`; a round may call it too."""
        with self._starting:
            thread = self._thread
        if thread is None:
            return
        self._stop_asked.set()
        self.wake()
        if thread is not threading.current_thread():
            thread.join(timeout_s)

    def pause(self, seconds: float) -> bool:
        """Wait in a round; a stop ends the wait, a wake does not. Returns True if stopping."""
        return self._stop_asked.wait(seconds)

    def _run(self) -> None:
        try:
            self._wait(self._first_delay_s)
            while not self.stopping:
                self._round()
        except Exception:
            _logger.exception("a loop ended by itself", loop=self.name)
        finally:
            try:
                self.finish()
            finally:
                self._ended = True

    def _round(self) -> None:
        try:
            delay_s = self.run_once()
        except Exception as error:  # noqa: BLE001 - `failed` reports it
            self.pause(self.failed(error))
            self._woken.clear()
        else:
            self._wait(delay_s)

    def _wait(self, delay_s: float | None) -> None:
        if delay_s != 0:
            self._woken.wait(delay_s)
        # Before the next round: a wake during it must be followed by another.
        self._woken.clear()


class TaskLoop(_Loop):
    """A loop in a task with the loop's name; a stop cancels the round that runs.

    `start` is called on the event loop, and so are `wake` and `stop`.
    """

    def __init__(self, name: str, *, first_delay_s: float | None = 0.0) -> None:
        super().__init__(name, first_delay_s=first_delay_s)
        self._woken = asyncio.Event()
        self._stop_asked = False
        self._task: asyncio.Task[None] | None = None

    async def run_once(self) -> float | None:
        """One round; returns the seconds until the next, None to wait for a wake."""
        raise NotImplementedError

    @property
    def stopping(self) -> bool:
        return self._stop_asked

    @property
    def running(self) -> bool:
        """True from the start until the task has ended."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        if self._task is not None:
            raise self._started_twice()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self.name)
        self._task.add_done_callback(self._report)

    def wake(self) -> None:
        self._woken.set()

    async def stop(self) -> None:
        """Returns when the task has ended; from a round, that round is the last and goes on."""
        task = self._task
        if task is None:
            return
        first, self._stop_asked = not self._stop_asked, True
        self.wake()
        if task is asyncio.current_task():
            return
        if first:
            task.cancel()
        await asyncio.wait([task])

    async def _run(self) -> None:
        await self._wait(self._first_delay_s)
        while not self._stop_asked:
            try:
                delay_s = await self.run_once()
            except Exception as error:  # noqa: BLE001 - `failed` reports it
                if not self._stop_asked:
                    await asyncio.sleep(self.failed(error))
                    self._woken.clear()
            else:
                await self._wait(delay_s)

    async def _wait(self, delay_s: float | None) -> None:
        if delay_s == 0:
            await asyncio.sleep(0)  # a loop without a delay must not keep all others waiting
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._woken.wait()
        # Before the next round: a wake during it must be followed by another.
        self._woken.clear()

    def _report(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a loop ended by itself", loop=self.name, error=str(error)[:500])
