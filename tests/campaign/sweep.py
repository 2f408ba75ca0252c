"""Every errno at every call site of start, flush, journal and queue.

The sites are traced in a run without faults, so none is forgotten when the code moves: a site is a
kind of call on a kind of file.
"""

import errno
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from typing import NamedTuple

from tests.support.faults.case import Case, Result
from tests.support.faults.control import Fault

WHO = ("start", "running", "client")
FULL = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
_HANDLES = (errno.EMFILE, errno.EACCES, errno.EIO, errno.ENOMEM)
_BYTES = (errno.EIO, errno.ENOMEM, errno.EINTR)
ERRNOS = {
    "open": (*_HANDLES, errno.ENOSPC, errno.EROFS, errno.EINTR),
    "opendir": _HANDLES,
    "stat": (errno.EACCES, errno.EIO, errno.ENOMEM),
    "read": _BYTES,
    "pread": _BYTES,
    "write": (*FULL, errno.ENOMEM, errno.EINTR),
    "pwrite": (*FULL, errno.ENOMEM, errno.EINTR),
    "ftruncate": (errno.EIO, errno.EROFS, errno.EINTR),
    "fsync": (*FULL, errno.EINTR),
    "fdatasync": (*FULL, errno.EINTR),
    "syncfs": (*FULL, errno.EINTR),
    "copy": (errno.EIO, errno.ENOSPC),
}
OF_NAMES = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ENOMEM)
"""Of rename, link, unlink, mkdir and rmdir."""


class Site(NamedTuple):
    """A kind of call on a kind of file, by one of `WHO`."""

    who: str
    call: str
    path: str

    @property
    def errnos(self) -> tuple[int, ...]:
        return ERRNOS.get(self.call, OF_NAMES)


@dataclass(slots=True)
class Sweep:
    """The cases of a sweep, and which of them came to happen.

    `sites` says how often each was called in the trace. Another run may call it less often.
    """

    sites: Mapping[Site, int]
    seed: int
    reached: dict[Site, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def run(self, case: Callable[[Case], Result], at_most: int, over: Callable[[], bool]) -> None:
        """Each errno at the first call of each site, then at the second, until none is left.

        `at_most` so many calls of each site; 0: all.
        """
        left, chance = set(self.sites), random.Random(f"errnos {self.seed}")
        for nth in islice(count(1), at_most or None):
            for site in chance.sample(sorted(left), len(left)):
                reached = [self._fails(site, nth, code, case) for code in site.errnos]
                if over():
                    return
                if not any(reached):
                    left.discard(site)
            if not left:
                return

    def _fails(self, site: Site, nth: int, code: int, case: Callable[[Case], Result]) -> bool:
        fault = Fault(site.call, site.path, nth, _times(site, nth, code), code)
        reached = case(Case("errno", self.seed, site.who, fault)).reached
        self.reached[site][code] += reached
        return reached

    def missed(self) -> Iterator[tuple[Site, list[str]]]:
        """The errnos that came to happen nowhere at a site."""
        for site in sorted(self.sites):
            left = [code for code in site.errnos if not self.reached[site][code]]
            if left:
                yield site, [errno.errorcode[code] for code in left]


def _times(site: Site, nth: int, code: int) -> int | None:
    """Once or for ever, half of them each: the same of a case whenever it is run."""
    if code == errno.EINTR:  # whoever is interrupted tries again
        return 1
    return 1 if zlib.crc32(f"{site} {nth} {code}".encode()) % 2 else None
