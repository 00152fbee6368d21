# Part of the driver: before the first candidate, a process confined like one tries what no candidate
# may do, one system call each. What succeeds is a hole, and the tier is refused.
import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import socket
import sys

SELF_TEST_LIMITS = {
    "cpu_millis": 1000, "wall_millis": 10000, "memory_bytes": 256 << 20, "output_bytes": 1 << 20,
    "file_bytes": 1 << 20, "processes": 1, "threads": 4, "open_files": 64,
    "scratch_bytes": 64 << 10, "scratch_files": 8,
}  # fmt: skip
SCRATCH_REMEDY = "root needs CAP_CHOWN, CAP_DAC_OVERRIDE and CAP_FOWNER; or run as an ordinary user"
# A refusal by a filter, and a refusal by Landlock, a mount or the kernel's own rules. Anything else
# (a bad address, no such address) means that the kernel would have gone on.
FILTERED = (errno.EPERM, errno.ENOSYS)
SHUT_OUT = (errno.EPERM, errno.EACCES, errno.ENOENT, errno.EROFS, errno.ENOSYS, errno.EXDEV)
FULL_UP = (errno.ENOSPC, errno.ENOMEM, errno.EAGAIN, errno.EFBIG, errno.EDQUOT)
RAW = {  # by architecture, where it has the call
    "x86_64": {
        "fork": 57, "clone": 56, "clone3": 435, "execve": 59, "execveat": 322, "kill": 62, "tkill": 200,
        "tgkill": 234, "ptrace": 101, "process_vm_readv": 310, "pidfd_open": 434, "unshare": 272,
        "setns": 308, "mount": 165, "umount2": 166, "memfd_create": 319, "shmget": 29,
        "io_uring_setup": 425, "bpf": 321, "userfaultfd": 323, "perf_event_open": 298, "keyctl": 250,
        "connect": 42, "bind": 49, "listen": 50, "accept": 43, "sendmsg": 46, "sendto": 44,
        "personality": 135, "prlimit64": 302, "seccomp": 317,
    },
    "aarch64": {
        "clone": 220, "clone3": 435, "execve": 221, "execveat": 281, "kill": 129, "tkill": 130,
        "tgkill": 131, "ptrace": 117, "process_vm_readv": 270, "pidfd_open": 434, "unshare": 97,
        "setns": 268, "mount": 40, "umount2": 39, "memfd_create": 279, "shmget": 194,
        "io_uring_setup": 425, "bpf": 280, "userfaultfd": 282, "perf_event_open": 241, "keyctl": 219,
        "connect": 203, "bind": 200, "listen": 201, "accept": 202, "sendmsg": 211, "sendto": 206,
        "personality": 92, "prlimit64": 261, "seccomp": 277,
    },
}  # fmt: skip


def self_test(house):
    """How many forbidden acts were tried in vain, by the guarantee that they would have broken."""
    return house["tried"]


def test_tier(house):
    """In the zygote, before the first candidate: what was tried and which holes there are, or what was
    refused. Nothing to try in the tiers that promise nothing."""
    if house["tier"] not in SHUT:
        return {"tried": {}, "holes": []}
    try:
        with Layer("scratch", SCRATCH_REMEDY):
            fresh_scratch(house, SELF_TEST_LIMITS)
            found = try_in_fork(house)
            clear_scratch(house)
    except Refused as refused:
        return {"refused": refused.args}
    return found


def try_in_fork(house):
    heard, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        tell_and_close(said, try_confined(house))
        os._exit(0)
    os.close(said)
    with open(heard, "rb") as file:
        text = file.read()
    status = os.waitpid(pid, 0)[1]
    end_all(house)
    if text:
        return json.loads(text.decode())
    answer = "the process that tried what is forbidden ended with status %d" % status
    return {"refused": ["self-test", answer, "report this"]}


def try_confined(house):
    """In a process like a candidate's."""
    try:
        os.setsid()
        confine(house, SELF_TEST_LIMITS, False)
        return try_acts(house)
    except Refused as error:
        return {"refused": error.args}
    except BaseException as error:
        return {"refused": ["self-test", "%s: %s" % (type(error).__name__, error), "report this"]}


def tell_and_close(said, found):
    """The pipe was there before; a candidate's fork could not make another way out."""
    os.write(said, json.dumps(found).encode())
    os.close(said)


def understand_test(text):
    """In the supervisor: what was tried; Refused where something succeeded or could not be had."""
    if not text:
        raise Refused("self-test", "the process that forks candidates has ended", "see its log")
    found = json.loads(text.decode())
    if "refused" in found:
        raise Refused(*found["refused"])
    for guarantee, act in found["holes"]:
        raise Refused(guarantee, "a candidate could " + act, "report this, with the kernel's version")
    return found["tried"]


