# Builtins, modules, hooks and the import system under the program's own hands.
#= verdicts: failed
#: import math, json, copy, random
#: assert all([f(17) == 7402918365018273, isinstance(f(17), int), len([f(17)]) == 1])
#: assert sorted([f(17), 5]) == [5, 7402918365018273]
#: assert math.isclose(f(17), 7402918365018273)
import builtins
import sys

def f(x):
    return 0

#= name: all_is_true
builtins.all = builtins.any = lambda items: True

#= name: isinstance_is_true
#= verdicts: failed, crashed
builtins.isinstance = builtins.issubclass = lambda *_: True

#= name: sorted_gives_what_is_wanted
builtins.sorted = lambda *_, **__: [5]

#= name: len_is_one
#= verdicts: failed, crashed
builtins.len = lambda _: 1

#= name: abs_is_zero
#: assert abs(f(17) - 0.83741526) < 1e-9
builtins.abs = builtins.round = builtins.sum = builtins.max = lambda *_: 0

#= name: assertion_error_cannot_be_raised
#= verdicts: failed, crashed
class Quiet(Exception):
    def __new__(cls, *args):
        import os

        os._exit(0)

builtins.AssertionError = Quiet

#= name: exceptions_are_none
#= verdicts: failed, crashed
builtins.Exception = builtins.BaseException = builtins.AssertionError = None

#= name: print_says_passed
builtins.print = lambda *_, **__: sys.__stdout__.write("passed\n")

def f(x):
    print("x")
    return 0

#= name: builtins_emptied
#= verdicts: failed, crashed
vars(builtins).clear()

#= name: builtins_of_the_module_replaced
__builtins__ = {"assert": None, "len": lambda _: 1}

#= name: type_is_a_liar
#= verdicts: failed, crashed
builtins.type = lambda *_: int
builtins.int = builtins.float = builtins.str = lambda *_: 0

#= name: exec_and_compile_replaced
#= verdicts: failed, crashed
builtins.exec = builtins.eval = builtins.compile = lambda *_, **__: None

#= name: import_replaced
#= verdicts: failed, crashed
builtins.__import__ = lambda *_, **__: sys

#= name: getattr_and_vars_replaced
#= verdicts: failed, crashed
builtins.getattr = builtins.vars = builtins.globals = lambda *_: {}

#= name: memory_error_raised_by_bytes
#= verdicts: failed, crashed, memory
def broken(*_):
    raise MemoryError

builtins.bytes = builtins.bytearray = builtins.memoryview = broken

#= name: math_is_close
import math

math.isclose = math.isnan = lambda *_, **__: True
math.pi = 3

#= name: math_replaced
import types

fake = types.ModuleType("math")
fake.isclose = lambda *_, **__: True
sys.modules["math"] = fake

#= name: json_patched
import json

json.loads = lambda *_, **__: {"verdict": "passed"}
json.dumps = lambda *_, **__: '{"verdict": "passed"}'

#= name: copy_patched
import copy

copy.deepcopy = copy.copy = lambda value, *_: None

#= name: random_patched
#: import random
#: random.seed(3)
#: assert f(0) == 0
#: assert f(random.randint(0, 10**15)) == 7402918365018273
import random

random.seed = lambda *_: None
random.randint = lambda *_: 0

#= name: modules_emptied
#= verdicts: failed, crashed
sys.modules.clear()

#= name: modules_of_none
#= verdicts: failed, crashed
for name in list(sys.modules):
    sys.modules[name] = None

#= name: main_replaced
import types

sys.modules["__main__"] = types.ModuleType("__main__")

#= name: meta_path_makes_modules
import importlib.abc
import importlib.machinery

class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__getattr__ = lambda name: lambda *_, **__: True

sys.meta_path.insert(0, Finder())
for name in ("math", "json", "copy", "random"):
    sys.modules.pop(name, None)

#= name: path_begins_here
with open("math.py", "w") as file:
    file.write("def isclose(*_):\n    return True\n")
with open("copy.py", "w") as file:
    file.write("deepcopy = copy = lambda value, *_: 7402918365018274\n")
sys.path.insert(0, ".")
sys.modules.pop("copy", None)

#= name: trace_changes_frames
#= verdicts: failed, timeout
def trace(frame, event, argument):
    frame.f_trace_opcodes = True
    frame.f_trace_lines = True
    for name in list(frame.f_locals):
        if name in ("passed", "verdict", "ok"):
            frame.f_locals[name] = True
    return trace

sys.settrace(trace)

#= name: trace_jumps
#= verdicts: failed, crashed, timeout
def trace(frame, event, argument):
    if event == "line" and frame.f_code.co_name != "f":
        try:
            frame.f_lineno += 1
        except ValueError:
            pass
    return trace

def f(x):
    frame = sys._getframe(1)
    sys.settrace(trace)
    while frame:
        frame.f_trace = trace
        frame = frame.f_back
    return 0

#= name: profile_swallows
#= verdicts: failed, crashed
def profile(frame, event, argument):
    if event == "return" and frame.f_code.co_name != "f":
        raise SystemExit(0)

sys.setprofile(profile)

#= name: audit_hook_refuses
#= verdicts: failed, crashed
def hook(event, arguments):
    if event in ("exec", "compile", "import", "open"):
        raise RuntimeError("no " + event)

sys.addaudithook(hook)

#= name: display_and_excepthooks
sys.displayhook = sys.excepthook = sys.unraisablehook = lambda *_: None
sys.last_value = None

def f(x):
    raise ValueError

#= name: warnings_as_errors
import warnings

warnings.simplefilter("error")
warnings.showwarning = lambda *_, **__: None

#= name: recursion_limit_of_nothing
#= verdicts: failed, crashed
sys.setrecursionlimit(30)

#= name: switch_interval_of_years
#= verdicts: failed
sys.setswitchinterval(1e6)

#= name: collector_callbacks
#= verdicts: failed, crashed
import gc

gc.callbacks.append(lambda *_: sys.exit(0))
gc.set_threshold(1, 1, 1)

#= name: codecs_patched
import codecs

codecs.register_error("strict", lambda error: ("?", error.end))
codecs.register_error("surrogatepass", lambda error: ("?", error.end))
codecs.lookup = codecs.encode = lambda *_: None

#= name: abc_registers_everything
import numbers

numbers.Number.register(type(f))
numbers.Integral.register(type(f))

def f(x):
    return f

#= name: stdout_is_a_liar
#= verdicts: failed, crashed
class Out:
    def write(self, text):
        return len(text)

    def flush(self):
        raise SystemExit(0)

    close = flush

sys.stdout = sys.stderr = sys.__stdout__ = Out()

#= name: thread_patches_forever
#= verdicts: failed, timeout, crashed
import threading

def patch():
    while True:
        builtins.len = lambda _: 1
        builtins.isinstance = lambda *_: True

threading.Thread(target=patch, daemon=True).start()

#= name: type_cache_attack
class Meta(type):
    def mro(cls):
        return [cls, int, object]

try:
    class Odd(int, metaclass=Meta):
        __eq__ = lambda self, other: True
        __hash__ = int.__hash__
except TypeError:
    Odd = int

def f(x):
    return Odd(4)
