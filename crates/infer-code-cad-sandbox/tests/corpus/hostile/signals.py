# Signals to others and to itself. @VICTIM@ is a process of the tests' own.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import os
import signal
import time

def sent(*targets):
    reached = []
    for target in targets:
        try:
            os.kill(target, signal.SIGKILL)
            reached.append(target)
        except OSError:
            pass
    return reached

#= name: kill_the_parent
#= verdicts: passed
#: assert (reached := sent_now()) == [], reached
def sent_now():
    return sent(os.getppid())

#= name: kill_everything
#= verdicts: passed
#: assert (reached := sent_now()) == [], reached
def sent_now():
    return sent(-1)

#= name: kill_the_group
#= verdicts: passed
#: assert (reached := sent_now()) == [], reached
def sent_now():
    try:
        os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
        return ["group"]
    except OSError:
        return sent(0)

#= name: kill_a_stranger
#= verdicts: passed
#: assert (reached := sent_now()) == [], reached
def sent_now():
    return sent(@VICTIM@)

#= name: kill_every_number
#= verdicts: passed
#: assert (reached := sent_now()) == [], reached
def sent_now():
    return sent(1, 2, *range(os.getpid() - 20, os.getpid() + 20), *range(@VICTIM@ - 20, @VICTIM@ + 20))

#= name: kill_by_system_call
#= machine: x86_64
#= verdicts: passed
#: assert sent_now() == [-1] * 6
import ctypes

def sent_now():
    libc = ctypes.CDLL(None)
    parent = os.getppid()
    return [
        libc.syscall(62, @VICTIM@, 9),
        libc.syscall(62, parent, 9),
        libc.syscall(200, parent, 9),
        libc.syscall(234, parent, parent, 9),
        libc.syscall(129, @VICTIM@, 9, ctypes.byref((ctypes.c_int * 32)())),
        libc.syscall(297, parent, parent, 9, ctypes.byref((ctypes.c_int * 32)())),
    ]

#= name: kill_by_descriptor
#= machine: x86_64
#= verdicts: passed
#: assert sent_now() == [-1, -1]
import ctypes

def sent_now():
    libc = ctypes.CDLL(None)
    return [libc.syscall(434, os.getppid(), 0), libc.syscall(434, @VICTIM@, 0)]

#= name: kill_itself
os.kill(os.getpid(), signal.SIGKILL)

#= name: stop_itself
os.kill(os.getpid(), signal.SIGSTOP)

#= name: stop_itself_by_raise
#= verdicts: failed
def f(x):
    signal.raise_signal(signal.SIGSTOP)
    return 0

#= name: signal_to_a_thread
import threading

def f(x):
    signal.pthread_kill(threading.get_ident(), signal.SIGKILL)

#= name: alarm_without_a_handler
#= verdicts: crashed
def f(x):
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        time.sleep(1)

#= name: profiling_timer
#= verdicts: crashed
def f(x):
    signal.setitimer(signal.ITIMER_PROF, 0.01)
    while True:
        pass

#= name: alarm_that_exits
#= verdicts: crashed
def f(x):
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        time.sleep(1)

#= name: all_ignored_and_loops
#= verdicts: timeout
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass

#= name: all_ignored_and_sleeps
#= verdicts: timeout
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    time.sleep(9)

#= name: abort
#= verdicts: crashed
def f(x):
    os.abort()

#= name: segmentation_fault
#= verdicts: crashed
import ctypes

def f(x):
    ctypes.string_at(0)

#= name: segmentation_fault_ignored
#= verdicts: crashed
import ctypes

signal.signal(signal.SIGSEGV, signal.SIG_IGN)

def f(x):
    ctypes.string_at(0)

#= name: segmentation_fault_handled_forever
#= verdicts: timeout
import ctypes

signal.signal(signal.SIGSEGV, lambda *_: None)

def f(x):
    ctypes.string_at(0)

#= name: illegal_instruction
#= verdicts: failed, crashed
import ctypes
import mmap

def f(x):
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\x0f\x0b" * 8)
    ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()

#= name: owner_of_a_pipe
#= verdicts: failed, passed
#: assert owned() in ([], [@VICTIM@])
# A pipe that signals its owner, which is a stranger, when data comes.
import fcntl

def owned():
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, @VICTIM@)
    fcntl.fcntl(reader, getattr(fcntl, "F_SETSIG", 10), signal.SIGKILL)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    os.write(writer, b"x")
    time.sleep(0.1)
    return [fcntl.fcntl(reader, fcntl.F_GETOWN)]

#= name: owner_is_the_parent
#= verdicts: failed
import fcntl

def f(x):
    reader, writer = os.pipe()
    fcntl.fcntl(reader, fcntl.F_SETOWN, os.getppid())
    fcntl.fcntl(reader, getattr(fcntl, "F_SETSIG", 10), signal.SIGKILL)
    fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK | os.O_ASYNC)
    os.write(writer, b"x")
    time.sleep(0.1)
    return 0

#= name: channel_owned_by_a_group
#= verdicts: failed, crashed
import fcntl

def f(x):
    for fd in range(64):
        for owner in (-os.getpgid(0), os.getppid(), -1):
            try:
                fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
                fcntl.fcntl(fd, getattr(fcntl, "F_SETSIG", 10), signal.SIGKILL)
                fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_ASYNC)
            except OSError:
                pass
    return 0

#= name: waits_for_strangers
#= verdicts: failed
def f(x):
    return os.waitpid(-1, 0)

#= name: pause_for_ever
#= verdicts: timeout
def f(x):
    signal.pause()

#= name: wake_up_descriptor
#= verdicts: failed, crashed, timeout
def f(x):
    for fd in range(3, 64):
        try:
            os.set_blocking(fd, False)
            signal.set_wakeup_fd(fd)
            break
        except (OSError, ValueError):
            pass
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    while True:
        time.sleep(1)

#= name: answers_under_a_storm_of_alarms
#= verdicts: failed, crashed
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)

def f(x):
    return "x" * 100_000

#= name: alarm_raises_in_the_driver
#= verdicts: failed, crashed
def leave(*_):
    raise SystemExit(0)

signal.signal(signal.SIGALRM, leave)
signal.setitimer(signal.ITIMER_REAL, 0.02, 0.001)

def f(x):
    return 0
