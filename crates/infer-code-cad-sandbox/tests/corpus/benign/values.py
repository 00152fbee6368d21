# Values of many kinds that come back, and are compared by the tests.

#= name: decimals
#: from decimal import Decimal
#: assert f("0.1", "0.2") == Decimal("0.3")
#: assert f("1.0", "1") == 2
from decimal import Decimal, getcontext

getcontext().prec = 50

def f(a, b):
    return Decimal(a) + Decimal(b)

#= name: fractions
#: from fractions import Fraction
#: assert f(1, 3) == Fraction(2, 3)
#: assert f(1, 2) == 1
from fractions import Fraction

def f(a, b):
    return Fraction(a, b) * 2

#= name: complex_numbers
#: assert f(3, 4) == 3 + 4j and abs(f(3, 4)) == 5
def f(a, b):
    return complex(a, b)

#= name: nan_and_infinity
#: import math
#: assert math.isnan(f("nan")) and f("inf") == float("inf") and f("-inf") < 0
#: assert str(f("-0.0")) == "-0.0"
def f(text):
    return float(text)

#= name: huge_integers
#: assert f(5000) == 10 ** 5000
#: assert -f(3) == -1000
def f(n):
    return 10**n

#= name: bytes_and_bytearrays
#: assert f(b"abc") == b"cba"
#: assert g(b"abc") == bytearray(b"abc!")
def f(data):
    return data[::-1]

def g(data):
    return bytearray(data) + b"!"

#= name: sets_of_tuples
#: assert f(3) == {(0, 0), (1, 1), (2, 4)}
#: assert g() == {frozenset({1, 2}), frozenset()}
def f(n):
    return {(k, k * k) for k in range(n)}

def g():
    return {frozenset([1, 2]), frozenset()}

#= name: nested_containers
#: assert f() == {"a": [1, (2, {3: {4}})], None: [[], {}, ()], (1, "x"): b"y"}
def f():
    return {"a": [1, (2, {3: {4}})], None: [[], {}, ()], (1, "x"): b"y"}

