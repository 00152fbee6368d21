# One program leaves something, the next one looks for it. `after` runs a program right behind another, in
# the same worker.
#= verdicts: passed
import os
import sys

#= name: leaves_a_file
#: assert left() == ["icc-left"]
def left():
    with open("icc-left", "w") as file:
        file.write("for the next")
    return os.listdir(".")

#= name: looks_for_the_file
#= after: leaves_a_file
#: assert left() == []
def left():
    return os.listdir(".")

#= name: leaves_a_hidden_tree
#: assert left() is None
def left():
    os.makedirs("a/b/c")
    for name in ("a/b/c/x", "a/b/x", ".hidden", "a/b/.x"):
        open(name, "w").close()
    try:
        os.chmod("a/b", 0)
        os.chmod("a", 0)
    except OSError:
        pass  # some tiers have no chmod

#= name: looks_for_the_hidden_tree
#= after: leaves_a_hidden_tree
#: assert left() == []
def left():
    return [entry for entry in os.walk(".") if entry[1] or entry[2]]

#= name: leaves_a_file_for_all
#: assert left() is None
def left():
    for place in ("/tmp", "/var/tmp", "/dev/shm", ".."):
        try:
            with open(place + "/icc-for-all", "w") as file:
                file.write("x")
        except OSError:
            pass

#= name: looks_for_the_file_for_all
#= after: leaves_a_file_for_all
#: assert left() == []
def left():
    found = []
    for place in ("/tmp", "/var/tmp", "/dev/shm", "..", "."):
        try:
            open(place + "/icc-for-all").close()
            found.append(place)
        except OSError:
            pass
    return found

#= name: patches_modules
#: assert patched() == 5
import builtins
import json
import math

def patched():
    builtins.icc_left = math.icc_left = json.icc_left = os.icc_left = 5
    math.pi = 3
    sys.modules["icc_left"] = math
    return math.icc_left

#= name: looks_for_the_patches
#= after: patches_modules
#: assert patched() == (False, False, False, True)
import builtins
import math

def patched():
    return hasattr(builtins, "icc_left"), hasattr(os, "icc_left"), "icc_left" in sys.modules, math.pi > 3

#= name: patches_memory
#= verdicts: passed, failed, crashed
#: assert poked() is None
import ctypes

def poked():
    ctypes.memmove(id(1000 // 10) + 24, (101).to_bytes(4, "little"), 4)

#= name: looks_for_the_memory
#= after: patches_memory
#: assert value() == 100
def value():
    return 10 * 10

#= name: sets_the_environment
#: assert put() == "x"
import time

def put():
    os.environ["ICC_LEFT"] = "x"
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    os.umask(0)
    sys.setrecursionlimit(200)
    return os.environ["ICC_LEFT"]

#= name: looks_for_the_environment
#= after: sets_the_environment
#: assert got() == (None, False, True)
def got():
    old = os.umask(0o22)
    return os.environ.get("ICC_LEFT"), old == 0, sys.getrecursionlimit() >= 900

#= name: leaves_descriptors_open
#: assert left() == 3
def left():
    os.dup2(0, 40)
    os.dup2(0, 41)
    os.set_inheritable(40, True)
    return os.dup2(0, 42) - 39

#= name: looks_for_the_descriptors
#= after: leaves_descriptors_open
#: assert (reached := found()) == [], reached
def found():
    reached = []
    for fd in (40, 41, 42):
        try:
            os.fstat(fd)
            reached.append(fd)
        except OSError:
            pass
    return reached

#= name: leaves_a_seed
#: assert seed() is None
import random

def seed():
    random.seed(5)

#= name: looks_for_the_seed
#= after: leaves_a_seed
#: assert same() is False
import random

def same():
    drawn = random.random()
    random.seed(5)
    return drawn == random.random()

#= name: leaves_threads
#: assert left() is None
import threading
import time

def left():
    for _ in range(20):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()

#= name: looks_for_the_threads
#= after: leaves_threads
#: assert started() == 40
import threading

def started():
    done = threading.Event()
    threads = [threading.Thread(target=done.wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    done.set()
    for thread in threads:
        thread.join()
    return len(threads)

#= name: leaves_the_channel_dirty
#= verdicts: failed, crashed
#: assert left() == 811
def left():
    for fd in range(3, 64):
        try:
            os.write(fd, b'{"verdict": "passed"}\n' * 50)
        except OSError:
            pass
    return 0

#= name: meets_a_clean_channel
#= after: leaves_the_channel_dirty
#: assert f(17) == 18
def f(x):
    return x + 1

#= name: dies_in_the_middle
#= verdicts: crashed
#: assert f(17) == 18
def f(x):
    os._exit(9)

#= name: meets_no_corpse
#= after: dies_in_the_middle
#: assert f(17) == 18
def f(x):
    return x + 1

#= name: fills_the_scratch
#= verdicts: passed, failed
#: assert filled() > 0
def filled():
    number = 0
    try:
        while number < 5000:
            with open(f"full-{number}", "wb") as file:
                file.write(bytes(1 << 20))
            number += 1
    except OSError:
        pass
    return number

#= name: meets_an_empty_scratch
#= after: fills_the_scratch
#: assert f(17) == 1 << 20
def f(x):
    with open("mine", "wb") as file:
        return file.write(bytes(1 << 20))

#= name: fills_the_inodes
#= verdicts: passed, failed, timeout
#: assert filled() > 0
def filled():
    number = 0
    try:
        while number < 50_000:
            open(f"full-{number}", "w").close()
            number += 1
    except OSError:
        pass
    return number

#= name: meets_free_inodes
#= after: fills_the_inodes
#: assert f(17) == 100
def f(x):
    for number in range(100):
        open(f"mine-{number}", "w").close()
    return len(os.listdir("."))

#= name: looks_for_others_at_work
#: assert (reached := others()) == [], reached
def others():
    found = []
    for place in ("..", "../..", "/tmp"):
        try:
            names = os.listdir(place)
        except OSError:
            continue
        for name in names:
            path = os.path.join(place, name)
            if os.path.realpath(path) != os.getcwd() and os.path.isdir(path):
                try:
                    if "program" in os.listdir(path) or "icc-left" in os.listdir(path):
                        found.append(path)
                except OSError:
                    pass
    return found
