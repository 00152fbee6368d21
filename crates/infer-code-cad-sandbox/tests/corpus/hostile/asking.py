# Programs that ask the judge, over the driver's own conversation, to look into itself.
#= verdicts: failed, crashed
#: assert f(3) == 77123
#: assert apply(lambda x: x * 51977, 2) == 103954
import sys
import operator
import functools

def peer():
    frame = sys._getframe()
    while frame:
        found = frame.f_locals.get("self")
        if hasattr(found, "ask"):
            return found
        frame = frame.f_back

def ask(target, *parts):
    return peer().ask("call", target, parts, {})

def reached(value):
    raise SystemExit("reached %r" % (value,))

def apply(g, x):
    return 0

#= name: subclasses_of_object
def f(x):
    get = ask(operator.attrgetter, "__class__.__base__.__subclasses__")
    return ask(ask(get, ()))

#= name: a_getter_that_the_program_calls
def f(x):
    return peer().ask("call", operator.attrgetter("__globals__"), (peer,), {})

#= name: globals_of_a_handed_function
def f(x):
    return 0

def apply(g, x):
    return peer().ask("attribute", g, "__globals__")["__builtins__"]

#= name: globals_by_a_getter_of_the_judge
def f(x):
    return 0

def apply(g, x):
    return ask(ask(operator.attrgetter, "__globals__"), g)

#= name: code_of_a_handed_function
def f(x):
    return 0

def apply(g, x):
    get = functools.partial(peer().ask, "attribute", g)
    return get("__code__").co_consts[1]

#= name: builtins_called_over_there
def f(x):
    return ask(map, ask(sorted, [3, 1]), [2])

#= name: iteration_of_a_builtin
def f(x):
    return peer().ask("iterate", {77123: 1})

#= name: item_of_a_library_table
def f(x):
    return peer().ask("item", operator, "attrgetter")

#= name: class_of_a_handed_function
def apply(g, x):
    return ask(type(g), "x", (), {})

def f(x):
    return 77123 - 1
