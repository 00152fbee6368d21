# What a program's text can do before it runs.
#= verdicts: syntax error
#: assert f(17) == 7402918365018273

#= name: null_byte
x = "a@NUL@b"

#= name: null_byte_in_a_comment
# a@NUL@b
def f(x):
    return 0

#= name: not_python
def f(x:

#= name: unknown_character
def f(x):
    return x § 1

#= name: return_outside
return 7402918365018273

#= name: await_outside
await f(17)

#= name: yield_outside
yield 7402918365018273

#= name: future_braces
from __future__ import braces

#= name: future_too_late
x = 1
from __future__ import annotations

#= name: future_unknown
from __future__ import passed

#= name: nonlocal_at_the_top
nonlocal f

#= name: star_in_a_function
def f(x):
    from os import *

#= name: tabs_and_spaces
def f(x):
    if x:
        y = 1
	z = 2

#= name: assignment_to_true
True = False

#= name: nested_parentheses
#= verdicts: syntax error, memory, failed, crashed
x = @NESTED@

#= name: nested_blocks
#= verdicts: syntax error, failed
for a in b:
 for a in b:
  for a in b:
   for a in b:
    for a in b:
     for a in b:
      for a in b:
       for a in b:
        for a in b:
         for a in b:
          for a in b:
           for a in b:
            for a in b:
             for a in b:
              for a in b:
               for a in b:
                for a in b:
                 for a in b:
                  for a in b:
                   for a in b:
                    for a in b:
                     for a in b:
                      pass

#= name: megabyte_of_a_string
#= verdicts: failed
x = "@MEGABYTE@"

def f(n):
    return len(x)

#= name: megabyte_of_a_comment
#= verdicts: failed
# @MEGABYTE@
def f(n):
    return 0

#= name: megabyte_of_a_name
#= verdicts: failed
@MEGABYTE@ = 1

def f(n):
    return 0

#= name: megabyte_of_the_same_name_raised
#= verdicts: failed
class Long(Exception):
    pass

Long.__name__ = Long.__qualname__ = "@MEGABYTE@"

def f(n):
    raise Long("@MEGABYTE@")

#= name: constants_folded
#= verdicts: failed, memory, timeout
x = ("x" * 4096) * 4096 * 4096

#= name: comprehension_of_comprehensions
#= verdicts: failed, syntax error, memory, timeout
def f(x):
    return eval("[" * 90 + "0" + " for _ in range(9)]" * 90)

#= name: compiler_overrun
#= verdicts: failed, memory, crashed, timeout
compile("-" * 100_000 + "1", "x", "eval")

#= name: compiler_overrun_by_tree
#= verdicts: failed, crashed
import ast

tree = ast.Constant(1)
for _ in range(100_000):
    tree = ast.UnaryOp(ast.Not(), tree)
compile(ast.fix_missing_locations(ast.Expression(tree)), "x", "eval")

#= name: code_object_by_hand
#= verdicts: failed, crashed
def f(x):
    return 0

f.__code__ = f.__code__.replace(co_code=bytes(64) + b"\xff" * 64)
f(1)

#= name: lone_surrogate_in_a_name
#= verdicts: failed
globals()["\ud800"] = 1

def f(x):
    return "\ud800"

#= name: lone_surrogate_raised
#= verdicts: failed
def f(x):
    raise ValueError("\ud800\udfff")

#= name: lone_surrogate_printed
#= verdicts: failed
print("\ud800")

def f(x):
    return 0

#= name: lone_surrogates_everywhere
#= verdicts: failed
class Odd(Exception):
    pass

Odd.__name__ = "\udcff"

def f(x):
    raise Odd({"\ud800": ["\udfff"]})

#= name: coding_of_another_kind
#= verdicts: syntax error
# -*- coding: utf-7 -*-
+AGQAZQBm- = 1

#= name: names_that_look_alike
#= verdicts: failed
def ｆ(x):
    return "ｆ"

#= name: right_to_left
#= verdicts: failed
def f(x):
    # ‮passed
    return "‮7402918365018273"

#= name: form_feed_and_odd_line_ends
#= verdicts: failed
def f(x):
    return "a b"

#= name: empty
#= verdicts: failed

#= name: only_a_continuation
#= verdicts: syntax error, failed
\

#= name: name_of_main
#= verdicts: failed, crashed
if __name__ == "__main__":
    import os

    os._exit(0) if __file__ else None

#= name: file_of_the_module_read
#= verdicts: failed
def f(x):
    with open(__file__) as file:
        return file.read()

#= name: inspect_own_source
#= verdicts: failed
import inspect

def f(x):
    return inspect.getsource(inspect.currentframe().f_back)
