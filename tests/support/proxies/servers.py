"""Real proxies before a web: nginx, Caddy and stunnel on ports of their own, ended by their ids."""

import functools
import os
import shutil
import socket
import ssl
import subprocess
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest

from tests.support.program import ROOT
from tests.support.waiting import until

NAME = "reins.example.org"
_TAKEN_OUT = ROOT / ".proxies"
_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr error;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{body}
}}
"""
_CADDY = """\
{{
    admin off
    local_certs
    skip_install_trust
    default_bind 127.0.0.1
    http_port {http_port}
    https_port {port}
}}
{body}
"""
_STUNNEL = """\
foreground = yes
debug = err
pid =
[reins]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{upstream}
cert = {certificate}
key = {key}
"""


def program(name: str) -> str:
    """The path of a proxy; without it the test is skipped aloud, or fails where it is a must."""
    places = [os.environ.get("PATH", os.defpath), _TAKEN_OUT / "usr/sbin", _TAKEN_OUT / "usr/bin"]
    found = shutil.which(name, path=os.pathsep.join(map(str, places)))
    if found is None:
        why = f"no {name} was found: run tests/support/proxies/debian.sh, or install {name}"
        if os.environ.get("REQUIRE_PROXIES"):
            pytest.fail(why)
        warnings.filterwarnings("default", message=why)
        warnings.warn(why, stacklevel=1)
        pytest.skip(why)
    return found


class Proxy:
    """A proxy that runs on a port of this machine until the end of the block."""

    def __init__(self, folder: Path, port: int, command: Sequence[str | Path]) -> None:
        self.port = port
        self._said = folder / "said"
        libraries = [*map(str, (_TAKEN_OUT / "usr/lib").glob("*-linux-gnu"))]
        environment = {
            **os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "LD_LIBRARY_PATH": os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]),
        }  # fmt: skip
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                command, stdout=said, stderr=said, env=environment, cwd=folder
            )

    def __enter__(self) -> Self:
        try:
            until(self._listens, f"the proxy listens on {self.port}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._said.read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 20) as probe:
                self._greet(probe)
        except OSError:
            return False
        return True

    def _greet(self, probe: socket.socket) -> None:
        """Ask more of it than to listen. Raises: OSError while it is not ready."""


class _Caddy(Proxy):
    """It listens before it has made its certificate, and refuses those who come between."""

    def _greet(self, probe: socket.socket) -> None:
        unverified().wrap_socket(probe, server_hostname=NAME).close()


@functools.cache
def unverified() -> ssl.SSLContext:
    """Any certificate will do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def nginx(folder: Path, port: int, body: str) -> Proxy:
    """`body` is what stands in its block `http`."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, body=body))
    command = [program("nginx"), "-e", "stderr", "-p", folder, "-c", configuration]
    return Proxy(folder, port, command)


def caddy(folder: Path, port: int, body: str) -> Proxy:
    """`body` is a Caddyfile's, whose site has certificates of Caddy's own."""
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "Caddyfile"
    configuration.write_text(_CADDY.format(port=port, http_port=free_port(), body=body))
    return _Caddy(folder, port, [program("caddy"), "run", "--config", configuration])


def stunnel(folder: Path, port: int, upstream: int) -> Proxy:
    """Ends TLS, and knows nothing of HTTP."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = certify(folder)
    configuration = folder / "stunnel.conf"
    configuration.write_text(
        _STUNNEL.format(port=port, upstream=upstream, certificate=certificate, key=key)
    )
    return Proxy(folder, port, [program("stunnel4"), configuration])


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def certify(folder: Path) -> tuple[Path, Path]:
    """A certificate for `NAME` that it has signed itself, and its key."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = folder / "reins.pem", folder / "reins.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key
