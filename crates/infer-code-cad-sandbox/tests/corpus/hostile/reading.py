# Files, directories and processes of the host. Each program lists what it could read: nothing.
#= verdicts: passed
#: assert (reached := found()) == [], reached
import os

def readable(paths):
    reached = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                file.read(1)
            reached.append(path)
        except OSError:
            pass
    return reached

def listable(paths):
    reached = []
    for path in paths:
        try:
            os.listdir(path)
            reached.append(path)
        except OSError:
            pass
    return reached

#= name: canary
def found():
    return readable(["@CANARY@/secret"]) + listable(["@CANARY@"])

#= name: corpus_with_the_expected_values
def found():
    return readable(["@CORPUS@/hostile/reading.py", "@CORPUS@/hostile/exits.py"]) + listable(["@CORPUS@"])

#= name: accounts
def found():
    return readable(["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/hostname", "/etc/hosts", "/etc/machine-id"])

#= name: homes
# The interpreter itself may lie in a home: the way to it is there, and nothing beside the way.
def found():
    reached = readable(["/root/.bashrc", "/root/.ssh/id_rsa", "/root/.netrc"])
    for home in listable(["/root", "/home", "/srv", "/mnt", "/media", "/boot", "/var/log", "/var"]):
        paths = [os.path.join(home, name) for name in os.listdir(home)]
        reached += [path for path in paths if not (os.__file__ + "/").startswith(path + "/")]
    return reached

#= name: environment
def found():
    return [name for name in os.environ if name.startswith(("CARGO", "RUST", "INFER", "HOME", "USER"))]

#= name: environment_through_c
import ctypes

def found():
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_char_p
    names = [b"CARGO", b"CARGO_MANIFEST_DIR", b"HOME", b"USER", b"INFER_CODE_CAD_DATA"]
    return [name for name in names if libc.getenv(name)]

#= name: environments_of_processes
def found():
    numbers = ["self", "1", "2", str(os.getppid()), "@VICTIM@", "thread-self"]
    return readable([f"/proc/{number}/environ" for number in numbers])

#= name: processes
def found():
    names = ["maps", "mem", "cmdline", "status", "stat", "auxv", "syscall", "stack", "mountinfo"]
    numbers = ["self", "1", str(os.getppid()), "@VICTIM@"]
    return readable([f"/proc/{number}/{name}" for number in numbers for name in names])

#= name: descriptors_of_processes
def found():
    numbers = ["self", "1", str(os.getppid()), "@VICTIM@"]
    names = ["fd", "task", "root", "ns", "map_files"]
    return listable([f"/proc/{number}/{name}" for number in numbers for name in names])

#= name: root_through_proc
def found():
    ways = ["/proc/self/root", "/proc/1/root", "/proc/1/cwd", "/proc/@VICTIM@/root", "/proc/self/cwd/../.."]
    return readable([way + "/etc/passwd" for way in ways])

#= name: kernel
def found():
    names = ["/proc/kallsyms", "/proc/kcore", "/proc/kmsg", "/proc/mounts", "/proc/net/tcp", "/proc/cmdline"]
    names += ["/dev/mem", "/dev/kmsg"]
    return readable(names) + listable(["/sys", "/sys/kernel", "/sys/fs/cgroup", "/proc", "/proc/sys"])

#= name: devices
def found():
    names = ["/dev/sda", "/dev/vda", "/dev/tty", "/dev/console", "/dev/ptmx", "/dev/fuse", "/dev/kvm"]
    names += ["/dev/net/tun", "/dev/loop-control"]
    return readable(names) + listable(["/dev/shm", "/dev/pts", "/dev/mqueue"])

#= name: climbing_out
def found():
    ways = ["../" * depth + "etc/passwd" for depth in range(1, 12)]
    ways += ["../" * depth + "@CANARY@/secret".lstrip("/") for depth in range(1, 12)]
    return readable(ways)

#= name: directories_beside
def found():
    names = os.listdir("..") if listable([".."]) else []
    return readable([f"../{name}/{file}" for name in names for file in ("secret", "program", "tests", "lock")])

#= name: change_of_root
def found():
    reached = []
    for act in (os.chroot, os.chdir):
        for path in (".", "@CANARY@", "/proc", "/sys"):
            try:
                act(path)
                reached += os.listdir(".") if act is os.chdir else ["a root of its own"]
            except OSError:
                pass
    return reached

#= name: path_descriptors
def found():
    reached = []
    for path in ("@CANARY@", "/root", "/home", "/proc/1"):
        try:
            where = os.open(path, getattr(os, "O_PATH", 0) | os.O_DIRECTORY)
            os.listdir(where)
            reached.append(path)
        except OSError:
            pass
    return reached

#= name: handles_of_files
#= machine: x86_64
import ctypes

def found():
    libc = ctypes.CDLL(None)
    handle = (ctypes.c_char * 256)()
    ctypes.memmove(handle, (128).to_bytes(4, "little"), 4)
    mount = ctypes.c_int()
    named = libc.syscall(303, -100, b"/", handle, ctypes.byref(mount), 0)
    opened = libc.syscall(304, -100, handle, 0)
    return [] if opened == -1 else [named, opened]

#= name: libraries_that_read
#= verdicts: passed
#: assert found() in ([], ["root"])
import pwd

def found():
    try:
        return [pwd.getpwuid(0).pw_dir][1:]
    except KeyError:
        return []

#= name: kernel_copies
#= machine: x86_64
import ctypes

def found():
    libc = ctypes.CDLL(None)
    reached = []
    for number in (2, 257, 437):
        for path in (b"@CANARY@/secret", b"/proc/1/environ", b"/etc/shadow"):
            how = (ctypes.c_uint64 * 3)()
            arguments = {2: (path, 0), 257: (-100, path, 0), 437: (-100, path, how, 24)}[number]
            if libc.syscall(number, *arguments) >= 0:
                reached.append((number, path))
    return reached

#= name: watches
import ctypes

def found():
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init()
    if watch < 0:
        return []
    return [path for path in (b"@CANARY@", b"/root") if libc.inotify_add_watch(watch, path, 2) >= 0]
