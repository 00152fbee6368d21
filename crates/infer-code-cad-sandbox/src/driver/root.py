# Part of the driver: the namespaces of the tier `full` and the root directory in them, which holds
# the interpreter's library, read-only, and nothing else of the system's.
import errno
import glob
import os
import stat
import sys

NEW_ROOT = "/tmp"  # where the new root is built; any directory that every system has would do
OLD_ROOT = "/old"  # where the old one is seen from the new one while that is filled
SCRATCHES = ("/tmp", "/var/tmp", "/scratch")  # the first that hides nothing shown
DEVICES = ("null", "zero", "full", "random", "urandom")
SYSTEM_LIBRARIES = ("/usr/lib", "/usr/lib64", "/lib", "/lib64")
SMALL_FILES = ("/etc/ld.so.cache",)
READ_ONLY = ATTR_RDONLY | ATTR_NOSUID
USER_REMEDY = "let ordinary users make user namespaces (sysctl user.max_user_namespaces and \
kernel.apparmor_restrict_unprivileged_userns), or ask for no-userns or container"
MOUNT_REMEDY = "let the process mount in a namespace of its own (a container forbids it by default)"


def enter_full(library, user):
    """Moves the calling process into namespaces and a root of its own. `user`: the id to become
    first, where root started it. Returns the directories shown there and where the scratch is to be."""
    os.umask(0o022)
    needed = needed_directories(library)
    if user is not None:
        with Layer("mounts", "run as an ordinary user or with CAP_SYS_ADMIN"):
            uncover([real for _, real in needed])
        with Layer("user", "run as an ordinary user or with CAP_SETUID and CAP_SETGID"):
            become(user)
    with Layer("user", USER_REMEDY):
        enter_user_namespace()
    with Layer("pids", USER_REMEDY):
        try_pid_namespace()
    with Layer("ipc", USER_REMEDY):
        set_host_name(b"sandbox")
    with Layer("mounts", MOUNT_REMEDY):
        return enter_root(needed, library)


def become(user):
    """From root to an id that owns nothing."""
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError as error:
        error.act = "become user %d" % user
        raise


def enter_user_namespace():
    """All capabilities within, none outside. The user's id stays what it is."""
    uid, gid = os.getuid(), os.getgid()
    prctl(PR_SET_DUMPABLE, 1)  # else the files below belong to root
    unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (uid, uid)),
        ("gid_map", "%d %d 1" % (gid, gid)),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    prctl(PR_SET_DUMPABLE, 0)


def try_pid_namespace():
    """Whether one can be made: the process that needs it is forked later, and could only end."""
    pid = os.fork()
    if pid == 0:
        try:
            unshare(CLONE_NEWPID)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno)
        finally:
            os._exit(errno.EIO)
    code = os.waitpid(pid, 0)[1] >> 8
    if code:
        raise OSError(code, os.strerror(code))


def enter_root(needed, library):
    """Makes a small file system in memory the root and takes the old root out of sight."""
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("tmpfs", NEW_ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m,nr_inodes=1024")
    os.mkdir(NEW_ROOT + OLD_ROOT)
    pivot_root(NEW_ROOT, NEW_ROOT + OLD_ROOT)
    os.chdir("/")
    os.umask(0o022)
    shown = []
    for path, real in needed:
        show_directory(path, real, shown)
    for path in SMALL_FILES:
        if os.path.isfile(OLD_ROOT + path):
            show_file(path, READ_ONLY | ATTR_NODEV | ATTR_NOEXEC)
    for name in DEVICES:
        show_file("/dev/" + name, READ_ONLY | ATTR_NOEXEC)
    for path in hidden_packages(shown, library):
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=4k,nr_inodes=1")
        restrict_mount(path, ATTR_RDONLY)
    unmount(OLD_ROOT)
    os.rmdir(OLD_ROOT)
    scratch = next(place for place in SCRATCHES if not covers(place, shown))
    os.makedirs(scratch, exist_ok=True)
    restrict_mount("/", READ_ONLY | ATTR_NODEV, recursive=False)
    return shown, scratch


def needed_directories(library):
    """The directories that a python program reads and where each really is, those above before those
    within."""
    prefixes = {sys.base_prefix, sys.base_exec_prefix}
    own = [os.path.join(prefix, name) for prefix in prefixes for name in ("lib", "lib64")]
    paths = set(SYSTEM_LIBRARIES).union(own, ["/usr/share/zoneinfo"], library)
    return [(path, os.path.realpath(path)) for path in sorted(paths) if os.path.isdir(path)]


def show_directory(path, real, shown):
    """Binds a directory of the old root to the same place in the new one, read-only."""
    if any(covers(other, [path]) for other in shown):
        return  # within one that is there already
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if path in SYSTEM_LIBRARIES and os.path.islink(OLD_ROOT + path):
        os.symlink(os.readlink(OLD_ROOT + path), path)
        return
    os.makedirs(path, exist_ok=True)
    mount(OLD_ROOT + real, path, None, MS_BIND | MS_REC)
    restrict_mount(path, READ_ONLY | ATTR_NODEV)
    shown.append(path)


def covers(directory, paths):
    """Whether one of the paths is the directory or lies within."""
    return any(path == directory or path.startswith(directory + "/") for path in paths)


def show_file(path, attributes):
    """Binds one file or device of the old root."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o644))
    mount(OLD_ROOT + path, path, None, MS_BIND)
    restrict_mount(path, attributes, recursive=False)


def hidden_packages(shown, library):
    """Directories of installed packages that came along with a library and were not asked for."""
    kept = {os.path.realpath(path) for path in library}
    for directory in shown:
        for pattern in ("python3*/site-packages", "python3*/dist-packages"):
            for path in glob.glob(os.path.join(glob.escape(directory), pattern)):
                if os.path.realpath(path) not in kept and not os.path.islink(path):
                    yield path


def uncover(paths):
    """As root, before the change of user: lets an ordinary user reach directories below a private
    one (such as root's home). In a mount namespace of our own, the private directory shows them and
    nothing else."""
    private = {}
    for path in paths:
        closed = private_above(path)
        if closed:
            private.setdefault(closed[0], []).append(path)
    if not private:
        return
    unshare(CLONE_NEWNS)
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    for directory, within in sorted(private.items()):
        handles = [(path, os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in within]
        mount("tmpfs", directory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=1m")
        for path, handle in handles:
            os.makedirs(path, mode=0o755, exist_ok=True)
            mount("/proc/self/fd/%d" % handle, path, None, MS_BIND | MS_REC)
            os.close(handle)


def private_above(path):
    """Of the directories on the way to a path, those that only their owner or group may pass."""
    parts = path.split("/")
    above = ["/".join(parts[: count + 1]) for count in range(1, len(parts))]
    return [name for name in above if not os.stat(name).st_mode & stat.S_IXOTH]


def mount_scratch(place, size, files):
    """An empty directory in memory of so many bytes and files, and nothing else about it to find."""
    page = os.sysconf("SC_PAGE_SIZE")
    options = "mode=700,size=%d,nr_inodes=%d" % (max(size, page), files + 1)
    mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)


