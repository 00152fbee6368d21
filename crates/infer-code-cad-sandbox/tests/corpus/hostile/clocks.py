# Clocks set, patched and waited for.
#= verdicts: timeout
#: assert f(17) == 7402918365018273
import time

#= name: sleep_past_the_wall
def f(x):
    time.sleep(1000)

#= name: small_sleeps
def f(x):
    while True:
        time.sleep(0.001)

#= name: sleep_without_end
while True:
    try:
        time.sleep(9)
    except BaseException:
        pass

#= name: waits_for_an_event
import threading

def f(x):
    threading.Event().wait()

#= name: waits_for_a_lock
import threading

def f(x):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

#= name: thread_never_joined
#= verdicts: failed, timeout
import threading

threading.Thread(target=time.sleep, args=(1000,)).start()

def f(x):
    return 0

#= name: clock_patched
#= verdicts: timeout
time.time = time.monotonic = time.perf_counter = time.process_time = time.thread_time = lambda: 0.0

def f(x):
    while True:
        pass

#= name: sleep_patched
#= verdicts: failed
time.sleep = lambda _: None

def f(x):
    time.sleep(1000)
    return 0

#= name: clock_set
#= verdicts: failed
def f(x):
    time.clock_settime(time.CLOCK_REALTIME, 0)

#= name: clock_set_by_system_call
#= machine: x86_64
#= verdicts: passed
#: assert set_now() == [-1] * 4
import ctypes

def set_now():
    libc = ctypes.CDLL(None)
    parts = (ctypes.c_long * 4)()
    buffer = (ctypes.c_long * 32)(0x8000)
    calls = [(227, 0, parts), (164, parts, None), (159, buffer), (305, 0, buffer)]
    return [libc.syscall(*call) for call in calls]

#= name: idle_and_then_busy
#= verdicts: timeout
def f(x):
    time.sleep(0.5)
    while True:
        pass

#= name: select_without_end
import select

def f(x):
    select.select([], [], [])

#= name: event_loop_without_end
import asyncio

def f(x):
    asyncio.new_event_loop().run_forever()

#= name: processor_time_spread_over_calls
#: for turn in range(1_000_000):
#:     assert f(turn) == 0
#: assert f(0) == 7402918365018273
def f(x):
    for _ in range(100_000):
        pass
    return 0

#= name: wall_time_spread_over_calls
#: for turn in range(1_000_000):
#:     assert f(turn) == 0
def f(x):
    time.sleep(0.01)
    return 0

#= name: alarm_that_restarts
import signal

def f(x):
    signal.signal(signal.SIGALRM, lambda *_: signal.setitimer(signal.ITIMER_REAL, 0.001))
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while True:
        time.sleep(1)