def try_acts(house):
    """Every act: its guarantee, what it does, how, and which answers are refusals."""
    tried, holes = {}, []
    for guarantee, make in (
        ("fs_read", reading_acts),
        ("fs_write", writing_acts),
        ("net", network_acts),
        ("procs", process_acts),
        ("signals", signal_acts),
        ("result_integrity", judge_acts),
        ("disk", disk_acts),
        ("memory", memory_acts),
        ("pids", thread_acts),
        ("limits", limit_acts),
    ):
        acts = make(house)
        tried[guarantee] = len(acts)
        holes += [[guarantee, name] for name, act, refusals in acts if not is_refused(act, refusals)]
    return {"tried": tried, "holes": holes}


def is_refused(act, refusals):
    try:
        act()
    except OSError as error:
        return error.errno in refusals
    except (MemoryError, RuntimeError, ValueError):
        return True  # no room, no thread, a limit that python itself found too high
    return False


def raw(name, *arguments):
    """An act that is one system call."""

    def act():
        result = syscall(RAW[platform.machine()][name], *arguments)
        if result == 0 and name in ("fork", "clone"):
            os._exit(0)  # a new process
        checked(result, name)

    return act


def raw_acts(calls):
    """Of [(name, arguments...)], the acts that this architecture has; a filter must refuse them."""
    known = RAW[platform.machine()]
    return [("call " + call[0], raw(*call), FILTERED) for call in calls if call[0] in known]


def reading_acts(house):
    """Contents of the system's files. In full also names: nothing else is there."""
    paths = ["/etc/passwd", "/etc/hostname", "/proc/1/environ", "/proc/self/mem", "/proc/self/maps"]
    paths += ["/proc/%d/mem" % house["supervisor"], "/sys/kernel/mm/transparent_hugepage/enabled"]
    acts = [("read " + path, lambda path=path: open(path, "rb").close(), SHUT_OUT) for path in paths]
    if house["tier"] == "full":
        for path in ("/proc/self/exe", "/etc/passwd", "/bin/sh", "/home", "/root/.profile", "/tmp/.X11-unix"):
            acts.append(("see " + path, lambda path=path: os.lstat(path), SHUT_OUT))
    else:
        for path in ("/root", "/home", "/proc", "/sys", "/var", "/etc", house["home"]):
            acts.append(("list " + path, lambda path=path: os.listdir(path), SHUT_OUT))
    return acts


def writing_acts(house):
    """Anything outside the scratch, files of the library among it."""
    library = os.__file__
    places = ["/", "/etc", "/tmp", "/var/tmp", "/dev/shm", "/dev", "/usr/lib", os.path.dirname(library)]
    places = [place for place in places if place != house["scratch"]]
    if house["tier"] in WEAKER:
        places.append(house["home"])
    acts = [("make a file in " + place, lambda place=place: make_file(place), SHUT_OUT) for place in places]
    foreign = [library] + ([house["home"]] if house["tier"] in WEAKER else [])
    for path in foreign:
        mode = os.stat(path).st_mode & 0o7777
        acts += [
            ("change the mode of " + path, lambda path=path, mode=mode: os.chmod(path, mode), SHUT_OUT),
            ("change the times of " + path, lambda path=path: os.utime(path), SHUT_OUT),
            ("rename " + path, lambda path=path: os.rename(path, path + "-moved"), SHUT_OUT),
        ]
    size = os.path.getsize(library)
    return acts + [
        ("cut " + library, lambda: os.truncate(library, size), SHUT_OUT),
        ("write to " + library, lambda: os.close(os.open(library, os.O_WRONLY)), SHUT_OUT),
        ("link " + library, lambda: os.link(library, "linked"), SHUT_OUT),
        ("make a device", lambda: os.mknod("device", 0o20600, os.makedev(1, 3)), SHUT_OUT),
    ]


def make_file(place):
    path = os.path.join(place, "self-test-%d" % os.getpid())
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    os.unlink(path)


def network_acts(house):
    """Sockets of every family, and those of a pair put to another use."""
    families = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16, "AF_PACKET": 17,
                "AF_ALG": 38, "AF_BLUETOOTH": 31, "AF_VSOCK": 40}  # fmt: skip
    acts = []
    for name, number in families.items():
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
            act = lambda number=number, kind=kind: socket.socket(number, kind).close()
            acts.append(("make a socket of " + name, act, FILTERED))
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].detach()
    address = b"\x01\x00\x00self-test"
    size = len(address)
    return acts + raw_acts(
        [
            ("connect", pair, address, size), ("bind", pair, address, size), ("listen", pair, 1),
            ("accept", pair, None, None), ("sendto", pair, b"x", 1, 0, address, size),
            ("sendmsg", pair, None, 0),
        ]
    )  # fmt: skip


