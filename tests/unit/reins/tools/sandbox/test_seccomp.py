"""The filter of system calls, worked out as the kernel does: an instruction at a time."""

import errno
import struct

import pytest

from reins.tools.sandbox import seccomp

ALLOWED, KILLED = 0x7FFF0000, 0x80000000
X86, ARM = 0xC000003E, 0xC00000B7


def answered(program, architecture, number, *arguments):
    """What the kernel does with a call."""
    given = struct.pack("=IIQ6Q", number, architecture, 0, *(arguments + (0,) * 6)[:6])
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    held, at = 0, 0
    while True:
        code, when, otherwise, value = steps[at]
        at += 1
        if code == 0x20:
            held = struct.unpack_from("=I", given, value)[0]
        elif code == 0x06:
            return value
        else:
            passed = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            at += when if passed else otherwise


def refused(code):
    return 0x50000 | code


CALLS = {
    # name: machine's numbers of x86_64 and aarch64, arguments, answer
    "read": ((0, 63), (), ALLOWED),
    "execve": ((59, 221), (), ALLOWED),
    "ptrace": ((101, 117), (), refused(errno.EPERM)),
    "io_uring_setup": ((425, 425), (), refused(errno.EPERM)),
    "keyctl": ((250, 219), (), refused(errno.EPERM)),
    "memfd_create": ((319, 279), (), refused(errno.EPERM)),
    "clone3": ((435, 435), (), refused(errno.ENOSYS)),
    "clone of a thread": ((56, 220), (0x3D0F00,), ALLOWED),
    "clone of a user": ((56, 220), (0x10000011,), refused(errno.EPERM)),
    "ioctl": ((16, 29), (0, 0x5401), ALLOWED),
    "ioctl TIOCSTI": ((16, 29), (0, 0x5412), refused(errno.EPERM)),
    "ioctl TIOCSTI, upper half set": ((16, 29), (0, 0x1_0000_5412), refused(errno.EPERM)),
    "ioctl TIOCLINUX": ((16, 29), (0, 0x541C), refused(errno.EPERM)),
    "socket, unix": ((41, 198), (1,), ALLOWED),
    "socket, IPv4": ((41, 198), (2,), ALLOWED),
    "socket, netlink": ((41, 198), (16,), ALLOWED),
    "socket, vsock": ((41, 198), (40,), refused(errno.EAFNOSUPPORT)),
    "kill": ((62, 129), (1, 9), ALLOWED),
    "prlimit": ((302, 261), (99,), ALLOWED),
    "utimensat": ((280, 88), (0, 99), ALLOWED),
}
WITHOUT_NAMESPACES = {
    "socket, unix": refused(errno.EPERM),
    "socket, IPv4": refused(errno.EPERM),
    "socket, netlink": refused(errno.EPERM),
    "socket, vsock": refused(errno.EPERM),
    "prlimit": refused(errno.EPERM),
    "utimensat": refused(errno.EPERM),
}
MACHINES = [("x86_64", X86, 0), ("aarch64", ARM, 1)]


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
@pytest.mark.parametrize("name", CALLS)
def test_a_call(machine, architecture, column, name):
    """With namespaces, without them, and where signals have to be kept in as well."""
    numbers, arguments, expected = CALLS[name]
    for filter_, says in (
        (seccomp.program(machine), expected),
        (seccomp.program(machine, namespaces=False), WITHOUT_NAMESPACES.get(name, expected)),
    ):
        assert answered(filter_, architecture, numbers[column], *arguments) == says


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_without_namespaces(machine, architecture, column):
    """Its own limits and the times of an open file may change; a path given above 4 GiB counts."""
    filter_ = seccomp.program(machine, namespaces=False)
    prlimit, utimensat, pair = ((302, 261), (280, 88), (53, 199))
    assert answered(filter_, architecture, prlimit[column], 0) == ALLOWED
    assert answered(filter_, architecture, utimensat[column], 3, 0) == ALLOWED
    high = answered(filter_, architecture, utimensat[column], 3, 0x1_0000_0000)
    assert high == refused(errno.EPERM)
    assert answered(filter_, architecture, pair[column], 1) == ALLOWED


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_without_a_scope_for_signals(machine, architecture, column):
    """No signal is sent at all, by no way."""
    filter_ = seccomp.program(machine, namespaces=False, signals=False)
    for number, *given in (
        ((62, 129), 1, 9),
        ((234, 131), 1, 1, 9),
        ((424, 424), 3, 9),
        ((72, 25), 3, 8),
        ((16, 29), 3, 0x8901),
    ):
        assert answered(filter_, architecture, number[column], *given) == refused(errno.EPERM)
    assert answered(filter_, architecture, (72, 25)[column], 3, 1) == ALLOWED
    assert answered(filter_, architecture, (16, 29)[column], 3, 0x5401) == ALLOWED


@pytest.mark.parametrize(("machine", "architecture", "column"), MACHINES)
def test_without_programs(machine, architecture, column):
    """None is started and no process is made; threads are."""
    filter_ = seccomp.program(machine, namespaces=False, programs=False)
    for number, *given in (((59, 221),), ((322, 281),), ((56, 220), 0x1200011)):
        assert answered(filter_, architecture, number[column], *given) == refused(errno.EPERM)
    assert answered(filter_, architecture, (56, 220)[column], 0x3D0F00) == ALLOWED
    if not column:
        assert answered(filter_, architecture, 57) == refused(errno.EPERM)


def test_calls_of_another_architecture():
    """What is numbered otherwise ends the process, and x32 is refused."""
    filter_ = seccomp.program("x86_64")
    assert answered(filter_, 0x40000003, 4) == KILLED
    assert answered(filter_, X86, 0x40000000 | 59) == refused(errno.EPERM)


def test_a_machine_that_is_not_known():
    """There is no filter for it, so that nothing is run in a sandbox without one."""
    assert seccomp.program("riscv64") is None
    assert len(seccomp.program()) % 8 == 0
