# Loops in Python and in C, which no signal handler of the interpreter ends.
#= verdicts: timeout
#: assert f(17) == 7402918365018273

#= name: while_true
while True:
    pass

#= name: while_true_in_the_call
def f(x):
    while True:
        pass

#= name: sum_of_count
import itertools

def f(x):
    return sum(itertools.count())

#= name: deque_of_repeat
import collections
import itertools

def f(x):
    collections.deque(itertools.repeat(0), maxlen=0)

#= name: power
def f(x):
    return pow(3, 10**9)

#= name: power_of_constants
#= verdicts: timeout, memory, failed
def f(x):
    return 9**9**9

#= name: regular_expression
import re

def f(x):
    return re.match("(a+)+$", "a" * 64 + "b")

#= name: digits_of_a_giant
#= verdicts: timeout, failed
import sys

def f(x):
    getattr(sys, "set_int_max_str_digits", int)(0)
    return len(str(7 ** (1 << 23)))

#= name: lying_key
class Key:
    def __lt__(self, other):
        while True:
            pass

def f(x):
    return sorted(range(9), key=lambda _: Key())

#= name: in_of_repeat
import itertools

def f(x):
    return 1 in itertools.repeat(0)

#= name: exceptions_swallowed
def f(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue

#= name: limit_signal_ignored
import signal

signal.signal(signal.SIGXCPU, signal.SIG_IGN)

def f(x):
    while True:
        pass

#= name: limit_signal_raises
#= verdicts: timeout, failed, crashed
import signal

def leave(*_):
    raise SystemExit(0)

signal.signal(signal.SIGXCPU, leave)

def f(x):
    while True:
        pass

#= name: limit_signal_blocked
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

def f(x):
    while True:
        pass

#= name: loop_in_threads
import threading

def spin():
    while True:
        pass

def f(x):
    for _ in range(8):
        threading.Thread(target=spin).start()
    spin()

#= name: loop_in_a_daemon_thread
#= verdicts: failed, timeout
import threading

def spin():
    while True:
        pass

threading.Thread(target=spin, daemon=True).start()

def f(x):
    return 0

#= name: loop_in_a_destructor
class Trap:
    def __del__(self):
        while True:
            pass

def f(x):
    Trap()

#= name: loop_after_the_answer
#= verdicts: failed, timeout
import atexit

def spin():
    while True:
        pass

atexit.register(spin)

def f(x):
    return 0

#= name: loop_while_compared
#= verdicts: failed, timeout
class Slow:
    def __eq__(self, other):
        while True:
            pass

    __hash__ = None

def f(x):
    return Slow()

#= name: loop_while_described
#= verdicts: failed, timeout
class Slow(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__

def f(x):
    raise Slow

#= name: loop_while_looked_up
#= verdicts: failed, timeout
class Meta(type):
    def __getattribute__(cls, name):
        while True:
            pass

class Slow(metaclass=Meta):
    pass

def f(x):
    return Slow()

#= name: hash_collisions
def f(x):
    return len({n * ((1 << 61) - 1) for n in range(100_000)})

#= name: yields_the_processor
import os

def f(x):
    while True:
        os.sched_yield()
