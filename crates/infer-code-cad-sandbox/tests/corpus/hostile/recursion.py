# Recursion in Python, in C and in what is handed back.
#= verdicts: failed
#: assert f(17) == 7402918365018273
import sys

#= name: recursion_in_python
def f(x):
    return f(x + 1)

#= name: recursion_without_a_limit
#= verdicts: failed, crashed, memory, timeout
sys.setrecursionlimit(1 << 30)

def f(x):
    return f(x + 1)

#= name: recursion_without_a_limit_in_a_thread
#= verdicts: failed, crashed, memory, timeout
import threading

sys.setrecursionlimit(1 << 30)
threading.stack_size(32 << 20)

def g(x):
    return g(x + 1)

def f(x):
    thread = threading.Thread(target=g, args=(0,))
    thread.start()
    thread.join()
    return 0

#= name: recursion_in_repr
class Itself:
    def __repr__(self):
        return repr(self)

def f(x):
    return repr(Itself())

#= name: recursion_in_c
#= verdicts: failed, crashed
def f(x):
    held = None
    for _ in range(300_000):
        held = filter(None, held or [])
    return list(held)

#= name: destructors_in_a_long_chain
#= verdicts: failed, crashed
def f(x):
    held = None
    for _ in range(300_000):
        held = [held].__iter__()
    del held
    return 0

#= name: answer_holds_itself
def f(x):
    held = []
    held.append(held)
    return held

#= name: answer_is_a_ring_of_dicts
def f(x):
    first, second = {}, {}
    first["a"], second["b"] = second, first
    return first

#= name: answer_nested_deep
def f(x):
    held = []
    for _ in range(100_000):
        held = [held]
    return held

#= name: answer_of_nested_tuples
def f(x):
    held = ()
    for _ in range(1000):
        held = (held, {"x": held} if len(held) < 0 else 1)
    return held

#= name: deepcopy_of_the_nested
import copy

def f(x):
    held = []
    for _ in range(100_000):
        held = [held]
    return copy.deepcopy(held)

#= name: pickle_of_the_nested
#= verdicts: failed, crashed
import pickle

def f(x):
    held = []
    for _ in range(100_000):
        held = [held]
    return pickle.dumps(held)

#= name: json_of_the_nested
#= verdicts: failed, crashed
import json

def f(x):
    return json.loads("[" * 100_000 + "]" * 100_000)

#= name: getattr_that_recurses
class Itself:
    def __getattribute__(self, name):
        return getattr(self, name)

def f(x):
    return Itself()

#= name: call_of_call
class Itself:
    pass

Itself.__call__ = Itself()

def f(x):
    return Itself()()

#= name: regular_expression_nested
#= verdicts: failed, crashed, memory
import re

def f(x):
    return re.compile("(" * 20_000 + ")" * 20_000)

#= name: recursion_while_handling_recursion
#= verdicts: failed, crashed, timeout
def f(x):
    try:
        return f(x)
    except RecursionError:
        return f(x)
