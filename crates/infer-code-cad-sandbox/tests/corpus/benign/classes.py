# Classes and what is built upon them.

#= name: dataclasses_compared
#: assert f(3, 4) == 5.0 and same() and text() == "Point(x=1, y=2)"
from dataclasses import asdict, dataclass, field, replace

@dataclass(order=True, frozen=True)
class Point:
    x: int
    y: int = 0
    tags: list = field(default_factory=list, compare=False, repr=False)

def f(x, y):
    point = replace(Point(x), y=y)
    return (point.x**2 + point.y**2) ** 0.5

def same():
    return Point(1, 2) == Point(1, 2) and Point(1, 2) < Point(2, 1) and asdict(Point(1))["y"] == 0

def text():
    return repr(Point(1, 2))

#= name: metaclasses
#: assert f() == ["First", "Second"]
class Registry(type):
    known = []

    def __new__(mcs, name, bases, space, **options):
        cls = super().__new__(mcs, name, bases, space)
        if bases:
            mcs.known.append(name)
        return cls

class Base(metaclass=Registry):
    pass

class First(Base):
    pass

class Second(Base):
    pass

def f():
    return Registry.known

#= name: pickles_its_own_classes
#: assert f(5) == 5
import copy
import pickle

class Box:
    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        return Box, (self.value,)

def f(value):
    return copy.deepcopy(pickle.loads(pickle.dumps(Box(value)))).value

#= name: linked_nodes
#: root = build([4, 2, 6])
#: assert root.value == 4 and root.left.value == 2 and root.right.value == 6
#: assert inorder(root) == [2, 4, 6] and root.left.left is None
class Node:
    def __init__(self, value):
        self.value = value
        self.left = self.right = None

def build(values):
    root = None
    for value in values:
        root = insert(root, value)
    return root

def insert(node, value):
    if node is None:
        return Node(value)
    if value < node.value:
        node.left = insert(node.left, value)
    else:
        node.right = insert(node.right, value)
    return node

def inorder(node):
    return inorder(node.left) + [node.value] + inorder(node.right) if node else []

#= name: setup_makes_objects
#= setup: root = Node(1); root.next = Node(2)
#: assert total(root) == 3
class Node:
    def __init__(self, value):
        self.value, self.next = value, None

def total(node):
    return node.value + total(node.next) if node else 0

#= name: operators_within_the_program
#: assert f() == (4, 6) and g() == 11
class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y

def f():
    total = Vector(1, 2) + Vector(3, 4)
    return total.x, total.y

def g():
    return Vector(1, 2) @ Vector(3, 4)

#= name: properties_and_slots
#: c = Celsius(100)
#: assert c.fahrenheit == 212
#: c.fahrenheit = 32
#: assert c.degrees == 0
class Celsius:
    __slots__ = ("degrees",)

    def __init__(self, degrees):
        self.degrees = degrees

    @property
    def fahrenheit(self):
        return self.degrees * 9 // 5 + 32

    @fahrenheit.setter
    def fahrenheit(self, value):
        self.degrees = (value - 32) * 5 // 9

#= name: abstract_and_generic
#: assert f([1, 2]) == 3
import abc
from typing import Generic, List, Optional, TypeVar

T = TypeVar("T")

class Store(abc.ABC, Generic[T]):
    @abc.abstractmethod
    def total(self) -> Optional[T]:
        ...

class Sum(Store[int]):
    def __init__(self, values: List[int]) -> None:
        self.values = values

    def total(self) -> Optional[int]:
        return sum(self.values)

def f(values):
    return Sum(values).total()

#= name: same_object_comes_back
#: a = f()
#: assert a is not None and same(a) and not same(f())
kept = []

def f():
    kept.append(object())
    return kept[0] if len(kept) == 1 else kept[-1]

def same(thing):
    return thing is kept[0]

#= name: iterable_instance
#: assert list(Countdown(3)) == [3, 2, 1]
#: assert [n for n in Countdown(2)] == [2, 1]
#: assert max(Countdown(5)) == 5
class Countdown:
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        current = self.start
        while current:
            yield current
            current -= 1

#= name: class_methods
#: assert Shape.square(3).area() == 9 and Shape.count == 1
class Shape:
    count = 0

    def __init__(self, a, b):
        self.a, self.b = a, b
        Shape.count += 1

    @classmethod
    def square(cls, side):
        return cls(side, side)

    def area(self):
        return self.a * self.b
