# Descriptors: closed, doubled, exhausted, inherited.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import os

#= name: nothing_inherited
#= verdicts: passed
#: assert (reached := inherited()) == [], reached
# Besides the three standard ones a few of the driver, no file and no directory among them.
import stat

def inherited():
    found = []
    for fd in range(3, 4096):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISBLK(mode):
            found.append((fd, oct(mode)))
    return found

#= name: opened_till_none_is_left
def f(x):
    held = []
    while True:
        held.append(open("/dev/null"))

#= name: opened_till_none_is_left_and_answers
#= verdicts: failed, crashed
def f(x):
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        globals()["held"] = held
        return 0

#= name: doubled_till_none_is_left
def f(x):
    while True:
        os.dup(0)

#= name: pipes_till_none_is_left
def f(x):
    while True:
        os.pipe()

#= name: standard_streams_closed
#= verdicts: failed, crashed
for fd in (0, 1, 2):
    os.close(fd)

def f(x):
    print("x")
    return 0

#= name: standard_streams_exchanged
#= verdicts: failed, crashed, timeout
def f(x):
    for fd in range(3, 64):
        try:
            os.dup2(fd, 1)
            os.dup2(fd, 2)
        except OSError:
            continue
    print("passed", flush=True)
    return 0

#= name: high_numbers
def f(x):
    return os.dup2(0, 1 << 20)

#= name: input_is_empty
#= verdicts: passed
#: assert seen() == (b"", "")
import sys

def seen():
    return os.read(0, 10), sys.stdin.read()

#= name: input_waits
#= verdicts: failed, timeout
def f(x):
    return input()

#= name: input_written
#= verdicts: failed
def f(x):
    os.write(0, b"passed\n")
    return 0

#= name: epoll_and_events
import select
import ctypes

def f(x):
    poll = select.epoll()
    for fd in range(3, 64):
        try:
            poll.register(fd, select.EPOLLIN | select.EPOLLET)
        except OSError:
            pass
    return poll.poll(0.1)

#= name: pipe_full_and_waits
#= verdicts: timeout
def f(x):
    _, writer = os.pipe()
    while True:
        os.write(writer, b"x" * 65536)

#= name: pipe_buffers_grown
#= verdicts: failed
import fcntl

def f(x):
    held = []
    while True:
        reader, writer = os.pipe()
        held.append((reader, writer))
        try:
            fcntl.fcntl(writer, 1031, 1 << 20)
        except OSError:
            pass
        os.set_blocking(writer, False)
        try:
            os.write(writer, bytes(1 << 20))
        except BlockingIOError:
            pass

#= name: close_range_by_system_call
#= machine: x86_64
#= verdicts: failed, crashed
import ctypes

def f(x):
    ctypes.CDLL(None).syscall(436, 0, 0xFFFFFFFF, 0)
    return 0
