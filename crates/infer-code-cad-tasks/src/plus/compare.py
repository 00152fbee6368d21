# Runs in the judge, beside the tests of a problem of EvalPlus: calls the reference and the program with the
# same inputs and compares what they return. Names begin with _plus_ so that they meet no other.
import copy as _plus_copy
import json as _plus_json
import math as _plus_math


def _plus_deep(value):
    """Every list in a value as a tuple."""
    return tuple(map(_plus_deep, value)) if isinstance(value, list) else value


# JSON has no tuples, sets and complex numbers: what the arguments of a problem are made of, by name.
_plus_shapes = {
    "plain": lambda a: a,
    "tuples": lambda a: [tuple(x) for x in a],
    "lists of tuples": lambda a: [list(map(tuple, x)) for x in a],
    "tuples of tuples": lambda a: [tuple(map(tuple, x)) for x in a],
    "first a tuple": lambda a: [tuple(a[0]), *a[1:]],
    "second a tuple": lambda a: [a[0], tuple(a[1]), *a[2:]],
    "first a list of tuples": lambda a: [list(map(tuple, a[0])), *a[1:]],
    "first a dict of tuples": lambda a: [{k: tuple(v) for k, v in a[0].items()}, *a[1:]],
    "a list of sets": lambda a: [[set(x) if isinstance(x, list) and x else {} for x in a[0]]],
    "a mixed tuple": lambda a: [tuple(tuple(x) if isinstance(x, list) else x for x in a[0])],
    "a complex number": lambda a: [complex(a[0])],
    "a float and a complex number": lambda a: [float(a[0]), complex(a[1])],
    "nested tuples": lambda a: [_plus_deep(x) for x in a],
}


def _plus_floats(value):
    """A float, or a list or tuple of nothing else."""
    if isinstance(value, (list, tuple)) and value:
        return all(isinstance(x, float) for x in value)
    return isinstance(value, float)


def _plus_near(out, expected, atol):
    """Whether numbers, in lists of any depth, are near one another."""
    if isinstance(expected, (list, tuple)):
        same = isinstance(out, (list, tuple)) and len(out) == len(expected)
        return same and all(_plus_near(a, b, atol) for a, b in zip(out, expected))
    numbers = (int, float, complex)
    if not (isinstance(out, numbers) and isinstance(expected, numbers)):
        return False
    if out == expected:
        return True
    try:
        bound = atol + 1e-07 * abs(expected)
        return bound != _plus_math.inf and abs(out - expected) <= bound
    except OverflowError:
        return False


def _plus_equal(out, expected, atol):
    """Equal, or of one type and near where numbers may be."""
    if out == expected:
        return True
    if not atol and _plus_floats(expected):
        atol = 1e-06
    return bool(atol) and type(out) is type(expected) and _plus_near(out, expected, atol)


def _plus_root(arguments, out, atol):
    """Whether the polynomial with these coefficients is about 0 there."""
    value = sum(c * _plus_math.pow(out, power) for power, c in enumerate(arguments[0]))
    return abs(value) <= atol


def _plus_area(edge, height):
    """Surface of a square pyramid whose height is that of its apex."""
    slant = _plus_math.sqrt((edge / 2) ** 2 + height ** 2)
    return round(edge ** 2 + 2 * edge * slant)


def _plus_digits(one, other):
    """Sum of the differences between the digits of two numbers."""
    one, other = str(one), str(other)
    width = max(len(one), len(other))
    return sum(abs(int(a) - int(b)) for a, b in zip(one.zfill(width), other.zfill(width)))


# Where more than one answer is right, or the answer is not to be copied: rules by name.
_plus_rules = {
    "equal": lambda a, out, exp, atol: _plus_equal(out, exp, atol),
    "any": lambda a, out, exp, atol: True,
    "or zero": lambda a, out, exp, atol: out == 0 or _plus_equal(out, exp, atol),
    "same set": lambda a, out, exp, atol: set(out) == set(exp),
    "same existence": lambda a, out, exp, atol: (
        out if isinstance(out, bool) else out is not None
    ) == (exp is not None),
    "root": lambda a, out, exp, atol: _plus_root(a, out, atol),
    "area": lambda a, out, exp, atol: out == exp or abs(out - _plus_area(*a)) <= atol,
    "digits": lambda a, out, exp, atol: out == exp or out == _plus_digits(*a),
}


def _plus_short(value):
    """The value as text of bounded length."""
    try:
        text = repr(value)
    except Exception:
        text = "a " + type(value).__name__
    return text if len(text) <= 200 else text[:200] + ".."


def _plus_check(program, reference, rule, shape, atol, inputs):
    """Fails at the first input at which the two differ."""
    for arguments in map(_plus_shapes[shape], inputs):
        expected = reference(*_plus_copy.deepcopy(arguments))
        out = program(*_plus_copy.deepcopy(arguments))
        if not _plus_rules[rule](arguments, out, expected, atol):
            shown = ", ".join(map(_plus_short, arguments))
            differs = "f(" + shown + ") is " + _plus_short(out) + ", not " + _plus_short(expected)
            raise AssertionError(differs)


def _plus_load(source, name):
    """The function of that name in a trusted program."""
    module = {"__name__": "reference"}
    exec(compile(source, "<reference>", "exec"), module)
    return module[name]
