# Limits raised, lowered and got around.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import resource

INFINITY = resource.RLIM_INFINITY
ALL = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]

#= name: hard_limits_raised
#= verdicts: passed
#: assert (reached := raised()) == [], reached
def raised():
    found = []
    for limit in ALL:
        hard = resource.getrlimit(limit)[1]
        if hard == INFINITY:
            continue
        for more in (hard + 1, INFINITY):
            try:
                resource.setrlimit(limit, (more, more))
                found.append(limit)
            except (ValueError, OSError):
                pass
    return found

#= name: processor_time_raised
#= verdicts: timeout
def f(x):
    soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))
    while True:
        pass

#= name: memory_raised
#= verdicts: memory
def f(x):
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return bytes(1 << 32)

#= name: file_size_raised
def f(x):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    with open("big", "wb") as file:
        while True:
            file.write(bytes(1 << 20))

#= name: open_files_raised
def f(x):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held = []
    while True:
        held.append(open("/dev/null"))

#= name: everything_lowered
#= verdicts: failed, crashed, memory, timeout
for limit in ALL:
    try:
        resource.setrlimit(limit, (0, 0))
    except (ValueError, OSError):
        pass

def f(x):
    return [0] * 10_000_000

#= name: memory_lowered_to_nothing
#= verdicts: failed, crashed, memory
resource.setrlimit(resource.RLIMIT_AS, (1, 1))

def f(x):
    return "x" * 1_000_000

#= name: no_files_for_the_driver
#= verdicts: failed, crashed
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))

def f(x):
    return 0

#= name: parent_starved
#= verdicts: passed
#: assert (reached := starved()) == [], reached
import os

def starved():
    found = []
    for process in (os.getppid(), @VICTIM@):
        for limit in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NOFILE):
            try:
                resource.prlimit(process, limit, (0, 0))
                found.append(process)
            except (OSError, ValueError):
                pass
    return found

#= name: core_dumped
#= verdicts: failed, crashed
import ctypes

try:
    resource.setrlimit(resource.RLIMIT_CORE, (INFINITY, INFINITY))
except (ValueError, OSError):
    pass

def f(x):
    ctypes.string_at(0)

#= name: priority_raised
#= verdicts: passed
#: assert (reached := risen()) == [], reached
def risen():
    try:
        return [os.nice(-5)]
    except OSError:
        return []

import os

#= name: real_time
#= verdicts: passed
#: assert (reached := risen()) == [], reached
import os

def risen():
    found = []
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        try:
            os.sched_setscheduler(0, policy, os.sched_param(1))
            found.append(policy)
        except OSError:
            pass
    return found

#= name: file_size_signal_ignored
#= verdicts: failed, crashed
import signal

signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

def f(x):
    with open("big", "wb") as file:
        file.truncate(1 << 40)
