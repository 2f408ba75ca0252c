"""A seccomp filter: system calls that no tool needs, and through which sandboxes were left.

Source: seccomp(2); Linux' struct sock_filter; the default denials of systemd, Docker and Flatpak.
"""

import errno
import platform
import struct
from collections.abc import Mapping, Sequence

_LOAD, _EQUALS, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32 = 0x40000000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_THREAD = 0x10000  # CLONE_THREAD
_NAMESPACES = 0x7E020000  # CLONE_NEW*, of which a thread takes none

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_DENIED: dict[str, tuple[int | None, int | None]] = {
    # x86_64, aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "syslog": (103, 116),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "vhangup": (153, 58),
    "personality": (135, 92),
    "uselib": (134, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "fanotify_init": (300, 262),
    # Memory that no limit of a process counts.
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
}
_ALONE: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "chmod": (90, None),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "shmat": (30, 196),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
_SIGNALS: dict[str, tuple[int | None, int | None]] = {
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_send_signal": (424, 424),
}
_PROGRAMS: dict[str, tuple[int | None, int | None]] = {
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
}
_SET_OWNER, _SET_OWNER_BY_IOCTL = (8, 15), (0x8901, 0x8902)
_CLONE, _CLONE3 = (56, 220), 435
_IOCTL, _FCNTL = (16, 29), (72, 25)
_SOCKET = (41, 198)
_UTIMENSAT, _PRLIMIT = (280, 88), (302, 261)
_FAMILIES = (1, 2, 10, 16)
"""Of sockets: unix, IPv4 and IPv6, netlink. Others reach what no namespace holds apart (vsock)."""


def program(
    machine: str | None = None,
    *,
    namespaces: bool = True,
    signals: bool = True,
    programs: bool = True,
) -> bytes | None:
    """The filter's instructions, eight bytes each; None for a machine that is not known.

    Without `namespaces` it also refuses what reaches other processes and files that no name is
    opened of: sockets, changes of modes and times by path, limits of others, shared memory.
    `signals` false: signals too, where nothing else keeps them in. `programs` false: other programs
    and processes too; threads it may have.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(machine)
    made = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUALS, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":  # the same calls by other numbers
        made += [_step(_AT_LEAST, _X32, 0, 1), _refuse(errno.EPERM)]
    made += _denials(_DENIED, column)
    # Its flags lie in memory, where a filter cannot look: libc falls back to clone.
    made += [_step(_EQUALS, _CLONE3, 0, 1), _refuse(errno.ENOSYS)]
    made += _when(_CLONE[column], 0, [_step(_ANY_OF, _NAMESPACES, 0, 1), _refuse(errno.EPERM)])
    made += _never(_IOCTL[column], 1, (_TIOCSTI, _TIOCLINUX))
    if namespaces:
        made += _only(_SOCKET[column], 0, _FAMILIES, errno.EAFNOSUPPORT)
    else:
        made += _denials(_ALONE, column)
        made += _only(_PRLIMIT[column], 0, (0,), errno.EPERM)
        # Of an open file it may set the times: no path is given then.
        made += _only(_UTIMENSAT[column], 1, (0,), errno.EPERM)
        made += _only(_UTIMENSAT[column], 1, (0,), errno.EPERM, high=True)
    if not signals:
        made += _denials(_SIGNALS, column)
        made += _never(_FCNTL[column], 1, _SET_OWNER)
        made += _never(_IOCTL[column], 1, _SET_OWNER_BY_IOCTL)
    if not programs:
        made += _denials(_PROGRAMS, column)
        made += _when(_CLONE[column], 0, [_step(_ANY_OF, _THREAD, 1, 0), _refuse(errno.EPERM)])
    return b"".join([*made, _step(_RETURN, _ALLOW)])


def _denials(calls: Mapping[str, tuple[int | None, int | None]], column: int) -> list[bytes]:
    numbers = [numbers[column] for numbers in calls.values()]
    return [
        step
        for number in numbers
        if number is not None
        for step in (_step(_EQUALS, number, 0, 1), _refuse(errno.EPERM))
    ]


def _never(number: int, argument: int, values: Sequence[int]) -> list[bytes]:
    """The call is refused where its argument is one of these."""
    tests = [
        step for value in values for step in (_step(_EQUALS, value, 0, 1), _refuse(errno.EPERM))
    ]
    return _when(number, argument, tests)


def _only(
    number: int, argument: int, values: Sequence[int], code: int, *, high: bool = False
) -> list[bytes]:
    """The call is refused where its argument, or the upper half of it, is none of these."""
    tests = [_step(_EQUALS, value, len(values) - n, 0) for n, value in enumerate(values)]
    return _when(number, argument, [*tests, _refuse(code)], high=high)


def _when(number: int, argument: int, tests: list[bytes], *, high: bool = False) -> list[bytes]:
    """These instructions for this call alone, with its argument loaded."""
    offset = _ARGUMENTS + 8 * argument + (4 if high else 0)
    within = [_step(_LOAD, offset), *tests, _step(_LOAD, _NUMBER)]
    return [_step(_EQUALS, number, 0, len(within)), *within]


def _refuse(code: int) -> bytes:
    return _step(_RETURN, _ERRNO | code)


def _step(code: int, value: int, when: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, when, otherwise, value)
