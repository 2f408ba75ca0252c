"""Tries to get out of where it runs, in each way that is known; prints how each went, as JSON.

Run in a sandbox as `python3 - TARGETS < escapes.py`. A probe returns a text where it got out, and
raises where it was refused. Standard library alone.
"""

import ctypes
import fcntl
import json
import os
import platform
import resource
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import termios
from pathlib import Path

T = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
PROBES = {}
ARM = platform.machine() == "aarch64"
HELD = ("CapInh", "CapPrm", "CapEff", "CapAmb")
REFUSING = {1, 13, 38, 97}  # EPERM, EACCES, ENOSYS, EAFNOSUPPORT


def probe(function):
    PROBES[function.__name__] = function
    return function


def call(x86, arm, *given):
    """A system call by its number; an error other than a refusal means that it was let through."""
    found = libc.syscall(arm if ARM else x86, *given)
    code = ctypes.get_errno()
    if found < 0 and code in REFUSING:
        raise OSError(code, os.strerror(code))
    return f"let through: {found}, {os.strerror(code)}"


def checked(found):
    if found < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return found


# Files outside, read.


@probe
def files_read_by_path():
    with Path(T["secret"]).open() as file:
        return file.read()


@probe
def files_read_by_a_link():
    Path("link").symlink_to(T["secret"])
    with Path("link").open() as file:
        return file.read()


@probe
def files_read_by_proc_root():
    with Path(f"/proc/1/root{T['secret']}").open() as file:
        return file.read()


@probe
def files_listed():
    return str(list(Path(T["outside"]).iterdir()))


@probe
def files_read_of_the_system():
    with Path("/etc/passwd").open() as file:
        return file.read(20)


# Files outside, written.


@probe
def files_written_new():
    with Path(T["outside"] + "/new").open("w") as file:
        return f"wrote {file.write('x')}"


@probe
def files_written_over():
    with Path(T["outside"] + "/mine").open("a") as file:
        return f"wrote {file.write('x')}"


@probe
def files_mode_changed():
    Path(T["outside"] + "/mine").chmod(0o777)
    return "changed its mode"


@probe
def files_times_changed():
    os.utime(T["outside"] + "/mine", (1, 1))
    return "changed its times"


@probe
def files_linked_in():
    os.link(T["outside"] + "/mine", "hard")
    return "linked it"


@probe
def files_moved_in():
    Path(T["outside"] + "/mine").rename("moved")
    return "moved it"


@probe
def files_of_the_system_written():
    with Path("/usr/lib/reins-was-here").open("w") as file:
        return f"wrote {file.write('x')}"


# The network.


@probe
def network_tcp():
    with socket.create_connection(("127.0.0.1", T["tcp"]), 2) as made:
        return f"answered {made.recv(10)}"


@probe
def network_tcp_by_the_address_of_the_machine():
    with socket.create_connection((T["address"], T["tcp"]), 2) as made:
        return f"answered {made.recv(10)}"


@probe
def network_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(0.5)
        made.connect(("127.0.0.1", T["udp"]))
        made.send(b"out")
        return f"answered {made.recv(10)}"


@probe
def network_udp6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as made:
        made.settimeout(0.5)
        made.sendto(b"out", ("::1", T["udp6"]))
        return f"answered {made.recv(10)}"


@probe
def network_unix_by_path():
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(T["unix"])
        return f"answered {made.recv(10)}"


@probe
def network_unix_abstract():
    with socket.socket(socket.AF_UNIX) as made:
        made.connect("\0" + T["abstract"])
        return f"answered {made.recv(10)}"


@probe
def network_packets():
    socket.socket(17, socket.SOCK_RAW, 3).close()
    return "a raw socket"


@probe
def network_of_the_machine_under_it():
    socket.socket(40, socket.SOCK_STREAM).close()
    return "a vsock socket"


# Processes and signals.


@probe
def signals_seen():
    os.kill(T["victim"], 0)
    return "it is there"


@probe
def signals_sent():
    os.kill(T["victim"], signal.SIGUSR1)
    return "sent"


@probe
def signals_to_a_thread():
    return call(234, 131, T["victim"], T["victim"], signal.SIGUSR1) + tgkill_failed()


def tgkill_failed():
    if ctypes.get_errno() == 3:
        raise ProcessLookupError(3, "no such process")
    return ""


@probe
def signals_to_the_parent():
    if os.getuid() != T["uid"]:
        raise PermissionError("another user's")
    os.kill(T["harness"], 0)
    return "it is there"


@probe
def processes_listed():
    if T["victim"] not in [int(each.name) for each in Path("/proc").glob("[0-9]*")]:
        raise FileNotFoundError("it is not among them")
    return "it is listed"


@probe
def processes_limited():
    resource.prlimit(T["victim"], resource.RLIMIT_NOFILE, (64, 64))
    return "its limits are others now"


@probe
def processes_slowed():
    os.setpriority(os.PRIO_PROCESS, T["victim"], 19)
    return "its priority is another now"


# The environment.


@probe
def environment_of_its_own():
    return os.environ["REINS_TEST_SECRET"]


def environ_of(pid):
    with Path(f"/proc/{pid}/environ").open("rb") as file:
        found = file.read()
    if b"REINS_TEST_SECRET" not in found:
        raise LookupError("it is not in there")
    return "read"


