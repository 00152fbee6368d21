# Part 1 of the driver: the layers that shut a candidate in.
import ctypes
import os
import resource
import stat
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
SIGKILL = 9
OPEN_FILES = 64
# Room that only the harness unlocks, to report a MemoryError.
MEMORY_RESERVE = 16 << 20
# An unused range of user ids (above 60000, below those that systemd hands out). Each worker takes
# one by its process id, so that the process limit mostly counts its own candidate only: workers
# whose ids agree modulo the range share one.
FIRST_USER, USERS = 60578, 606


def isolate_zygote():
    """Takes the interpreter off the network and returns the layers that hold."""
    root = os.geteuid() == 0
    layers = {
        "user": FIRST_USER + os.getpid() % USERS if root else None,
        "network": unshare(CLONE_NEWNET) if root else unshare_network_as_user(),
        "memory": virtual_bytes() is not None,
        "processes": True,
        "reaper": prctl(PR_SET_CHILD_SUBREAPER, 1),
    }
    if root:
        expose_library(sys.base_prefix)
    layers["no_new_privileges"] = prctl(PR_SET_NO_NEW_PRIVS, 1)
    # Keeps a candidate of the same user out of this process's memory and pipes.
    prctl(PR_SET_DUMPABLE, 0)
    return layers


def confine_candidate(limits, layers):
    """Applies limits and privileges to the calling process; there is no way back."""
    base = virtual_bytes()
    cpu = max(1, -(-limits["cpu_millis"] // 1000))
    limit(resource.RLIMIT_CPU, cpu, cpu + 1)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    limit(resource.RLIMIT_NPROC, limits["processes"] + layers["own_processes"])
    if layers["user"] is not None:
        os.setgroups([])
        os.setresgid(layers["user"], layers["user"], layers["user"])
        os.setresuid(layers["user"], layers["user"], layers["user"])
    elif layers["network"]:
        drop_capabilities()  # those that the user namespace gave
    prctl(PR_SET_PDEATHSIG, SIGKILL)  # after the change of user, which clears it
    if base is not None:
        room = base + limits["memory_bytes"]
        limit(resource.RLIMIT_AS, room, room + MEMORY_RESERVE)


def limit(kind, soft, hard=None):
    """Lowers a resource limit, never above what this process may have."""
    _, ceiling = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    resource.setrlimit(kind, (soft, hard))


def virtual_bytes():
    """The address space in use, which RLIMIT_AS is budgeted on top of; None if unknown."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return None


def own_processes(layers):
    """What RLIMIT_NPROC counts besides the candidate: nothing for a user id of its own, this
    interpreter in a user namespace of its own, all of the user's tasks otherwise."""
    if layers["user"] is not None:
        return 0
    if layers["network"]:
        return 1
    tasks, me = 0, str(os.getuid())
    for name in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open("/proc/%s/status" % name, errors="replace") as status:
                fields = dict(line.split(":", 1) for line in status if ":" in line)
        except OSError:
            continue  # it has ended
        if fields["Uid"].split()[0] == me:
            tasks += int(fields["Threads"])
    return tasks


def unshare(flags):
    return hasattr(LIBC, "unshare") and LIBC.unshare(flags) == 0


def unshare_network_as_user():
    """Some systems let the namespace be made and then refuse the maps, which leaves a process
    without a user: so a child goes first."""
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if enter_user_namespace() else 1)
        except BaseException:
            os._exit(1)
    if os.waitpid(pid, 0)[1] != 0:
        return False
    return enter_user_namespace()


def enter_user_namespace():
    uid, gid = os.getuid(), os.getgid()
    if not unshare(CLONE_NEWUSER | CLONE_NEWNET):
        return False
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (uid, uid)),
        ("gid_map", "%d %d 1" % (gid, gid)),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    return True


def expose_library(prefix):
    """Lets an unprivileged user reach an interpreter installed below a private directory (such as
    /root): in a mount namespace of our own, that directory shows the interpreter and nothing else.
    The self-check tells when this was not possible."""
    parts = prefix.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(1, len(parts))]
    private = [path for path in above if not os.stat(path).st_mode & stat.S_IXOTH]
    if not private or not unshare(CLONE_NEWNS):
        return
    handle = os.open(prefix, os.O_PATH)
    mount(b"none", "/", None, MS_REC | MS_PRIVATE, None)
    mount(b"tmpfs", private[0], b"tmpfs", 0, b"mode=755")
    os.makedirs(prefix, exist_ok=True)
    mount(b"/proc/self/fd/%d" % handle, prefix, None, MS_BIND, None)
    os.close(handle)


def mount(source, target, kind, flags, data):
    if LIBC.mount(source, os.fsencode(target), kind, ctypes.c_ulong(flags), data) != 0:
        raise OSError(ctypes.get_errno(), "mount of " + target)


def drop_capabilities():
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if LIBC.capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def prctl(option, value):
    zero = ctypes.c_ulong(0)
    return (
        hasattr(LIBC, "prctl")
        and LIBC.prctl(option, ctypes.c_ulong(value), zero, zero, zero) == 0
    )


