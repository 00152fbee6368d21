# Values between judge and candidate: JSON, in which lists, texts, numbers, truth values and None stand
# for themselves and every other value is an object with one key, its kind. Only the kinds below are
# ever built, so a message can make nothing happen; what has no kind of its own travels as a handle.
import builtins
import collections
import datetime
import decimal
import fractions
import importlib
import sys

VALUE_DEPTH = 200
VALUE_NODES = 2_000_000
# Larger integers travel in hexadecimal, which takes time in proportion to their length.
PLAIN_INTEGERS = 1 << 63
# Modules without effects on anything but their arguments. The judge has its own of these.
PURE_MODULES = frozenset(
    """array bisect calendar cmath collections collections.abc copy datetime decimal fractions
    functools heapq itertools json math numbers operator random re statistics string struct textwrap
    typing""".split()
)
PURE_BUILTINS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type)
    and issubclass(value, BaseException)
    or name
    in """abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter
    float format frozenset hash hex int isinstance issubclass iter len list map max min next object oct ord pow
    range repr reversed round set slice sorted str sum tuple zip""".split()
}
PURE_NAMES = {id(value): name for name, value in PURE_BUILTINS.items()}


class Unsendable(Exception):
    """A value that is too deep or too large to travel."""


class BrokenMessage(Exception):
    """Bytes that are no message of this protocol."""


class Encoder:
    """Values to JSON trees; `give(value)` names what travels as a handle."""

    def __init__(self, give):
        self.give, self.left = give, VALUE_NODES

    def tree(self, value, depth=0):
        self.left -= 1
        if depth > VALUE_DEPTH:
            raise Unsendable("a value nested deeper than %d" % VALUE_DEPTH)
        if self.left < 0:
            raise Unsendable("a value of more than %d parts" % VALUE_NODES)
        kind = type(value)
        write = WRITERS.get(kind)
        if write is None:
            for base in kind.__mro__[1:]:
                if base in WRITERS:  # a subclass travels as what it is made of
                    write = WRITERS[base]
                    break
            else:
                return named(value) or self.give(value)
        return write(self, value, depth)

    def trees(self, values, depth):
        return [self.tree(value, depth + 1) for value in values]

    def pairs(self, items, depth):
        return [[self.tree(key, depth + 1), self.tree(value, depth + 1)] for key, value in items]


def named(value):
    """Builtins, pure modules and what they define travel by name; None for all else."""
    name = PURE_NAMES.get(id(value))
    if name is not None:
        return {"builtin": name}
    home, name = getattr(value, "__module__", None), getattr(value, "__name__", None)
    if type(name) is not str:
        return None
    if type(value) is type(sys):
        return {"module": name} if is_shared(name) and sys.modules.get(name) is value else None
    if type(home) is str and home in PURE_MODULES and home in sys.modules:
        if vars(sys.modules[home]).get(name) is value:
            return {"member": [home, name]}
    return None


def is_shared(name):
    return name in PURE_MODULES or name.partition(".")[0] in SHARED_PACKAGES


# What is installed beside the standard library and both sides may import; numpy, in general.
SHARED_PACKAGES = set()


def write_int(encoder, value, depth):
    value = int.__add__(value, 0)
    return value if -PLAIN_INTEGERS < value < PLAIN_INTEGERS else {"int": "%x" % value}


def write_str(encoder, value, depth):
    value = str.__getitem__(value, slice(None))
    if value.isascii():
        return value
    try:
        value.encode("utf-8")
        return value
    except UnicodeEncodeError:  # JSON would join a pair of surrogates
        return {"str": value.encode("utf-32-le", "surrogatepass").hex()}


def write_default(encoder, value, depth):
    factory = value.default_factory
    if factory is not None and id(factory) not in PURE_NAMES:
        return write_dict(encoder, value, depth)
    pairs = encoder.pairs(dict.items(value), depth)
    return {"defaultdict": [None if factory is None else PURE_NAMES[id(factory)], pairs]}


def write_dict(encoder, value, depth):
    return {"dict": encoder.pairs(dict.items(value), depth)}


