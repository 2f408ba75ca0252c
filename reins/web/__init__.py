"""The web tier: HTTP, Socket.IO rooms and the page, beside a worker or without one."""
