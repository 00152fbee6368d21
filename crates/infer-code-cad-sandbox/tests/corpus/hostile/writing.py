# Writing outside the scratch directory. The runner looks for names that begin with icc- on the host.
#= verdicts: passed
#: assert (reached := found()) == [], reached
import os

def written(paths):
    reached = []
    for path in paths:
        try:
            with open(path, "w") as file:
                file.write("icc")
            reached.append(path)
        except OSError:
            pass
    return reached

def done(*acts):
    reached = []
    for act in acts:
        try:
            reached.append(repr(act()))
        except (OSError, AttributeError):
            pass
    return reached

#= name: canary
#= never: file @CANARY@/icc-new
def found():
    return written(["@CANARY@/icc-new", "@CANARY@/writable", "@CANARY@/secret"])

#= name: canary_appended_and_cut
def found():
    return done(
        lambda: os.open("@CANARY@/writable", os.O_WRONLY | os.O_APPEND),
        lambda: os.open("@CANARY@/writable", os.O_RDWR),
        lambda: os.truncate("@CANARY@/writable", 0),
        lambda: os.unlink("@CANARY@/writable"),
        lambda: os.rename("@CANARY@/writable", "@CANARY@/icc-moved"),
        lambda: os.rename("@CANARY@/writable", "here"),
        lambda: os.mkdir("@CANARY@/icc-made"),
        lambda: os.rmdir("@CANARY@/empty"),
        lambda: os.mkfifo("@CANARY@/icc-pipe"),
    )

#= name: canary_modes_and_times
def found():
    return done(
        lambda: os.chmod("@CANARY@/secret", 0o777),
        lambda: os.chmod("@CANARY@", 0o777),
        lambda: os.chown("@CANARY@/secret", os.getuid(), os.getgid()),
        lambda: os.lchown("@CANARY@/secret", -1, -1),
        lambda: os.utime("@CANARY@/secret", (1, 1)),
        lambda: os.utime("@CANARY@/secret"),
        lambda: os.setxattr("@CANARY@/secret", "user.icc", b"x"),
        lambda: os.removexattr("@CANARY@/secret", "user.icc"),
    )

#= name: canary_by_system_call
#= machine: x86_64
import ctypes

def found():
    libc = ctypes.CDLL(None)
    secret, place = b"@CANARY@/secret", b"@CANARY@/icc-call"
    calls = {
        "open": (2, place, 0o102, 0o666),
        "openat": (257, -100, place, 0o102, 0o666),
        "creat": (85, place, 0o666),
        "mknod": (133, place, 0o100666, 0),
        "mknodat": (259, -100, place, 0o100666, 0),
        "mkdir": (83, place, 0o777),
        "mkdirat": (258, -100, place, 0o777),
        "symlink": (88, b"x", place),
        "symlinkat": (266, b"x", -100, place),
        "link": (86, secret, place),
        "linkat": (265, -100, secret, -100, place, 0),
        "rename": (82, secret, place),
        "renameat": (264, -100, secret, -100, place),
        "renameat2": (316, -100, secret, -100, place, 0),
        "truncate": (76, secret, 0),
        "unlink": (87, secret),
        "unlinkat": (263, -100, secret, 0),
        "chmod": (90, secret, 0o777),
        "fchmodat": (268, -100, secret, 0o777),
        "fchmodat2": (452, -100, secret, 0o777, 0),
        "utimensat": (280, -100, secret, None, 0),
        "utime": (132, secret, None),
        "utimes": (235, secret, None),
        "futimesat": (261, -100, secret, None),
        "setxattr": (188, secret, b"user.icc", b"x", 1, 0),
        "setxattrat": (463, -100, secret, 0, b"user.icc", None, 0),
        "file_setattr": (469, -100, secret, None, 0, 0),
    }
    return [name for name, call in calls.items() if libc.syscall(*call) >= 0]

#= name: places_of_all_users
#= never: file /tmp/icc-tmp
#= never: file /var/tmp/icc-tmp
#= never: file /dev/shm/icc-tmp
#= verdicts: passed
#: assert done_with() is None
# Where a place is the program's own scratch, nothing of it is seen on the host.
def done_with():
    places = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/run/lock", "/var/lock", "/dev/mqueue"]
    written([place + "/icc-tmp" for place in places])

#= name: places_of_root
def found():
    places = ["/", "/etc", "/root", "/usr", "/usr/lib", "/var", "/lib", "/opt", "/boot", "/dev", "/proc"]
    return written([place + "/icc-root" for place in places])

#= name: home
def found():
    return written([os.path.expanduser("~/" + name) for name in (".icc-home", ".bashrc", ".config")])

#= name: above
#= never: file /icc-above
def found():
    return written(["../" * depth + "icc-above" for depth in range(1, 9)])

#= name: library_of_the_interpreter
def found():
    places = [os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "__pycache__")]
    return written([os.path.join(place, "icc_library.py") for place in places] + [os.__file__])

#= name: corpus
def found():
    return written(["@CORPUS@/icc-corpus", "@CORPUS@/hostile/reading.py"])

#= name: kernel_settings
def found():
    names = ["sys/kernel/core_pattern", "self/oom_score_adj", "1/oom_score_adj", "sysrq-trigger"]
    names += ["self/uid_map", "self/setgroups", "self/comm"]
    return written(["/proc/" + name for name in names] + ["/sys/kernel/uevent_helper"])

#= name: mounts
import ctypes

def found():
    libc = ctypes.CDLL(None)
    return [
        name
        for name, answer in [
            ("mount", libc.mount(b"none", b".", b"tmpfs", 0, None)),
            ("bind", libc.mount(b"/", b".", None, 4096, None)),
            ("remount", libc.mount(None, b"/", None, 4128, None)),
            ("umount", libc.umount2(b".", 2)),
            ("umount /", libc.umount2(b"/", 2)),
            ("pivot", libc.syscall(155, b".", b".")),
            ("swap", libc.swapon(b".", 0)),
        ]
        if answer >= 0
    ]

#= name: standard_streams_by_name
def found():
    return written(["/dev/fd/3", "/proc/self/fd/3", "/dev/tty", "/dev/console", "/dev/kmsg"])

#= name: set_user_bits
#= verdicts: passed
#: assert (reached := found()) == [], reached
def found():
    with open("mine", "w") as file:
        file.write("x")
    try:
        os.chmod("mine", 0o6777)
    except OSError:
        return []
    return done(lambda: os.chown("mine", 0, 0))

#= name: device_nodes
import stat

def found():
    return done(
        lambda: os.mknod("disk", 0o666 | stat.S_IFBLK, os.makedev(8, 0)),
        lambda: os.mknod("memory", 0o666 | stat.S_IFCHR, os.makedev(1, 1)),
    )

#= name: locks_of_the_host
import fcntl

def found():
    return done(lambda: fcntl.flock(os.open("@CANARY@/writable", os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB))
