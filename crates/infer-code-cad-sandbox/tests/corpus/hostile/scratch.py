# The scratch directory filled by bytes, by files, by depth, and left in a state that is hard to delete.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import os

#= name: bytes
def f(x):
    for number in range(10_000):
        with open(str(number), "wb") as file:
            file.write(bytes(1 << 20))

#= name: one_file
def f(x):
    with open("big", "wb") as file:
        while True:
            file.write(bytes(1 << 20))

#= name: files
#= verdicts: failed, timeout
def f(x):
    number = 0
    while True:
        open(str(number), "w").close()
        number += 1

#= name: directories
#= verdicts: failed, timeout
def f(x):
    number = 0
    while True:
        os.mkdir(str(number))
        number += 1

#= name: deep_directories
#= verdicts: failed, timeout
def f(x):
    while True:
        os.mkdir("d")
        os.chdir("d")

#= name: deep_directories_of_long_names
#= verdicts: failed, timeout
def f(x):
    while True:
        os.mkdir("d" * 250)
        os.chdir("d" * 250)

#= name: unreadable_directories
def f(x):
    os.makedirs("a/b/c")
    for name in ("a/b/c", "a/b", "a"):
        open(name + "/file", "w").close()
        os.chmod(name, 0)
    os.chmod(".", 0)
    return 0

#= name: unwritable_directories
def f(x):
    os.makedirs("a/b/c")
    open("a/b/c/file", "w").close()
    for name in ("a/b/c", "a/b", "a", "."):
        os.chmod(name, 0o500)
    return 0

#= name: immutable_files
import fcntl
import struct

def f(x):
    with open("fixed", "w") as file:
        fcntl.ioctl(file, 0x40086602, struct.pack("l", 0x10))
    return 0

#= name: sparse_files
def f(x):
    for number in range(1000):
        with open(str(number), "wb") as file:
            file.truncate(1 << 40)

#= name: space_reserved
def f(x):
    for number in range(1000):
        with open(str(number), "wb") as file:
            os.posix_fallocate(file.fileno(), 0, 8 << 20)

#= name: odd_names
def f(x):
    for name in (b"\xff\xfe", b"new\nline", b"-rf", b" ", b"\x1b[2J", b"..passed", b"\xed\xa0\x80"):
        open(name, "w").close()
    return 0

#= name: fifos_and_devices
def f(x):
    os.mkfifo("pipe")
    os.mknod("file")
    return 0

#= name: deleted_but_open
def f(x):
    held = []
    for number in range(1000):
        file = open(str(number), "wb")
        os.unlink(str(number))
        file.write(bytes(4 << 20))
        file.flush()
        held.append(file)

#= name: extended_attributes
#= verdicts: failed, timeout
def f(x):
    open("mine", "w").close()
    for number in range(100_000):
        os.setxattr("mine", f"user.a{number}", bytes(60_000))

#= name: written_by_maps
#= verdicts: crashed, failed
import mmap

def f(x):
    with open("map", "wb+") as file:
        file.truncate(1 << 23)
        held = mmap.mmap(file.fileno(), 1 << 23)
        held.write(bytes([1]) * (1 << 23))
        os.truncate("map", 0)
        return held[5]

#= name: scratch_removed_under_the_feet
def f(x):
    try:
        os.rmdir(os.getcwd())
    except OSError:
        pass
    os.chdir("/")
    return 0

#= name: renamed_in_circles
#= verdicts: failed, timeout
def f(x):
    os.mkdir("a")
    for number in range(100_000):
        os.rename("a", "b")
        os.rename("b", "a")
    return 0
