# Programs that leave instead of answering.
#= verdicts: failed, crashed
#: assert f(17) == 7402918365018273
import os
import sys

#= name: exit_at_import
#= verdicts: crashed
os._exit(0)

#= name: exit_in_the_call
#= verdicts: crashed
def f(n):
    os._exit(0)

#= name: exit_with_any_status
#= verdicts: crashed
def f(n):
    os._exit(n)

#= name: sys_exit_at_import
sys.exit(0)

#= name: sys_exit_in_the_call
def f(n):
    sys.exit(0)

#= name: system_exit_without_a_status
raise SystemExit

#= name: system_exit_with_words
def f(n):
    raise SystemExit("passed")

#= name: system_exit_subclass
class Leave(SystemExit):
    code = 0

    def __str__(self):
        return "passed"

def f(n):
    raise Leave(0)

#= name: quit_builtin
import builtins

def f(n):
    getattr(builtins, "exit", sys.exit)()

#= name: at_exit_prints_and_leaves
import atexit

atexit.register(os._exit, 0)
atexit.register(print, "passed", flush=True)

def f(n):
    sys.exit(0)

#= name: exit_in_a_destructor
#= verdicts: crashed
class Trap:
    def __del__(self):
        os._exit(0)

def f(n):
    Trap()
    return 0

#= name: exit_in_a_destructor_of_the_module
class Trap:
    def __del__(self):
        os._exit(0)

trap = Trap()

#= name: exit_in_a_thread
#= verdicts: crashed
import threading
import time

def f(n):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(1)

#= name: system_exit_in_a_thread
import threading

def f(n):
    threading.Thread(target=sys.exit).start()
    return 0

#= name: exit_while_the_result_is_looked_at
class Result(list):
    def __iter__(self, *_):
        os._exit(0)

    __len__ = __reduce_ex__ = __eq__ = __getitem__ = __iter__

def f(n):
    return Result([1])

#= name: exit_while_an_opaque_result_is_iterated
#= verdicts: crashed
#: assert list(f(17)) == [7402918365018273]
class Result:
    def __iter__(self):
        os._exit(0)

def f(n):
    return Result()

#= name: exit_through_c
#= verdicts: crashed
import ctypes

def f(n):
    ctypes.CDLL(None)._exit(0)

#= name: exit_by_system_call
#= machine: x86_64
#= verdicts: crashed
import ctypes

def f(n):
    ctypes.CDLL(None).syscall(231, 0)

#= name: keyboard_interrupt
def f(n):
    raise KeyboardInterrupt

#= name: generator_exit
def f(n):
    raise GeneratorExit

#= name: base_exception
class Odd(BaseException):
    pass

def f(n):
    raise Odd("passed")

#= name: exit_through_excepthook
def f(n):
    sys.excepthook = lambda *_: os._exit(0)
    sys.unraisablehook = sys.excepthook
    raise ValueError

#= name: exit_at_the_second_call
#= verdicts: crashed
#: assert f(1) == 1
#: assert f(2) == 7402918365018273
calls = []

def f(n):
    calls.append(n)
    if len(calls) == 2:
        os._exit(0)
    return 1
