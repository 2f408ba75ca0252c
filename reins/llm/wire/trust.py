"""The certificate authorities that a route trusts: the usual ones, and its own."""

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog

FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
FOLDERS = ("SSL_CERT_DIR",)
"""Variables by which other programs are told of certificate authorities; several folders are
separated as in PATH."""

HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
CERTIFICATES = frozenset({".pem", ".crt", ".cer", ".ca", ".der"})
MAX_FILES = 1_000
MAX_BYTES = 16 << 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A file or folder of certificates, and its state: once that changes, it is another.

    `said_by` is the variable or the setting that names it.
    """

    path: str
    said_by: str
    state: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """The sources that are trusted: `alone`, or beside the system's."""

    sources: tuple[Source, ...] = ()
    alone: bool = False


NO_SOURCES = Trust()


class CertificatesError(Exception):
    """A source of certificates cannot be read; the message names it, and says why."""


def trust_of(ca_file: str | None, said_by: str, environ: Mapping[str, str]) -> Trust:
    """The trust of a route. A file of its own is trusted alone; `said_by` is its setting."""
    if ca_file is not None:
        return Trust((_source(ca_file, said_by),), alone=True)
    return Trust(tuple(dict.fromkeys(_of_environment(environ))))


def _of_environment(environ: Mapping[str, str]) -> Iterator[Source]:
    for name in (*FILES, *FOLDERS):
        given = environ.get(name, "").strip()
        for path in given.split(":") if name in FOLDERS else [given]:
            if path:
                yield _source(path, name)


def _source(path: str, said_by: str) -> Source:
    path = str(Path(path).expanduser())
    try:
        stat = Path(path).stat()
    except OSError:
        return Source(path, said_by)
    return Source(path, said_by, (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=16)
def context_of(trust: Trust) -> tuple[ssl.SSLContext, tuple[str, ...]]:
    """The context that connections are checked with, and the sources that could not be read.

    Blocks: it reads files. Raises: CertificatesError where a route's own file cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # A company's intermediate authority may be named without its root.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["http/1.1"])
    unread = []
    if not trust.alone:
        context.load_default_certs()
        if not context.cert_store_stats()["x509_ca"] and not any(map(Path.exists, _usual())):
            unread.append("this system has no store of certificates (Debian: ca-certificates)")
    for source in trust.sources:
        try:
            _load(context, Path(source.path))
        except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
            why = getattr(error, "strerror", None) or str(error)
            told = f"{source.said_by} is {source.path!r}, which cannot be read: {why}"
            if trust.alone:
                raise CertificatesError(told) from None
            log.warning("certificates not read", source=source.said_by, path=source.path, why=why)
            unread.append(told)
    return context, tuple(unread)


def _usual() -> list[Path]:
    paths = ssl.get_default_verify_paths()
    return [Path(each) for each in (paths.cafile, paths.capath) if each]


def _load(context: ssl.SSLContext, path: Path) -> None:
    if not path.is_dir():
        _load_file(context, path)
        return
    names = [each for each in sorted(path.iterdir()) if not each.is_dir()][:MAX_FILES]
    if any(HASHED.fullmatch(each.name) for each in names):
        context.load_verify_locations(capath=str(path))  # each is read when it is needed
        return
    found = [each for each in names if each.suffix.lower() in CERTIFICATES]
    if not found:
        raise ValueError("no certificates in that folder")
    for each in found:
        _load_file(context, each)


def _load_file(context: ssl.SSLContext, path: Path) -> None:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES)
    if b"-----BEGIN" in data:
        context.load_verify_locations(cafile=str(path))
    else:
        try:
            context.load_verify_locations(cadata=data)
        except ssl.SSLError:
            raise ValueError("it holds no certificate (PEM or DER)") from None
