# Entry points and arguments that are not plain functions.

#= name: partial_as_the_entry_point
#: assert f(3) == 8 and f(3, base=3) == 27
from functools import partial

def power(exponent, base):
    return base**exponent

f = partial(power, base=2)

#= name: lambda_as_the_entry_point
#: assert f(3) == 4
f = lambda n: n + 1

#= name: instance_as_the_entry_point
#: assert f(3) == 3 and f(4) == 7
class Adder:
    def __init__(self):
        self.total = 0

    def __call__(self, n):
        self.total += n
        return self.total

f = Adder()

#= name: bound_method_as_the_entry_point
#: assert f(",") == ["b", "a"]
f = "b,a".split

#= name: class_as_the_entry_point
#: p = P(3)
#: assert p.x == 3 and p.twice() == 6 and p[5] == 15 and len(p) == 3
#: p.x = 4
#: assert p.twice() == 8
class P:
    def __init__(self, x):
        self.x = x

    def twice(self):
        return 2 * self.x

    def __getitem__(self, n):
        return n * self.x

    def __len__(self):
        return self.x

#= name: builtin_name_as_the_entry_point
#= entry: sum
#: assert sum([1, 2], 2) == 6
def sum(values, factor):
    total = 0
    for value in values:
        total += value
    return total * factor

#= name: decorated
#: assert f(10) == 55 and f.calls == 11
import functools

def counted(function):
    @functools.wraps(function)
    def inner(*args):
        inner.calls += 1
        return function(*args)

    inner.calls = 0
    return inner

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

@counted
def step(n):
    return fib(n)

def f(n):
    for k in range(n + 1):
        value = step(k)
    f.calls = step.calls
    return value

#= name: cached
#: assert f(90) == 2880067194370816120
from functools import lru_cache

@lru_cache(maxsize=None)
def f(n):
    return n if n < 2 else f(n - 1) + f(n - 2)

#= name: single_dispatch
#: assert f(1) == "int" and f("a") == "str" and f([]) == "object"
from functools import singledispatch

@singledispatch
def f(value):
    return "object"

@f.register(int)
def _(value):
    return "int"

@f.register(str)
def _(value):
    return "str"

#= name: callbacks_of_the_tests
#: assert f([3, 1, 2], lambda n: -n) == [3, 2, 1]
#: seen = []
#: assert g([1, 2], seen.append) == 2 and seen == [1, 2]
def f(values, key):
    return sorted(values, key=key)

def g(values, tell):
    for value in values:
        tell(value)
    return len(values)

#= name: functions_as_results
#: add = f(3)
#: assert add(4) == 7 and f(1)(1) == 2
#: assert compose(f(1), f(2))(0) == 3
def f(n):
    def add(m):
        return n + m

    return add

def compose(*functions):
    def run(value):
        for function in functions:
            value = function(value)
        return value

    return run

#= name: keywords_and_stars
#: assert f(1, 2, *[3], k=4, **{"z": 5}) == (1, (2, 3), 4, {"z": 5})
#: assert f(1) == (1, (), None, {})
def f(a, *rest, k=None, **more):
    return a, rest, k, more

#= name: arguments_in_place
#: values = [3, 1, 2]
#: assert f(values) is None and values == [1, 2, 3]
#: table = {"a": 1}
#: assert g(table) is None and table == {"a": 1, "b": 2}
#: members = {1}
#: h(members)
#: assert members == {1, 9}
def f(values):
    values.sort()

def g(table):
    table["b"] = 2

def h(members):
    members.add(9)

#= name: default_that_is_kept
#: assert f(1) == [1] and f(2) == [1, 2] and f(3, []) == [3]
def f(value, kept=[]):
    kept.append(value)
    return list(kept)

#= name: state_across_calls
#: assert [f() for _ in range(4)] == [1, 2, 3, 4]
count = 0

def f():
    global count
    count += 1
    return count

#= name: closures_in_a_loop
#: assert f() == [0, 1, 2] and g() == [2, 2, 2]
def f():
    return [act() for act in [lambda k=k: k for k in range(3)]]

def g():
    return [act() for act in [lambda: k for k in range(3)]]

#= name: generator_with_send
#: running = f()
#: assert next(running) == 0
#: assert running.send(5) == 5 and running.send(2) == 7
def f():
    total = 0
    while True:
        total += (yield total) or 0

#= name: context_managers
#: assert f() == ["in", "body", "out"]
from contextlib import ExitStack, contextmanager, suppress

def f():
    seen = []

    @contextmanager
    def around():
        seen.append("in")
        yield
        seen.append("out")

    with ExitStack() as stack, suppress(ValueError):
        stack.enter_context(around())
        seen.append("body")
        raise ValueError
    return seen
