"""The mailbox of a session: requests wait in it for a safe point, and the session for them."""

import asyncio
from collections.abc import Iterable

from agent_core.session.controls import Control


class Mailbox:
    """Requests in order of arrival, and the one wait of a session that has nothing to do."""

    __slots__ = ("_mail", "_taken", "_waiter")

    def __init__(self) -> None:
        self._mail: list[Control] = []  # short, and an empty list is small
        self._taken: Control | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._mail)

    def put(self, control: Control) -> None:
        self._mail.append(control)

    def take(self) -> Control | None:
        """The oldest request, which counts as unanswered until the next is taken."""
        self._taken = self._mail.pop(0) if self._mail else None
        return self._taken

    def waiting(self) -> Iterable[Control]:
        return self._mail

    @property
    def taken(self) -> Control | None:
        """The request that is being applied, unless it has its answer."""
        return None if self._taken is None or self._taken.done.done() else self._taken

    def retake(self, control: Control) -> None:
        """Go on with one that was taken before others that did not wait for it."""
        self._taken = control

    def give_up(self) -> Control | None:
        """The request that was being applied when the loop failed; it is not answered later."""
        taken, self._taken = self._taken, None
        return taken

    def drain(self) -> list[Control]:
        """Every request that may be unanswered; none is left."""
        left = [*([] if self._taken is None else [self._taken]), *self._mail]
        self._taken = None
        self._mail.clear()
        return left

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def sleep(self, until: float | None) -> None:
        """Wait for `wake` or the loop's time `until`, whichever is first; None: for `wake`.

        Returns at once where a request waits.
        """
        if self._mail:
            return
        self._taken = None  # it is answered: who has nothing to do has done what was asked
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = None if until is None else loop.call_at(until, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