def write_moment(encoder, value, depth):
    if value.tzinfo is not None and type(value.tzinfo) is not datetime.timezone:
        return encoder.give(value)
    zone = None if value.tzinfo is None else span(value.tzinfo.utcoffset(None))
    parts = [value.hour, value.minute, value.second, value.microsecond, value.fold]
    if isinstance(value, datetime.datetime):
        return {"datetime": [value.year, value.month, value.day] + parts + [zone]}
    return {"time": parts + [zone]}


def span(delta):
    return [delta.days, delta.seconds, delta.microseconds]


def itself(encoder, value, depth):
    return value


WRITERS = {
    type(None): itself,
    bool: itself,
    int: write_int,
    float: lambda encoder, value, depth: float.__mul__(value, 1.0),
    str: write_str,
    list: lambda encoder, value, depth: encoder.trees(list.__iter__(value), depth),
    tuple: lambda encoder, value, depth: {"tuple": encoder.trees(tuple.__iter__(value), depth)},
    dict: write_dict,
    collections.OrderedDict: lambda encoder, value, depth: {"ordered": encoder.pairs(dict.items(value), depth)},
    collections.Counter: lambda encoder, value, depth: {"counter": encoder.pairs(dict.items(value), depth)},
    collections.defaultdict: write_default,
    set: lambda encoder, value, depth: {"set": encoder.trees(set.__iter__(value), depth)},
    frozenset: lambda encoder, value, depth: {"frozenset": encoder.trees(frozenset.__iter__(value), depth)},
    collections.deque: lambda encoder, value, depth: {
        "deque": [encoder.trees(collections.deque.__iter__(value), depth), value.maxlen]
    },
    type({}.keys()): lambda encoder, value, depth: {"keys": encoder.trees(value, depth)},
    type({}.items()): lambda encoder, value, depth: {"items": encoder.pairs(value, depth)},
    bytes: lambda encoder, value, depth: {"bytes": bytes.hex(value)},
    bytearray: lambda encoder, value, depth: {"bytearray": bytearray.hex(value)},
    complex: lambda encoder, value, depth: {"complex": [value.real, value.imag]},
    range: lambda encoder, value, depth: {
        "range": encoder.trees((value.start, value.stop, value.step), depth)
    },
    slice: lambda encoder, value, depth: {
        "slice": encoder.trees((value.start, value.stop, value.step), depth)
    },
    decimal.Decimal: lambda encoder, value, depth: {"decimal": decimal.Decimal.__str__(value)},
    fractions.Fraction: lambda encoder, value, depth: {
        "fraction": encoder.trees((value.numerator, value.denominator), depth)
    },
    datetime.date: lambda encoder, value, depth: {"date": [value.year, value.month, value.day]},
    datetime.datetime: write_moment,
    datetime.time: write_moment,
    datetime.timedelta: lambda encoder, value, depth: {"timedelta": span(value)},
    type(Ellipsis): lambda encoder, value, depth: {"ellipsis": None},
    type(NotImplemented): lambda encoder, value, depth: {"notimplemented": None},
}


class Decoder:
    """JSON trees to values of exactly the types of `READERS`; `take(kind, content)` answers for handles."""

    def __init__(self, take):
        self.take, self.left = take, VALUE_NODES

    def value(self, tree, depth=0):
        self.left -= 1
        if depth > VALUE_DEPTH + 1 or self.left < 0:
            raise BrokenMessage("a value that is too deep or too large")
        if type(tree) is list:
            return [self.value(part, depth + 1) for part in tree]
        if type(tree) is not dict:
            return tree  # None, bool, int, float or str: the parser makes nothing else
        if len(tree) != 1:
            raise BrokenMessage("an object of %d keys" % len(tree))
        ((kind, content),) = tree.items()
        read = READERS.get(kind)
        if read is None:
            return self.take(kind, content)
        try:
            return read(self, content, depth + 1)
        except (BrokenMessage, MemoryError, RecursionError):
            raise
        except Exception as error:
            raise BrokenMessage("no %s: %s" % (kind, type(error).__name__))

    def values(self, trees, depth):
        expect(type(trees) is list)
        return [self.value(tree, depth) for tree in trees]

    def pairs(self, trees, depth):
        expect(type(trees) is list)
        return [(self.value(key, depth), self.value(value, depth)) for key, value in trees]

    def integers(self, trees, depth):
        values = self.values(trees, depth)
        expect(all(type(value) is int for value in values))
        return values


