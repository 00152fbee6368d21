# Exceptions that tests expect.

#= name: value_error
#: try:
#:     f(-1)
#: except ValueError as error:
#:     assert str(error) == "negative"
#: else:
#:     assert False
def f(n):
    if n < 0:
        raise ValueError("negative")

#= name: key_error_and_its_base
#: for kind in (KeyError, LookupError, Exception):
#:     try:
#:         f("b")
#:     except kind:
#:         pass
#:     else:
#:         assert False
def f(key):
    return {"a": 1}[key]

#= name: stop_iteration
#: try:
#:     f()
#: except StopIteration:
#:     pass
#: else:
#:     assert False
def f():
    return next(iter([]))

#= name: own_subclass_of_value_error
#: try:
#:     f()
#: except ValueError as error:
#:     assert "own" in str(error)
#: else:
#:     assert False
class Own(ValueError):
    pass

def f():
    raise Own("own")

#= name: many_kinds
#: import math
#: def kind(n):
#:     try:
#:         f(n)
#:     except Exception as error:
#:         return type(error)
#: kinds = [ZeroDivisionError, IndexError, TypeError, AttributeError]
#: kinds += [OverflowError, AssertionError, NotImplementedError]
#: assert [kind(n) for n in range(7)] == kinds
import math

def f(n):
    if n == 0:
        return 1 // 0
    if n == 1:
        return [][0]
    if n == 2:
        return 1 + ""
    if n == 3:
        return (1).nothing
    if n == 4:
        return math.exp(1e6)
    if n == 5:
        assert n == 0
    raise NotImplementedError

#= name: handled_inside
#: assert f("12") == 12 and f("x") is None and seen() == ["12", "x"]
log = []

def f(text):
    try:
        return int(text)
    except ValueError:
        return None
    finally:
        log.append(text)

def seen():
    return log

#= name: recursion_error_caught
#: assert f() == "deep"
def f():
    def down(n):
        return down(n + 1)

    try:
        return down(0)
    except RecursionError:
        return "deep"

#= name: memory_error_caught
#: assert f() == "much"
def f():
    try:
        return len(bytearray(1 << 40))
    except MemoryError:
        return "much"

#= name: exit_caught
#: assert f() == 3
import sys

def f():
    try:
        sys.exit(3)
    except SystemExit as leave:
        return leave.code

#= name: raised_in_a_generator
#: values = f()
#: assert next(values) == 1
#: try:
#:     next(values)
#: except KeyError:
#:     pass
#: else:
#:     assert False
def f():
    yield 1
    raise KeyError("two")

#= name: errors_with_arguments_of_their_own
#: seen = []
#: for act in (f, g, h, i, j, k):
#:     try:
#:         act()
#:     except (UnicodeError, OSError, SyntaxError, ImportError, KeyError) as error:
#:         seen.append(type(error).__name__)
#: assert seen[:3] == ["UnicodeDecodeError", "UnicodeEncodeError", "FileNotFoundError"]
#: assert seen[3:] == ["SyntaxError", "ModuleNotFoundError", "KeyError"]
def f():
    return b"\xff".decode()

def g():
    return "é".encode("ascii")

def h():
    return open("nowhere")

def i():
    return compile("(", "x", "eval")

def j():
    import nothing_of_this_name

def k():
    raise KeyError(("a", 1), None)

#= name: groups_of_errors
#= python: 3.11
#: try:
#:     f()
#: except ExceptionGroup:
#:     pass
#: else:
#:     assert False
def f():
    raise ExceptionGroup("two", [ValueError("x"), KeyError("y")])

#= name: error_that_holds_an_object
#: try:
#:     f()
#: except RuntimeError:
#:     pass
#: else:
#:     assert False
class Thing:
    pass

def f():
    raise RuntimeError(Thing(), {1: Thing})
