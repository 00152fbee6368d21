# Memory and names that several processes share.
#= verdicts: passed
#: assert (reached := found()) == [], reached
import ctypes
import os

def done(*acts):
    reached = []
    for act in acts:
        try:
            reached.append(repr(act()))
        except OSError:
            pass
    return reached

#= name: posix_shared_memory
#= never: file /dev/shm/icc-shared
import multiprocessing.shared_memory

def found():
    return done(lambda: multiprocessing.shared_memory.SharedMemory("icc-shared", create=True, size=4096))

#= name: posix_semaphore
import multiprocessing

def found():
    return done(lambda: multiprocessing.get_context("spawn").Lock())

#= name: posix_queue
#= machine: x86_64
import ctypes.util

def found():
    return [] if ctypes.CDLL(None).syscall(240, b"icc-queue", 0o102, 0o666, None) == -1 else ["queue"]

#= name: memory_files
def found():
    return done(lambda: os.memfd_create("icc-memory"))

#= name: memory_that_is_secret
#= machine: x86_64
def found():
    return [] if ctypes.CDLL(None).syscall(447, 0) == -1 else ["secret"]

#= name: system_v
def found():
    libc = ctypes.CDLL(None)
    return [
        name
        for name, answer in [
            ("shmget", libc.shmget(0x1CC, 4096, 0o1666)),
            ("semget", libc.semget(0x1CC, 1, 0o1666)),
            ("msgget", libc.msgget(0x1CC, 0o1666)),
        ]
        if answer != -1
    ]

#= name: key_rings
#= machine: x86_64
def found():
    libc = ctypes.CDLL(None)
    calls = [(248, b"user", b"icc-key", b"x", 1, -4), (250, 0, -4, 1), (249, b"user", b"icc-key", None, -4)]
    return [call[0] for call in calls if libc.syscall(*call) != -1]

#= name: abstract_names
import socket

def found():
    def bind():
        with socket.socket(socket.AF_UNIX) as mine:
            mine.bind("\0icc-abstract")

    return done(bind)

#= name: huge_pages
import mmap

def found():
    return done(lambda: mmap.mmap(-1, 1 << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000))

#= name: locked_pages
#= verdicts: passed, crashed, memory
def found():
    return ["locked"] if ctypes.CDLL(None).mlockall(3) == 0 else []