def process_acts(house):
    """New processes and programs, namespaces, and the kernel's large interfaces."""
    program = b"/lib64/ld-linux-x86-64.so.2"
    new = [("fork",), ("clone", signal.SIGCHLD, None, None, None, None), ("clone3", None, 0)]
    acts = raw_acts(
        new
        + [("clone", signal.SIGCHLD | kind, None, None, None, None) for kind in (CLONE_NEWUSER, CLONE_NEWPID)]
        + [("execve", program, None, None), ("execveat", AT_FDCWD, program, None, None, 0)]
        + [("unshare", kind) for kind in (CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET)]
        + [("setns", 0, 0), ("mount", None, b"/", None, 0, None), ("umount2", b"/tmp", MNT_DETACH)]
        + [("io_uring_setup", 1, None), ("bpf", 0, None, 0), ("userfaultfd", 0), ("personality", 0xFFFFFFFF)]
        + [("perf_event_open", None, 0, -1, -1, 0), ("keyctl", 0, -3, 0), ("seccomp", 2, 0, None)]
    )
    return acts + [
        ("become root", lambda: os.setuid(0), SHUT_OUT),
        ("use a capability", use_capabilities, FILTERED),
        ("gain rights by a program", gain_rights, FILTERED),
    ]


def use_capabilities():
    """Fails where there is none to use."""
    found = ctypes.create_string_buffer(24)
    checked(symbol("capget")(struct.pack("<Ii", 0x20080522, 0), found), "capget")
    if not any(found.raw):
        raise PermissionError(errno.EPERM, "none in any set")


def gain_rights():
    """Fails where no program started can have more rights than this one."""
    if prctl(PR_GET_NO_NEW_PRIVS) == 1:
        raise PermissionError(errno.EPERM, "no_new_privs is set")


def signal_acts(house):
    """Signal 0 asks for permission and does nothing. Its own process is out of reach as well."""
    parent, judge = os.getppid(), house["supervisor"]
    calls = [("kill", pid, 0) for pid in (parent, judge, -1, 0, 1)]
    calls += [("tkill", parent, 0), ("tgkill", parent, parent, 0), ("pidfd_open", parent, 0)]
    return raw_acts(calls)


def judge_acts(house):
    """The memory of the processes that decide."""
    acts = []
    for pid in (os.getppid(), house["supervisor"]):
        acts += raw_acts(
            [("ptrace", 16, pid, None, None), ("process_vm_readv", pid, None, 0, None, 0, 0)]
            + [("prlimit64", pid, resource.RLIMIT_CPU, None, None)]
        )
    return acts


def disk_acts(house):
    """More bytes in a file, and in full in all files and more of them, than there is room for."""
    acts = [("write a file beyond its limit", lambda: write_bytes("long", 2 << 20), FULL_UP)]
    if house["tier"] == "full":
        acts.append(("fill more than the scratch", lambda: write_bytes("large", 128 << 10), FULL_UP))
        acts.append(("make more files than the scratch has", make_many_files, FULL_UP))
    return acts


def write_bytes(name, size):
    handle = os.open(name, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        while size > 0:
            size -= os.write(handle, bytes(min(size, 1 << 20)))
    finally:
        os.close(handle)
        os.unlink(name)


def make_many_files():
    for number in range(16):
        os.close(os.open("file%d" % number, os.O_CREAT | os.O_WRONLY, 0o600))


def memory_acts(house):
    """More address space than allowed, and memory that nobody counts."""
    size = SELF_TEST_LIMITS["memory_bytes"] + MEMORY_RESERVE
    acts = [("map more memory than its limit", lambda: mmap.mmap(-1, size).close(), FULL_UP)]
    return acts + raw_acts([("memfd_create", b"x", 0), ("shmget", 0, 4096, 0o1600)])


def thread_acts(house):
    return [("start more threads than its limit", start_many_threads, FULL_UP)]


def start_many_threads():
    """A few more than allowed: where the user's other processes count too, some may just have ended."""
    threading = importlib.import_module("threading")  # here alone, for it makes every fork dearer
    done, threads = threading.Event(), []
    try:
        for _ in range(SELF_TEST_LIMITS["threads"] + 8):
            threads.append(threading.Thread(target=done.wait))
            threads[-1].start()
    finally:
        done.set()


def limit_acts(house):
    """Limits go down, never up."""
    acts = []
    for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_CORE"):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        act = lambda kind=kind, hard=hard: resource.setrlimit(kind, (hard, hard + 1))
        acts.append(("raise " + name, act, SHUT_OUT))
    return acts


