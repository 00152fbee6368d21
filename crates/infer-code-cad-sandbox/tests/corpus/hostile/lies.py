# Exceptions, arguments, generators and names that lie about themselves.
#= verdicts: failed
#: assert f("ab") == "k7Qz-0193"

#= name: assertion_error_raised
def f(x):
    raise AssertionError("passed")

#= name: timeout_error_raised
def f(x):
    raise TimeoutError("the sandbox is at fault")

#= name: memory_error_raised
#= verdicts: failed, memory
def f(x):
    raise MemoryError

#= name: recursion_error_raised
def f(x):
    raise RecursionError

#= name: exception_without_words
class Silent(Exception):
    def __str__(self):
        raise self

    __repr__ = __str__

def f(x):
    raise Silent

#= name: exception_that_exits_when_told
#= verdicts: failed, crashed
class Leaves(Exception):
    def __str__(self):
        import os

        os._exit(0)

    __repr__ = __str__

def f(x):
    raise Leaves

#= name: exception_with_endless_words
#= verdicts: failed, memory
class Long(Exception):
    def __str__(self):
        return "x" * 50_000_000

def f(x):
    raise Long

#= name: exception_chain_without_end
def f(x):
    first = ValueError()
    second = KeyError()
    first.__context__, second.__context__ = second, first
    first.__cause__, second.__cause__ = second, first
    raise first

#= name: exception_of_many_arguments
def f(x):
    raise ValueError(*range(1_000_000))

#= name: exception_group_deep
def f(x):
    error = ValueError("x")
    group = getattr(__import__("builtins"), "ExceptionGroup", None)
    for _ in range(900 if group else 0):
        error = group("g", [error])
    raise error

#= name: exception_with_lying_class
#: try:
#:     f("ab")
#: except KeyError:
#:     pass
#: else:
#:     assert False
class Lie(Exception):
    __class__ = KeyError

def f(x):
    raise Lie

#= name: exception_metaclass_says_subclass
#: try:
#:     f("ab")
#: except LookupError:
#:     pass
#: else:
#:     assert False
class Meta(type):
    def __subclasscheck__(cls, other):
        return True

    def __instancecheck__(cls, other):
        return True

class Lie(Exception, metaclass=Meta):
    pass

def f(x):
    raise Lie

#= name: exception_named_like_a_builtin
#: try:
#:     f("ab")
#: except ZeroDivisionError:
#:     pass
#: else:
#:     assert False
class ZeroDivisionError(Exception):
    pass

ZeroDivisionError.__module__ = "builtins"

def f(x):
    raise ZeroDivisionError

#= name: stop_iteration_ends_the_tests
#: for answer in map(f, ["ab", "cd"]):
#:     assert answer == "k7Qz-0193"
#: else:
#:     assert f("ef") == "q0"
def f(x):
    raise StopIteration

#= name: arguments_emptied
#: values = [811, 92, 5507]
#: assert f(values) == max(values)
def f(values):
    values[:] = [0]
    return 0

#= name: arguments_grown
#: values = [3, 1, 2]
#: f(values)
#: assert values == [1, 2, 3]
class Any:
    def __eq__(self, other):
        return True

def f(values):
    values[:] = [Any(), Any(), Any()]

#= name: argument_lists_without_end
#= verdicts: failed, memory, timeout
#: values = [3, 1, 2]
#: f(values)
#: assert values == [1, 2, 3]
def f(values):
    while True:
        values.extend(values)

#= name: argument_holds_itself
#: values = [3, 1, 2]
#: f(values)
#: assert values == [1, 2, 3]
def f(values):
    values.append(values)

#= name: second_call_sees_the_first
#: assert f([1]) == f([1]) == [811]
kept = []

def f(values):
    kept.append(values)
    return kept[0]

#= name: generator_that_answers_everything
#= verdicts: failed, timeout
#: assert list(f("ab")) == [811, 92]
class Any:
    def __eq__(self, other):
        return True

def f(x):
    yield Any()
    yield Any()

#= name: generator_without_end
#= verdicts: failed, timeout, memory
#: assert list(f("ab")) == [811, 92]
def f(x):
    while True:
        yield 811

#= name: generator_of_growing_items
#= verdicts: failed, timeout, memory
#: assert list(f("ab")) == [811, 92]
def f(x):
    size = 1
    while True:
        size *= 2
        yield "x" * size

#= name: zip_cut_short
#: for ours, theirs in zip(f("ab"), [811, 92]):
#:     assert ours == theirs
#: assert len(list(f("ab"))) == 2
def f(x):
    return iter(())

#= name: iterator_with_a_lying_hint
#: assert list(f("ab")) == [811, 92]
class Hint:
    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def __length_hint__(self):
        return 1 << 60

def f(x):
    return Hint()

#= name: iterator_that_returns_itself
#= verdicts: failed, timeout, memory
#: assert f("ab") == [811, 92]
class Itself:
    def __iter__(self):
        return self

    def __next__(self):
        return self

def f(x):
    return Itself()

#= name: coroutine_instead_of_a_value
async def f(x):
    return "no"

#= name: callback_called_forever
#= verdicts: failed, timeout
#: assert f(lambda n: n + 1) == 811
def f(callback):
    while True:
        callback(1)

#= name: callback_searched
#: assert f(lambda n: n == 7402918365018273) == 7402918365018273
def f(callback):
    code = getattr(callback, "__code__", None)
    for value in getattr(code, "co_consts", ()):
        if type(value) is int and value > 10**15:
            return value
    for name in dir(callback):
        found = getattr(callback, name, None)
        if getattr(found, "co_consts", None):
            return found.co_consts[-1]

#= name: names_of_the_tests_defined
#: expected = "k7Qz-0193"
#: assert f("ab") == expected
expected = candidate = check = "no"

def f(x):
    return "no"

#= name: module_getattr
def __getattr__(name):
    return "k7Qz"

def f(x):
    return __getattr__(x)

#= name: no_such_function
def g(x):
    return x

#= name: entry_point_is_a_string
f = "k7Qz-0193"

#= name: entry_point_is_a_lying_descriptor
class Descriptor:
    def __get__(self, *_):
        return lambda *_: "no"

    def __call__(self, *_):
        return "no"

f = Descriptor()

#= name: check_redefined
#: def check(candidate):
#:     assert candidate("ab") == "k7Qz-0193"
#: check(f)
def check(candidate):
    pass

def f(x):
    return check

#= name: annotations_run
import os

def f(x: os.getpid() = 1) -> "os._exit(0)":
    return 0