def expect(condition):
    if not condition:
        raise BrokenMessage("a part of another type than its place wants")


def read_text(decoder, content, depth):
    expect(type(content) is str)
    return content


def read_module(decoder, content, depth):
    expect(type(content) is str and is_shared(content))
    return importlib.import_module(content)


def read_member(decoder, content, depth):
    home, name = content
    expect(home in PURE_MODULES and type(name) is str)
    value = vars(read_module(decoder, home, depth))[name]
    expect(getattr(value, "__module__", None) == home)
    return value


def read_zone(parts):
    return None if parts is None else datetime.timezone(datetime.timedelta(*parts))


def read_datetime(decoder, content, depth):
    *date, hour, minute, second, micro, fold, zone = content
    return datetime.datetime(*date, hour, minute, second, micro, read_zone(zone), fold=fold)


def read_time(decoder, content, depth):
    hour, minute, second, micro, fold, zone = content
    return datetime.time(hour, minute, second, micro, read_zone(zone), fold=fold)


def read_default(decoder, content, depth):
    factory, pairs = content
    return collections.defaultdict(
        None if factory is None else PURE_BUILTINS[factory], decoder.pairs(pairs, depth)
    )


def read_deque(decoder, content, depth):
    values, most = content
    return collections.deque(decoder.values(values, depth), most)


def read_complex(decoder, content, depth):
    real, imaginary = content
    expect(type(real) is float and type(imaginary) is float)
    return complex(real, imaginary)


READERS = {
    "int": lambda decoder, content, depth: int(read_text(decoder, content, depth), 16),
    "str": lambda decoder, content, depth: bytes.fromhex(content).decode("utf-32-le", "surrogatepass"),
    "tuple": lambda decoder, content, depth: tuple(decoder.values(content, depth)),
    "dict": lambda decoder, content, depth: dict(decoder.pairs(content, depth)),
    "ordered": lambda decoder, content, depth: collections.OrderedDict(decoder.pairs(content, depth)),
    "counter": lambda decoder, content, depth: collections.Counter(dict(decoder.pairs(content, depth))),
    "defaultdict": read_default,
    "set": lambda decoder, content, depth: set(decoder.values(content, depth)),
    "frozenset": lambda decoder, content, depth: frozenset(decoder.values(content, depth)),
    "deque": read_deque,
    "keys": lambda decoder, content, depth: dict.fromkeys(decoder.values(content, depth)).keys(),
    "items": lambda decoder, content, depth: dict(decoder.pairs(content, depth)).items(),
    "bytes": lambda decoder, content, depth: bytes.fromhex(content),
    "bytearray": lambda decoder, content, depth: bytearray.fromhex(content),
    "complex": read_complex,
    "range": lambda decoder, content, depth: range(*decoder.integers(content, depth)),
    "slice": lambda decoder, content, depth: slice(*decoder.values(content, depth)),
    "decimal": lambda decoder, content, depth: decimal.Decimal(read_text(decoder, content, depth)),
    "fraction": lambda decoder, content, depth: fractions.Fraction(*decoder.integers(content, depth)),
    "date": lambda decoder, content, depth: datetime.date(*content),
    "datetime": read_datetime,
    "time": read_time,
    "timedelta": lambda decoder, content, depth: datetime.timedelta(*decoder.integers(content, depth)),
    "ellipsis": lambda decoder, content, depth: Ellipsis,
    "notimplemented": lambda decoder, content, depth: NotImplemented,
    "builtin": lambda decoder, content, depth: PURE_BUILTINS[content],
    "module": read_module,
    "member": read_member,
}