#= name: containers_nested_deep
#: value = f(50)
#: for _ in range(50):
#:     assert len(value) == 1
#:     value = value[0]
#: assert value == []
def f(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value

#= name: surrogates
#: assert f("\ud800") == "\udfff\ud800"
#: assert f("é🐍\x00") == "\udfffé🐍\x00"
def f(text):
    return "\udfff" + text

#= name: unicode_names_and_text
#: assert größe("naïve 🐍") == 7
#: assert 変換("abc") == "ＡＢＣ"
def größe(text):
    return len(text)

def 変換(text):
    return "".join(chr(ord(c) - 32 + 0xFEE0) for c in text)

#= name: generator_results
#: assert list(f(5)) == [0, 1, 4, 9, 16]
#: assert sum(f(4)) == 14
#: assert next(f(9)) == 0
def f(n):
    for k in range(n):
        yield k * k

#= name: endless_generator_used_in_part
#: import itertools
#: assert list(itertools.islice(f(), 5)) == [0, 1, 2, 3, 4]
#: assert [n for n, _ in zip(f(), "abc")] == [0, 1, 2]
def f():
    n = 0
    while True:
        yield n
        n += 1

#= name: lazy_results
#: assert list(f([3, 1, 2])) == [4, 2, 3]
#: assert list(g([3, 1, 2])) == [3]
#: assert list(h([3, 1], "ab")) == [(3, "a"), (1, "b")]
#: assert list(i("ab")) == [(0, "a"), (1, "b")]
#: assert list(j([1, 2])) == [2, 1]
def f(values):
    return map(lambda n: n + 1, values)

def g(values):
    return filter(lambda n: n > 2, values)

def h(a, b):
    return zip(a, b)

def i(values):
    return enumerate(values)

def j(values):
    return reversed(values)

#= name: results_of_itertools
#: assert list(f("ab")) == [("a", "b"), ("b", "a")]
#: assert list(g([1, 2], [3])) == [1, 2, 3]
#: assert [(key, list(group)) for key, group in h("aab")] == [("a", ["a", "a"]), ("b", ["b"])]
import itertools

def f(values):
    return itertools.permutations(values)

def g(*lists):
    return itertools.chain(*lists)

def h(values):
    return itertools.groupby(values)

#= name: dict_views
#: assert list(f({"a": 1})) == ["a"] and sorted(g({"a": 1, "b": 2})) == [1, 2]
#: assert list(h({"a": 1})) == [("a", 1)]
def f(d):
    return d.keys()

def g(d):
    return d.values()

def h(d):
    return d.items()

#= name: named_tuples
#: assert f(1, 2) == (1, 2)
#: assert f(1, 2)[1] == 2 and sum(f(1, 2)) == 3
from collections import namedtuple

Point = namedtuple("Point", "x y")

def f(x, y):
    return Point(x, y)

#= name: collections_of_the_library
#: assert f("aab") == {"a": 2, "b": 1}
#: assert g([("a", 1), ("b", 2)]) == {"a": 1, "b": 2}
#: assert h("aab") == {"a": [0, 1], "b": [2]}
#: from collections import deque
#: assert i([1, 2, 3]) == deque([2, 3]) and list(i([1, 2, 3])) == [2, 3]
from collections import Counter, OrderedDict, defaultdict, deque

def f(text):
    return Counter(text)

def g(pairs):
    return OrderedDict(pairs)

def h(text):
    found = defaultdict(list)
    for position, letter in enumerate(text):
        found[letter].append(position)
    return found

def i(values):
    return deque(values, maxlen=2)

#= name: counters_are_subtracted
#: from collections import Counter
#: assert f("aab")["a"] == 2 and f("aab").most_common(1) == [("a", 2)]
#: assert f("ab") == Counter("ba")
from collections import Counter

def f(text):
    return Counter(text)

#= name: dates
#: import datetime
#: assert f(2024) == datetime.date(2024, 3, 1)
#: assert g("2024-02-28T23:30:00") == datetime.datetime(2024, 2, 29, 0, 30)
#: assert (f(2024) - datetime.date(2024, 1, 1)).days == 60
import datetime

def f(year):
    return datetime.date(year, 2, 28) + datetime.timedelta(days=2)

def g(text):
    return datetime.datetime.fromisoformat(text) + datetime.timedelta(hours=1)

#= name: ranges_and_slices
#: assert f(5) == range(0, 5, 2) and list(f(5)) == [0, 2, 4]
#: assert len(f(5)) == 3 and 4 in f(5)
def f(n):
    return range(0, n, 2)

#= name: types_as_arguments_and_results
#: assert f([1, "a", 2.5, None], int) == [1]
#: assert g(1) is int and g("") is str
def f(values, kind):
    return [value for value in values if type(value) is kind]

def g(value):
    return type(value)

#= name: subclasses_of_builtins
#: assert f() == [1, 2] and isinstance(f(), list)
#: assert g() == {"a": 1} and h() == 5
class Own(list):
    pass

class OwnDict(dict):
    def __missing__(self, key):
        return key

class OwnInt(int):
    pass

def f():
    return Own([1, 2])

def g():
    return OwnDict(a=1)

def h():
    return OwnInt(5)

#= name: enumerations
#: assert f("RED") == 1 and f("RED") + 1 == 2
#: assert g(2).name == "GREEN"
import enum

class Number(enum.IntEnum):
    RED = 1

class Colour(enum.Enum):
    RED = 1
    GREEN = 2

def f(name):
    return Number[name]

def g(value):
    return Colour(value)

#= name: booleans_and_none
#: assert f(2) is True and f(3) is False and g() is None
#: assert f(2) == 1 and not g()
def f(n):
    return n % 2 == 0

def g():
    pass

#= name: large_lists
#: assert f(200_000) == list(range(200_000))
def f(n):
    return list(range(n))

#= name: shared_and_equal_parts
#: assert f() == [[1], [1]] and f()[0] == f()[1]
def f():
    one = [1]
    return [one, one]
