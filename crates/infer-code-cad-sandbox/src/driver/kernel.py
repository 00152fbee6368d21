# Part of the driver: the kernel's own words. Every system call of the isolation that python has no
# function for, one function each, which raises OSError where the kernel says no.
import ctypes
import errno
import os
import platform
import resource
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
for name in ("syscall", "prctl", "capset"):
    getattr(LIBC, name, None)  # looked up once, before any fork
# By architecture: x86_64, aarch64 (numbers from 424 on are the same everywhere).
SYSCALLS = {
    "x86_64": {"pivot_root": 155, "seccomp": 317},
    "aarch64": {"pivot_root": 41, "seccomp": 277},
}.get(platform.machine(), {})
SYS_MOUNT_SETATTR = 442
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
PR_CAPBSET_READ, PR_CAPBSET_DROP = 23, 24
PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 39, 47, 4
SECCOMP_SET_MODE_FILTER = 1

# What Landlock can allow (linux/landlock.h), and since which version of it.
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR, FS_REMOVE_DIR, FS_REMOVE_FILE = (
    1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5,
)  # fmt: skip
FS_MAKE_DIR, FS_MAKE_REG, FS_MAKE_SYM, FS_REFER, FS_TRUNCATE = (
    1 << 7, 1 << 8, 1 << 12, 1 << 13, 1 << 14,
)  # fmt: skip
FS_RIGHTS_SINCE = ((1, 13), (2, 14), (3, 15), (5, 16))  # (version, number of rights)
NET_BIND_TCP, NET_CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2


class Refused(Exception):
    """A layer of the tier cannot be had: which one, the kernel's answer, what would help."""

    def __init__(self, layer, answer, remedy):
        super().__init__(layer, answer, remedy)
        self.layer, self.answer, self.remedy = layer, answer, remedy

    def __str__(self):
        return "%s: %s; %s" % self.args


class Layer:
    """Within it, an error of the kernel's is a refusal of the layer named."""

    def __init__(self, name, remedy):
        self.name, self.remedy = name, remedy

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if isinstance(error, OSError):
            raise Refused(self.name, kernel_answer(error), self.remedy) from error


def kernel_answer(error):
    """What failed and how, as `mount /tmp: Operation not permitted (EPERM)`."""
    name = errno.errorcode.get(error.errno, str(error.errno))
    about = " ".join(str(part) for part in (getattr(error, "act", ""), error.filename or "") if part)
    return "%s%s (%s)" % (about + ": " if about else "", os.strerror(error.errno or 0), name)


def checked(result, act):
    """The result of a call into the C library, or its error with what was tried."""
    if result < 0:
        number = ctypes.get_errno()
        error = OSError(number, os.strerror(number))
        error.act = act
        raise error
    return result


def symbol(name):
    """A function of the C library; a system without it answers as a kernel without the call."""
    function = getattr(LIBC, name, None)
    if function is None:
        error = OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        error.act = name
        raise error
    return function


def syscall(number, *arguments):
    """A raw system call; whole numbers are passed as long, which is what the kernel reads."""
    longs = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return LIBC.syscall(ctypes.c_long(number), *longs)


def numbered(name):
    """The number of a system call that differs between architectures."""
    if name not in SYSCALLS:
        error = OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        error.act = "%s on %s" % (name, platform.machine())
        raise error
    return SYSCALLS[name]


def prctl(option, first=0, second=0):
    """A setting of the calling process."""
    longs = [ctypes.c_ulong(value) for value in (first, second, 0, 0)]
    return checked(symbol("prctl")(option, *longs), "prctl(%d)" % option)


def unshare(flags):
    checked(symbol("unshare")(flags), "unshare(0x%x)" % flags)


def mount(source, target, kind=None, flags=0, data=None):
    arguments = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    checked(
        symbol("mount")(arguments[0], arguments[1], arguments[2], ctypes.c_ulong(flags), arguments[3]),
        "mount " + target,
    )


def unmount(target):
    """Takes a mount out of the tree at once, whatever it holds and whoever uses it."""
    checked(symbol("umount2")(os.fsencode(target), MNT_DETACH), "umount " + target)


def restrict_mount(target, attributes, recursive=True):
    """Adds attributes to a mount and those below; what they had stays."""
    wanted = struct.pack("<QQQQ", attributes, 0, 0, 0)
    flags = AT_RECURSIVE if recursive else 0
    result = syscall(SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), flags, wanted, len(wanted))
    checked(result, "mount_setattr " + target)


def pivot_root(new, old):
    result = syscall(numbered("pivot_root"), os.fsencode(new), os.fsencode(old))
    checked(result, "pivot_root " + new)


def set_host_name(name):
    checked(symbol("sethostname")(name, ctypes.c_size_t(len(name))), "sethostname")


def drop_capabilities():
    """All of them, in every set that this process may change."""
    header = struct.pack("<Ii", 0x20080522, 0)
    checked(symbol("capset")(header, bytes(24)), "capset")
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def drop_bounding_set():
    """No program started can gain what is taken out here; needs CAP_SETPCAP."""
    for capability in range(64):
        try:
            if prctl(PR_CAPBSET_READ, capability):
                prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == errno.EINVAL and capability:
                return  # past the kernel's last
            raise


def landlock_version():
    """The kernel's Landlock, 1 or more."""
    return checked(syscall(SYS_LANDLOCK_CREATE, None, 0, 1), "landlock_create_ruleset")


def landlock_rights(version):
    """All file rights that this version knows, as one number."""
    return (1 << max(count for since, count in FS_RIGHTS_SINCE if since <= version)) - 1


def landlock_enter(version, allowed):
    """Denies the calling process, for good, all that Landlock can but `allowed`: [(path, rights)].
    Needs no_new_privs."""
    rights = landlock_rights(version)
    parts = [rights]
    if version >= 4:
        parts.append(NET_BIND_TCP | NET_CONNECT_TCP)
    if version >= 6:
        parts.append(SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL)
    attributes = struct.pack("<%dQ" % len(parts), *parts)
    ruleset = syscall(SYS_LANDLOCK_CREATE, attributes, len(attributes), 0)
    checked(ruleset, "landlock_create_ruleset")
    for path, wanted in allowed:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = struct.pack("<Qi", wanted & rights, handle)
        checked(syscall(SYS_LANDLOCK_ADD, ruleset, 1, rule, 0), "landlock_add_rule " + path)
        os.close(handle)
    checked(syscall(SYS_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def filter_program(instructions):
    """What seccomp takes: the count and the address of instructions of 8 bytes each."""
    text = ctypes.create_string_buffer(instructions, len(instructions))
    program = struct.pack("@HP", len(instructions) // 8, ctypes.addressof(text))
    return program, text  # the text must live as long as the program


def install_filter(program):
    """Puts a seccomp filter before every further system call, for good; needs no_new_privs."""
    result = syscall(numbered("seccomp"), SECCOMP_SET_MODE_FILTER, 0, program[0])
    checked(result, "seccomp")


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


