# Corners of the language and of the library, and work that takes a while.

#= name: recursion_to_900
#: assert f(900) == 900
def f(n):
    return 0 if n == 0 else 1 + f(n - 1)

#= name: recursion_limit_raised
#: assert f(5000) == 5000
import sys

sys.setrecursionlimit(10_000)

def f(n):
    return 0 if n == 0 else 1 + f(n - 1)

#= name: main_block
#: assert f(2) == 4
def f(n):
    return n * n

def main():
    print(f(3))

if __name__ == "__main__":
    main()

#= name: future_annotations
#: assert f([1]) == 1
from __future__ import annotations

def f(values: list[undefined_name]) -> int | None:
    return len(values)

#= name: walrus_and_positional
#: assert f([1, 5, 2]) == [5] and g(1, 2) == 3
def f(values):
    return [last for value in values if (last := value) > 3]

def g(a, /, b):
    return a + b

#= name: match_statement
#= python: 3.10
#: assert f({"kind": "circle", "r": 2}) == 12 and f([1, 2, 3]) == 3 and f(5) is None
def f(shape):
    match shape:
        case {"kind": "circle", "r": r}:
            return 3 * r * r
        case [_, *rest]:
            return len(rest) + 1
        case _:
            return None

#= name: heavy_loop
#: assert f(300_000) == 25997
def f(n):
    sieve = bytearray([1]) * (n + 1)
    sieve[0:2] = b"\0\0"
    for k in range(2, int(n**0.5) + 1):
        if sieve[k]:
            sieve[k * k :: k] = bytes(len(sieve[k * k :: k]))
    return sum(sieve)

#= name: many_calls
#: assert [f(n) for n in range(1500)] == [n * 2 for n in range(1500)]
def f(n):
    return n * 2

#= name: regular_expressions
#: assert f("a1b22") == ["1", "22"] and g("2024-01-31") == ("2024", "31")
import re

def f(text):
    return re.findall(r"\d+", text)

def g(text):
    found = re.match(r"(?P<year>\d{4})-\d\d-(?P<day>\d\d)", text)
    return found["year"], found["day"]

#= name: match_object_as_the_result
#: assert f("x=5").group(1) == "5" and f("y") is None
import re

def f(text):
    return re.search(r"=(\d)", text)

#= name: seeded_random
#: assert f(3) == f(3) and len(f(3)) == 5
import random

def f(seed):
    random.seed(seed)
    return [random.randint(0, 9) for _ in range(5)]

#= name: randomness_of_the_system
#: assert len(f(16)) == 16 and f(16) != f(16)
import os
import secrets
import uuid

def f(n):
    secrets.token_hex(4)
    uuid.uuid4()
    return os.urandom(n)

#= name: hashes
#: assert f("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
import hashlib

def f(text):
    return hashlib.sha256(text.encode()).hexdigest()

#= name: heaps_and_bisection
#: assert f([5, 1, 4]) == [1, 4, 5] and g([1, 3, 5], 4) == 2
import bisect
import heapq

def f(values):
    heapq.heapify(values)
    return [heapq.heappop(values) for _ in range(len(values))]

def g(values, x):
    return bisect.bisect(values, x)

#= name: templates_and_formats
#: assert f("x") == "hi x" and g(3.14159) == " 3.14|0x1f|1,000"
import string

def f(name):
    return string.Template("hi $name").substitute(name=name)

def g(value):
    return f"{value:5.2f}|{31:#x}|{1000:,}"

#= name: many_imports
#: assert f() > 40
import argparse, array, ast, base64, binascii, bz2, calendar, cmath, collections, colorsys, configparser, contextlib
import copy, csv, ctypes, dataclasses, datetime, decimal, difflib, dis, email, enum, fnmatch, fractions, functools
import gc, getpass, glob, gzip, hashlib, heapq, hmac, html, http, importlib, inspect, io, ipaddress, itertools, json
import keyword, linecache, locale, logging, lzma, math, mimetypes, multiprocessing, numbers, operator, os, pathlib
import pickle, pkgutil, platform, pprint, queue, random, re, sched, secrets, select, selectors, shelve, shlex, signal
import socket, sqlite3, ssl, statistics, string, struct, subprocess, sys, tempfile, textwrap, threading, time, timeit
import tokenize, traceback, types, typing, unicodedata, unittest, urllib.parse, uuid, warnings, weakref
import xml.etree.ElementTree, zipfile, zlib

def f():
    return len([name for name in globals() if name[0] != "_"])

#= name: unittest_inside
#: assert f() == (2, 1)
import io
import unittest

class Two(unittest.TestCase):
    def test_right(self):
        self.assertEqual(1, 1)

    def test_wrong(self):
        self.assertEqual(1, 2)

def f():
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Two)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    return result.testsRun, len(result.failures)

#= name: doctest_inside
#: assert f(2) == 4 and failures == 0
import doctest
import io
import contextlib

def f(n):
    """
    >>> f(3)
    9
    """
    return n * n

test = doctest.DocTestFinder().find(f, "f", globs={"f": f}, module=False)[0]
with contextlib.redirect_stdout(io.StringIO()):
    failures = doctest.DocTestRunner().run(test).failed

#= name: code_run_by_the_program
#: assert f("n * 2", 4) == 8
def f(expression, n):
    space = {}
    exec("def g(n):\n    return " + expression, space)
    return eval("g(n)", space, {"n": n})

#= name: frames_and_sources
#: assert f() == "f"
import inspect

def f():
    return inspect.currentframe().f_code.co_name

#= name: builtins_shadowed
#: assert f([3, 1]) == 3 and len([1, 2]) == 2 and max(1, 2) == 2
def len(values):
    return 100

def f(list):
    max = None
    for value in list:
        if max is None or value > max:
            max = value
    return max

#= name: helpers_of_the_library_by_the_tests
#: assert math.isclose(f(2), 1.4142135623730951) and sorted(g()) == [1, 2]
#: assert json.dumps(g()) == "[2, 1]"
import json
import math

def f(n):
    return math.sqrt(n)

def g():
    return [2, 1]

#= name: carriage_returns_in_text
#: assert f() == "a\r\nb\x0cc"
def f():
    return "a\r\nb\fc"

#= name: time_zones
#: assert f() == "2024-07-01T14:00:00+02:00"
#= python: 3.9
import datetime
import zoneinfo

def f():
    try:
        zone = zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        zone = datetime.timezone(datetime.timedelta(hours=2))
    return datetime.datetime(2024, 7, 1, 12, tzinfo=datetime.timezone.utc).astimezone(zone).isoformat()

#= name: statistics_and_matrices
#: assert f([1, 2, 3, 4]) == 2.5 and g([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]
import statistics

def f(values):
    return statistics.median(values)

def g(rows):
    return [list(column) for column in zip(*rows)]

#= name: weak_references_and_collection
#: assert f() == (True, True)
import gc
import weakref

class Thing:
    pass

def f():
    thing = Thing()
    reference = weakref.ref(thing)
    alive = reference() is thing
    del thing
    gc.collect()
    return alive, reference() is None

#= name: clocks
#: assert f() >= 0.01
import time

def f():
    began = time.perf_counter()
    time.sleep(0.01)
    time.process_time(), time.monotonic_ns(), time.strftime("%Y"), time.localtime()
    return time.perf_counter() - began + 1e-4
