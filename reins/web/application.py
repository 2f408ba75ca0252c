"""The web application, put together: proxies' headers, the guard, Socket.IO, then Flask."""

from typing import TYPE_CHECKING

from reins.settings import Settings
from reins.shutdown import STEP_S, Shutdown
from reins.sql.runner import SqlRunner
from reins.web.api.flask_app import make_api
from reins.web.bridge import Bridge, WorkerHere
from reins.web.guard import Guard
from reins.web.live.feed import Feed
from reins.web.live.rooms import Rooms
from reins.web.live.socket_monitor import SocketMonitor
from reins.web.live.sockets import Sockets, make_socketio
from reins.web.live.sse import Streams
from reins.web.proxies import Proxies
from reins.web.views.follower import ViewFollower
from reins.web.views.participants import Participants
from reins.web.views.sessions import SessionIndex

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Web:
    """Everything that serves one data folder, beside its worker or without one.

    `wsgi` is the application. Starts once; `stop` ends the feed, the streams and the sockets.
    """

    stop_s = 5 * STEP_S
    """Seconds that a stop may take at the most: it has five steps."""

    def __init__(
        self,
        settings: Settings,
        worker: WorkerHere | None,
        *,
        port: int,
        token: str | None,
        ping_interval_s: float = 25.0,
        ping_timeout_s: float = 20.0,
    ) -> None:
        bridge = Bridge(settings, worker)
        index = SessionIndex(bridge.store)
        participants = Participants(bridge.store)
        self._follower = ViewFollower(store=bridge.store, index=index, participants=participants)
        self._streams = Streams()
        self._sql = SqlRunner(settings)
        flask = make_api(
            bridge=bridge,
            index=index,
            participants=participants,
            streams=self._streams,
            live=self,
            sql_runner=self._sql,
        )
        socketio = make_socketio(
            flask, ping_interval_s=ping_interval_s, ping_timeout_s=ping_timeout_s
        )
        rooms = Rooms(socketio.server)
        self._feed = Feed(
            bridge=bridge,
            follower=self._follower,
            index=index,
            participants=participants,
            rooms=rooms,
            streams=self._streams,
        )
        sockets = Sockets(
            bridge=bridge,
            index=index,
            participants=participants,
            follower=self._follower,
            typing=self._feed.typing,
            rooms=rooms,
        )
        sockets.register(socketio)
        self._socketio = socketio
        self._monitor = SocketMonitor(socketio, every_s=ping_timeout_s)
        self._guard = Guard(
            flask.wsgi_app,
            host=settings.host,
            port=port,
            token=token,
            allowed_hosts=settings.allowed_hosts,
        )
        self.wsgi: WSGIApplication = Proxies(
            self._guard, trusted=settings.trusted_proxies, prefix=settings.path_prefix
        )

    def start(self) -> None:
        self._feed.start()
        self._monitor.start()

    def close(self) -> None:
        """Let no socket in any more, and end those that are open; a second time does nothing."""
        self._guard.close()

    def stop(self) -> None:
        ending = Shutdown()
        ending.add("the sockets' monitor", self._monitor.stop)
        ending.add("the feed", self._feed.stop)
        ending.add("the streams", self._streams.end)
        ending.add("SQL", self._sql.stop)
        ending.add("the guard", self.close)
        ending.run()

    def catch_up(self) -> None:
        """See `ViewFollower.catch_up`."""
        self._follower.catch_up()

    def clients(self) -> dict[str, int]:
        """Open connections; see `Feed.clients`."""
        return self._feed.clients()
