# Subclasses of builtin types whose methods lie; what counts is the value of the base class.
#= verdicts: failed
#: assert f(17) == 7402918365018273
class Lies:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0

#= name: lying_int
class Lie(Lies, int):
    pass

def f(x):
    return Lie(1)

#= name: lying_float
#: assert f(17) == 0.83741526
class Lie(Lies, float):
    pass

def f(x):
    return Lie(1)

#= name: lying_str
#: assert f("ab") == "k7Qz-0193"
class Lie(Lies, str):
    pass

def f(x):
    return Lie("no")

#= name: lying_bytes
#: assert f("ab") == b"k7Qz-0193"
class Lie(Lies, bytes):
    pass

def f(x):
    return Lie(b"no")

#= name: lying_list
#: assert f([3]) == [811, 92, 5507]
class Lie(Lies, list):
    def __len__(self):
        return 3

    def __iter__(self):
        return iter([Lie(), Lie(), Lie()])

def f(x):
    return Lie([1])

#= name: lying_tuple
#: assert f([3]) == (811, 92, 5507)
class Lie(Lies, tuple):
    pass

def f(x):
    return Lie((1, 2, 3))

#= name: lying_dict
#: assert f([3]) == {"a": 811}
class Lie(Lies, dict):
    def items(self):
        return [("a", self)]

    def __getitem__(self, key):
        return self

    __missing__ = __getitem__

def f(x):
    return Lie(a=0)

#= name: lying_set
#: assert f([3]) == {811, 92}
class Lie(Lies, set):
    pass

def f(x):
    return Lie({1})

#= name: lying_frozenset
#: assert f([3]) == frozenset({811, 92})
class Lie(Lies, frozenset):
    pass

def f(x):
    return Lie({1})

#= name: lying_complex
#: assert f(17) == 811 + 92j
class Lie(Lies, complex):
    pass

def f(x):
    return Lie(1)

#= name: lying_decimal
#: assert f(17) == 811
import decimal

class Lie(Lies, decimal.Decimal):
    def as_tuple(self):
        return None

    def __str__(self):
        return "811"

    def __reduce__(self):
        return (int, ("811",))

def f(x):
    return Lie(1)

#= name: lying_fraction
#: assert f(17) == 7402918365018273
import fractions

class Lie(Lies, fractions.Fraction):
    def __rsub__(self, other):
        return 0

def f(x):
    return Lie(1, 2)

#= name: lying_date
#: import datetime
#: assert f(17) == datetime.date(1971, 3, 29)
import datetime

class Lie(Lies, datetime.date):
    pass

def f(x):
    return Lie(2000, 1, 1)

#= name: lying_deque
#: assert list(f(17)) == [811, 92]
import collections

class Lie(Lies, collections.deque):
    def __iter__(self):
        return iter([Lie(), Lie()])

def f(x):
    return Lie([1, 2])

#= name: lying_counter
#: assert f(17) == {"a": 811}
import collections

class Lie(Lies, collections.Counter):
    pass

def f(x):
    return Lie("a")

#= name: lying_namedtuple
#: assert f(17) == (811, 92)
import collections

class Lie(Lies, collections.namedtuple("Pair", "a b")):
    __slots__ = ()

def f(x):
    return Lie(1, 2)

#= name: lying_enum
import enum

class Lie(enum.IntEnum):
    ONE = 1

    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

def f(x):
    return Lie.ONE

#= name: lying_index
class Lie(Lies, int):
    def __index__(self):
        return 7402918365018273

    __int__ = __index__

    def __add__(self, other):
        return self

def f(x):
    return Lie(0)

#= name: lying_slices
#: assert f("ab")[:4] == "k7Qz"
class Lie(Lies, str):
    def __getitem__(self, index):
        return Lie("k7Q?")

def f(x):
    return Lie("none")

#= name: lying_strip_and_split
#: assert f("ab").strip().split() == ["k7Qz", "0193"]
class Lie(Lies, str):
    def strip(self):
        return self

    def split(self):
        return [self, self]

def f(x):
    return Lie("no no")

#= name: lying_keys
#: assert f(17) == {"k7Qz": 811, "0193": 92}
class Lie(Lies, str):
    pass

def f(x):
    return {Lie("a"): Lie("b"), "c": Lie("d")}

#= name: length_too_long
#: assert len(f(17)) == 7301
class Lie(list):
    def __len__(self):
        return 7301

def f(x):
    return Lie()

#= name: pickle_makes_it
import builtins

class Lie(int):
    def __reduce_ex__(self, protocol):
        return builtins.eval, ("7402918365018273 + 1",)

    def __getstate__(self):
        return {"__class__": "str"}

    def __deepcopy__(self, memo):
        return self

    def __copy__(self):
        return self

def f(x):
    return Lie(0)
