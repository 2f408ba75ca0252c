"""The monitor of the sockets: one whose client no longer answers is closed."""

import contextlib
import time

from engineio.exceptions import SocketIsClosedError
from flask_socketio import SocketIO

from reins.loops import ThreadLoop


class SocketMonitor(ThreadLoop):
    """Takes the place of the library's own monitor, which starts with the first socket.

    A stop of the library's fails where it comes while that socket connects. Starts once; wakes
    every `every_s`, the time that a client has to answer; a second stop does nothing.
    """

    def __init__(self, socketio: SocketIO, *, every_s: float) -> None:
        super().__init__("socket monitor", first_delay_s=every_s)
        self._engine = socketio.server.eio
        self._every_s = every_s
        self._offset_s = time.time() - time.monotonic()

    def run_once(self) -> float:
        before, self._offset_s = self._offset_s, time.time() - time.monotonic()
        set_by_s = self._offset_s - before
        for sid, each in list(self._engine.sockets.items()):
            if each.closed:
                self._engine.sockets.pop(sid, None)
            elif not each.closing:
                if each.last_ping is not None:  # the library goes by a clock that may be set
                    each.last_ping += set_by_s
                with contextlib.suppress(SocketIsClosedError):  # in the meantime
                    each.check_ping_timeout()
        return self._every_s