@probe
def environment_of_the_first():
    return environ_of(1)


@probe
def environment_of_the_parent():
    return environ_of(os.getppid())


@probe
def environment_of_the_harness():
    return environ_of(T["harness"])


# Other processes' memory.


@probe
def ptrace_of_another():
    checked(libc.ptrace(16, T["victim"], 0, 0))
    libc.ptrace(17, T["victim"], 0, 0)
    return "attached"


@probe
def ptrace_of_itself():
    checked(libc.ptrace(0, 0, 0, 0))
    return "traceable"


@probe
def ptrace_by_reading():
    return call(310, 270, T["victim"], None, 0, None, 0, 0)


@probe
def ptrace_by_mem():
    with Path(f"/proc/{T['victim']}/mem").open("rb"):
        return "opened"


# What kernels were left through.


@probe
def io_uring_made():
    return call(425, 425, 8, ctypes.create_string_buffer(256))


@probe
def io_uring_registered():
    return call(427, 427, -1, 0, None, 0)


@probe
def keys_read():
    return call(250, 219, 0, -3, 0)


@probe
def keys_added():
    return call(248, 217, b"user", b"reins", b"x", 1, -2)


@probe
def faults_by_the_user():
    return call(323, 282, 1)


@probe
def faults_by_the_user_of_the_kernel():
    return call(323, 282, 0)


@probe
def bpf_loaded():
    return call(321, 280, 0, None, 0)


@probe
def performance_counted():
    return call(298, 241, None, 0, -1, -1, 0)


@probe
def memory_that_no_limit_counts():
    return call(319, 279, b"reins", 0)


@probe
def shared_memory_of_system_v():
    return call(29, 194, 0, 1 << 20, 0o1600)


# Namespaces.


@probe
def namespaces_of_users():
    checked(libc.unshare(0x10000000))
    return "unshared"


@probe
def namespaces_of_files():
    checked(libc.unshare(0x00020000))
    return "unshared"


@probe
def namespaces_by_clone():
    found = checked(libc.syscall(220 if ARM else 56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0))
    if found == 0:
        os._exit(0)
    return "cloned"


@probe
def namespaces_by_clone3():
    given = struct.pack("8Q", 0x10000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    found = checked(libc.syscall(435, given, len(given)))
    if found == 0:
        os._exit(0)
    return "cloned"


@probe
def namespaces_joined():
    return call(308, 268, -1, 0)


@probe
def mounted():
    checked(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
    return "mounted"


@probe
def root_changed():
    checked(libc.chroot(b"."))
    return "changed"


# The terminal.


@probe
def terminal_typed_into():
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSTI, b"x")
    return f"typed, {master}"


@probe
def terminal_of_the_harness():
    with Path("/dev/tty").open("wb") as file:
        return f"opened {file}"


@probe
def terminal_pasted_into():
    return call(16, 29, 0, 0x541C, ctypes.create_string_buffer(b"\3"))


# The kernel's settings.


def written(path, text):
    with Path(path).open("w") as file:
        file.write(text)
    return "wrote"


@probe
def settings_of_the_kernel():
    return written("/proc/sys/kernel/core_pattern", "core")


@probe
def settings_of_namespaces():
    return written("/proc/sys/user/max_user_namespaces", "1000")


@probe
def settings_any():
    for folder, _, names in os.walk("/proc/sys"):
        for name in names:
            if os.access(path := f"{folder}/{name}", os.W_OK):
                return f"{path} can be written"
    raise PermissionError("none can be written")


@probe
def settings_by_sysrq():
    return written("/proc/sysrq-trigger", "?")


# Rights.


@probe
def rights_as_root():
    os.setuid(0)
    return f"user {os.getuid()}"


@probe
def rights_of_groups():
    os.setgroups([0])
    return f"groups {os.getgroups()}"


@probe
def rights_by_a_program_of_roots():
    found = subprocess.run(
        ["./id-of-root", "-u"], capture_output=True, text=True, check=True
    ).stdout
    if found.strip() != "0":
        raise PermissionError(f"user {found.strip()}")
    return "root"


@probe
def rights_left():
    with Path("/proc/self/status").open() as file:
        found = dict(line.split(":\t", 1) for line in file if line.startswith(("Cap", "NoNew")))
    held = [int(value, 16) for name, value in found.items() if name in HELD]
    if any(held):
        return f"holds {held}"
    if int(found["NoNewPrivs"]) != 1:
        return "may get new ones"
    raise PermissionError("none")


@probe
def devices_made():
    os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0))
    return "made"


@probe
def devices_opened():
    with Path("/dev/mem").open("rb"):
        return "opened"


def tried(function):
    """In a process of its own: what ends it is a refusal too."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(5)
        try:
            told = f"OUT {function()}"
        except BaseException as error:  # noqa: BLE001
            told = f"refused: {type(error).__name__} {error}"
        os.write(write, told.encode()[:2_000])
        os._exit(0)
    os.close(write)
    select.select([read], [], [], 6)
    told = os.read(read, 4_096).decode()
    os.close(read)
    status = os.waitpid(child, 0)[1]
    return told or f"refused: ended by {status}"


sys.stdout.write(json.dumps({name: tried(function) for name, function in PROBES.items()}))
