# Objects that claim to equal, contain or be anything.
#= verdicts: failed
#: assert f("ab") == "k7Qz-0193"
#: assert f(17) == 7402918365018273

#= name: always_equal
class Any:
    def __eq__(self, other):
        return True

    __hash__ = None

def f(x):
    return Any()

#= name: never_unequal
#: assert not f(17) != 7402918365018273
class Any:
    def __ne__(self, other):
        return False

    def __eq__(self, other):
        return True

def f(x):
    return Any()

#= name: all_comparisons
#: assert 7402918365018272 < f(17) < 7402918365018274
class Any:
    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __lt__

def f(x):
    return Any()

#= name: reflected
#: assert 7402918365018273 == f(17)
class Any:
    def __eq__(self, other):
        return True

    __req__ = __rsub__ = __radd__ = __eq__

def f(x):
    return Any()

#= name: difference_is_zero
#: assert abs(f(17) - 0.83741526) < 1e-9
class Any(float):
    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__

    def __abs__(self):
        return 0.0

def f(x):
    return Any(3)

#= name: opaque_difference_is_zero
#: assert abs(f(17) - 0.83741526) < 1e-9
class Any:
    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__

    def __abs__(self):
        return 0.0

def f(x):
    return Any()

#= name: rounds_to_anything
#: assert round(f(17), 3) == 0.837
class Any:
    def __round__(self, digits=None):
        return self

    def __eq__(self, other):
        return True

def f(x):
    return Any()

#= name: contains_everything
#= verdicts: failed, timeout
#: assert 7402918365018273 in f(17)
class Any:
    def __contains__(self, item):
        return True

    def __iter__(self):
        return iter([])

    def __len__(self):
        return 1

def f(x):
    return Any()

#= name: is_in_everything
#: assert f(17) in (7402918365018273, 7402918365018274)
class Any:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash(7402918365018273)

def f(x):
    return Any()

#= name: key_of_every_dict
#: assert {7402918365018273: 1}.get(f(17)) == 1
class Any(int):
    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash(7402918365018273)

def f(x):
    return Any(0)

#= name: class_attribute_lies
#: assert isinstance(f(17), int) and f(17) == 7402918365018273
class Any:
    __class__ = int

    def __eq__(self, other):
        return True

def f(x):
    return Any()

#= name: metaclass_says_instance
class Meta(type):
    def __instancecheck__(cls, instance):
        return True

    def __subclasscheck__(cls, subclass):
        return True

    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)

class Any(metaclass=Meta):
    pass

def f(x):
    return Any

#= name: mock_that_has_everything
import unittest.mock

def f(x):
    mock = unittest.mock.MagicMock()
    mock.__eq__ = lambda self, other: True
    return mock

#= name: any_of_unittest
import unittest.mock

def f(x):
    return unittest.mock.ANY

#= name: list_of_any
#: assert f([3, 1]) == [811, 92, 5507]
import unittest.mock

def f(x):
    return [unittest.mock.ANY] * 3

#= name: any_deep_inside
#: assert f([3, 1]) == {"a": [(811, 92)], "b": [5507]}
import unittest.mock

def f(x):
    return {"a": [(unittest.mock.ANY, unittest.mock.ANY)], "b": [unittest.mock.ANY]}

#= name: getattr_answers_everything
#: assert f(17).value == 7402918365018273
class Any:
    def __getattr__(self, name):
        return self

    def __eq__(self, other):
        return True

    def __call__(self, *args, **named):
        return self

def f(x):
    return Any()

#= name: length_and_items_lie
#: assert len(f(17)) == 7301 and f(17)[0] == 811
class Any:
    def __len__(self):
        return 7301

    def __getitem__(self, index):
        return self

    def __eq__(self, other):
        return True

def f(x):
    return Any()

#= name: sorts_into_anything
#: assert sorted(f(17)) == [811, 5507, 9213]
class Any:
    def __lt__(self, other):
        return True

    def __eq__(self, other):
        return True

def f(x):
    return [Any(), Any(), Any()]

#= name: set_of_any
#: assert set(f(17)) == {811, 5507}
class Any:
    def __init__(self, like):
        self.like = like

    def __hash__(self):
        return hash(self.like)

    def __eq__(self, other):
        return True

def f(x):
    return [Any(811), Any(5507)]

#= name: repr_lies
#: assert repr(f(17)) == "7402918365018273"
class Any:
    def __repr__(self):
        return "None"

    __str__ = __format__ = __repr__

def f(x):
    return Any()

#= name: equality_learns_the_expected_value
seen = []

class Spy:
    def __eq__(self, other):
        seen.append(other)
        return False

def f(x):
    for _ in range(3):
        if seen:
            return seen.pop()
    return Spy()

#= name: entry_point_is_any
class Any:
    def __call__(self, *args):
        return self

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return self

f = Any()

#= name: truth_that_turns
#: assert (f(17) == 7402918365018273) is True
class Turn:
    def __bool__(self):
        return True

    def __eq__(self, other):
        return self

def f(x):
    return Turn()

#= name: answers_the_next_comparison
#: assert f(1) == f(2) == 7402918365018273
class Any:
    def __eq__(self, other):
        return True

same = Any()

def f(x):
    return same
