# New processes and new programs. None may come to be; what is tried is refused.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import os
import sys

#= name: fork
def f(x):
    return os.fork()

#= name: fork_in_the_background
#= never: file @CANARY@/forked
if os.fork() == 0:
    open("@CANARY@/forked", "w").close()
    os._exit(0)

#= name: fork_bomb
#= verdicts: timeout
while True:
    try:
        os.fork()
    except OSError:
        pass

#= name: fork_of_a_terminal
import pty

def f(x):
    return pty.fork()

#= name: virtual_fork_through_c
#= verdicts: passed
#: assert forked() == -1
import ctypes

def forked():
    return ctypes.CDLL(None).vfork()

#= name: clone_by_system_call
#= machine: x86_64
#= verdicts: passed
#: assert cloned() == [-1, -1, -1]
import ctypes

def cloned():
    libc = ctypes.CDLL(None)
    return [libc.syscall(56, 17, 0, 0, 0, 0), libc.syscall(57), libc.syscall(58)]

#= name: clone3_by_system_call
#= machine: x86_64
#= verdicts: passed
#: assert cloned() == -1
import ctypes

def cloned():
    arguments = (ctypes.c_uint64 * 11)(*[0, 0, 0, 0, 17])
    return ctypes.CDLL(None).syscall(435, arguments, ctypes.sizeof(arguments))

#= name: process_that_claims_to_be_a_thread
#= machine: x86_64
#= verdicts: passed
#: assert cloned() == -1
import ctypes

def cloned():
    return ctypes.CDLL(None).syscall(56, 0x4000 | 17, 0, 0, 0, 0)

#= name: namespaces_by_clone
#= machine: x86_64
#= verdicts: passed
#: assert cloned() == -1
import ctypes

def cloned():
    return ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0)

#= name: shell
#= never: file @CANARY@/shell
#= verdicts: passed
#: assert status() != 0
def status():
    return os.system("touch @CANARY@/shell")

#= name: shell_by_popen
#= never: file @CANARY@/popen
os.popen("touch @CANARY@/popen").read()

#= name: subprocess_run
#= never: file @CANARY@/subprocess
import subprocess

subprocess.run(["/bin/touch", "@CANARY@/subprocess"], check=True)

#= name: subprocess_of_the_interpreter
import subprocess

subprocess.run([sys.executable or "python3", "-c", "print('passed')"], check=True)

#= name: posix_spawn
#= never: file @CANARY@/spawned
os.posix_spawn("/bin/touch", ["touch", "@CANARY@/spawned"], {})

#= name: exec_true
os.execv("/bin/true", ["true"])

#= name: exec_the_interpreter
os.execv(sys.executable or "/usr/bin/python3", ["python3", "-c", "print('passed')"])

#= name: exec_in_a_thread
import threading

def f(x):
    thread = threading.Thread(target=os.execv, args=("/bin/true", ["true"]))
    thread.start()
    thread.join()
    return 0

#= name: exec_own_file
#= verdicts: failed
with open("run", "w") as file:
    file.write("#!/bin/sh\nexit 0\n")
os.chmod("run", 0o755)
os.execv("./run", ["run"])

#= name: exec_by_descriptor
#= verdicts: failed
descriptor = os.open("/usr/bin/env", os.O_RDONLY)
os.execve(descriptor, ["env"], {})

#= name: multiprocessing_process
import multiprocessing

process = multiprocessing.get_context("fork").Process(target=print, args=("passed",))
process.start()

#= name: multiprocessing_pool
#= verdicts: failed, crashed, timeout
import multiprocessing

def f(x):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [1])[0]

#= name: process_pool_executor
#= verdicts: failed, crashed, timeout
import concurrent.futures

def f(x):
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        return list(pool.map(abs, [1]))[0]

#= name: daemon
#= never: process icc-daemon
#= never: file @CANARY@/daemon
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open("/proc/self/comm", "w") as name:
            name.write("icc-daemon")
        open("@CANARY@/daemon", "w").close()
        while True:
            pass
    os._exit(0)

#= name: daemon_that_ignores_everything
#= never: file @CANARY@/ignores
#= verdicts: failed
import signal

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
if os.fork() == 0:
    os.setsid()
    open("@CANARY@/ignores", "w").close()

#= name: thread_bomb
#= verdicts: failed, memory
import threading
import time

def f(x):
    while True:
        threading.Thread(target=time.sleep, args=(99,), daemon=True).start()

#= name: thread_bomb_that_goes_on
#= verdicts: timeout, memory
import threading
import time

def f(x):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(99,), daemon=True).start()
        except RuntimeError:
            pass

#= name: threads_that_start_threads
#= verdicts: failed, timeout, memory, output limit
import threading

def more():
    while True:
        threading.Thread(target=more).start()

def f(x):
    more()

#= name: threads_are_bounded
#= verdicts: passed
#: assert 16 <= count() <= 64
import threading

threading.stack_size(1 << 18)

def count():
    done = threading.Event()
    started = 0
    try:
        while started < 1000:
            threading.Thread(target=done.wait, daemon=True).start()
            started += 1
    except RuntimeError:
        pass
    done.set()
    return started

#= name: session_left
#= verdicts: failed
os.setsid()

#= name: unshare_namespaces
#= machine: x86_64
#= verdicts: passed
#: assert unshared() == [-1] * 8
import ctypes

def unshared():
    libc = ctypes.CDLL(None)
    kinds = [0x10000000, 0x20000, 0x40000000, 0x8000000, 0x4000000, 0x20000000, 0x2000000, 0x80]
    return [libc.unshare(kind) for kind in kinds]

#= name: fork_server_by_file_and_signal
#= verdicts: passed
#: assert asked() == -1
import ctypes

def asked():
    return ctypes.CDLL(None).daemon(1, 1)
