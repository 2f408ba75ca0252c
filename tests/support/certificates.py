"""Certificates of an authority of one's own, and a model server behind them. Needs openssl."""

import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from tests.support.model_stub import ModelStub, answers


def openssl(words: str, folder: Path) -> str:
    """Run a command of openssl; returns what it printed."""
    command = ["openssl", *words.split()]
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout.strip()


class Authority:
    """A certificate authority in a folder, and the certificates that it gives out."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self.folder = folder
        self.name = name
        self._run("req -x509 -newkey rsa:2048 -nodes -subj /CN=Company -days 9 "
                  f"-keyout {name}.key -out {name}.pem")  # fmt: skip

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.pem"

    def server(
        self, name: str = "s", names: str = "DNS:localhost,IP:127.0.0.1", *, expired: bool = False
    ) -> ssl.SSLContext:
        """A server's context, with a certificate for these names."""
        (self.folder / "ext").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")
        self._run(f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN=x")
        until = "-days -1" if expired else "-days 9"
        self._run(f"x509 -req -in {name}.csr -CA {self.name}.pem -CAkey {self.name}.key "
                  f"-CAcreateserial -out {name}.pem -extfile ext {until}")  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def _run(self, words: str) -> None:
        subprocess.run(
            ["openssl", *words.split()],
            cwd=self.folder,
            check=True,
            capture_output=True,
            timeout=60,
        )


@asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[str]:
    """A model behind TLS; its address."""
    stub = ModelStub(default=answers())
    runner = web.ServerRunner(web.Server(stub._handle, access_log=None), shutdown_timeout=0.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://localhost:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()
